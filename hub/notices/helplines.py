"""Whom a parent or carer can talk to: data in ``templates/helplines.toml``, read and checked once."""

import tomllib
from functools import cache
from importlib import resources

from pydantic import BaseModel, ConfigDict


class Helpline(BaseModel):
    """A public helpline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    number: str
    says: str
    checked: str
    """When somebody last looked whether it is still right: year and month."""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    helplines: tuple[Helpline, ...]


@cache
def load_helplines() -> tuple[Helpline, ...]:
    """Those that pages for families show, in order. Raises pydantic.ValidationError if the file is malformed."""
    text = (resources.files("hub.notices") / "templates" / "helplines.toml").read_text(encoding="utf-8")
    return _File.model_validate(tomllib.loads(text)).helplines
