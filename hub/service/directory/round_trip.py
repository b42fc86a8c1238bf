"""The two addresses of a change agree to it, or the one in use objects: by the links that each got.

Matched by digest only. Either link confirms once, however often it is followed; with the second the change is made.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from contacts.model import Contact
from hub.core.accounts import User
from hub.core.drafts import About as AboutChange
from hub.core.drafts import Author, Draft
from hub.core.news import News
from hub.core.pickup import masked
from hub.core.records import AuditLine
from hub.core.round_trip import round_trip
from hub.core.tokens import token_digest
from hub.service.directory.changing import Changing
from hub.service.directory.weighing import weigh_again
from hub.service.ports import Clock, Ids, Store, Unit

OBJECTED: Final = "directory_objection"
"""The alarm of an address that did not agree to be replaced."""
_WHY: Final = "The address in use did not agree to be replaced"
_LOCK: Final = "directory_news"

Came = Literal["confirmed", "in_force", "stuck"]
"""``confirmed``: the other address has not answered yet; ``stuck``: the directory has changed, and it is to be proposed
anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the page says. ``leaving``: this is the address in use; ``other``: the other one, masked."""

    leaving: bool
    other: str
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrips:
    """The service. All of it raises StoreUnavailable."""

    store: Store
    changing: Changing
    clock: Clock
    ids: Ids
    allowed: bool
    """A setting. Links that were sent before it was turned off lead nowhere any more."""

    async def look(self, token: str) -> Question | None:
        """None for a link that leads nowhere, or nowhere any more. Changes nothing."""
        digest = token_digest(token)
        if not self.allowed:
            return None

        async def work(unit: Unit) -> Question | None:
            found = await _open(unit, digest)
            if found is None:
                return None
            news, draft = found
            about = await unit.drafts.one(draft.id)
            moved = next((one.difference for one in about.judged if one.reasons), None) if about else None
            if moved is None or not isinstance(moved.before, Contact) or not isinstance(moved.after, Contact):
                return None
            leaving = news.about == "moves_from"
            other = masked(moved.after if leaving else moved.before)
            return Question(leaving=leaving, other=other, confirmed=news.confirmed_at is not None)

        return await self.store.read(work)

    async def confirm(self, token: str) -> Came | None:
        """Somebody at this address agrees."""
        digest, now = token_digest(token), self.clock.now()

        async def work(unit: Unit) -> tuple[Draft, bool] | None:
            await unit.lock(_LOCK)
            found = await _open(unit, digest)
            if found is None:
                return None
            news, draft = found
            if news.confirmed_at is None:
                await unit.drafts.news.put([replace(news, confirmed_at=now)])
                await unit.add_audit([self._line("directory.address_confirmed", news, draft)])
            both = await unit.drafts.news.confirmations(draft.id)
            return draft, {one.about for one in both if one.confirmed_at is not None} == {"moves_from", "moves_to"}

        # Whoever makes tokens up, without an account, must not keep writers waiting.
        done = None if await self.look(token) is None else await self.store.write(work)
        if done is None:
            return None
        draft, both_agree = done
        if not both_agree:
            return "confirmed"
        if await self._still_may(draft):
            await self.changing.confirmed(_addresses(draft, "both addresses"), draft.id)
        # Pressed twice, the other press may have made it.
        after = await self.store.read(lambda unit: unit.drafts.draft(draft.id))
        return "in_force" if after is not None and after.state == "in_force" else "stuck"

    async def _still_may(self, draft: Draft) -> bool:
        """Whether it is a change that addresses may agree to on the directory as it is by now, and whoever proposed it
        may still propose: a desk may stand in for others since, an account may have been taken over and closed."""

        async def work(unit: Unit) -> tuple[AboutChange | None, User | None]:
            user = None if draft.person is None else await unit.accounts.user(draft.person)
            return await unit.drafts.one(draft.id), user

        about, user = await self.store.read(work)
        _, present = await self.changing.versions.present()
        if about is None or user is None or user.state != "active" or "directory_admin" not in user.roles:
            return False
        after = weigh_again(about, present, draft.organisation).after
        return round_trip(about, present, after, user.email) is not None

    async def refuse(self, token: str) -> bool:
        """Somebody at the address in use objects: the change is rejected, and told of. False for any other link."""
        question = await self.look(token)
        found = await self.store.read(lambda unit: _open(unit, token_digest(token)))
        if question is None or not question.leaving or found is None:
            return False
        draft = found[1]
        outcome = await self.changing.reject(_addresses(draft, "the address in use"), draft.id, _WHY, alarm=OBJECTED)
        return outcome.result == "rejected"

    def _line(self, action: str, news: News, draft: Draft) -> AuditLine:
        now = self.clock.now()
        return AuditLine(id=self.ids.new("au", now), at=now, actor="address", action=action,
                         organisation=draft.organisation, subject=draft.id, detail={"which": news.about})  # fmt: skip


def _addresses(draft: Draft, name: str) -> Author:
    """Not a person: they may decide about this one change, which the link is about."""
    return Author(actor="address", name=name, organisation=draft.organisation, decides=True)


async def _open(unit: Unit, digest: bytes) -> tuple[News, Draft] | None:
    news = await unit.drafts.news.by_token(digest)
    draft = None if news is None else await unit.drafts.draft(news.change)
    return None if news is None or draft is None or draft.state != "waiting" else (news, draft)
