"""The clocks: whatever falls due by now, episode by episode, each in a transaction of its own.

An episode says when it has to be looked at again (``wake_at``); a tick claims nothing and holds nothing, so any node
may run it, and two that meet on one episode settle it by its version. What the hub itself does (convert, tell the
MASH, re-notify) is recorded as an event of the hub, so it happens once whatever restarts in between.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

from contacts.areas import Areas
from contacts.directory import Directory
from hub.core.course import Context, Outcome
from hub.core.episode import Episode
from hub.core.records import AlarmRecord, Changes, EventRecord, StoredEpisode
from hub.core.ticks import tick
from hub.service.agreements.steps import Steps
from hub.service.ledger import REPORT_AWAITED, Bookkeeper, load, reach, wake_at
from hub.service.ports import Ids, Store, StoreUnavailable, Unit
from routing.decision import Duty
from routing.packs import Packs

BATCH: Final = 100
MOST_STEPS: Final = 1_000
"""Of one episode in one transaction; what is left is done at the next tick."""
PATIENCE: Final = timedelta(minutes=1)
"""How long an episode that could not be worked on is left alone, so that it holds up no other; not for an hour longer
where the clock was set back by one."""
HUB: Final = "hub"
ACTED: Final = "fingerpost.hub.duty.v1"


@dataclass(slots=True, kw_only=True)
class Clockwork:
    """``log`` is told of an episode that fails, by its id and the error's class only."""

    store: Store
    packs: Packs
    areas: Areas
    directory: Callable[[], Directory]
    book: Bookkeeper
    ids: Ids
    digest: Callable[[bytes], bytes] = field(repr=False)
    nudge: Callable[[], None]
    log: Callable[[str, str], None]
    _failing: dict[str, datetime] = field(default_factory=dict)
    _refused: str | None = None
    """The episode at which the store last gave up."""

    async def tick(self, now: datetime) -> int:
        """Do what is due; how many episodes were worked on. Raises StoreUnavailable."""
        worked = 0
        while due := await self._due(now):
            for episode in due:
                worked += await self._safely(episode, now)
            if len(due) < BATCH:
                break
        if worked:
            self.nudge()
        return worked

    async def _due(self, now: datetime) -> list[str]:
        self._failing = {episode: until for episode, until in self._failing.items() if now < until <= now + PATIENCE}
        limit = BATCH + len(self._failing)
        due = await self.store.read(lambda unit: unit.due_episodes(now, limit))
        return [episode for episode in due if episode not in self._failing]

    async def _safely(self, episode: str, now: datetime) -> bool:
        try:
            worked = await self.store.write(lambda unit: self._work(unit, episode, now))
        except StoreUnavailable:
            # It may be this one that takes the store too long: a second time running, the others come first.
            if self._refused == episode:
                self._failing[episode] = now + PATIENCE
            self._refused = episode
            raise
        except Exception as error:  # one episode that cannot be worked on must not stop the clocks of the others
            self._failing[episode] = now + PATIENCE
            self.log(episode, type(error).__name__)
            await self._alarm(episode, type(error).__name__, now)
            return False
        self._refused = None
        return worked

    async def _alarm(self, episode: str, error: str, now: datetime) -> None:
        alarm = AlarmRecord(id=self.ids.new("al", now), kind="clock_failed", owner="operator", episode=episode,
                            reason=error, raised_at=now)  # fmt: skip
        await self.store.write(lambda unit: unit.add_alarm(alarm, ()))

    async def _work(self, unit: Unit, episode: str, now: datetime) -> bool:
        stored = await unit.episode_by_id(episode)
        if stored is None or stored.record.wake_at is None or stored.record.wake_at > now:
            return False  # another node was here first
        if stored.record.state == "awaited":
            await unit.save(self._never_reported(stored, now))
            return True
        history = await unit.episodes_of_child(stored.record.child, excluding=episode)
        before = current = load(stored)
        context = Context(packs=self.packs, areas=self.areas, reach=reach(self.directory(), now, current.doc), now=now,
                          history=history)  # fmt: skip
        outcomes: list[Outcome] = []
        while len(outcomes) < MOST_STEPS and (outcome := tick(current, context)) is not None:
            outcomes.append(outcome)
            current = outcome.episode
        if outcomes:
            await self._save(unit, stored, before, outcomes, now)
        else:  # looked at early, so as not to show a birthday
            await unit.save(self._asleep(stored, now))
        agreeing = Steps.of(self.book, self.areas, self.directory)
        for lapsed in [one for outcome in outcomes for one in outcome.lapsed]:
            await agreeing.lapse(unit, episode, lapsed, now)
        return True

    def _asleep(self, stored: StoredEpisode, now: datetime) -> Changes:
        record = replace(stored.record, version=stored.record.version + 1, wake_at=wake_at(load(stored), now))
        return Changes(event=None, episode=record, expected_version=stored.record.version)

    def _never_reported(self, stored: StoredEpisode, now: datetime) -> Changes:
        """Nobody hears what its events say before its report comes, so that the operator has to see to it."""
        alarm = AlarmRecord(id=self.ids.new("al", now), kind=REPORT_AWAITED, owner="operator",
                            episode=stored.record.id, reason=stored.record.source, raised_at=now)  # fmt: skip
        record = replace(stored.record, version=stored.record.version + 1, wake_at=None)
        return Changes(event=None, episode=record, expected_version=stored.record.version, alarms=(alarm,))

    async def _save(
        self, unit: Unit, stored: StoredEpisode, before: Episode, outcomes: Sequence[Outcome], now: datetime
    ) -> None:
        for number, steps in enumerate(_changes(outcomes)):
            if number:
                stored = await self._saved(unit, stored.record.id)
                before = load(stored)
            record, acted = stored.record, steps[0].acted
            event = self._event(stored, acted[0], now) if acted else None
            await unit.save(
                self.book.changes(steps, record=record, before=before, register=stored.register,
                                  episode_id=record.id, source=record.source, child=record.child, event=event, now=now,
                                  actor=HUB)
            )  # fmt: skip

    async def _saved(self, unit: Unit, episode: str) -> StoredEpisode:
        saved = await unit.episode_by_id(episode)
        if saved is None:
            raise LookupError("an episode just saved is not there")
        return saved

    def _event(self, stored: StoredEpisode, duty: Duty, now: datetime) -> EventRecord:
        """The hub's own event: its id is the duty's, so a second one of the same is refused by the store."""
        identity = f"{stored.record.id}/{duty.code}/{duty.ordinal}/{duty.occurrence}"
        body: dict[str, Any] = {"duty": duty.code, "occurrence": duty.occurrence, "due_at": duty.due_at.isoformat()}
        raw = json.dumps(body, sort_keys=True).encode()
        return EventRecord(
            id=self.ids.new("ev", now),
            source=HUB,
            sender_id=identity,
            digest=self.digest(raw),
            type=ACTED,
            time=duty.due_at,
            arrived_at=now,
            episode=stored.record.id,
            body=raw,
            answer={},
        )


def _changes(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """Steps between two deeds of the hub share a change; each deed is an event with a change of its own."""
    for acted, steps in groupby(outcomes, key=lambda outcome: bool(outcome.acted)):
        if acted:
            yield from ([step] for step in steps)
        else:
            yield list(steps)
