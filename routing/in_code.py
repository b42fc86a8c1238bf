"""Which rules of the evidence are in force in the code, not as a row of a pack that cites them (in_code.toml)."""

import tomllib
from functools import cache
from typing import Annotated

from pydantic import Field, model_validator

from routing.evidence import Ids, Strict, coverage_data


class Place(Strict):
    """Where rules are in force, as what, and how that is shown."""

    rules: Ids
    code: tuple[str, ...] = ()
    """Module and name: ``routing.settle.settle``."""
    rows: tuple[str, ...] = ()
    """Rows of packs that have the effect without citing the rule: ``national: recipients parent``."""
    what: str
    tests: Annotated[tuple[str, ...], Field(min_length=1)]
    """What fails if it is no longer so, as pytest names it: ``tests/unit/x.py::test_y``."""

    @model_validator(mode="after")
    def _is_somewhere(self) -> "Place":
        if not (self.code or self.rows):
            raise ValueError("names neither code nor rows")
        return self

    @property
    def where(self) -> tuple[str, ...]:
        return (*self.code, *self.rows)


class _Places(Strict):
    places: tuple[Place, ...]


@cache
def load_places() -> tuple[Place, ...]:
    """Where in the code rules are in force."""
    return _Places.model_validate(tomllib.loads(coverage_data("in_code.toml"))).places
