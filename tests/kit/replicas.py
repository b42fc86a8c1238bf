"""A PostgreSQL primary and its streaming replica, which has every commit before it is answered for; and a door to
whichever of them is the primary."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from tests.kit.fire import free_port
from tests.kit.postgres import programs_for, run_as, server_user, stop_at_once
from tests.kit.proxy import Proxy

_START_SECONDS = 60


@dataclass
class _Server:
    """One server's files and, while it runs, its process."""

    folder: Path
    programs: Path
    user: int | None
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def data(self) -> Path:
        return self.folder / f"data-{self.port}"

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "fsync": "off",  # processes die here, not the machine
            "shared_buffers": "32MB",
            "max_connections": "80",
            "wal_sender_timeout": "5s",
        }
        arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / f"log-{self.port}").open("ab") as out:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, *arguments],
                stdout=out, stderr=out, user=self.user, cwd=self.folder,
            )  # fmt: skip

    def stop(self) -> None:
        """At once, as when it crashes."""
        if self.process is not None:
            stop_at_once(self.process)
            self.process = None

    async def execute(self, statement: str) -> str:
        """Run one statement outside a transaction; its first value as text. Waits until the server is there."""
        async with asyncio.timeout(_START_SECONDS):
            while True:
                try:
                    connection = await asyncpg.connect(
                        host="127.0.0.1", port=self.port, user="postgres", database="postgres"
                    )
                    break
                except (OSError, asyncpg.PostgresError):
                    await asyncio.sleep(0.1)
        try:
            return str(await connection.fetchval(statement))
        finally:
            await connection.close()


@dataclass
class Pair:
    """What hubs know is the door's port; behind it is one primary."""

    door: Proxy
    primary: _Server
    replica: _Server
    promoted: bool = field(default=False)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.door.port}/{database}"

    async def cut(self) -> None:
        """Every connection of the hubs ends; new ones are taken."""
        await self.door.cut()

    async def restart(self) -> None:
        """The primary dies and comes back."""
        self.primary.stop()
        await asyncio.sleep(2)
        self.primary.start()
        await self.primary.execute("SELECT 1")

    async def fail_over(self) -> None:
        """The primary dies for good; the replica takes its place behind the same door."""
        await self.door.shut()
        self.primary.stop()
        await self.replica.execute("SELECT pg_promote()")
        self.door.upstream = ("127.0.0.1", self.replica.port)
        await self.door.open()
        self.promoted = True


@asynccontextmanager
async def replicated(*databases: str) -> AsyncIterator[Pair]:
    """Both run for as long as the block does, with these databases."""
    folder = Path(tempfile.mkdtemp(prefix="fp-pair-"))
    user = server_user(folder)
    programs = programs_for(folder, user)
    primary, replica = (_Server(folder, programs, user, free_port()) for _ in range(2))
    door = Proxy(upstream=("127.0.0.1", primary.port))
    try:
        made = [programs / "initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8"]
        await asyncio.to_thread(run_as, [*made, primary.data], user)
        primary.start()
        for database in databases:
            await primary.execute(f"CREATE DATABASE {database} TEMPLATE template0")
        copied = [programs / "pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"]
        await asyncio.to_thread(run_as, [*copied, "-c", "fast", "-R", "-D", replica.data], user)
        replica.start()
        await primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await primary.execute("SELECT pg_reload_conf()")
        async with asyncio.timeout(_START_SECONDS):
            while await primary.execute("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1":
                await asyncio.sleep(0.1)
        await door.open()
        yield Pair(door=door, primary=primary, replica=replica)
    finally:
        await door.shut()
        primary.stop()
        replica.stop()
        shutil.rmtree(folder, ignore_errors=True)
