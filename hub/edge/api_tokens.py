"""The file of hashed API tokens: written by ``fingerpost tokens``, read by a running hub when it changes."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hub.service.access import Scope, Token


class TokensUnreadable(Exception):
    """The tokens file is not what `fingerpost tokens` writes: repair or remove it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not a file that `fingerpost tokens` wrote: repair or remove it")


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    scopes: tuple[Scope, ...]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created_at: datetime
    organisation: str | None = Field(default=None, pattern=r"^[A-Za-z0-9:-]{1,64}$")
    person: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]{1,64}$")


_ROWS = TypeAdapter(tuple[_Row, ...])


class TokenFile:
    """The tokens on file. A missing file means no tokens: nobody may see anything."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._tokens: tuple[Token, ...] = ()

    def __call__(self) -> tuple[Token, ...]:
        """The tokens as they are now. Raises :class:`TokensUnreadable`, as nobody may be let in by a broken file."""
        try:
            stat = os.stat(self._path)
        except FileNotFoundError:
            self._seen, self._tokens = None, ()
            return ()
        seen = (stat.st_mtime_ns, stat.st_ino)
        if seen != self._seen:
            self._tokens = self._read()
            self._seen = seen
        return self._tokens

    def _read(self) -> tuple[Token, ...]:
        try:
            rows = _ROWS.validate_json(self._path.read_bytes())
        except (ValidationError, OSError):
            raise TokensUnreadable(self._path) from None
        return tuple(
            Token(
                name=r.name,
                scopes=frozenset(r.scopes),
                sha256=bytes.fromhex(r.sha256),
                created_at=r.created_at,
                organisation=r.organisation,
                person=r.person,
            )
            for r in rows
        )

    def put(self, tokens: tuple[Token, ...]) -> None:
        """Replace the whole file at once (a new file moved over the old one), readable by its owner only."""
        rows = [
            {
                "name": t.name,
                "scopes": sorted(t.scopes),
                "sha256": t.sha256.hex(),
                "created_at": t.created_at.astimezone(UTC).isoformat(),
                **({"organisation": t.organisation} if t.organisation is not None else {}),
                **({"person": t.person} if t.person is not None else {}),
            }
            for t in tokens
        ]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._path)
