"""An SMSC that others wrote (the npm package ``smpp``), in a process of its own, that fails where and how a test says.

``node/smsc.js`` is ours and only steers it. ``scripts/tools`` installs the package, pinned, into ``.venv/node``.
"""

import asyncio
import json
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.kit.pki import SERVER, Issued, person, root, rsa_key

ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(__file__).parent / "node" / "smsc.js"
MODULES = ROOT / ".venv" / "node" / "node_modules"

Place = Literal["bind", "submit", "taken"]
"""``taken``: the message is on the SMSC's books, and its answer not sent yet."""


def required() -> str:
    """Node's path; without it or the package the test is skipped, except where CI=true promises that nothing is."""
    found = shutil.which("node")
    if found is None or not (MODULES / "smpp").is_dir():
        missing = (
            "node is not installed" if found is None else "the npm package smpp is not installed; run scripts/tools"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(f"{missing}, and CI=true")
        pytest.skip(missing)
    return found


@dataclass(slots=True)
class Smsc:
    """The means to steer it and to see what it saw; every call returns when it is done."""

    control: socket.socket
    control_port: int
    port: int
    tls_port: int
    watchers: list[asyncio.Task[None]] = field(default_factory=list)

    def call(self, do: str, **arguments: Any) -> Any:
        self.control.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
        line = b""
        while not line.endswith(b"\n"):
            chunk = self.control.recv(1 << 20)
            assert chunk, "the SMSC is gone"
            line += chunk
        return json.loads(line)["answer"]

    def fail(self, place: Place, **fault: Any) -> None:
        """Once: ``status``, ``nack``, ``raw`` (hex), ``drop`` or ``hang``."""
        self.call("fail", place=place, fault=fault)

    def hang(self, place: Place) -> asyncio.Event:
        """The next one there is never answered; the event is set when it has come."""
        reached = asyncio.Event()
        before = self.call("met")
        self.fail(place, hang=True)
        self.watchers.append(asyncio.create_task(self._watch(before, reached)))
        return reached

    async def _watch(self, before: int, reached: asyncio.Event) -> None:
        await self.acall("reached", after=before)
        reached.set()

    async def acall(self, do: str, **arguments: Any) -> Any:
        """Like ``call``, for an answer that waits for our own side of the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.control_port, limit=1 << 22)
        try:
            writer.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            return json.loads(await reader.readline())["answer"]
        finally:
            writer.close()
            await writer.wait_closed()

    async def deliver(self, **fields: Any) -> int:
        """A ``deliver_sm`` to the hub; the status it was answered with."""
        answer = await self.acall("request", command="deliver_sm", fields=fields)
        assert answer["command"] == "deliver_sm_resp"
        return int(answer["status"])

    @property
    def submits(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("seen")["submits"]
        return found

    @property
    def connections(self) -> int:
        return int(self.call("seen")["connections"])

    @property
    def bytes_seen(self) -> bytes:
        return bytes.fromhex(self.call("seen")["bytes"])


def identity() -> Issued:
    """TLS for ``localhost``, by the test root."""
    return person(issuer=root(), purposes=SERVER, hosts=["localhost"], key=rsa_key("smsc"))


@asynccontextmanager
async def smsc(*, tls: Issued | None = None) -> AsyncIterator[Smsc]:
    """An SMSC on free ports of localhost, for as long as the block runs; ``tls``: on one more, with this identity."""
    node = required()
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(SCRIPT), str(MODULES)]
        if tls is not None:
            for name, pem in (("key.pem", tls.key_pem), ("certificate.pem", tls.pem)):
                (Path(folder) / name).write_bytes(pem)
                arguments.append(str(Path(folder) / name))
        process = await asyncio.create_subprocess_exec(
            node, *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            async with asyncio.timeout(30):
                ports = json.loads(await process.stdout.readline())
            with socket.create_connection(("127.0.0.1", ports["control"]), timeout=10) as control:
                state = Smsc(control, ports["control"], ports["plain"], ports.get("tls", 0))
                try:
                    yield state
                finally:
                    for watcher in state.watchers:
                        watcher.cancel()
                    await asyncio.gather(*state.watchers, return_exceptions=True)
        finally:
            process.stdin.close()
            try:
                async with asyncio.timeout(5):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
