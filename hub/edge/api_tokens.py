"""The file in which earlier versions kept the hashes of API tokens: read at the start, and left alone."""

from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hub.core.api_tokens import Scope
from hub.service.tokens.importing import FiledToken


class TokensUnreadable(Exception):
    """The tokens file is not what `fingerpost tokens` wrote: repair or remove it."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not a file that `fingerpost tokens` wrote: repair or remove it")


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    scopes: tuple[Scope, ...]
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created_at: AwareDatetime
    organisation: str | None = Field(default=None, pattern=r"^[A-Za-z0-9:-]{1,64}$")
    person: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]{1,64}$")


_ROWS = TypeAdapter(tuple[_Row, ...])


def filed_tokens(path: Path) -> tuple[FiledToken, ...] | None:
    """The tokens in it; None where there is no such file. Raises TokensUnreadable."""
    try:
        rows = _ROWS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValidationError, OSError):
        raise TokensUnreadable(path) from None
    return tuple(
        FiledToken(
            name=row.name,
            scopes=frozenset(row.scopes),
            digest=bytes.fromhex(row.sha256),
            created_at=row.created_at,
            organisation=row.organisation,
            person=row.person,
        )
        for row in rows
    )
