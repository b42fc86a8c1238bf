"""The tables of a pack, row by row: who is told, who is not, which clocks run, each with the rules it rests on.

What a single value can say wrong is said here; what only the pack as a whole shows, by ``pack_checks``.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from routing.calendar import Period, parse_period
from routing.conditions import BadCondition, Condition, parse_condition
from routing.decision import AgreementKind, Kind
from routing.facts import KNOWN, WORDS
from routing.pack_checks import CODE

ROLES = frozenset(
    """police police_missing_from police_responsible responsible_authority host_authority social_worker
    supervising_social_worker iro parent carer school home_office home_office_evidence
    home_office_immigration_enforcement missing_persons_bureau ceop quality_assurance designated_nurse mash mase_panel
    missing_advocate practice_supervisor early_help youth_offending_service group_manager assistant_director
    police_senior_officer authority_missing_from regulator trafficking_centre circulation:london circulation:national
    operator""".split()
)
LEAD = "lead_authority"
"""In a pack: the responsible authority if the child is looked after, else the host (readings.md B4)."""


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


def _switch(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]*:[a-z][a-z0-9_]*", text):
        raise ValueError(f"{text!r} is not an option: write the pack's name, a colon and the option's name")
    return text


def _owner(text: str) -> str:
    return text if text == "hub" else _role(text)


When = Annotated[Any, AfterValidator(lambda text: _condition(str(text)))]
Span = Annotated[Any, AfterValidator(lambda text: parse_period(str(text)))]
Role = Annotated[str, AfterValidator(_role)]
Owner = Annotated[str, AfterValidator(_owner)]
Rules = Annotated[tuple[str, ...], Field(min_length=1)]
OptionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Switch = Annotated[str, AfterValidator(_switch)]
"""An option as it is turned on: the pack's name, a colon, the option's name."""
Code = Annotated[str, AfterValidator(_code)]
PlacementType = Annotated[str, AfterValidator(_placement_type)]


class Row(BaseModel):
    """What every table of a pack is made of: strict, and never changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Applies(Row):
    """To which placements a pack applies; several keys are alternatives."""

    always: bool = False
    placement_types: tuple[PlacementType, ...] = ()
    authorities: tuple[Code, ...] = ()
    """GSS codes, responsible or host; a trailing ``*`` stands for any ending."""


class Evidence(Row):
    """What a rule id stands for: the document, its section and the words."""

    source: str
    section: str
    quote: str


class Option(Row):
    """Rows that are off until an authority turns them on (readings.md A6)."""

    title: str
    """What turning it on does, in a sentence."""
    ours: str = ""
    """What the document leaves open and the rows fill in, for example a period."""


class OptionalRow(Row):
    """A row that may belong to an option: it then holds only where that is turned on."""

    option: OptionName | None = None


class RecipientRow(OptionalRow):
    """Who hears the first notice of an episode, by category."""

    role: Role
    missing: When = None
    away: When = None
    rules: Rules


class SuppressionRow(OptionalRow):
    """A stricter rule about not telling; never outvoted. Asked of the host authority only (readings.md B41)."""

    role: Role
    on: Literal["missing", "away"]
    unless: When
    rules: Rules


class LaterRow(OptionalRow):
    """Who else hears a later event, told before or not."""

    on: Literal["found", "returned"]
    role: Role
    when: When
    kind: Kind
    rules: Rules


class QuietRow(OptionalRow):
    """A desk that is not told of its own deed."""

    on: Literal["found", "returned"]
    role: Role
    when: When
    rules: Rules


class ToldRow(Row):
    """The rules behind "everyone told hears it"."""

    on: Literal["update", "found", "returned", "retraction", "circulation", "in_person", "withhold", "abductor", "gap"]
    rules: Rules


Outcome = Literal["held", "declined", "done", "not_required"]
"""How a duty may end (events.md, duty.completed)."""


class DutyRow(OptionalRow):
    """A clock: when it starts, when it is due, who owns it."""

    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    starts: Literal["out", "return", "held", "first_missing_notice", "completed"] = "out"
    """``out``: when the condition first holds while the child is out; ``return``: the first of found and returned;
    ``held``: a parent is held; ``first_missing_notice``: as it says; ``completed``: the duty ``after`` was."""
    after: str = ""
    """With ``starts`` completed: the duty whose completion starts this one."""
    outcomes: tuple[Outcome, ...] = ()
    """And with which outcomes."""
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
    agreed: AgreementKind | None = None
    """The deed is to come to this agreement: it is done once ``agreed_by`` have, among whom they agreed with."""
    agreed_by: tuple[Role, ...] = ()
    """Who has to be of it: an authority by any desk of it, every other role by its desk."""
    night: bool = False
    """The earlier of ``due`` and the next night cut-off."""
    also_after_found: bool = False
    """Opens, too, if its condition first holds between found and returned."""
    decides_circulation: bool = False
    rules: Rules


class ThresholdRow(OptionalRow):
    """A count that somebody has to be told of."""

    id: str
    at: Literal["out", "return"]
    when: When
    tells: Annotated[tuple[Role, ...], Field(min_length=1)]
    rules: Rules


class Reminders(Row):
    """When an owner is reminded and chased (protocols.md, under Duties)."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    not_before: Span = Period(seconds=3600)
    not_within: Span = Period(seconds=7200)
    chase_days: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)] = (0, 1, 2, 3, 4, 5, 6, 7)
    then_every_days: Annotated[int, Field(ge=1)] = 7


def _wait(text: str) -> Period:
    period = parse_period(text)
    if period.months or period.empty:
        raise ValueError("is a wait in weeks, days, hours and minutes, and not nothing")
    return period


Wait = Annotated[Any, AfterValidator(lambda text: _wait(str(text)))]


class EscalationRow(Row):
    """How long a notice waits before the next step (hub/core/escalation.py has the steps and the defaults).

    ``urgent``: serious, ungraded, ``concern`` and every first notice of the police.
    """

    urgent_receipt: Wait = None
    """Without a machine's receipt."""
    urgent_answer: Wait = None
    """Without a named human's answer."""
    receipt: Wait = None
    answer: Wait = None
    silent: Wait = None
    """Without any news of a serious episode whose notice was accepted."""
    again: Wait = None
    """After the last step, before the first is taken once more."""


class RegisterRow(Row):
    """Which roles hold a register entry, and how long."""

    roles: tuple[Role, ...]
    keep: Span
    rules: Rules
