"""The evidence: every rule found in the protocols, and how the files beside it name rules."""

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

_SPAN = re.compile(r"([A-H])-(\d+)(?:\.\.\1-(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRule:
    """One rule of one document."""

    id: str
    document: str
    section: str
    summary: str


def spread(text: str) -> tuple[str, ...]:
    """``"A-01 C-25..C-27"`` -> every id. Raises ValueError for anything else."""
    found: list[str] = []
    for word in text.split():
        match = _SPAN.fullmatch(word)
        if match is None:
            raise ValueError(f"{word!r} is neither an id nor a span of ids")
        group, first, last = match.groups()
        found += [f"{group}-{number:02d}" for number in range(int(first), int(last or first) + 1)]
    return tuple(found)


Ids = Annotated[Any, AfterValidator(lambda text: spread(str(text)))]


class Strict(BaseModel):
    """A table of the data, with no key but those it knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def coverage_data(name: str) -> str:
    """One file of routing/coverage_data, as text."""
    return (resources.files("routing") / "coverage_data" / name).read_text("utf-8")


@cache
def load_evidence() -> tuple[EvidenceRule, ...]:
    """Every rule, in the order of the evidence."""
    return tuple(EvidenceRule(**row) for row in csv.DictReader(coverage_data("rules.csv").splitlines()))
