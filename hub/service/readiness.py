"""Would everyone be told? One placement at a time, before anything has happened. Reads nothing, sends nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contacts.areas import Areas
from contacts.directory import Directory
from contacts.model import Reached
from hub.core.course import Context, Outcome, Refused
from hub.core.episode import Episode
from hub.core.placement_lists import Candidate
from hub.core.plan import react
from hub.service.ledger import reach
from routing.decision import Decision, Recipient
from routing.packs import SEALED_DUTY, Packs

Shortfall = Literal["gap", "undecided", "off_duty"]
"""``gap``: nobody to tell. ``undecided``: a parent who would be held, as nobody has decided yet. ``off_duty``: there is
somebody, but who reads it only when they are back."""
UNREADY: tuple[Shortfall, ...] = ("gap", "undecided")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who would be told. People stand by their role only."""

    roles: tuple[str, ...]
    organisation: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to put right."""

    kind: Shortfall
    reader: Reader
    reason: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A duty that would start."""

    code: str
    owner: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """One placement's answer."""

    ref: str
    packs: tuple[str, ...]
    told: tuple[Reader, ...]
    not_told: tuple[Reader, ...]
    """Withheld by a recorded decision, or kept from by a stricter rule: as it should be."""
    findings: tuple[Finding, ...]
    clocks: tuple[Clock, ...]
    warnings: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return not any(finding.kind in UNREADY for finding in self.findings)


def readiness(candidate: Candidate, packs: Packs, areas: Areas, directory: Directory, now: datetime) -> Readiness:
    """What would be decided if the child went missing at ``now``, with the directory as it stands then."""
    event = candidate.event
    context = Context(packs=packs, areas=areas, reach=reach(directory, now, event.data), now=now)
    outcomes = react(Episode(ref=event.ref), event, context)
    if isinstance(outcomes, Refused):
        raise AssertionError("a first report cannot be refused")
    outcome = outcomes[0]
    # Reminders of duties due at once are not news of the child.
    decisions = [d for d in outcome.decisions if d.kind not in ("duty_due", "duty_overdue")]
    findings = [finding for d in decisions if (finding := _finding(d)) is not None]
    findings += [_sleeping(d, r) for d in decisions for r in d.recipients if _asleep(d, r, directory, now)]
    return Readiness(
        ref=candidate.ref,
        packs=packs.select(outcome.episode.doc).names,
        told=tuple(_reader(d) for d in decisions if d.outcome == "notify"),
        not_told=tuple(_reader(d) for d in decisions if d.outcome in ("withhold", "suppress")),
        findings=tuple(findings),
        clocks=_clocks(outcome),
        warnings=(*event.warnings, *outcome.warnings),
    )


def _reader(decision: Decision) -> Reader:
    return Reader(roles=decision.roles, organisation=decision.recipients[0].organisation)


def _rules(decision: Decision) -> tuple[str, ...]:
    return tuple(dict.fromkeys(rule.rule for rule in decision.rules))


def _finding(decision: Decision) -> Finding | None:
    match decision.outcome:
        case "gap":
            return Finding(kind="gap", reader=_reader(decision), reason=decision.gap, rules=_rules(decision))
        case "hold":
            return Finding(kind="undecided", reader=_reader(decision), reason="no_decision", rules=_rules(decision))
        case _:
            return None


def _asleep(decision: Decision, recipient: Recipient, directory: Directory, now: datetime) -> bool:
    if decision.outcome != "notify" or recipient.person is not None or recipient.organisation is None:
        return False
    found = directory.resolve(recipient.role, recipient.organisation, now)
    return isinstance(found, Reached) and not found.on_duty


def _sleeping(decision: Decision, recipient: Recipient) -> Finding:
    reader = Reader(roles=(recipient.role,), organisation=recipient.organisation)
    return Finding(kind="off_duty", reader=reader, reason="off_duty", rules=_rules(decision))


def _clocks(outcome: Outcome) -> tuple[Clock, ...]:
    """By due time; the 18th birthday is no clock of this absence, and would show when it is."""
    found = [
        Clock(code=d.code, owner=d.owner, due_at=d.due_at)
        for d in outcome.episode.duties
        if d.unfinished and d.code != SEALED_DUTY
    ]
    return tuple(sorted(found, key=lambda clock: (clock.due_at, clock.code)))


def most_needed(found: Sequence[Readiness]) -> list[tuple[Finding, int]]:
    """Each gap once, with the number of placements it leaves open, the most first."""
    count: dict[tuple[Shortfall, Reader, str], tuple[Finding, int]] = {}
    for one in found:
        for finding in dict.fromkeys(one.findings):
            key = (finding.kind, finding.reader, finding.reason)
            first, many = count.get(key, (finding, 0))
            count[key] = (first, many + 1)
    order: tuple[Shortfall, ...] = (*UNREADY, "off_duty")
    return sorted(count.values(), key=lambda pair: (order.index(pair[0].kind), -pair[1]))
