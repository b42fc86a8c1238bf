"""A message is written: kept, and told of to each party it is for, in one transaction.

The notices that tell of it are made as any other (hub/service/rows.py), so that channels, receipts, the ladder, gaps
and alarms are theirs too. They go to others than whoever writes: that is why this looks beyond the author's own
organisation (hub/service/tenancy.py), once what they see of it themselves has let them in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from contacts.areas import Areas
from contacts.directory import Directory
from hub.core.conversation import (
    BY_HAND,
    MOST_A_DAY,
    Message,
    PartyKey,
    Purpose,
    Reader,
    TextProblem,
    Via,
    files_problem,
    plain_text,
    too_many,
    touches_whereabouts,
)
from hub.core.pictures import bare
from hub.core.records import StoredEpisode
from hub.service.conversations.audience import Audience, audience_of, standing
from hub.service.conversations.posting import Post, Posting
from hub.service.conversations.seats import Seat, Who, seat
from hub.service.ports import Clock, Ids, Store, Unit, Unsealable
from hub.service.tenancy import WHOLE, scoped
from hub.service.ways import Ways
from routing.packs import Packs


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wants to send."""

    text: str = field(repr=False)
    purpose: str
    whereabouts: bool | None
    """Whether it touches where the child is, was or may be; None where nobody could ask."""
    key: str = field(repr=False)
    """What the form or program calls it: sent again under it, it is the same message."""
    thread: str | None = None
    """None opens a conversation."""
    in_reply_to: str | None = None
    to: tuple[PartyKey, ...] = ()
    """Whom it is for, besides who takes part in the thread."""
    shown: frozenset[PartyKey] | None = None
    """Whom its author was shown as those who take part in the thread; None where nobody could be shown anything."""
    desk: str | None = None
    """For which desk of theirs they write, where there are several."""
    files: tuple[bytes, ...] = field(default=(), repr=False)
    via: Via = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """It is durable, and on its way."""

    message: Message
    repeated: bool
    """It was there already, and nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Something else was sent under the same key."""


Outcome: TypeAlias = Sent | Conflict | Sequence[TextProblem]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    text: str = field(repr=False)
    purpose: Purpose
    touches: bool
    files: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """All of it raises StoreUnavailable where the store is away; what is not theirs to see is not there. ``nudge``
    wakes the delivery service."""

    store: Store
    ways: Ways
    packs: Packs
    areas: Areas
    directory: Callable[[], Directory]
    clock: Clock
    ids: Ids
    nudge: Callable[[], None]

    async def audience(
        self, who: Who, episode: str, *, thread: str | None = None, desk: str | None = None
    ) -> Audience | None:
        """Who would read what is written now, to be shown before it is sent; None as for :meth:`write`."""
        sits = await self.let_in(who, episode, thread, None, desk)
        if sits is None:
            return None

        async def work(unit: Unit) -> Audience | None:
            stored = await standing(unit, episode)
            if stored is None:
                return None
            return await audience_of(unit, stored, self.areas, sits.mine, thread=thread, desk=desk)

        try:
            with scoped(WHOLE):
                return await self.store.read(work)
        except Unsealable:
            return None

    async def write(self, who: Who, episode: str, draft: Draft) -> Outcome | None:
        """Send a message; None for whoever takes no part: of the episode, or of the thread."""
        sits = await self.let_in(who, episode, draft.thread, draft.in_reply_to, draft.desk)
        if sits is None:
            return None
        checked = check(draft)
        if not isinstance(checked, _Checked):
            return checked
        now = self.clock.now()

        async def work(unit: Unit) -> Outcome | None:
            await unit.lock(f"conversations:{episode}")
            known = await unit.conversations.sent_as(who.actor, draft.key)
            if known is not None:
                same = _same(known, episode, checked, draft)
                return Sent(message=known, repeated=True) if same else Conflict()
            if too_many(sits.messages, who.organisation, now):
                return (TOO_MANY,)
            stored = await standing(unit, episode)
            if stored is None:
                return None
            found = await audience_of(unit, stored, self.areas, sits.mine, thread=draft.thread, desk=draft.desk)
            if found is None:
                return None
            if draft.shown is not None and not draft.shown.issuperset(one.key for one in found.thread):
                return (JOINED,)
            if found.apart(draft.to):
                return (APART,)
            some = found.readers(draft.to, touches=checked.touches)
            # Whoever reads it in any case may be named too: it changes nothing.
            known_to = {one.key for one in found.offered} | {one.party.key for one in some}
            if known_to.issuperset(draft.to) and len(some) > 1:
                return await self._send(unit, who, stored, draft, checked, some, now)
            said = "Choose who it is for" if not draft.to else "Choose only from those who can be written to"
            return (TextProblem(field="readers", message=said),)

        try:
            with scoped(WHOLE):
                outcome = await self.store.write(work)
        except Unsealable:
            return None
        if isinstance(outcome, Sent) and not outcome.repeated:
            self.nudge()
        return outcome

    async def let_in(
        self, who: Who, episode: str, thread: str | None, in_reply_to: str | None, desk: str | None
    ) -> Seat | None:
        """By what they see themselves, and no more."""
        try:
            found = await self.store.read(lambda unit: seat(unit, who, episode))
        except Unsealable:
            return None
        if found is None or (thread is not None and not found.of(thread)):
            return None
        if in_reply_to is not None and all(one.id != in_reply_to for one in found.of(thread or "")):
            return None
        return None if desk is not None and all(one.desk != desk for one in found.mine) else found

    async def _send(
        self,
        unit: Unit,
        who: Who,
        stored: StoredEpisode,
        draft: Draft,
        checked: _Checked,
        some: Sequence[Reader],
        now: datetime,
    ) -> Sent:
        post = Post(
            author=who.name,
            organisation=who.organisation,
            desk=some[0].party.desk,
            actor=who.actor,
            via=draft.via,
            purpose=checked.purpose,
            touches=checked.touches,
            text=checked.text,
            key=draft.key,
            thread=draft.thread,
            in_reply_to=draft.in_reply_to,
            files=checked.files,
        )
        return Sent(message=await self.posting.post(unit, stored, post, some, now), repeated=False)

    @property
    def posting(self) -> Posting:
        """How a message is kept and told."""
        return Posting(ways=self.ways, packs=self.packs, directory=self.directory, ids=self.ids)


ASKED: Final[frozenset[Via]] = frozenset({"page", "api"})
"""Ways by which an author can be asked."""
JOINED: Final = TextProblem(
    field="readers", message="Somebody has joined the conversation: see who reads it now, and send it again"
)
"""What somebody writes is read by those whom they were shown, and by no other but the police by rule."""
APART: Final = TextProblem(
    field="readers",
    message="The authority that sent this has not told all whom you chose: write to those in another conversation",
)
"""That authority tells all who take part with it, and can tell nobody whom it does not know."""
TOO_MANY: Final = TextProblem(
    field="text",
    message=f"Your organisation has written {MOST_A_DAY} messages about this absence within a day. "
    "Ring whoever has to know",
)


def check(draft: Draft) -> "_Checked | tuple[TextProblem, ...]":
    """What was written in normal form, or everything that is wrong with it."""
    problems: list[TextProblem] = []
    text = plain_text(draft.text)
    if isinstance(text, TextProblem):
        problems.append(text)
    purpose = _purpose(draft.purpose)
    if purpose is None:
        problems.append(TextProblem(field="purpose", message="Choose what the message is"))
    if draft.whereabouts is None and draft.via in ASKED:
        problems.append(
            TextProblem(field="whereabouts", message="Say whether it is about where the child is, was or may be")
        )
    touches = purpose is not None and touches_whereabouts(purpose, draft.whereabouts)
    # Who may know no place is not told it by a picture either; to the police it may be evidence.
    files = tuple(data if touches else bare(data) or b"" for data in draft.files)
    if (wrong := files_problem(draft.files)) is not None:
        problems.append(wrong)
    elif not all(files):
        problems.append(TextProblem(field="files", message="A picture cannot be read: save it as JPEG or PNG again"))
    if problems or purpose is None or isinstance(text, TextProblem):
        return tuple(problems)
    return _Checked(text=text, purpose=purpose, touches=touches, files=files)


def _purpose(given: str) -> Purpose | None:
    return next((one for one in BY_HAND if one == given), None)


def _same(known: Message, episode: str, checked: _Checked, draft: Draft) -> bool:
    """Whether it is what was sent under its key already. To whom it went is not compared: that may have been the
    police's by rule, and a thread has moved on since."""
    return (
        (known.episode, known.text, known.purpose, known.whereabouts, known.in_reply_to)
        == (episode, checked.text, checked.purpose, checked.touches, draft.in_reply_to)
        and draft.thread in (None, known.thread)
        and tuple(one.data for one in known.files) == checked.files
    )
