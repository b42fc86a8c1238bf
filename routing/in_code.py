"""Which rules of the evidence are in force in the code, not as a row of a pack that cites them (in_code.toml)."""

import tomllib
from functools import cache

from routing.evidence import Ids, Strict, coverage_data


class Place(Strict):
    place: str
    what: str
    rules: Ids


class _Places(Strict):
    places: tuple[Place, ...]


@cache
def load_places() -> tuple[Place, ...]:
    """Where in the code rules are in force."""
    return _Places.model_validate(tomllib.loads(coverage_data("in_code.toml"))).places
