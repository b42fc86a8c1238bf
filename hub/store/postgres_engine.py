"""PostgreSQL connections as the hub wants them. A hub on SQLite has no need of what they are made with."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from sqlalchemy import URL

from hub.service.ports import StoreUnavailable

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


def postgres_engine(url: URL, *, pool: int) -> "AsyncEngine":
    """A pool that answers within seconds, on a server that may have other defaults than the hub relies on."""
    engine: AsyncEngine = import_module("sqlalchemy.ext.asyncio").create_async_engine(
        url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=True,
        hide_parameters=True,
        isolation_level="READ COMMITTED",
        connect_args={
            "timeout": 5,
            "command_timeout": 30,
            "server_settings": {
                "application_name": "fingerpost",
                "synchronous_commit": "on",  # a 202 is given for what is on the disk; a server may default to less
                "lock_timeout": "10000",
                "idle_in_transaction_session_timeout": "60000",
                "jit": "off",
            },
        },
    )
    return engine


@asynccontextmanager
async def connected(engine: "AsyncEngine") -> AsyncIterator["AsyncConnection"]:
    """A connection of the pool. Raises StoreUnavailable if the operating system finds no way to the server."""
    try:
        connection = await engine.connect()
    except OSError as error:  # asyncpg lets these through: refused, no such socket, no such host
        raise StoreUnavailable(f"the database cannot be reached ({type(error).__name__})") from error
    try:
        yield connection
    finally:
        await connection.close()
