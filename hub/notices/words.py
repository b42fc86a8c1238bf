"""The wording of notices: data in ``templates/``, one folder a kind, read and checked once."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field

from routing.decision import Kind

Actions = dict[str, tuple[str, ...]]
"""Role, family or ``all`` -> what is wanted of the reader, the most urgent first."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Titles(_Strict):
    """``named`` where the reader may see the child's name."""

    all: str
    named: str | None = None
    unnamed: str | None = None


class KindWords(_Strict):
    titles: Titles
    lead: dict[str, str] = Field(default_factory=dict)
    actions: Actions
    back: Actions = Field(default_factory=dict)
    """``concern`` about a child who is back (E-45)."""
    rules: Actions = Field(default_factory=dict)
    """``threshold``: by the id of the rule."""


class RoleWords(_Strict):
    name: str
    family: str


class DutyWords(_Strict):
    title: str
    task: str
    owners: tuple[str, ...]
    outcomes: tuple[str, ...]
    report: str | None = None
    told: Actions = Field(default_factory=dict)


class Words(_Strict):
    kinds: dict[Kind, KindWords]
    roles: dict[str, RoleWords]
    duties: dict[str, DutyWords]

    def role(self, role: str) -> RoleWords:
        """A role nobody foresaw (an authority's own pack) is called by its own name."""
        known = self.roles.get(role)
        return known if known is not None else RoleWords(name=humane(role), family="all")

    def duty(self, code: str) -> DutyWords:
        known = self.duties.get(code)
        if known is not None:
            return known
        return DutyWords(
            title=humane(code).capitalize(), task=f"{humane(code)}.", owners=(), outcomes=("done", "not_required")
        )

    def pick(self, actions: Mapping[str, tuple[str, ...]], roles: tuple[str, ...]) -> tuple[str, ...]:
        """The actions of all the roles of a desk, each once; a role's own words before its family's."""
        wanted: dict[str, None] = {}
        for role in roles:
            own = actions.get(role) or actions.get(self.role(role).family) or actions.get("all", ())
            wanted.update(dict.fromkeys(own))
        return tuple(wanted)


def humane(code: str) -> str:
    """``youth_offending_service`` -> ``youth offending service``."""
    return code.replace("_", " ").replace(":", ", ")


@cache
def load_words() -> Words:
    """Every wording, from the packaged TOML files. Raises pydantic.ValidationError if one is malformed."""
    folder = resources.files("hub.notices") / "templates"

    def read(*path: str) -> dict[str, object]:
        return tomllib.loads(folder.joinpath(*path).read_text(encoding="utf-8"))

    return Words.model_validate(
        {
            "kinds": {kind: read(kind, "words.toml") for kind in get_args(Kind)},
            "roles": read("roles.toml"),
            "duties": read("duties.toml"),
        }
    )
