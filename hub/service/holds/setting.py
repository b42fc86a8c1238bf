"""The police set a hold, or lift it: everybody who was told of the episode hears of it at once, and never why.

Each hears it in a conversation of their own with the desk that asks: so they can ask back, and nobody is shown who else
was told (hub/core/parties.py). All of it is one transaction, with what it does to the clocks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from hub.core.conversation import Message, Party, Reader, TextProblem, Via, plain_text
from hub.core.holds import (
    MOST_A_DAY,
    REVIEW,
    SAID,
    Act,
    Deed,
    Hold,
    HoldKind,
    may_set,
    review_of,
    standing,
    too_often,
)
from hub.core.parties import is_police, parties
from hub.core.peer_holds import hold_deed
from hub.core.records import AuditLine, Changes, StoredEpisode
from hub.service.conversations.audience import standing as standing_episode
from hub.service.conversations.posting import Post, Posting
from hub.service.conversations.seats import Seat, Who, seat
from hub.service.holds.ports import Done
from hub.service.ledger import changed_duties, load, wake_at
from hub.service.ports import Clock, Store, Unit, Unsealable
from hub.service.tenancy import WHOLE, scoped
from routing.decision import Duty
from routing.duties import ended

LONGEST_REVIEW: Final = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody of the police wants. ``review_at``: when their desk wants to be asked whether it still holds."""

    kind: str
    key: str = field(repr=False)
    """What the form or program calls it: sent again under it, it is the same deed."""
    reason: str = field(default="", repr=False)
    """For their own force and the evidence; empty where they give none."""
    review_at: datetime | None = None
    via: Via = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """It is durable. ``told``: to how many desks it went; none where it stood already, or stands still."""

    act: Act
    told: int
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherwiseDone:
    """Something else was done under the same key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldProblem:
    """What is wrong with one field; repeats nothing of it."""

    field: Literal["kind", "reason", "review_at"]
    message: str


Outcome: TypeAlias = Settled | OtherwiseDone | Sequence[HoldProblem]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The holds on an episode, for the police. ``police``: the desk for which they set and lift them; ``may_set``:
    which there can be; ``acts``: what their force did, in order, with its reasons."""

    holds: tuple[Hold, ...]
    police: Party
    may_set: tuple[HoldKind, ...]
    acts: tuple[Act, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """All of it raises StoreUnavailable where the store is away; what is not theirs to see is not there. ``nudge``
    wakes the delivery service."""

    store: Store
    posting: Posting
    clock: Clock
    nudge: Callable[[], None]

    async def seen(self, who: Who, episode: str) -> Seen | None:
        """What stands, and what the force of whoever asks did; None for whoever is no police desk that was told. The
        caller records that it was read."""

        async def work(unit: Unit) -> Seen | None:
            found = await seat(unit, who, episode)
            police = None if found is None else _police(found)
            if found is None or police is None:
                return None
            stored = await unit.episode_by_id(episode)
            acts = await unit.holds.acts(episode, words_of=who.organisation)
            return Seen(
                holds=found.holds,
                police=police,
                may_set=() if stored is None else may_set(stored.record.state),
                acts=tuple(one for one in acts if one.organisation == who.organisation),
            )

        try:
            return await self.store.read(work)
        except Unsealable:
            return None

    async def set(self, who: Who, episode: str, ask: Ask) -> Outcome | None:
        """Set a hold, or set it again with another reason or date; None for whoever is no police desk that was told."""
        problems, reason = _checked(ask, self.clock.now())
        return await self._do(who, episode, ask, "set", reason, problems)

    async def lift(self, who: Who, episode: str, ask: Ask) -> Outcome | None:
        """Lift what the own force has set. Where another set it too, it stands until that one lifts it."""
        return await self._do(who, episode, replace(ask, reason="", review_at=None), "lifted", None, [])

    async def _do(
        self, who: Who, episode: str, ask: Ask, deed: Deed, reason: str | None, problems: Sequence[HoldProblem]
    ) -> Outcome | None:
        try:
            found = await self.store.read(lambda unit: seat(unit, who, episode))
        except Unsealable:
            return None
        police = None if found is None else _police(found)
        if police is None or not who.name.strip():
            return None
        now = self.clock.now()

        async def work(unit: Unit) -> Outcome | None:
            await unit.lock(f"conversations:{episode}")
            known = await unit.holds.done_as(who.actor, ask.key)
            if known is not None:
                was = (known.episode, known.kind, known.deed, known.reason, known.review_at)
                same = was == (episode, ask.kind, deed, reason, ask.review_at)
                return Settled(act=known, told=0, repeated=True) if same else OtherwiseDone()
            stored = await standing_episode(unit, episode)
            if stored is None:
                return None
            everyone = parties(*await unit.desk.course(episode))
            if police.key not in {one.key for one in everyone}:
                return None
            wrong = [*problems, *_impossible(stored, ask.kind, deed, who.organisation)]
            if deed == "set" and too_often(await unit.holds.acts(episode), who.organisation, now):
                wrong.append(_TOO_OFTEN)
            if wrong:
                return wrong
            return await self._done(unit, who, stored, ask, deed, reason, police, everyone, now)

        try:
            with scoped(WHOLE):
                outcome = await self.store.write(work)
        except Unsealable:
            return None
        if isinstance(outcome, Settled) and not outcome.repeated:
            self.nudge()
        return outcome

    async def _done(
        self,
        unit: Unit,
        who: Who,
        stored: StoredEpisode,
        ask: Ask,
        deed: Deed,
        reason: str | None,
        police: Party,
        everyone: Sequence[Party],
        now: datetime,
    ) -> Settled:
        record, before = stored.record, await unit.holds.acts(stored.record.id)
        kind = next(one for one in SAID if one == ask.kind)
        act = Act(
            id=self.posting.ids.new("ph", now),
            episode=record.id,
            number=len(before) + 1,
            kind=kind,
            deed=deed,
            organisation=who.organisation,
            desk=police.desk,
            role=police.roles[0],
            actor=who.actor,
            at=now,
            review_at=ask.review_at,
            name=who.name.strip(),
            reason=reason,
        )
        after = standing((*before, act), record.state)
        news = {one.kind for one in stored.holds} != {one.kind for one in after}
        others = [one for one in everyone if one.key != police.key] if news else []
        episode = load(stored)
        duties = _reviewed(episode.duties, stored.holds, act)
        moved = replace(
            record,
            version=record.version + 1,
            wake_at=wake_at(replace(episode, duties=duties, holds=after), now),
        )
        await unit.save(
            Changes(
                event=None,
                episode=moved,
                expected_version=record.version,
                duties=changed_duties(record.id, episode.duties, duties),
            )
        )
        line = AuditLine(
            id=self.posting.ids.new("au", now),
            at=now,
            actor=who.actor,
            action="police_hold.set" if deed == "set" else "police_hold.lifted",
            organisation=who.organisation,
            episode=record.id,
            subject=act.id,
            detail={"kind": kind, "told": str(len(others)), "via": ask.via},
        )
        await unit.holds.add(Done(act=act, child=record.child, key=ask.key, audit=(line,)))
        written = await unit.conversations.messages(record.id)
        for party in others:
            post = Post(
                author=who.name,
                organisation=who.organisation,
                desk=police.desk,
                actor=who.actor,
                via=ask.via,
                purpose="police_hold",
                touches=False,
                text=SAID[kind][deed],
                key=f"{act.id}|{party.organisation}|{party.desk}",
                thread=_thread(written, police, party),
                step=hold_deed(act),
            )
            some = (Reader(party=police, because="author"), Reader(party=party, because="police_hold"))
            await self.posting.post(unit, replace(stored, record=moved, holds=after), post, some, now)
            moved = replace(moved, version=moved.version + 1)
        return Settled(act=act, told=len(others))


def _police(found: Seat) -> Party | None:
    return next((one for one in found.mine if is_police(one)), None)


def _checked(ask: Ask, now: datetime) -> tuple[list[HoldProblem], str | None]:
    problems: list[HoldProblem] = []
    text = plain_text(ask.reason) if ask.reason.strip() else None
    if isinstance(text, TextProblem):
        problems.append(HoldProblem(field="reason", message=text.message.replace("message", "reason")))
        text = None
    if ask.review_at is not None and not now < ask.review_at <= now + LONGEST_REVIEW:
        problems.append(HoldProblem(field="review_at", message="The date must be in the future, within a year"))
    return problems, text


_TOO_OFTEN: Final = HoldProblem(
    field="kind",
    message=f"Your force has set {MOST_A_DAY} holds on this absence within a day. Ring whoever has to know",
)


def _impossible(stored: StoredEpisode, kind: str, deed: Deed, organisation: str) -> list[HoldProblem]:
    if deed == "lifted":
        mine = [one for one in stored.holds if one.kind == kind]
        if any(one.of(organisation) is not None for one in mine):
            return []
        if any(act.organisation == organisation for one in mine for act in one.by):
            return [HoldProblem(field="kind", message="It was set at the hub that sent this case: lift it there")]
        return [HoldProblem(field="kind", message="Your force has set no such hold that stands")]
    if kind in may_set(stored.record.state):
        return []
    if kind in SAID:
        if stored.record.state == "retracted":
            return [HoldProblem(field="kind", message="The report was retracted: there is nothing left to hold")]
        return [HoldProblem(field="kind", message="The child is back: there are no enquiries left to hold")]
    return [HoldProblem(field="kind", message="Choose what you ask for")]


def _reviewed(duties: tuple[Duty, ...], holds: Sequence[Hold], act: Act) -> tuple[Duty, ...]:
    """Whoever sets a hold again, or lifts it, has said whether it still holds; a new date is asked for anew."""
    mine = next((one.of(act.organisation) for one in holds if one.kind == act.kind), None)
    said = tuple(
        ended(one, "done", act.at, f"duty:{REVIEW}")
        if mine is not None and one.code == REVIEW and one.unfinished and one.row.endswith(f"/{mine.id}")
        else one
        for one in duties
    )
    fresh = review_of(act, said)
    return said if fresh is None else (*said, fresh)


def _thread(written: Sequence[Message], police: Party, party: Party) -> str | None:
    """The conversation in which the desk has told this party of holds before, the newest; None opens one."""
    told = (
        one.thread
        for one in reversed(written)
        if one.purpose == "police_hold"
        and (one.organisation, one.desk) == police.key
        and any(reader.party.key == party.key and reader.because == "police_hold" for reader in one.readers)
    )
    return next(told, None)
