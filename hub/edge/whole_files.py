"""A file that is there whole or not at all, for its owner's eyes only."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that must not exist yet, durable on return. Raises FileExistsError, OSError; then nothing is left.

    It is written under another name beside the place it is for: whoever looks there never finds half of it.
    """
    if path.exists() or path.is_symlink():
        raise FileExistsError(f"{path} is there already")
    half = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _give_name(half, path)
    finally:
        with suppress(FileNotFoundError):
            half.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _give_name(half: Path, path: Path) -> None:
    """A link is never made over a file that came meanwhile; where a file system has none, a name is given."""
    try:
        os.link(half, path)
    except FileExistsError:
        raise
    except OSError:
        half.rename(path)
