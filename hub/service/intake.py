"""An event in, everything it means written down, in one transaction; only then an answer (events.md, Answers)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, Literal

from contacts.areas import Areas
from contacts.directory import Directory
from hub.core.answers import Answer, accepted, conflict, duplicate_of, erased_answer, forbidden, invalid, unread
from hub.core.course import Context, Outcome, Refused
from hub.core.episode import Episode
from hub.core.events import EpisodeEvent, Invalid, Problem, WireRules, canonical, parse, validate_document
from hub.core.plan import react
from hub.core.records import (
    AlarmRecord,
    Arrival,
    AuditLine,
    EpisodeRecord,
    EventRecord,
    QuarantineRecord,
    RegisterRecord,
    Source,
)
from hub.core.summary import EpisodeSummary
from hub.core.ulid import spelled
from hub.service.ledger import Bookkeeper, load, reach
from hub.service.oddities import Oddities
from hub.service.ports import Clock, Ids, Store, Unit, Unsealable
from routing.facts import Doc, host, part, responsible
from routing.packs import Packs

OPERATOR: Final = "operator"
MANY: Final = 16
"""Members of a circulation from which its rows are made in a thread: two hundred take the event loop 20 ms."""
KEPT_UNREADABLE: Final = "an event kept for this report is not valid any more and was not applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes events in. ``digest`` is a keyed hash: equal for equal JSON; ``nudge`` wakes the delivery service."""

    store: Store
    packs: Packs
    areas: Areas
    rules: WireRules
    directory: Callable[[], Directory]
    book: Bookkeeper
    clock: Clock
    ids: Ids
    digest: Callable[[bytes], bytes] = field(repr=False)
    nudge: Callable[[], None]

    async def accept(self, event: EpisodeEvent, raw: bytes, source: Source) -> Answer:
        """Fold the event in and decide. Durable when it returns 202. Raises StoreUnavailable."""
        now = self.clock.now()
        try:
            answer = await self.store.write(lambda unit: self.take(unit, event, raw, source, now))
        except Unsealable as error:
            reason = type(error).__name__
            aside = await self.store.write(lambda unit: self._set_aside(unit, event, raw, source, now, reason))
            if aside is None:
                return await self.accept(event, raw, source)
            answer = aside
        self.nudge()
        return answer

    async def _set_aside(
        self, unit: Unit, event: EpisodeEvent, raw: bytes, source: Source, now: datetime, reason: str
    ) -> Answer | None:
        """A key is missing for what this is about. The sender tries again, and the body is kept, once, should it give
        up. None: only what was kept until the report is lost, and a report waits for nothing."""
        await unit.lock(*self._locks(event))
        found = await unit.episode_unread(source.id, event.ref)
        alarm = AlarmRecord(id=self.ids.new("al", now), kind="unreadable", owner=OPERATOR, reason=reason,
                            episode=None if found is None else found[0], raised_at=now)  # fmt: skip
        await unit.add_alarm(alarm, ())
        if found is not None and found[1] == "awaited" and event.kind == "episode.reported":
            if await unit.give_way(found[0]):
                return None
        same = self.digest(b"unreadable\0" + source.id.encode() + b"\0" + canonical(event.sent))
        known = spelled("qu", int.from_bytes(same[:16]))
        said = [("", f"came for what cannot be opened ({reason})")]
        return unread(await _Intake(self, unit, source, now).quarantine(raw, said, "unreadable", known))

    async def take(self, unit: Unit, event: EpisodeEvent, raw: bytes, source: Source, now: datetime) -> Answer:
        """The same in a transaction of the caller's."""
        digest = self.digest(canonical(event.sent))
        met = await unit.arrived(source.id, event, now, locking=self._locks(event))
        if isinstance(met, EventRecord):
            if met.digest != digest:
                return conflict()
            return duplicate_of(met.answer or erased_answer(event.id, event.ref))
        return await _Intake(self, unit, source, now).take(met, event.arrived(now), raw, digest)

    async def refuse(
        self,
        raw: bytes,
        source: Source,
        problems: Sequence[Problem],
        reason: Literal["invalid", "stale_signature"],
    ) -> str:
        """Seal a body that cannot be accepted into quarantine, and tell the operator. Returns the quarantine id."""
        now = self.clock.now()
        said = [(problem.path, problem.message) for problem in problems]

        async def work(unit: Unit) -> str:
            return await _Intake(self, unit, source, now).quarantine(raw, said, reason)

        return await self.store.write(work)

    def _locks(self, event: EpisodeEvent) -> tuple[str, ...]:
        """One writer per episode and, for a report, per child, whose episodes are counted."""
        names = [f"episode\0{event.source}\0{event.ref}"]
        if event.kind == "episode.reported":
            names.append(f"child\0{event.source}\0{event.data['child']['ref']}")
        return tuple(self.digest(name.encode()).hex() for name in names)


@dataclass(slots=True)
class _Place:
    """The episode as it stands between two steps of one transaction."""

    id: str
    child: str
    record: EpisodeRecord | None
    episode: Episode
    register: Sequence[RegisterRecord]


class _Intake:
    """One event inside its transaction."""

    def __init__(self, intake: Intake, unit: Unit, source: Source, now: datetime) -> None:
        self._intake = intake
        self._unit = unit
        self._source = source
        self._now = now

    async def take(self, met: Arrival, event: EpisodeEvent, raw: bytes, digest: bytes) -> Answer:
        source, place = self._source, self._place(met, event)
        parsed = [(record, self._again(record)) for record in met.kept]
        context = self._context(place, event, met.history)
        outcomes = react(place.episode, event, context, [e for _, e in parsed if e is not None])
        if isinstance(outcomes, Refused):
            problems = outcomes.problems
            quarantine = await self.quarantine(raw, problems, "invalid")
            return invalid([Problem(path=path, message=message) for path, message in problems], quarantine)
        if not self._may_speak(place.episode.doc, outcomes[0].episode.doc):
            why = "this source is not registered for an authority of this episode"
            return forbidden(await self.quarantine(raw, [("data.placement", why)], "invalid"))
        unreadable = [record for record, again in parsed if again is None]
        answer = _answer(event, outcomes, [KEPT_UNREADABLE] if unreadable else [])
        record = EventRecord(
            id=self._intake.ids.new("ev", self._now),
            source=source.id,
            sender_id=event.id,
            digest=digest,
            type=event.type,
            time=event.time,
            arrived_at=self._now,
            episode=place.id,
            body=raw,
            answer=answer.body,
            applied=outcomes[0].episode.state != "awaited",
        )
        await self._save(place, outcomes[0], record)
        by_event = {id(e): r for r, e in parsed}
        for outcome in outcomes[1:]:
            await self._apply_kept(place, outcome, by_event[id(outcome.event)])
        odd = Oddities(unit=self._unit, ids=self._intake.ids, source=source.id, now=self._now)
        if event.kind == "episode.reported" and met.kept:
            await odd.report_came(place.id)
        for outcome in outcomes:
            if outcome.event is not None and not outcome.problems:
                await odd.see_to(outcome.event, place.id, outcome.episode)
        for record in unreadable:
            await self.quarantine(record.body, [("", "can no longer be read")], "kept_event_invalid")
        return answer

    def _place(self, met: Arrival, event: EpisodeEvent) -> _Place:
        stored = met.stored
        if stored is None:
            return _Place(self._intake.ids.new("ep", self._now), met.child, None, Episode(ref=event.ref), ())
        return _Place(stored.record.id, met.child, stored.record, load(stored), stored.register)

    def _context(self, place: _Place, event: EpisodeEvent, history: Sequence[EpisodeSummary]) -> Context:
        intake = self._intake
        doc = event.data if event.kind == "episode.reported" else place.episode.doc
        return Context(
            packs=intake.packs,
            areas=intake.areas,
            reach=reach(intake.directory(), self._now, doc),
            now=self._now,
            history=history,
            check=lambda merged: [(p.path, p.message) for p in validate_document(merged, intake.rules)],
        )

    def _again(self, record: EventRecord) -> EpisodeEvent | None:
        """A kept event, read again under the rules of today."""
        event = parse(record.body, self._intake.rules)
        return None if isinstance(event, Invalid) else event.arrived(record.arrived_at)

    async def _save(self, place: _Place, outcome: Outcome, event: EventRecord, *, new: bool = True) -> None:
        made = partial(
            self._intake.book.changes,
            [outcome],
            record=place.record,
            before=place.episode,
            register=place.register,
            episode_id=place.id,
            source=self._source.id,
            child=place.child,
            event=event,
            now=self._now,
            actor=f"source:{self._source.id}",
            new=new,
        )
        many = sum(len(decision.members) for decision in outcome.decisions) > MANY
        await self._unit.save(await asyncio.to_thread(made) if many else made())

    async def _apply_kept(self, place: _Place, outcome: Outcome, record: EventRecord) -> None:
        if outcome.problems:
            await self.quarantine(record.body, outcome.problems, "kept_event_invalid")
            return
        saved = await self._unit.episode_by_id(place.id)
        if saved is None:
            raise LookupError("an episode just saved is not there")
        place.record, place.episode, place.register = saved.record, load(saved), saved.register
        await self._save(place, outcome, record, new=False)

    def _may_speak(self, before: Doc, after: Doc) -> bool:
        """For a responsible, host or missing-from authority of the episode (readings.md D5); kept events are checked
        when they are applied, which is with their report."""
        codes = {
            code
            for doc in (before, after)
            for code in (responsible(doc), host(doc), part(doc, "episode").get("missing_from_authority"))
            if code
        }
        if not codes:
            return True
        mine = set(self._source.authorities)
        if self._source.force:
            mine |= set(self._intake.areas.authorities_of_force(self._source.force))
        return bool(codes & mine)

    async def quarantine(
        self,
        raw: bytes,
        problems: Sequence[tuple[str, str]],
        reason: Literal["invalid", "stale_signature", "kept_event_invalid", "unreadable"],
        known: str | None = None,
    ) -> str:
        """Keep a body, raise the operator's alarm. ``known``: the id of one that may be there already."""
        ids, now = self._intake.ids, self._now
        record = QuarantineRecord(
            id=known or ids.new("qu", now),
            source=self._source.id,
            received_at=now,
            reason=reason,
            body=raw,
            problems=tuple({"path": path, "message": message} for path, message in problems),
        )
        alarm = AlarmRecord(id=ids.new("al", now), kind="quarantine", owner=OPERATOR, reason=record.id, raised_at=now)
        line = AuditLine(id=ids.new("au", now), at=now, actor=f"source:{self._source.id}", action="event.quarantined",
                         subject=record.id, detail={"reason": reason})  # fmt: skip
        await self._unit.add_quarantine(record, alarm, [line])
        return record.id


def _answer(event: EpisodeEvent, outcomes: Sequence[Outcome], more: Sequence[str]) -> Answer:
    decisions = [decision for outcome in outcomes for decision in outcome.decisions]
    warnings = [*event.warnings, *(warning for outcome in outcomes for warning in outcome.warnings), *more]
    return accepted(
        event=event.id,
        episode=event.ref,
        notices=sum(decision.outcome == "notify" for decision in decisions),
        withheld=sum(decision.outcome == "withhold" for decision in decisions),
        gaps=list(dict.fromkeys(role for d in decisions if d.outcome == "gap" for role in d.roles)),
        warnings=list(dict.fromkeys(warnings)),
    )


__all__ = ["Intake"]
