"""docs/receiving.md works as written: the key it makes is used, and its receiver opens what the hub pushes."""

import base64
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.https.push import PushTransport
from adapters.https.seal import ContentSigner
from adapters.https.wire import TransportKey
from adapters.port import Accepted, Attachment, Envelope, Rejected
from tests.kit.pki import curve_key
from tests.kit.pushing import SEED, SIGNER, envelope, transport
from tests.kit.receiver import PushServer, host_certificate, receiver_key
from tests.kit.smtp import server_context
from tests.kit.transport import alert, content

PAGE = (Path(__file__).parents[3] / "docs" / "receiving.md").read_text(encoding="utf-8")
MAKE_KEY, RECEIVER = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
PHOTO = bytes(range(256)) * 8000
CONTENT = content(
    attachments=(
        Attachment(name="notice.json", media_type="application/json", data=b'{"format":"fingerpost.notice.v1"}'),
        Attachment(name="photo.jpg", media_type="image/jpeg", data=PHOTO),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Council:
    """The receiver of the page, running, and what it gave the hub."""

    server: PushServer
    module: Any
    folder: Path
    document: bytes
    thumbprint: str

    def envelope(self, **changes: Any) -> Envelope:
        own = {"certificates": (self.document,), "pinned": frozenset({self.thumbprint}), "body": CONTENT}
        return envelope(self.server, **{**own, **changes})

    @property
    def inbox(self) -> dict[str, Any]:
        return {path.name: json.loads(path.read_text()) for path in (self.folder / "inbox").iterdir()}


def made_key(folder: Path) -> tuple[bytes, str]:
    """What make_key.py leaves to be sent, and the thumbprint it says."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::ResourceWarning", "-c", MAKE_KEY],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return (folder / "public-key.json").read_bytes(), done.stdout.removeprefix("thumbprint: ").strip()


def loaded(folder: Path) -> ModuleType:
    (folder / "receiver.py").write_text(RECEIVER, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("receiver_of_the_page", folder / "receiver.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def council(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Council]:
    monkeypatch.chdir(tmp_path)
    document, thumbprint = made_key(tmp_path)
    (tmp_path / "hub-keys.json").write_text(json.dumps({"keys": [SIGNER.public_jwk]}))
    module: Any = loaded(tmp_path)
    runner = web.AppRunner(module.application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_context(host_certificate())).start()
    server = PushServer(port=runner.addresses[0][1])
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    module.OUR_URL = server.url
    module.HUB_REQUEST_KEYS = ["whpk_" + base64.b64encode(bytes(32)).decode()]
    module.HUB_REQUEST_KEYS += ["whpk_" + base64.b64encode(public).decode()]
    yield Council(server=server, module=module, folder=tmp_path, document=document, thumbprint=thumbprint)
    await runner.cleanup()


def now() -> datetime:
    return datetime.now(UTC)  # the receiver reads the real clock


async def test_a_notice_is_opened_stored_and_acknowledged_once(council: Council) -> None:
    push = transport(council.server)
    for _ in range(2):
        result = await push.deliver(council.envelope(receipt_token="token1"), now())
        assert isinstance(result, Accepted)
        assert result.receipt is not None and (result.receipt.kind, result.receipt.token) == ("answered", "token1")
        assert result.certificate == council.thumbprint
    await push.aclose()
    assert list(council.inbox) == ["dl-1.json"]
    claims = council.inbox["dl-1.json"]
    assert (claims["iss"], claims["text"]) == ("https://hub.example", CONTENT.text)
    assert [(one["name"], base64.b64decode(one["data"])) for one in claims["attachments"]] == [
        ("notice.json", b'{"format":"fingerpost.notice.v1"}'),
        ("photo.jpg", PHOTO),
    ]


async def test_an_alert_is_kept_for_a_person(council: Council) -> None:
    push = transport(council.server)
    result = await push.deliver(council.envelope(body=alert(), delivery="dl-1.alert"), now())
    await push.aclose()
    assert isinstance(result, Accepted) and result.receipt is None
    assert council.inbox["dl-1.alert.json"]["collect"] == alert().text


async def _refused(council: Council, push: PushTransport, status: str, at: datetime, **changes: Any) -> None:
    result = await push.deliver(council.envelope(**changes), at)
    await push.aclose()
    assert result == Rejected(reason="rejected", detail=status)
    assert council.inbox == {}


async def test_a_stranger_is_not_let_in(council: Council) -> None:
    push = transport(council.server, transport_keys=(TransportKey(scheme="v1a", key=b"s" * 32),))
    await _refused(council, push, "401", now())


@pytest.mark.parametrize("off", [timedelta(seconds=-310), timedelta(seconds=310)])
async def test_an_old_or_future_request_is_not_let_in(council: Council, off: timedelta) -> None:
    undated = json.dumps({**json.loads(council.document), "nbf": 0}).encode()
    await _refused(council, transport(council.server), "401", now() + off, certificates=(undated,))


async def test_content_signed_by_another_is_not_taken(council: Council) -> None:
    forger = ContentSigner(key=curve_key("forger"), kid=SIGNER.kid)
    await _refused(council, transport(council.server, signer=forger), "422", now())


async def test_a_notice_of_another_hub_is_not_taken(council: Council) -> None:
    await _refused(council, transport(council.server, issuer="https://other.example"), "422", now())


async def test_a_notice_for_another_receiver_is_not_taken(council: Council) -> None:
    council.module.OUR_URL = "https://other.council.example/notices"
    await _refused(council, transport(council.server), "422", now())


async def test_a_notice_to_a_key_it_does_not_hold_is_not_taken(council: Council) -> None:
    other = receiver_key("another")
    changes = {"certificates": (other.document,), "pinned": frozenset({other.mark})}
    await _refused(council, transport(council.server), "422", now(), **changes)


async def test_a_new_key_beside_the_old_one_is_used_as_soon_as_it_was_compared(
    council: Council, tmp_path: Path
) -> None:
    old = json.loads((tmp_path / "our-keys.json").read_text())["keys"]
    for name in ("our-keys.json", "public-key.json"):
        (tmp_path / name).unlink()
    document, thumbprint = made_key(tmp_path)
    new = json.loads((tmp_path / "our-keys.json").read_text())["keys"]
    for number, key in enumerate((*old, *new)):
        key["kid"] = f"key-{number}"
    (tmp_path / "our-keys.json").write_text(json.dumps({"keys": [*old, *new]}))
    documents = tuple(
        json.dumps({**json.loads(one), "kid": f"key-{number}", "nbf": number}).encode()
        for number, one in enumerate((council.document, document))
    )
    push = transport(council.server)
    before = await push.deliver(council.envelope(certificates=documents, delivery="dl-before"), now())
    both = frozenset({council.thumbprint, thumbprint})
    after = await push.deliver(council.envelope(certificates=documents, pinned=both, delivery="dl-after"), now())
    await push.aclose()
    assert isinstance(before, Accepted) and before.certificate == council.thumbprint
    assert isinstance(after, Accepted) and after.certificate == thumbprint
    assert set(council.inbox) == {"dl-before.json", "dl-after.json"}
