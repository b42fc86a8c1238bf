"""Backups of a key store in a folder: made, and gone before an erased child could come back with one."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

STAMP: Final = "%Y%m%dT%H%M%SZ"
PREFIX: Final = "keys-"
SUFFIX: Final = ".sqlite3"
CLOCKS_APART: Final = timedelta(days=1)
"""Another machine's may go so much ahead."""


class NotBackedUp(Exception):
    """The backup could not be made. The text names the file and the system's reason, nothing else."""


def back_up(key_store: Path, folder: Path, now: datetime) -> Path:
    """Copy a key store that may be in use; the copy holds no free pages, and only its owner may read it. Durable on
    return. Raises NotBackedUp."""
    made = folder / f"{PREFIX}{now.astimezone(UTC):{STAMP}}{SUFFIX}"
    half = made.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if made.exists():
            raise NotBackedUp(f"{made} is there already")
        half.unlink(missing_ok=True)
        os.close(os.open(half, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(f"file:{key_store}?mode=rw", uri=True)) as connection:
            if connection.execute("SELECT 1 FROM data_keys LIMIT 1").fetchone() is None:
                raise NotBackedUp(f"{key_store} holds no key: is its volume mounted?")
            connection.execute("VACUUM INTO ?", (str(half),))
        for path in (half, folder):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        half.rename(made)
    except OSError as error:
        raise NotBackedUp(f"{made}: {error.strerror}") from None
    except sqlite3.Error as error:
        raise NotBackedUp(f"{made}: {getattr(error, 'sqlite_errorname', type(error).__name__)}") from None
    return made


def too_old(folder: Path, at_most: timedelta, now: datetime) -> tuple[Path, ...]:
    """Whatever lies in the folder and is older: by its name where this hub gave it one, else by when it was last
    written. So may be what bears a date still to come, from a clock that was set wrong: it would be the last to go. A
    folder that is not there has none. Raises OSError."""
    if not folder.exists():
        return ()
    found = [path for path in folder.rglob("*") if path.is_file()]
    return tuple(sorted(path for path in found if not now - at_most <= _made_at(path) <= now + CLOCKS_APART))


def _made_at(path: Path) -> datetime:
    if path.name.startswith(PREFIX):
        try:
            stamp = path.name.removeprefix(PREFIX).partition(".")[0]
            return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
        except ValueError:
            pass  # not one of ours
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def remove_old(folder: Path, at_most: timedelta, now: datetime) -> tuple[Path, ...]:
    """Delete the backups of ours that are too old; they are no others' files. Not those with a date still to come: it
    may be this clock that is wrong, and they all that there is. Raises OSError."""
    ours = (one for one in too_old(folder, at_most, now) if one.parent == folder and one.name.startswith(PREFIX))
    old = tuple(one for one in ours if _made_at(one) < now)
    for path in old:
        path.unlink()
    return old
