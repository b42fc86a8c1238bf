"""An answer from a mail program becomes a message: of the thread that it answers, or of a new one.

Nobody can be asked whether it touches whereabouts, so it does, and the police read it. Whoever answers a notice chooses
no readers either: where the police wrote it themselves, it is for those who work the episode with them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from adapters.email.said import Attached, Said
from contacts.directory import Directory
from hub.core.conversation import CAUSE, LARGEST_FILE, LONGEST_TEXT, MOST_FILES, Message
from hub.core.desk import Sight, sight_of
from hub.core.parties import works_it
from hub.core.pictures import picture_type
from hub.core.records import NoticeRecord
from hub.service.conversations.seats import Who
from hub.service.conversations.writing import Conflict, Draft, Outcome, Sent, Writing
from hub.service.ports import Clock, Store, Unit, Unsealable
from hub.service.replying import Reply
from hub.service.tenancy import Own, scoped

NO_WORDS: Final = "[A picture, without words.]"
NOT_ALL: Final = "[Not all that this e-mail held is shown here. The operator of the hub has the whole of it.]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByMail:
    """What the inbox hands answers to (hub/service/replying.py)."""

    writing: Writing
    store: Store
    clock: Clock
    directory: Callable[[], Directory]

    async def join(self, reply: Reply) -> str | None:
        """None: it stands in the conversation whole. ``partly_passed_on``: without some of what was attached.
        ``not_a_party``: they take part in none, or the child was erased. ``too_long``; ``elsewhere``: the same answer
        stands in another conversation; ``not_passed_on``: anything else. Raises StoreUnavailable."""
        sight, said = self._sight(reply), reply.answer.said
        if sight is None:
            return "not_a_party"
        if len(said.text) > LONGEST_TEXT:
            return "too_long"
        pictures = [one for one in said.attached if _can_be_sent(one)][:MOST_FILES]
        whole = not said.left_out and not said.cut_short and len(pictures) == len(said.attached)
        who = Who(
            sight=sight,
            # Of a certificate and not of a delivery: under its key the same answer is one, wherever it is brought.
            actor=f"mail:{reply.answer.certificate[:32]}",
            name=reply.answer.name or reply.answer.mailbox,
        )
        answers = await self._message(reply.notice)
        draft = Draft(
            text=_words(said, whole=whole),
            purpose="information",
            whereabouts=None,
            key=f"mail:{reply.answer.digest}",
            thread=None if answers is None else answers.thread,
            in_reply_to=None if answers is None else answers.id,
            files=tuple(one.data for one in pictures),
            via="email",
        )
        with scoped(Own(sight.organisation)):
            outcome = await self._write(who, reply.notice.episode, draft)
        if isinstance(outcome, Sent):
            return None if whole else "partly_passed_on"
        if outcome is None:
            return "not_a_party"
        return "elsewhere" if isinstance(outcome, Conflict) else "not_passed_on"

    async def _write(self, who: Who, episode: str, draft: Draft) -> Outcome | None:
        audience = await self.writing.audience(who, episode, thread=draft.thread)
        if audience is not None and draft.thread is None and audience.sender is not None:
            draft = replace(draft, to=(audience.sender.key,))  # it looks for the child
        elif audience is not None and len(audience.readers((), touches=True)) <= 1:
            draft = replace(draft, to=tuple(one.key for one in audience.offered if works_it(one)))
        return await self.writing.write(who, episode, draft)

    def _sight(self, reply: Reply) -> Sight | None:
        """What the desk that was written to sees; None for whoever is no desk of an organisation."""
        notice, delivery = reply.notice, reply.delivery
        if notice.organisation is None or notice.person is not None or delivery.contact is None:
            return None
        now, directory = self.clock.now(), self.directory()
        contact = directory.contact(delivery.contact, now)
        if contact is None or contact.organisation != notice.organisation:
            return None
        desk = directory.contacts_of(contact.organisation, contact.desk, now)
        known = directory.organisation(contact.organisation)
        return sight_of(
            contact.organisation,
            (contact.desk,),
            {contact.desk: [one.id for one in desk]},
            "" if known is None else known.fallback_desk,
        )

    async def _message(self, notice: NoticeRecord) -> Message | None:
        """The message that a notice told of; None where it told of none."""

        async def look(unit: Unit) -> Message | None:
            taken = [one.decision for one in await unit.decisions(notice.episode) if one.id == notice.decision]
            told = [one.cause.removeprefix(CAUSE) for one in taken if one.cause.startswith(CAUSE)]
            messages = await unit.conversations.messages(notice.episode) if told else ()
            return next((one for one in messages if one.id == told[0]), None)

        try:
            return await self.store.read(look)
        except Unsealable:
            return None


def _words(said: Said, *, whole: bool) -> str:
    """What its readers are shown: also that there was more, where there is room for it."""
    if whole:
        return said.text or NO_WORDS
    text = f"{said.text}\n\n{NOT_ALL}".strip()
    return text if len(text) <= LONGEST_TEXT else said.text


def _can_be_sent(one: Attached) -> bool:
    return len(one.data) <= LARGEST_FILE and picture_type(one.data) is not None
