"""Second places for checkpoints: a folder, an address. What is there, nobody who owns the database can take back."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from hub.core.checkpoints import Checkpoint, NoCheckpoint, file_name, from_json, to_json
from hub.service.audit.sending import NotTaken

LARGEST: Final = 10_000
"""Bytes of a file that may be a checkpoint."""


class FolderPlace:
    """One file a checkpoint. The folder has to be there: made anew under a mount that is missing, it would be none."""

    kind: Final = "folder"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.id = _digest(self.kind, str(folder))

    async def put(self, checkpoint: Checkpoint) -> None:
        """Durable on return; the same one again changes nothing. Raises NotTaken."""
        await asyncio.to_thread(self._write, checkpoint)

    def _write(self, checkpoint: Checkpoint) -> None:
        path, content = self._folder / file_name(checkpoint), to_json(checkpoint)
        with _translated():
            if path.exists():
                if path.read_bytes() != content:
                    raise NotTaken("differs")
                return
            half = path.with_suffix(f".{os.getpid()}.part")
            with half.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
            _sync(self._folder)


class UrlPlace:
    """Each checkpoint is posted as JSON, at least once; any 2xx is a yes."""

    kind: Final = "url"

    def __init__(self, url: str) -> None:
        self._url = url
        self.id = _digest(self.kind, url)

    def __repr__(self) -> str:
        return "UrlPlace(…)"  # whoever knows the URL may be able to post there

    async def put(self, checkpoint: Checkpoint) -> None:
        """Post it. Raises NotTaken."""
        headers = {"Content-Type": "application/json"}
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=10)) as session,
                session.post(self._url, data=to_json(checkpoint), headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (ClientError, TimeoutError, OSError) as error:
            raise NotTaken(type(error).__name__) from None
        if not 200 <= status < 300:
            raise NotTaken(f"status_{status}")


def kept_in(folder: Path) -> Iterator[Checkpoint | str]:
    """What a folder holds, by name; for a file that is no checkpoint, its name and what is wrong with it. Raises
    OSError if there is no such folder."""
    for path in sorted(folder.iterdir()):
        if path.suffix != ".json":
            continue
        try:
            with path.open("rb") as file:
                yield from_json(file.read(LARGEST))
        except (NoCheckpoint, OSError) as error:
            yield f"{path.name}: {error if isinstance(error, NoCheckpoint) else error.strerror}"


def _digest(kind: str, address: str) -> str:
    return f"{kind}:{hashlib.sha256(address.encode()).hexdigest()[:16]}"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotTaken(type(error).__name__) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
