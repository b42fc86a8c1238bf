"""A mail server's pipe to the hub: 0 only for what was stored, and 75 for whatever may pass."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli.receipts import PATH, RECIPIENT, app, is_address, post

TO = "r+abcdefghijklmnopqrstuvwxyz234567@hub.example"
MAIL = b"Subject: x\r\n\r\n\xff\x00.\r\n" * 1000
TOKEN = "fpt_made-up"


@dataclass(slots=True)
class Hub:
    """Stores what is posted to it, or answers as a test says."""

    port: int = 0
    status: int = 204
    location: str | None = None
    stored: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    hang: threading.Event | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def hub() -> Iterator[Hub]:
    state = Hub()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if state.hang is not None:
                state.hang.wait(5)
            headers = self.headers
            state.stored.append((self.path, headers["Authorization"], headers[RECIPIENT], body))
            self.send_response(state.status)
            if state.location is not None:
                self.send_header("Location", state.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def pipe(
    hub: Hub,
    folder: Path,
    *arguments: str,
    token: bytes | None = TOKEN.encode() + b"\n",
    command: tuple[str, ...] = (),
) -> tuple[int, str]:
    """``command``: as a process of its own, which takes longer than all that it does."""
    file = folder / "token"
    if token is not None:
        file.write_bytes(token)
    given = ("--token-file", str(file), *(arguments or ("--url", hub.url, TO)))
    if not command:
        result = CliRunner().invoke(app, ("pipe", *given), input=MAIL, prog_name="receipts")
        return result.exit_code, result.stderr
    done = subprocess.run(
        [sys.executable, *command, *given],
        input=MAIL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr.decode()


def test_stored_is_zero_and_the_mail_arrives_as_it_came(hub: Hub, tmp_path: Path) -> None:
    assert pipe(hub, tmp_path) == (0, "")
    assert hub.stored == [(PATH, f"Bearer {TOKEN}", TO, MAIL)]


def test_as_the_mail_server_calls_it(hub: Hub, tmp_path: Path) -> None:
    assert pipe(hub, tmp_path, command=("-m", "hub", "receipts", "pipe")) == (0, "")
    assert hub.stored == [(PATH, f"Bearer {TOKEN}", TO, MAIL)]


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 413, 429, 500, 503])
async def test_any_other_answer_is_not_stored_and_no_redirect_is_followed(hub: Hub, status: int) -> None:
    hub.status, hub.location = status, f"{hub.url}/elsewhere"
    problem = await post(MAIL, TO, url=hub.url, token=TOKEN)
    assert problem == f"the hub did not store it (HTTP {status})"
    assert [path for path, *_ in hub.stored] == [PATH]


async def test_a_hub_that_does_not_answer_in_time(hub: Hub) -> None:
    hub.hang = threading.Event()
    problem = await post(MAIL, TO, url=hub.url, token=TOKEN, seconds=0.2)
    hub.hang.set()
    assert problem == "the hub does not answer (TimeoutError)"


async def test_a_hub_that_hangs_up() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        problem = await post(MAIL, TO, url=f"http://127.0.0.1:{port}", token=TOKEN)
    assert problem is not None
    assert problem.startswith("the hub does not answer (")


def test_not_stored_is_75_and_says_why_without_the_mail(hub: Hub, tmp_path: Path) -> None:
    hub.status = 503
    assert pipe(hub, tmp_path) == (75, "The hub did not store it (HTTP 503).\n")


@pytest.mark.parametrize("token", [None, b"", b"\xff", b"two\nlines"])
def test_a_token_that_cannot_be_used_keeps_the_mail(hub: Hub, tmp_path: Path, token: bytes | None) -> None:
    status, said = pipe(hub, tmp_path, token=token)
    assert status == 75
    assert "token" in said
    assert hub.stored == []


def test_a_url_that_cannot_be_used_keeps_the_mail(hub: Hub, tmp_path: Path) -> None:
    assert pipe(hub, tmp_path, "--url", "ftp://hub.example", TO)[0] == 75


@pytest.mark.parametrize("recipient", ["nobody", "a b@hub.example", "é@hub.example", "x" * 330 + "@hub.example"])
def test_what_is_no_address_goes_back(recipient: str, hub: Hub, tmp_path: Path) -> None:
    assert not is_address(recipient)
    assert pipe(hub, tmp_path, "--url", hub.url, recipient)[0] == 67
