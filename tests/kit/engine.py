"""The engine without a store: events in with the instants they arrive at, decisions out.

Every episode goes through the bytes of its memory between two steps, as it does in the service: what is not written
down is not known any more::

    engine = Engine()
    engine.post(reported())                       # arrives at its time
    engine.post(returned(), at="2026-03-03T…")    # the clocks run up to then
    engine.run("2026-09-01T00:00:00Z")            # and on to there
    engine.heard("E1")                            # {"missing": {"police", …}}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from contacts.areas import load_areas
from hub.core.course import Context, Outcome, Refused
from hub.core.episode import Episode, Memory
from hub.core.events import EpisodeEvent, instant, validate_document
from hub.core.plan import react
from hub.core.records import EpisodeSummary
from hub.core.ticks import next_wake, tick
from routing.decision import Decision, Recipient
from routing.decision import Outcome as Result
from routing.facts import category
from routing.packs import Packs, load_packs
from routing.recipients import has_address
from tests.kit.events import EPISODE, parsed, wire_rules

Reach = Callable[[Recipient, Mapping[str, Any] | None], str]
START: Final = instant("2026-01-01T00:00:00Z")
REMINDERS: Final = ("duty_due", "duty_overdue")


def everybody(recipient: Recipient, person: Mapping[str, Any] | None) -> str:
    """Every desk can be reached, and whoever has an address."""
    if recipient.person is not None:
        return "" if has_address(person) else "no_address"
    return "" if recipient.organisation or recipient.role.startswith("circulation:") else "no_organisation"


@dataclass
class Engine:
    """Some episodes on a clock driven by hand."""

    reach: Reach = everybody
    packs: Packs = field(default_factory=load_packs)
    now: datetime = START
    episodes: dict[str, Episode] = field(default_factory=dict)
    decisions: list[tuple[str, Decision]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    refused: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _kept: dict[str, list[EpisodeEvent]] = field(default_factory=dict)
    _children: dict[str, str] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def post(self, event: Mapping[str, Any], at: str | None = None) -> list[Decision]:
        """An event arrives (at its own time, unless told otherwise; never before the last one). What was decided."""
        read = parsed(event)
        arrives = instant(at) if at else read.time
        if arrives > self.now:  # what arrives at one instant comes before the clocks, those that open late too (B10)
            self._clocks(arrives, inclusive=False)
        if read.id in self._seen:
            return []
        before = len(self.decisions)
        self._react(read)
        return [decision for _, decision in self.decisions[before:]]

    def run(self, until: str) -> list[Decision]:
        """The clocks alone, up to and including an instant."""
        before = len(self.decisions)
        self._clocks(instant(until), inclusive=True)
        return [decision for _, decision in self.decisions[before:]]

    def episode(self, ref: str = EPISODE) -> Episode:
        """As it stands."""
        return self.episodes[ref]

    def of(self, event: str, *outcomes: Result) -> list[Decision]:
        """The decisions of an event (by its id), or of a duty (``duty:CODE``)."""
        cause = event if event.startswith("duty:") else f"event:{event}"
        return [d for _, d in self.decisions if d.cause == cause and (not outcomes or d.outcome in outcomes)]

    def heard(self, event: str) -> dict[str, set[str]]:
        """Kind -> the roles that an event told, persons as ``role=name``."""
        return heard(self.of(event))

    def _react(self, event: EpisodeEvent) -> None:
        ref = event.ref
        episode = self.episodes.get(ref) or Episode(ref=ref)
        if event.kind == "episode.reported":
            self._children.setdefault(ref, event.data["child"]["ref"])
        outcomes = react(episode, event, self._context(ref), self._kept.get(ref, ()))
        if isinstance(outcomes, Refused):
            self.refused[event.id] = outcomes.problems
            return
        self._seen.add(event.id)
        self.warnings[event.id] = tuple(w for outcome in outcomes for w in outcome.warnings)
        for outcome in outcomes:
            self._take(ref, outcome)
        if self.episodes[ref].state == "awaited":
            self._kept.setdefault(ref, []).append(event)

    def _take(self, ref: str, outcome: Outcome) -> None:
        memory = Memory.loads(outcome.episode.memory.dumps())
        assert memory == outcome.episode.memory
        self.episodes[ref] = replace(outcome.episode, memory=memory)
        self.outcomes.append(outcome)
        self.decisions += [(ref, decision) for decision in outcome.decisions]

    def _clocks(self, end: datetime, *, inclusive: bool) -> None:
        while True:
            due = [(wake, ref) for ref, e in self.episodes.items() if (wake := next_wake(e)) is not None]
            wake, ref = min(due, default=(None, ""))
            if wake is None or wake > end or (wake == end and not inclusive):
                self.now = max(self.now, end)
                return
            self.now = max(wake, self.now)
            outcome = tick(self.episodes[ref], self._context(ref))
            assert outcome is not None, "a clock woke with nothing to do"
            self._take(ref, outcome)

    def _context(self, ref: str) -> Context:
        rules = wire_rules()
        child = self._children.get(ref)
        return Context(
            packs=self.packs,
            areas=load_areas(),
            reach=self.reach,
            now=self.now,
            history=[
                _summary(e)
                for other, e in self.episodes.items()
                if other != ref and e.state != "awaited" and self._children.get(other) == child
            ],
            check=lambda doc: [(p.path, p.message) for p in validate_document(doc, rules)],
        )


def _summary(episode: Episode) -> EpisodeSummary:
    return EpisodeSummary(
        id=episode.ref,
        state=episode.state,
        ever_missing=episode.ever_missing,
        category="missing" if category(episode.doc) == "missing" else "away",
        status=episode.doc["episode"].get("status") or "actual",
        since=instant(episode.doc["episode"]["since"]),
    )


def heard(decisions: list[Decision]) -> dict[str, set[str]]:
    """Kind -> the roles told, persons as ``role=name``."""
    result: dict[str, set[str]] = {}
    for decision in decisions:
        if decision.outcome == "notify":
            names = {r.role if r.person is None else f"{r.role}={r.person}" for r in decision.recipients}
            result.setdefault(decision.kind, set()).update(names)
    return result


def roles(decisions: list[Decision], outcome: Result) -> set[str]:
    """The roles of one outcome."""
    return {role for decision in decisions if decision.outcome == outcome for role in decision.roles}
