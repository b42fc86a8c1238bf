"""What of the evidence is in force, and where; what is not, and why (``fingerpost protocols coverage``).

The evidence is every rule found in the protocols (coverage_data/rules.csv). A rule is in force as a row of a pack that
cites it, or in the code (in_code.toml); or an option of a pack that is off would put it in force; or it is not, for a
reason (not_in_force.toml).
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import model_validator

from routing.evidence import EvidenceRule, Ids, Strict, coverage_data, load_evidence
from routing.in_code import Place, load_places
from routing.packs import Packs
from routing.rows import OptionalRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What became of a rule: exactly one of ``packs``, ``places``, ``options`` and ``reason`` says it."""

    rule: EvidenceRule
    packs: tuple[str, ...] = ()
    """Rows that rest on it: ``bromley: duties strategy_discussion``."""
    places: tuple[str, ...] = ()
    """Code, or rows that do not cite it: ``routing.settle.settle``."""
    what: str = ""
    tests: tuple[str, ...] = ()
    """What shows that it is so: ``tests/unit/routing/test_decide.py::test_x``."""
    options: tuple[str, ...] = ()
    """Options (``national:family_support``), off, that would put it in force."""
    missing: tuple[str, ...] = ()
    overridden_by: tuple[str, ...] = ()
    reason: str = ""

    @property
    def in_force(self) -> bool:
        return bool(self.packs or self.places)

    @property
    def state(self) -> Literal["in_force", "option", "not"]:
        return "in_force" if self.in_force else "option" if self.options else "not"


class Reason(Strict):
    rules: Ids
    missing: tuple[str, ...] = ()
    overridden_by: tuple[str, ...] = ()
    reason: str

    @model_validator(mode="after")
    def _says_why(self) -> "Reason":
        if bool(self.missing) == bool(self.overridden_by):
            raise ValueError("says either what is missing or what overrides")
        return self


class _Reasons(Strict):
    reasons: tuple[Reason, ...]


@cache
def load_reasons() -> tuple[Reason, ...]:
    """Why rules are not in force."""
    return _Reasons.model_validate(tomllib.loads(coverage_data("not_in_force.toml"))).reasons


def cited(packs: Packs) -> dict[str, tuple[str, ...]]:
    """Rule -> the rows that rest on it."""
    found: dict[str, dict[str, None]] = {}
    for pack, row, rules in _rows(packs):
        for rule in rules:
            found.setdefault(rule, {})[f"{pack}: {row}"] = None
    return {rule: tuple(rows) for rule, rows in found.items()}


def _rows(packs: Packs) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for pack in packs.packs:
        yield from ((pack.name, f"recipients {row.role}{_by(row)}", row.rules) for row in pack.recipients)
        yield from (
            (pack.name, f"suppressions {row.role} on {row.on}{_by(row)}", row.rules) for row in pack.suppressions
        )
        yield from ((pack.name, f"later {row.role} at {row.on}{_by(row)}", row.rules) for row in pack.later)
        yield from ((pack.name, f"quiet {row.role} at {row.on}{_by(row)}", row.rules) for row in pack.quiet)
        yield from ((pack.name, f"told {row.on}", row.rules) for row in pack.told)
        yield from ((pack.name, f"duties {row.code}{_by(row)}", row.rules) for row in pack.duties)
        yield from ((pack.name, f"thresholds {row.id}{_by(row)}", row.rules) for row in pack.thresholds)
        if pack.register_ is not None:
            yield pack.name, "register", pack.register_.rules


def _by(row: OptionalRow) -> str:
    """Whether a row holds only where its option is on."""
    return f" (where option {row.option} is on)" if row.option else ""


def offered(packs: Packs) -> dict[str, tuple[str, ...]]:
    """Rule -> the options that have a row resting on it, on or off."""
    found: dict[str, dict[str, None]] = {}
    for pack in packs.written:
        for name in pack.options:
            for rule in pack.rules_of(name):
                found.setdefault(rule, {})[f"{pack.name}:{name}"] = None
    return {rule: tuple(names) for rule, names in found.items()}


def coverage(packs: Packs) -> tuple[Status, ...]:
    """Every rule of the evidence with what became of it, under these packs."""
    rows, options = cited(packs), offered(packs)
    places = {rule: place for place in load_places() for rule in place.rules}
    reasons = {rule: reason for reason in load_reasons() for rule in reason.rules}
    return tuple(
        _status(rule, rows.get(rule.id, ()), places.get(rule.id), options.get(rule.id, ()), reasons.get(rule.id))
        for rule in load_evidence()
    )


def _status(
    rule: EvidenceRule, rows: tuple[str, ...], place: Place | None, options: tuple[str, ...], reason: Reason | None
) -> Status:
    if rows:
        return Status(rule=rule, packs=rows)
    if place is not None:
        return Status(rule=rule, places=place.where, what=place.what, tests=place.tests)
    if options:
        return Status(rule=rule, options=options)
    if reason is not None:
        return Status(rule=rule, missing=reason.missing, overridden_by=reason.overridden_by, reason=reason.reason)
    return Status(rule=rule, reason="no pack in force cites it")


def where_or_why(status: Status) -> str:
    """One sentence: the rows or the code in which a rule is in force, the option that is off, or why it is not."""
    if status.packs:
        return "; ".join(status.packs)
    if status.places:
        return f"{', '.join(status.places)}: {status.what}"
    if status.options:
        return "; ".join(f"option {option} (off)" for option in status.options)
    if status.missing:
        return f"missing {', '.join(status.missing)}: {status.reason}"
    if status.overridden_by:
        return f"overridden by {', '.join(status.overridden_by)}: {status.reason}"
    return status.reason
