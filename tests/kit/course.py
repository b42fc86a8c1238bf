"""One episode under the real packs, driven through the pure core: events arrive, clocks run, nothing is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from contacts.areas import load_areas
from hub.core.course import Context, Outcome, Refused
from hub.core.episode import Episode
from hub.core.events import EpisodeEvent, instant, validate_document
from hub.core.plan import react
from hub.core.records import EpisodeSummary
from hub.core.ticks import next_wake, tick
from routing.decision import Decision, Duty
from routing.packs import Packs, load_packs
from routing.recipients import has_address
from tests.kit.events import EPISODE, parsed, wire_rules

_MOST_STEPS = 20_000


@dataclass
class Course:
    """``post`` and ``run_until`` move time forward only. Everybody with an address can be reached."""

    packs: Packs = field(default_factory=load_packs)
    history: Sequence[EpisodeSummary] = ()
    episode: Episode = field(default_factory=lambda: Episode(ref=EPISODE))
    decisions: list[Decision] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    kept: list[EpisodeEvent] = field(default_factory=list)
    now: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    def _context(self) -> Context:
        return Context(
            packs=self.packs,
            areas=load_areas(),
            reach=lambda recipient, person: (
                "" if recipient.organisation or recipient.role.startswith("circulation:") or has_address(person)
                else "no_address"
            ),
            now=self.now,
            history=self.history,
            check=lambda doc: [(p.path, p.message) for p in validate_document(doc, wire_rules())],
        )  # fmt: skip

    def post(self, event: Mapping[str, Any], *, at: str | datetime | None = None) -> "Course":
        """It arrives ``at``, by default at its own time; clocks due before have run. Fails the test if refused."""
        read = parsed(event)
        arrives = read.time if at is None else at if isinstance(at, datetime) else instant(at)
        if arrives > self.now:  # what arrives at one instant comes before the clocks, those that open late too (B10)
            self.run_until(arrives, inclusive=False)
        outcomes = react(self.episode, read, self._context(), self.kept)
        assert not isinstance(outcomes, Refused), outcomes
        self.warnings = [*read.warnings]
        for outcome in outcomes:
            self._take(outcome)
        if self.episode.state == "awaited":
            self.kept.append(read)
        return self

    def refusal(self, event: Mapping[str, Any]) -> Refused:
        """Why an event is refused; fails the test if it is not."""
        outcomes = react(self.episode, parsed(event), self._context(), self.kept)
        assert isinstance(outcomes, Refused)
        return outcomes

    def run_until(self, end: str | datetime, *, inclusive: bool = True) -> "Course":
        """Let the clocks run, each thing at its own instant."""
        end = end if isinstance(end, datetime) else instant(end)
        for _ in range(_MOST_STEPS):
            wake = next_wake(self.episode)
            if wake is None or wake > end or (wake == end and not inclusive):
                break
            self.now = max(self.now, wake)
            self._tick()
        else:
            raise AssertionError("the clocks never come to rest")
        self.now = max(self.now, end)
        return self

    def wakes_late(self, at: str | datetime) -> "Course":
        """The hub was down: everything due by ``at`` happens at that moment."""
        self.now = at if isinstance(at, datetime) else instant(at)
        for _ in range(_MOST_STEPS):
            if (wake := next_wake(self.episode)) is None or wake > self.now:
                return self
            self._tick()
        raise AssertionError("the clocks never come to rest")

    def _tick(self) -> None:
        outcome = tick(self.episode, self._context())
        assert outcome is not None, "a clock woke with nothing to do"
        self._take(outcome)

    def _take(self, outcome: Outcome) -> None:
        self.episode = outcome.episode
        self.decisions += outcome.decisions
        self.warnings += outcome.warnings

    def duties(self, code: str) -> list[Duty]:
        """Occurrences of one duty, in order."""
        return sorted((d for d in self.episode.duties if d.code == code), key=lambda d: d.occurrence)

    def duty(self, code: str) -> Duty:
        """The only occurrence."""
        (found,) = self.duties(code)
        return found

    @property
    def codes(self) -> set[str]:
        """Of all duties that ever opened."""
        return {duty.code for duty in self.episode.duties}

    def told(self, cause: str, kind: str | None = None) -> list[tuple[str, str]]:
        """(role or person, instant) of every notice of a cause, in order."""
        return [
            (recipient.person or recipient.role, f"{decision.at:%Y-%m-%dT%H:%MZ}")
            for decision in self.decisions
            if decision.cause == cause and decision.outcome == "notify" and kind in (None, decision.kind)
            for recipient in decision.recipients
        ]

    def times(self, cause: str, kind: str) -> list[str]:
        """The distinct instants of a cause's notices of one kind."""
        return list(dict.fromkeys(when for _, when in self.told(cause, kind)))
