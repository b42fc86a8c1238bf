"""One hub a ledger file: a lock the operating system gives back whatever becomes of the process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another hub works on this ledger. Several processes need PostgreSQL: FINGERPOST_DATABASE_URL."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@contextmanager
def only_process(ledger: Path) -> Iterator[None]:
    """Held while this process works on a SQLite ledger. Raises AlreadyRunning, OSError."""
    with ledger.with_name(ledger.name + ".lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning from None
        yield
