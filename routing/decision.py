"""What was decided, and why: the words that leave the routing engine."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Outcome = Literal["notify", "withhold", "hold", "gap", "suppress"]
Priority = Literal["immediate", "high", "normal", "low"]
Kind = Literal[
    "missing",
    "away",
    "concern",
    "update",
    "found",
    "returned",
    "retraction",
    "renotification",
    "threshold",
    "duty_due",
    "duty_overdue",
    "message",
    "conversation",
    "verification",
]
AgreementKind = Literal["return_interview", "lead", "collection"]
"""What organisations can agree about: who interviews the child on the return, who leads, who collects the child."""
DutyState = Literal["open", "done", "cancelled", "overdue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule that a decision or a duty rests on: a row of a pack with its evidence."""

    pack: str
    rule: str
    """Id in the evidence, for example ``B-13``."""
    source: str
    """Document and section."""
    quote: str
    version: str = ""
    """The pack's version when the decision was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who is told: a role with its organisation, or a role with a named person (readings.md A9)."""

    role: str
    organisation: str | None = None
    """GSS code of a council, ``police_forces.csv`` code of a force, URN of a school, a hub code (``home-office``)."""
    person: str | None = None
    """The name as the event gave it; personal data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One outcome for one desk or person. ``recipients`` share the desk; most decisions have one."""

    at: datetime
    cause: str
    """``event:ID`` (the sender's id; sealed at rest), ``duty:CODE``, ``message:ID`` of what somebody wrote,
    ``peer:REFERENCE`` of what another hub says, or ``packs:own`` of what this hub's packs say of that."""
    outcome: Outcome
    kind: Kind
    priority: Priority
    recipients: tuple[Recipient, ...]
    fields: tuple[str, ...]
    """Leaf paths of the event's data that this notice shows (readings.md C13)."""
    rules: tuple[Rule, ...]
    why: str
    """In words, without personal data."""
    changed: tuple[str, ...] = ()
    """For an ``update``: the leaf paths, of those in ``fields`` or cleared, that are news to this reader."""
    duty: str | None = None
    """The duty a ``duty_due``, ``duty_overdue`` or ``message`` is about."""
    due_at: datetime | None = None
    remove_at: datetime | None = None
    """When the receiver has to take the child off its register, where the notice makes an entry."""
    members: tuple[str, ...] = ()
    """For a circulation: the organisations it goes to, the sender excepted."""
    in_person: tuple[str, ...] = ()
    """Names who have to be told in person by this reader (readings.md D2); personal data."""
    gap: str = ""
    """Why nobody could be reached: ``no_desk``, ``no_contact``, ``no_address``, ``no_organisation``; else empty."""
    first: bool = False
    """Attempted before the other notices of the same instant and cause (B-01)."""

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles named, in the order of the packs."""
        return tuple(dict.fromkeys(r.role for r in self.recipients))


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One occurrence of one duty."""

    code: str
    occurrence: int
    """Counts on through restarts: what people see."""
    ordinal: int
    """How often the duty started anew (0 the first time)."""
    owner: str
    opened_at: datetime
    due_at: datetime
    state: DutyState = "open"
    closed_at: datetime | None = None
    closed_by: str | None = None
    rules: tuple[Rule, ...]
    row: str
    """The pack's row that governs it (pack/code/index)."""
    start: datetime
    """When its clock started, in world time."""
    n: int
    """Due at the n-th multiple of the period from ``start``."""
    remind_at: datetime | None = None
    chase_at: datetime | None = None
    turn_at: datetime | None = None
    """When the next occurrence opens, or the hub acts: ``due_at`` until that has happened."""

    @property
    def live(self) -> bool:
        """Something is still to happen with it."""
        return self.remind_at is not None or self.chase_at is not None or self.turn_at is not None

    @property
    def unfinished(self) -> bool:
        """Neither done nor cancelled."""
        return self.state in ("open", "overdue")
