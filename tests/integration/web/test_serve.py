"""``fingerpost serve`` as a process: what an operator sees."""

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession

from hub.core.webhook import sign, signing_key_from_text
from tests.kit.commands import run, run_here
from tests.kit.events import leaves, raw, reported_in_full
from tests.kit.hub import hub_environment, story_bundle
from tests.kit.smtp import smtp_server
from tests.kit.web import CLOUD_EVENT

ROOT = Path(__file__).parents[3]
PUBLIC = ("missing", "placement", "parent", "police", "childrens_home", "care_order", "social_worker", "actual")


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FINGERPOST_")}
    return {**kept, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "NO_COLOR": "1", **extra}


async def start(env: Mapping[str, str]) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "serve", env=environment(env), stdout=PIPE, stderr=PIPE
    )


@asynccontextmanager
async def served(env: Mapping[str, str]) -> AsyncIterator[tuple[Process, int, list[str]]]:
    """The process, its port, and the lines it has said so far."""
    process = await start(env)
    lines: list[str] = []
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def read() -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            lines.append(line.decode())
            if '"hub.ready"' in lines[-1]:
                ready.set_result(json.loads(lines[-1])["port"])

    reading = asyncio.create_task(read())
    try:
        async with asyncio.timeout(60):
            port = await ready
        yield process, port, lines
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def test_from_nothing_to_a_notice_and_an_orderly_end_with_every_risk_named_at_the_start(tmp_path: Path) -> None:
    event = reported_in_full()
    directory = tmp_path / "directory.json"
    directory.write_bytes(story_bundle())
    async with smtp_server() as relay:
        env = hub_environment(tmp_path / "hub", smtp_port=relay.port)
        (tmp_path / "hub" / "fingerpost.sqlite3").unlink()  # from nothing
        adding = ("sources", "add", "bromley-care", "--authority", "E09000006")
        status, out, _ = await asyncio.to_thread(run, env, *adding)
        assert status == 0
        secret = out.strip()
        assert secret.startswith("whsec_")
        status, out, _ = await asyncio.to_thread(run, env, "directory", "import", str(directory))
        assert (status, "version 1" in out) == (0, True)
        async with served(env) as (process, port, lines), ClientSession() as session:
            body = raw(event)
            key = signing_key_from_text(secret)
            headers = {
                **sign(body, webhook_id="msg_1", at=datetime.now(UTC), keys=[key]),
                "Content-Type": CLOUD_EVENT,
            }
            async with session.post(f"http://127.0.0.1:{port}/v1/events", data=body, headers=headers) as response:
                assert response.status == 202, await response.text()
            async with session.get(f"http://127.0.0.1:{port}/health/ready") as response:
                assert response.status == 200
            async with asyncio.timeout(20):
                while not relay.lines:
                    await asyncio.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                assert await process.wait() == 0
        kept = [json.loads(line) for line in lines if line.startswith("{")]
        assert [line["event"] for line in kept if line["event"].startswith("hub.")] == [
            "hub.ready",
            "hub.signalled",
            "hub.stopping",
            "hub.stopped",
        ]
        personal = [value for value in leaves(event["data"]) if value not in PUBLIC and len(value) > 5]
        said = "".join(lines)
        assert "risk public_url_is_this_machine" in said
        assert "risk no_heartbeat" in said
        assert not [value for value in personal if value in said]
        assert secret not in said
        for file in (tmp_path / "hub").glob("*.sqlite3*"):
            content = file.read_bytes()
            names = (event["data"]["child"]["name"], event["data"]["child"]["ref"], event["data"]["episode"]["ref"])
            assert not [value for value in names if value.encode() in content]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"FINGERPOST_SMTP_HOST": None, "FINGERPOST_SENDER": None}, ["FINGERPOST_SMTP_HOST", "FINGERPOST_SENDER"]),
        ({"FINGERPOST_LEASE": "10", "FINGERPOST_SMTP_PROT": "25"}, ["lease", "FINGERPOST_SMTP_PROT: is no setting"]),
        ({"FINGERPOST_KEYS_FOLDER": "/nonexistent/keys"}, ["keys init"]),
    ],
)
async def test_what_cannot_be_meant_is_said_in_a_sentence(
    tmp_path: Path, change: Mapping[str, str | None], says: list[str]
) -> None:
    env = {k: v for k, v in {**hub_environment(tmp_path, smtp_port=2525), **change}.items() if v is not None}
    code, _, err = await asyncio.to_thread(run, env, "serve")
    assert code == 2
    assert not [words for words in says if words not in err]
    assert "Traceback" not in err


def test_a_store_that_cannot_be_used_is_said_in_a_sentence(tmp_path: Path) -> None:
    env = {**hub_environment(tmp_path, smtp_port=2525), "FINGERPOST_DATABASE_URL": "sqlite:////proc/nowhere/x.sqlite3"}
    code, _, err = run_here(env, "serve")
    assert code == 75
    assert "The store cannot be used" in err
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_said_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        env = hub_environment(tmp_path, smtp_port=2525, bind_port=str(port))
        code, _, err = run_here(env, "serve")
    assert code == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in err
    assert "Traceback" not in err
