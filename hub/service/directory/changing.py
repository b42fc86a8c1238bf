"""Changing the directory: what is asked for is weighed, takes effect at once or waits for a second person, and is on
record either way.

The weighing, which may take seconds for a whole directory, is done outside the transaction on the version that was in
force; the transaction finds out that this is still the newest, or the weighing is done again. So nothing is overwritten
that somebody else has changed meanwhile, and no other work waits behind it.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from contacts.areas import Areas
from contacts.changes import Change
from contacts.model import Bundle
from contacts.roles import OPERATOR
from contacts.tables import dumps
from hub.core.drafts import (
    About,
    Author,
    Draft,
    How,
    organisation_of,
    reason_given,
    remark,
    why_not_decided,
    why_not_withdrawn,
)
from hub.core.news import News
from hub.core.records import AlarmRecord, AuditLine
from hub.service.alarming import WORDS
from hub.service.directory.outcome import NO_REASON, NO_REMARK, NO_VERSION, Outcome, previewed
from hub.service.directory.step import ACTION, Settled, Step, twin
from hub.service.directory.versions import DirectoryUnreadable, Versions
from hub.service.directory.warning import of_a_waiting, of_an_override
from hub.service.directory.weighing import Asked, Weighed, weigh, weigh_again
from hub.service.ports import Clock, Ids, Store, StoreUnavailable, Unit

OVERRIDDEN: Final = "directory_override"
"""The kind of alarm that an override raises."""
_LOCK: Final = "directory"
_TRIES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Changing:
    """The service. All of it raises StoreUnavailable, and DirectoryUnreadable where the present version cannot be read
    (a whole import by the operator replaces that too). ``adopt`` puts a new version to use on this node; ``channels``:
    those that people can be told of an override by; ``trips``: the secret behind links by which two addresses may agree
    in the place of a second person, None where they may not."""

    store: Store
    clock: Clock
    ids: Ids
    areas: Areas
    versions: Versions
    adopt: Callable[[int, Bundle], None] = field(repr=False)
    channels: Collection[str] = WORDS
    trips: bytes | None = field(default=None, repr=False)

    async def propose(
        self,
        by: Author,
        asked: Sequence[Change] | Bundle,
        *,
        seen: int | None = None,
        part: str | None = None,
        confirm: bool = False,
        override: str | None = None,
        at_the_machine: bool = False,
        strict: bool = True,
        change: str | None = None,
    ) -> Outcome:
        """Change entries, or put a whole directory in the place of the present one; with ``confirm`` only, else say
        what that would come to.

        ``seen``: the version that the person looked at; what somebody else has changed since is a conflict and not
        overwritten. ``part``: a whole directory is that of this organisation alone (an administrator's always is
        theirs). ``override``: takes effect at once although it takes two, for this written reason, and loudly.
        ``at_the_machine``: an import by whoever holds the hub's keys, which asks nobody. ``strict``: see
        ``contacts.changes.applied``. ``change``: the id that it is to have.
        """
        if override is not None and not by.decides:
            return Outcome(result="refused", refusal="unnamed")
        if override is not None and reason_given(override) is None:
            return Outcome(result="refused", problems=(NO_REASON,))
        asking = Asked(
            by=by,
            asked=asked if isinstance(asked, Bundle) else tuple(asked),
            part=by.organisation or part,
            strict=strict,
        )
        for _ in range(_TRIES):
            torn = False
            try:
                version, present = await self.versions.present()
            except DirectoryUnreadable:
                # Whoever replaces all of it may replace what cannot be read, too.
                if not isinstance(asked, Bundle) or asking.part is not None:
                    raise
                torn = True
                version, present = await self.versions.present(in_part=True)
            if seen is not None and not 0 <= seen <= version:
                return Outcome(result="refused", problems=(NO_VERSION,))
            try:
                base = present if seen is None or seen == version else await self.versions.of(seen)
            except KeyError:
                return Outcome(result="refused", problems=(NO_VERSION,))
            now = self.clock.now()
            weighed = await asyncio.to_thread(weigh, asking, base, present, self.areas, now)
            outcome = previewed(weighed, torn=torn)
            if not confirm or outcome.result != "preview":
                return outcome
            how: How | None = "imported" if at_the_machine else "alone"
            if outcome.takes_two and not at_the_machine:
                how = None if override is None else "overridden"
            draft = Draft(
                id=change or self.ids.new("ch", now),
                organisation=organisation_of(weighed.concerned, by),
                scope=by.organisation,
                state="waiting",
                base=version,
                entries=len(weighed.judged),
                proposed_at=now,
                proposed_by=by.actor,
                proposed_name=by.name,
                person=by.person,
                why=None if override is None or how != "overridden" else reason_given(override),
            )
            about = About(draft=draft, judged=weighed.judged, concerned=weighed.concerned)
            # What has an id beforehand, as an import has, is looked for by that.
            step = Step(
                about=about, how=how, by=by, now=now, before=present, fresh=True, torn=torn, once=change is None
            )
            done = await self._write(step, weighed)
            if done is not None:
                return replace(outcome, result="waiting" if how is None else "in_force", draft=done)
        raise StoreUnavailable("the directory changes faster than this change can be weighed")

    async def approve(self, by: Author, draft: str) -> Outcome:
        """Agree to what another proposed: it takes effect, all of it, unless an entry is not what it was."""
        return await self._decide(by, draft, "approved")

    async def confirmed(self, by: Author, draft: str) -> Outcome:
        """Both addresses of a contact have agreed to what was proposed (hub/service/directory/round_trip.py)."""
        return await self._decide(by, draft, "confirmed")

    async def override(self, by: Author, draft: str, why: str) -> Outcome:
        """Put what waits in force without a second person, for a written reason, and loudly."""
        given = reason_given(why)
        if not by.decides:
            return Outcome(result="refused", refusal="unnamed")
        if given is None:
            return Outcome(result="refused", problems=(NO_REASON,))
        return await self._decide(by, draft, "overridden", given)

    async def reject(self, by: Author, draft: str, why: str = "", *, alarm: str | None = None) -> Outcome:
        """Decline what another proposed; ``why``: what whoever did should know, if anything; ``alarm``: the kind of the
        one that the organisation has of it."""
        said = remark(why)
        if said is None:
            return Outcome(result="refused", problems=(NO_REMARK,))
        return await self._end(by, draft, "rejected", said or None, alarm)

    async def withdraw(self, by: Author, draft: str) -> Outcome:
        """Take back what they proposed themselves."""
        return await self._end(by, draft, "withdrawn", None)

    async def _decide(self, by: Author, draft: str, how: How, why: str | None = None) -> Outcome:
        for _ in range(_TRIES):
            about = await self.store.read(lambda unit: unit.drafts.one(draft))
            refusal = "unknown" if about is None else why_not_decided(about.draft, by)
            if refusal == "own" and how == "overridden":
                refusal = None
            if about is None or refusal is not None:
                return Outcome(result="refused", refusal=refusal)
            version, present = await self.versions.present()
            now = self.clock.now()
            weighed = await asyncio.to_thread(weigh_again, about, present, by.organisation)
            if weighed.problems or weighed.conflicts:
                return Outcome(
                    result="refused",
                    judged=about.judged,
                    problems=weighed.problems,
                    conflicts=weighed.conflicts,
                    draft=about.draft,
                )
            about = replace(about, draft=replace(about.draft, base=version, decided_why=why))
            done = await self._write(Step(about=about, how=how, by=by, now=now, before=present, fresh=False), weighed)
            if done is not None and done.state == "waiting":
                return Outcome(result="refused", refusal="settled")
            if done is not None:
                return Outcome(result="in_force", judged=about.judged, draft=done)
        raise StoreUnavailable("the directory changes faster than this change can be weighed")

    async def _end(
        self,
        by: Author,
        draft: str,
        state: Literal["rejected", "withdrawn"],
        why: str | None,
        alarm: str | None = None,
    ) -> Outcome:
        now = self.clock.now()
        judge = why_not_decided if state == "rejected" else why_not_withdrawn

        async def work(unit: Unit) -> Outcome:
            await unit.lock(_LOCK)
            about = await unit.drafts.one(draft)
            refusal = "unknown" if about is None else judge(about.draft, by)
            if about is None or refusal is not None:
                return Outcome(result="refused", refusal=refusal)
            done = replace(
                about.draft, state=state, decided_at=now, decided_by=by.actor, decided_name=by.name, decided_why=why
            )
            if not await unit.drafts.settle(done):
                return Outcome(result="refused", refusal="settled")
            await unit.add_audit([self._line(f"directory.{state}", done, by, now)])
            if alarm is not None:
                await unit.add_alarm(self._alarm(alarm, done.organisation, done, now), [])
            return Outcome(result=state, judged=about.judged, draft=done)

        return await self.store.write(work)

    async def _write(self, step: Step, weighed: Weighed) -> Draft | None:
        """Write a new change, or the decision about one; None where the directory is another by now. A draft that comes
        back ``waiting`` after a decision was decided by somebody else first."""
        data = b"" if step.how is None else await asyncio.to_thread(dumps, weighed.after)
        news: Sequence[News] = ()
        sides = step.before, weighed.after
        if step.how == "overridden":
            news = await asyncio.to_thread(of_an_override, step.about, *sides, self.channels, self.ids, step.now)
        base, moved = step.about.draft.base, step.torn or weighed.after != step.before

        async def work(unit: Unit) -> Draft | None:
            await unit.lock(_LOCK)
            if await unit.drafts.newest() != base:
                return None
            draft = step.about.draft
            if step.once and step.how is None and (waiting := await twin(unit, step.about)) is not None:
                return waiting
            if step.how is not None:
                # What holds already needs no version of its own.
                version = await unit.put_directory(data, step.now, []) if moved else None
                draft = step.settled(version)
            if step.fresh:
                await unit.drafts.add(replace(step.about, draft=draft))
            elif not await unit.drafts.settle(draft):
                raise Settled
            await unit.add_audit([self._line(ACTION[step.how], draft, step.by, step.now)])
            if step.how == "overridden":
                for owner in sorted({OPERATOR, *step.about.organisations}):
                    await unit.add_alarm(self._alarm(OVERRIDDEN, owner, draft, step.now), [])
            asked = (
                await of_a_waiting(unit, step.about, *sides, self.trips, self.ids, step.now) if step.how is None else ()
            )
            await unit.drafts.news.put([*news, *asked])
            return draft

        try:
            draft = await self.store.write(work)
        except Settled:
            return replace(step.about.draft, state="waiting")
        if draft is not None and draft.version is not None:
            self.versions.keep(draft.version, weighed.after)
            self.adopt(draft.version, weighed.after)
        return draft

    def _line(self, action: str, draft: Draft, by: Author, now: datetime) -> AuditLine:
        detail = {"entries": str(draft.entries)}
        if draft.version is not None:
            detail["version"] = str(draft.version)
        if draft.proposed_by != by.actor:
            detail["proposed_by"] = draft.proposed_by
        return AuditLine(
            id=self.ids.new("au", now),
            at=now,
            actor=by.actor,
            action=action,
            organisation=draft.organisation,
            subject=draft.id,
            detail=detail,
        )

    def _alarm(self, kind: str, owner: str, draft: Draft, now: datetime) -> AlarmRecord:
        return AlarmRecord(id=self.ids.new("al", now), kind=kind, owner=owner, reason=draft.id, raised_at=now)
