"""The protocol packs: one TOML file a pack, checked with every problem at once, selected by placement.

A pack is data in ``routing/protocols/``; the engine knows no authority by name. protocols.md, "Which packs apply".
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from contacts.areas import load_areas
from routing.calendar import Period, parse_period
from routing.conditions import BadCondition, Condition, Facts, parse_condition
from routing.decision import Kind, Rule
from routing.facts import KNOWN, WORDS, Doc, host, part, responsible
from routing.pack_checks import CODE, SEALED_DUTY, across

ROLES = frozenset(
    """police police_missing_from police_responsible responsible_authority host_authority social_worker
    supervising_social_worker iro parent carer school home_office home_office_evidence
    home_office_immigration_enforcement missing_persons_bureau ceop quality_assurance designated_nurse mash mase_panel
    missing_advocate practice_supervisor early_help youth_offending_service group_manager assistant_director
    police_senior_officer circulation:london circulation:national operator""".split()
)
LEAD = "lead_authority"
"""In a pack: the responsible authority if the child is looked after, else the host (readings.md B4)."""


class PackProblem(ValueError):
    """A pack is not well-formed; ``problems`` are all its mistakes as (path, message)."""

    def __init__(self, pack: str, problems: Iterable[tuple[str, str]]) -> None:
        self.pack, self.problems = pack, tuple(problems)
        super().__init__(f"{pack}: " + "; ".join(f"{path}: {message}" for path, message in self.problems))


def _condition(text: str) -> Condition:
    try:
        return parse_condition(text, KNOWN)
    except BadCondition as error:
        raise ValueError(str(error)) from error


def _role(text: str) -> str:
    if text not in ROLES and text != LEAD:
        raise ValueError(f"{text!r} is not a recipient role")
    return text


def _code(text: str) -> str:
    if not CODE.fullmatch(text):
        raise ValueError("is not a GSS code (a letter and eight digits), nor the beginning of one with a *")
    return text


def _placement_type(text: str) -> str:
    if text not in WORDS["placement_type"]:
        raise ValueError(f"{text!r} is not a type of placement")
    return text


def _owner(text: str) -> str:
    return text if text == "hub" else _role(text)


When = Annotated[Any, AfterValidator(lambda text: _condition(str(text)))]
Span = Annotated[Any, AfterValidator(lambda text: parse_period(str(text)))]
Role = Annotated[str, AfterValidator(_role)]
Owner = Annotated[str, AfterValidator(_owner)]
Rules = Annotated[tuple[str, ...], Field(min_length=1)]
Code = Annotated[str, AfterValidator(_code)]
PlacementType = Annotated[str, AfterValidator(_placement_type)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Applies(_Row):
    """To which placements a pack applies; several keys are alternatives."""

    always: bool = False
    placement_types: tuple[PlacementType, ...] = ()
    authorities: tuple[Code, ...] = ()
    """GSS codes, responsible or host; a trailing ``*`` stands for any ending."""


class Evidence(_Row):
    """What a rule id stands for: the document, its section and the words."""

    source: str
    section: str
    quote: str


class RecipientRow(_Row):
    """Who hears the first notice of an episode, by category."""

    role: Role
    missing: When = None
    away: When = None
    rules: Rules


class SuppressionRow(_Row):
    """A stricter rule about not telling; never outvoted. Asked of the host authority only (readings.md B41)."""

    role: Role
    on: Literal["missing", "away"]
    unless: When
    rules: Rules


class LaterRow(_Row):
    """Who else hears a later event, told before or not."""

    on: Literal["found", "returned"]
    role: Role
    when: When
    kind: Kind
    rules: Rules


class QuietRow(_Row):
    """A desk that is not told of its own deed."""

    on: Literal["found", "returned"]
    role: Role
    when: When
    rules: Rules


class ToldRow(_Row):
    """The rules behind "everyone told hears it"."""

    on: Literal["update", "found", "returned", "retraction", "circulation", "in_person", "withhold", "abductor", "gap"]
    rules: Rules


class DutyRow(_Row):
    """A clock: when it starts, when it is due, who owns it."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    starts: Literal["out", "return", "held", "first_missing_notice"] = "out"
    """``out``: when the condition first holds while the child is out; ``return``: the first of found and returned;
    ``held``: a parent is held; ``first_missing_notice``: as it says."""
    when: When
    due: Span = None
    due_age: Annotated[int, Field(ge=0, le=130)] | None = None
    """Instead of ``due``: 00:00 local on this birthday."""
    repeats: Span = None
    ends: tuple[Literal["found", "returned"], ...] = ()
    owner: Owner
    acts: Literal["renotify", "become_missing", "tell"] | None = None
    tells: tuple[Role, ...] = ()
    """Told at each due time: kind ``message``, or the kind of ``tells_kind`` where the duty acts."""
    tells_kind: Kind = "message"
    overdue_tells: tuple[Role, ...] = ()
    closes_with: tuple[str, ...] = ()
    """Other duties whose completion (held or done) closes this one too."""
    closed_by_any: tuple[str, ...] = ()
    """Other duties whose completion with any outcome closes this one too."""
    closed_by_declined: tuple[str, ...] = ()
    night: bool = False
    """The earlier of ``due`` and the next night cut-off."""
    also_after_found: bool = False
    """Opens, too, if its condition first holds between found and returned."""
    decides_circulation: bool = False
    rules: Rules


class ThresholdRow(_Row):
    """A count that somebody has to be told of."""

    id: str
    at: Literal["out", "return"]
    when: When
    tells: Annotated[tuple[Role, ...], Field(min_length=1)]
    rules: Rules


class Reminders(_Row):
    """When an owner is reminded and chased (protocols.md, under Duties)."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    not_before: Span = Period(seconds=3600)
    not_within: Span = Period(seconds=7200)
    chase_days: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0, 1, 2, 3, 4, 5, 6, 7)
    then_every_days: Annotated[int, Field(ge=1)] = 7


class RegisterRow(_Row):
    """Which roles hold a register entry, and how long."""

    roles: tuple[Role, ...]
    keep: Span
    rules: Rules


class Pack(_Row):
    """One protocol as data."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    title: str
    version: str
    applies: Applies
    ungraded_is_high: bool = False
    night_from: time = time(23, 0)
    night_to: time = time(6, 0)
    reminders: Reminders = Reminders()
    register_: RegisterRow | None = Field(default=None, alias="register")
    evidence: Mapping[str, Evidence]
    recipients: tuple[RecipientRow, ...] = ()
    suppressions: tuple[SuppressionRow, ...] = ()
    later: tuple[LaterRow, ...] = ()
    quiet: tuple[QuietRow, ...] = ()
    told: tuple[ToldRow, ...] = ()
    duties: tuple[DutyRow, ...] = ()
    thresholds: tuple[ThresholdRow, ...] = ()
    _cited: dict[str, Rule] = PrivateAttr(default_factory=dict)

    def covers(self, authority: str | None) -> bool:
        """Whether the pack names this authority."""
        return authority is not None and any(
            authority.startswith(code[:-1]) if code.endswith("*") else authority == code
            for code in self.applies.authorities
        )

    def fits(self, doc: Doc) -> bool:
        """Whether the pack applies to this placement (responsible or host authority)."""
        return (
            self.applies.always
            or part(doc, "placement").get("type") in self.applies.placement_types
            or self.covers(host(doc))
            or self.covers(responsible(doc))
        )

    def cite(self, ids: Iterable[str]) -> tuple[Rule, ...]:
        """The rules behind a row, with their evidence and this pack's version."""
        return tuple(self._cited.get(rule) or self._cite(rule) for rule in ids)

    def _cite(self, rule: str) -> Rule:
        evidence = self.evidence[rule]
        source = f"{evidence.source}, {evidence.section}"
        cited = Rule(pack=self.name, rule=rule, source=source, quote=evidence.quote, version=self.version)
        self._cited[rule] = cited
        return cited


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

    packs: tuple[Pack, ...]
    _chosen: dict[tuple[bool, ...], "Packs"] = field(default_factory=dict, repr=False)
    """Selections made before: there are few, and what is worked out of one (duties.py) is worth keeping."""

    def select(self, doc: Doc) -> "Packs":
        """Those that apply to this placement, all at once."""
        fitting = tuple(pack.fits(doc) for pack in self.packs)
        if fitting not in self._chosen:
            self._chosen[fitting] = Packs(tuple(p for p, fits in zip(self.packs, fitting, strict=True) if fits))
        return self._chosen[fitting]

    def settle(self, facts: dict[str, Any]) -> Facts:
        """Add the facts that the packs themselves decide: ``serious``, ``limit_runs``, ``endangered``."""
        ungraded_is_high = any(pack.ungraded_is_high for pack in self.packs)
        facts["serious"] = facts["high"] or facts["abduction_suspected"] or (facts["ungraded"] and ungraded_is_high)
        unknown = facts["away"] and not facts["whereabouts_known"]
        # the limit's own condition asks only category and whereabouts: it runs wherever a pack has one (D1)
        facts["limit_runs"] = unknown and any(d.acts == "become_missing" for p in self.packs for d in p.duties)
        facts["endangered"] = facts["away"] and (
            facts["at_risk"] or facts["high"] or facts["trafficking_suspected"] or (unknown and not facts["limit_runs"])
        )
        return facts

    def cite_told(self, on: str) -> tuple[Rule, ...]:
        """The rules behind a built-in of the engine, for example "everyone told hears found"."""
        return tuple(rule for pack in self.packs for row in pack.told if row.on == on for rule in pack.cite(row.rules))

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
    "Pack",
    "PackProblem",
    "Packs",
    "Reminders",
    "load_packs",
    "parse_pack",
]
