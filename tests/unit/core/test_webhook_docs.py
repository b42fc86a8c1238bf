"""The examples of docs/case-systems.md are run as they stand."""

import base64
import json
import os
import re
import subprocess
import types
import urllib.request
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from hub.core.answers import AcceptedBody
from hub.core.events import EpisodeEvent, parse
from hub.core.records import SourceKey
from hub.core.webhook import Scheme, Verified, secret_to_text, verification_key_from_text, verify
from hub.core.wire_models import DATA_MODELS
from tests.kit.events import wire_rules

PAGE = (Path(__file__).parents[3] / "docs" / "case-systems.md").read_text(encoding="utf-8")
SECRET = bytes(range(40, 72))

FAKE_CURL = """#!/bin/sh
printf '%s\\0' "$@" > curl.args
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def run(script: str, folder: Path) -> tuple[dict[str, str], bytes, str]:
    """Runs a shell example with a curl that only notes what it was asked: headers, body and URL."""
    (folder / "event.json").write_text(blocks("json")[0], encoding="utf-8")
    curl = folder / "curl"
    curl.write_text(FAKE_CURL)
    curl.chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "HUB": "https://hub.example",
        "SECRET": secret_to_text(SECRET),
    }
    subprocess.run(["bash", "-c", script], check=True, cwd=folder, env=environment)
    arguments = (folder / "curl.args").read_text().split("\0")[:-1]
    headers = dict(arguments[i + 1].split(": ", 1) for i, argument in enumerate(arguments) if argument == "-H")
    data = arguments[arguments.index("--data-binary") + 1]
    url = next(argument for argument in arguments if argument.startswith("https:"))
    return headers, (folder / data.removeprefix("@")).read_bytes(), url


def verified(headers: dict[str, str], body: bytes, scheme: Scheme, key: bytes) -> bool:
    now = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    known = SourceKey(id="k", scheme=scheme, key=key, valid_from=now - timedelta(days=1))
    return verify(headers, body, [known], now) == Verified(key="k", stale=False)


def test_the_first_event_is_valid_and_without_a_warning() -> None:
    example = blocks("json")[0]
    event = parse(example.encode(), wire_rules())
    assert isinstance(event, EpisodeEvent)
    assert event.warnings == ()
    assert event.data["episode"]["status"] == "test"


def test_the_least_that_each_other_type_needs_is_valid() -> None:
    first, least = (json.loads(block) for block in blocks("json"))
    assert {first["type"], *least} == DATA_MODELS.keys()
    for kind, data in least.items():
        event = parse(json.dumps({**first, "type": kind, "data": data}).encode(), wire_rules())
        assert isinstance(event, EpisodeEvent), kind
        assert event.warnings == ()


def test_the_shell_example_signs(tmp_path: Path) -> None:
    headers, body, url = run(blocks("bash")[0], tmp_path)
    assert url == "https://hub.example/v1/events"
    assert headers["Content-Type"] == "application/cloudevents+json"
    assert verified(headers, body, "v1", SECRET)


def test_the_ed25519_example_signs(tmp_path: Path) -> None:
    [make_key] = [block for block in blocks("sh") if block.startswith("openssl")]
    made = subprocess.run(["bash", "-ec", make_key], check=True, cwd=tmp_path, capture_output=True, text=True)
    scheme, key = verification_key_from_text(made.stdout.strip())
    headers, body, _ = run(blocks("bash")[1], tmp_path)
    assert scheme == "v1a"
    assert verified(headers, body, scheme, key)


def test_the_python_example_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[urllib.request.Request] = []

    def answer(request: urllib.request.Request, timeout: float) -> BytesIO:
        asked.append(request)
        return BytesIO(b'{"duplicate": false}')

    monkeypatch.setattr(urllib.request, "urlopen", answer)
    example = types.ModuleType("example")
    exec(blocks("python")[0], example.__dict__)
    assert example.post("https://hub.example", secret_to_text(SECRET), {"id": "E1"}) == {"duplicate": False}
    (request,) = asked
    body = request.data
    assert isinstance(body, bytes)
    headers = {name.lower(): value for name, value in request.header_items()}
    assert request.full_url == "https://hub.example/v1/events"
    assert headers["content-type"] == "application/cloudevents+json"
    assert verified(headers, body, "v1", SECRET)
    assert not verified(headers, body, "v1", base64.b64decode("AAAA"))


def test_the_answers_shown_are_the_answers_given() -> None:
    shown: list[Any] = [
        json.loads(block) for block in re.findall(r"^```\n(\{.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    ]
    AcceptedBody.model_validate(shown[0])
    assert {"type", "status", "title", "detail", "quarantine", "problems"} == set(shown[1])


def test_every_type_of_event_is_named() -> None:
    assert [type for type in DATA_MODELS if f"`{type}`" not in PAGE] == []
