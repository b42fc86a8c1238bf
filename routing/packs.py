"""The protocol packs: one TOML file a pack, checked with every problem at once, selected by placement.

A pack is data in ``routing/protocols/``; the engine knows no authority by name. protocols.md, "Which packs apply".
"""

import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import cache, lru_cache
from importlib import resources
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, ValidationError

from contacts.areas import load_areas
from routing.calendar import Period
from routing.conditions import Facts
from routing.decision import Rule
from routing.facts import Doc, host, part, responsible
from routing.pack_checks import SEALED_DUTY, across
from routing.rows import (
    LEAD,
    ROLES,
    Applies,
    DutyRow,
    EscalationRow,
    Evidence,
    LaterRow,
    Option,
    OptionName,
    QuietRow,
    RecipientRow,
    RegisterRow,
    Reminders,
    Row,
    SuppressionRow,
    Switch,
    ThresholdRow,
    ToldRow,
)

OPTIONAL = ("recipients", "suppressions", "later", "quiet", "duties", "thresholds")
"""The tables whose rows may belong to an option."""


class PackProblem(ValueError):
    """A pack is not well-formed; ``problems`` are all its mistakes as (path, message)."""

    def __init__(self, pack: str, problems: Iterable[tuple[str, str]]) -> None:
        self.pack, self.problems = pack, tuple(problems)
        super().__init__(f"{pack}: " + "; ".join(f"{path}: {message}" for path, message in self.problems))


class Pack(Row):
    """One protocol as data."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: str
    version: str
    applies: Applies
    ungraded_is_high: bool = False
    night_from: time = time(23, 0)
    night_to: time = time(6, 0)
    reminders: Reminders = Reminders()
    escalation: EscalationRow | None = None
    register_: RegisterRow | None = Field(default=None, alias="register")
    evidence: Mapping[str, Evidence] = Field(default_factory=dict)
    options: Mapping[OptionName, Option] = Field(default_factory=dict)
    turns_on: tuple[Switch, ...] = ()
    """Options, of this pack or of others, that hold wherever this pack applies."""
    recipients: tuple[RecipientRow, ...] = ()
    suppressions: tuple[SuppressionRow, ...] = ()
    later: tuple[LaterRow, ...] = ()
    quiet: tuple[QuietRow, ...] = ()
    told: tuple[ToldRow, ...] = ()
    duties: tuple[DutyRow, ...] = ()
    thresholds: tuple[ThresholdRow, ...] = ()
    _cited: dict[tuple[str, ...], tuple[Rule, ...]] = PrivateAttr(default_factory=dict)

    def covers(self, authority: str | None) -> bool:
        """Whether the pack names this authority."""
        return authority is not None and _names(self.applies.authorities, authority)

    def fits(self, doc: Doc) -> bool:
        """Whether the pack applies to this placement (responsible or host authority)."""
        return (
            self.applies.always
            or part(doc, "placement").get("type") in self.applies.placement_types
            or self.covers(host(doc))
            or self.covers(responsible(doc))
        )

    def under(self, on: Collection[str]) -> "Pack":
        """This pack as it holds where these options (``pack:option``) are on: the rows of its other options are gone,
        and its version names those that are on, so that each decision says under which it was taken."""
        if not self.options:
            return self
        chosen = {name for name in self.options if f"{self.name}:{name}" in on}
        rows = {
            table: tuple(row for row in getattr(self, table) if row.option is None or row.option in chosen)
            for table in OPTIONAL
        }
        version = "+".join((self.version, *sorted(chosen)))
        held = self.model_copy(update={**rows, "options": {}, "version": version})
        held._cited = {}
        return held

    def optional(self, name: str) -> Iterator[tuple[str, Any]]:
        """The rows of one option, each with its table."""
        for table in OPTIONAL:
            yield from ((table, row) for row in getattr(self, table) if row.option == name)

    def rules_of(self, option: str) -> tuple[str, ...]:
        """The rules an option rests on."""
        return tuple(dict.fromkeys(rule for _, row in self.optional(option) for rule in row.rules))

    def cite(self, ids: Iterable[str]) -> tuple[Rule, ...]:
        """The rules behind a row, with their evidence and this pack's version."""
        row, cited = tuple(ids), self._cited
        if row not in cited:
            cited[row] = tuple(self._cite(rule) for rule in row)
        return cited[row]

    def _cite(self, rule: str) -> Rule:
        evidence = self.evidence[rule]
        source = f"{evidence.source}, {evidence.section}"
        return Rule(pack=self.name, rule=rule, source=source, quote=evidence.quote, version=self.version)


@lru_cache(maxsize=4096)
def _names(codes: tuple[str, ...], authority: str) -> bool:
    return any(authority.startswith(code[:-1]) if code.endswith("*") else authority == code for code in codes)


def _path(location: Iterable[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")


def parse_pack(name: str, text: str) -> Pack:
    """Read one pack out of the file ``name``.toml. Raises PackProblem with every mistake at once, each with its path,
    for example ``duties[3].when``."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackProblem(name, [("", f"is not TOML: {error}")]) from error
    problems: list[tuple[str, str]] = []
    pack = None
    try:
        pack = Pack.model_validate(raw)
    except ValidationError as error:
        problems = [(_path(e["loc"]), e["msg"].removeprefix("Value error, ")) for e in error.errors()]
    known = {path for path, _ in problems}
    problems += [(path, said) for path, said in across(name, raw, load_areas()) if path not in known]
    if pack is None or problems:
        raise PackProblem(name, problems)
    return pack


def no_such_option(packs: Iterable[Pack], name: str) -> str:
    """What is wrong with an option (``pack:option``) that none of these packs has; empty if one has it."""
    pack, _, option = name.partition(":")
    found = next((p for p in packs if p.name == pack), None)
    if found is None:
        return f"there is no pack {pack}"
    if option in found.options:
        return ""
    return f"{pack} has no option {option}; it has {', '.join(found.options) or 'none'}"


def amiss_together(packs: Iterable[Pack]) -> Iterator[tuple[str, str, str]]:
    """Pack, path and message of what a pack names that none of these packs has: an option to turn on, a duty to follow
    upon."""
    packs = tuple(packs)
    codes = {row.code for pack in packs for row in pack.duties}
    for pack in packs:
        for index, row in enumerate(pack.duties):
            if row.after and row.after not in codes:
                yield pack.name, f"duties[{index}].after", f"there is no duty {row.after}"
        for index, name in enumerate(pack.turns_on):
            if said := no_such_option(packs, name):
                yield pack.name, f"turns_on[{index}]", said


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Escalation's waits, and what they are where no pack says."""

    urgent_receipt: timedelta = timedelta(minutes=15)
    urgent_answer: timedelta = timedelta(minutes=15)
    receipt: timedelta = timedelta(hours=1)
    answer: timedelta = timedelta(hours=1)
    silent: timedelta = timedelta(hours=4)
    again: timedelta = timedelta(hours=4)


def _length(period: Period) -> timedelta:
    return timedelta(days=period.days, seconds=period.seconds)


@cache
def load_packs() -> "Packs":
    """The packs that ship with Fingerpost. ``national`` comes first, the others in the order of their names."""
    folder = resources.files("routing") / "protocols"
    texts = {f.name.removesuffix(".toml"): f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".toml")}
    ordered = sorted(texts, key=lambda name: (name != "national", name))
    return Packs(tuple(parse_pack(name, texts[name]) for name in ordered))


@dataclass(frozen=True, slots=True, eq=False)
class Packs:
    """Packs in force together: the union of their rows, every row with its pack."""

    written: tuple[Pack, ...]
    """As they were read, with the rows of every option."""
    on: frozenset[str] = frozenset()
    """Options (``pack:option``) that are on wherever their pack applies, besides those that a pack turns on."""
    packs: tuple[Pack, ...] = field(init=False, repr=False)
    """As they hold: only the rows of options that are on."""
    _chosen: dict[tuple[bool, ...], "Packs"] = field(default_factory=dict, repr=False)
    """Selections made before: there are few, and what is worked out of one (duties.py) is worth keeping."""
    _told: dict[str, tuple[Rule, ...]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        on = self.on.union(*(pack.turns_on for pack in self.written))
        object.__setattr__(self, "packs", tuple(pack.under(on) for pack in self.written))

    def select(self, doc: Doc) -> "Packs":
        """Those that apply to this placement, all at once, with the options that one of them turns on."""
        fitting = tuple(pack.fits(doc) for pack in self.written)
        if fitting not in self._chosen:
            chosen = tuple(pack for pack, fits in zip(self.written, fitting, strict=True) if fits)
            self._chosen[fitting] = Packs(chosen, self.on)
        return self._chosen[fitting]

    def switched(self, on: Iterable[str]) -> "Packs":
        """The same packs with these options on besides. Raises PackProblem for one that no pack has."""
        wanted = frozenset(on)
        amiss = [(name, said) for name in sorted(wanted) if (said := no_such_option(self.written, name))]
        if amiss:
            raise PackProblem("options", amiss)
        return Packs(self.written, self.on | wanted)

    def settle(self, facts: dict[str, Any]) -> Facts:
        """Add the facts that the packs themselves decide: ``serious``, ``limit_runs``, ``endangered``."""
        ungraded_is_high = any(pack.ungraded_is_high for pack in self.packs)
        facts["serious"] = facts["high"] or facts["abduction_suspected"] or (facts["ungraded"] and ungraded_is_high)
        unknown = facts["away"] and not facts["whereabouts_known"]
        # a limit for some children only keeps nobody else from being told of (D1)
        facts["limit_runs"] = unknown and any(
            d.acts == "become_missing" and d.when.holds(facts) for p in self.packs for d in p.duties
        )
        facts["endangered"] = facts["away"] and (
            facts["at_risk"] or facts["high"] or facts["trafficking_suspected"] or (unknown and not facts["limit_runs"])
        )
        return facts

    def cite_told(self, on: str) -> tuple[Rule, ...]:
        """The rules behind a built-in of the engine, for example "everyone told hears found"."""
        if on not in self._told:
            self._told[on] = tuple(
                rule for pack in self.packs for row in pack.told if row.on == on for rule in pack.cite(row.rules)
            )
        return self._told[on]

    def waits(self) -> Waits:
        """How long notices wait before the next step: of what the packs say, the shortest."""
        said = [pack.escalation for pack in self.packs if pack.escalation is not None]
        defaults = Waits()
        return Waits(
            **{
                name: min(
                    (_length(period) for row in said if (period := getattr(row, name)) is not None),
                    default=getattr(defaults, name),
                )
                for name in EscalationRow.model_fields
            }
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the packs, in order."""
        return tuple(pack.name for pack in self.packs)


__all__ = [
    "LEAD",
    "ROLES",
    "SEALED_DUTY",
    "Applies",
    "DutyRow",
    "Option",
    "Pack",
    "PackProblem",
    "Packs",
    "Reminders",
    "Waits",
    "amiss_together",
    "load_packs",
    "no_such_option",
    "parse_pack",
]
