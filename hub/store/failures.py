"""What a database's errors mean to the hub: wait and try again, run it once more, or a defect."""

import asyncio
import socket
import sqlite3
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.service.ports import LostRace, StoreUnavailable, Unsealable

Meaning = Literal["unavailable", "again", "defect"]


class StoreFault(Exception):
    """The store refused a statement that should never have been sent: a defect in the hub, not in the database."""


class SchemaTooNew(Exception):
    """The database was migrated by a newer Fingerpost: run that version, or restore the backup made before."""


class KeyGone(Unsealable, LookupError):
    """The data key of this scope is not in the key store: erased, or the key store belongs to another database."""


class KeyErased(KeyGone):
    """It was destroyed, with all that it sealed: the child is erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One foreign error, translated. ``code`` is the database's own, never its text (which may quote values)."""

    meaning: Meaning
    code: str


_SQLITE_UNIQUE = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}
_SQLITE_DEFECTS = (
    "SQLITE_CONSTRAINT",
    "SQLITE_ERROR",
    "SQLITE_MISUSE",
    "SQLITE_RANGE",
    "SQLITE_TOOBIG",
    "SQLITE_MISMATCH",
)
_SQLSTATE_AGAIN = {"40001", "40P01", "23505"}  # serialization failure, deadlock, unique violation
_SQLSTATE_UNAVAILABLE = ("08", "25006", "3D000", "53", "55000", "55P03", "57", "58", "XX")
"""Connection, read-only, no such database (any more), out of resources (disk full 53100), no connections allowed, lock
timeout, shutdown, system error, corruption."""


def failure_of(error: BaseException) -> Failure | None:
    """What a foreign error means; None if it is not the database's."""
    if isinstance(error, PoolTimeout):
        return Failure(meaning="unavailable", code="no free connection")
    if isinstance(error, DBAPIError):
        return _driver_failure(error)
    if isinstance(error, sqlite3.Error):
        return _sqlite_failure(error)
    if isinstance(error, SQLAlchemyError):
        return Failure(meaning="defect", code=type(error).__name__)
    if isinstance(error, ConnectionError | socket.gaierror):  # asyncpg lets these through as they come
        return Failure(meaning="unavailable", code=type(error).__name__)
    state = getattr(error, "sqlstate", None)  # its own errors too, while it connects
    return _sqlstate(state) if isinstance(state, str) else None


def _driver_failure(error: DBAPIError) -> Failure:
    original = error.orig
    if isinstance(original, sqlite3.Error):
        return _sqlite_failure(original)
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    if isinstance(state, str):
        return _sqlstate(state)
    lost = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return Failure(meaning="unavailable" if lost else "defect", code=type(original).__name__)


def _sqlstate(state: str) -> Failure:
    if state in _SQLSTATE_AGAIN:
        return Failure(meaning="again", code=state)
    return Failure(meaning="unavailable" if state.startswith(_SQLSTATE_UNAVAILABLE) else "defect", code=state)


def _sqlite_failure(error: sqlite3.Error) -> Failure:
    name = getattr(error, "sqlite_errorname", None)
    if name is None:
        return Failure(meaning="defect", code=type(error).__name__)
    if name in _SQLITE_UNIQUE:
        return Failure(meaning="again", code=name)
    return Failure(meaning="defect" if name.startswith(_SQLITE_DEFECTS) else "unavailable", code=name)


def told_again(error: BaseException) -> bool:
    """Whether a work that ended so is to be run again."""
    if isinstance(error, LostRace):
        return True
    failure = failure_of(error)
    return failure is not None and failure.meaning == "again"


def translated(error: BaseException) -> Exception:
    """What the caller is told. Statements and values stay out of it."""
    if isinstance(error, LostRace):
        return StoreUnavailable("other writers were always first")
    if isinstance(error, TimeoutError):
        return StoreUnavailable("the work took too long")
    if isinstance(error, asyncio.CancelledError | GeneratorExit | KeyboardInterrupt | SystemExit):
        return StoreUnavailable("the work was stopped")
    failure = failure_of(error)
    if failure is None:
        return error if isinstance(error, Exception) else StoreUnavailable("the work was stopped")
    if failure.meaning == "defect":
        return StoreFault(f"the database refused a statement ({failure.code})")
    return StoreUnavailable(f"the database cannot take this now ({failure.code})")
