"""Telling people of changes to the directory, and letting lapse what nobody has decided.

What has to be told is a row of the ledger from the moment of the change on, so a relay that is away, or a node that
dies, delays it and loses nothing. A try is claimed before it is sent, so two nodes never tell the same person.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from adapters.port import Accepted, Alert, Envelope, Transport, Unconfirmed
from contacts.directory import Directory
from contacts.model import Reached
from contacts.roles import OPERATOR
from hub.core.accounts import User
from hub.core.news import News, claimed, ended, lapsed, may_agree, missed, put_together
from hub.core.records import AlarmRecord, AuditLine
from hub.core.tokens import change_token
from hub.notices.directory_news import expired, moves, overridden, waits
from hub.service.alarming import ALARM_IDS, WORDS
from hub.service.ports import Ids, Store, Unit
from hub.service.supervise import Log

EVERY: Final = 5.0
"""Seconds between two looks: an override has no time to lose."""
AT_ONCE: Final = 50
AT_MOST: Final = 20.0
"""Seconds that one message may take: a relay that hangs must not keep the next one waiting."""
UNTOLD: Final = "directory_untold"
"""The alarm of news that could not be told by any try."""
_LOCK: Final = "directory_news"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mail:
    """One message, and the news that it tells. ``address``: None where there is nobody to write to."""

    news: tuple[News, ...]
    address: str | None


class Telling:
    """One node's telling. ``life``: how long a change waits for a second person; ``public_url``: links start with it;
    ``secret``: what those are derived from by which an address agrees."""

    def __init__(
        self,
        *,
        store: Store,
        transports: Mapping[str, Transport],
        directory: Callable[[], Directory],
        life: timedelta,
        public_url: str,
        secret: bytes,
        ids: Ids,
        log: Log,
    ) -> None:
        self._store = store
        self._ways = {channel: transports[channel] for channel in WORDS if channel in transports}
        self._directory = directory
        self._life = life
        self._secret = secret
        self._url = public_url.rstrip("/")
        self._ids = ids
        self._log = log

    async def tick(self, now: datetime) -> int:
        """What has waited too long lapses, files that nobody confirmed go, what is due is told; how many messages went
        out. Raises StoreUnavailable."""
        for change in await self._store.read(lambda unit: unit.drafts.waiting_since(now - self._life)):
            await self._lapse(change, now)
        if await self._store.read(lambda unit: unit.drafts.uploads.any_over(now)):
            await self._store.write(lambda unit: unit.drafts.uploads.forget(now))
        if not await self._store.read(lambda unit: unit.drafts.news.due(now, 1)):
            return 0
        mails = await self._store.write(lambda unit: self._claim(unit, now))
        went = await asyncio.gather(*(self._tell(mail, now) for mail in mails))
        return sum(went)

    # what lapses

    async def _lapse(self, change: str, now: datetime) -> None:
        await self._store.write(lambda unit: self._lapses(unit, change, now))

    async def _lapses(self, unit: Unit, change: str, now: datetime) -> None:
        await unit.lock("directory")
        draft = await unit.drafts.draft(change)
        if draft is None or not lapsed(draft, self._life, now):
            return
        done = replace(draft, state="expired", decided_at=now, decided_by="hub", decided_name="the hub")
        if not await unit.drafts.settle(done):
            return
        detail = {"entries": str(done.entries)}
        line = AuditLine(id=self._ids.new("au", now), at=now, actor="hub", action="directory.expired",
                         organisation=done.organisation, subject=done.id, detail=detail)  # fmt: skip
        await unit.add_audit([line])
        if done.person is not None:
            news = News(id=self._ids.new(ALARM_IDS.removesuffix("_"), now), change=change, about="expired",
                        user=done.person, due_at=now)  # fmt: skip
            await unit.drafts.news.put([news])

    # what is told

    async def _claim(self, unit: Unit, now: datetime) -> Sequence[_Mail]:
        await unit.lock(_LOCK)
        mails: list[_Mail] = []
        waiting: dict[str | None, list[News]] = {}
        addresses: dict[str | None, str | None] = {}
        for one in await unit.drafts.news.due(now, AT_ONCE):
            user = None if one.user is None else await unit.accounts.user(one.user)
            if await self._is_needless(unit, one, user):
                await unit.drafts.news.put([ended(one, "needless", now)])
                continue
            if one.about == "waits" and one.tries == 0:
                later = put_together(await unit.drafts.news.told(one.user), now)
                if later is not None:
                    await unit.drafts.news.put([replace(one, due_at=later)])
                    continue
            mine = claimed(one, now)
            await unit.drafts.news.put([mine])
            address = one.address if one.address is not None else self._mailbox(user, now)
            if one.about == "waits":
                waiting.setdefault(one.user, []).append(mine)
                addresses[one.user] = address
            else:
                mails.append(_Mail(news=(mine,), address=address))
        return [*mails, *(_Mail(news=tuple(found), address=addresses[user]) for user, found in waiting.items())]

    @staticmethod
    async def _is_needless(unit: Unit, one: News, user: User | None) -> bool:
        if one.user is not None and (user is None or user.state != "active"):
            return True
        if one.about in ("expired", "overridden"):
            return False
        draft = await unit.drafts.draft(one.change)
        return draft is None or draft.state != "waiting" or (user is not None and not may_agree(user, draft))

    def _mailbox(self, user: User | None, now: datetime) -> str | None:
        """Of an account; without one the operator's."""
        if user is not None:
            return user.email
        reached = self._directory().fallback(None, now)
        contacts = reached.contacts if isinstance(reached, Reached) else ()
        return next((one.address for one in contacts if one.channel == "email"), None)

    async def _tell(self, mail: _Mail, now: datetime) -> bool:
        first = mail.news[0]
        why: str | None = "no_contact"
        way = self._ways.get(first.channel)
        if way is not None and mail.address is not None:
            why = await self._deliver(way, mail, mail.address, now)
        if why is not None:
            self._log.error("directory.untold", about=first.about, reason=why)
        await self._store.write(lambda unit: self._record(unit, mail, now, went=why is None))
        return why is None

    async def _deliver(self, way: Transport, mail: _Mail, address: str, now: datetime) -> str | None:
        """None if it went out, or may have; else why not."""
        first = mail.news[0]
        envelope = Envelope(
            delivery=first.id,
            reference=self._ids.reference(),
            address=address,
            body=self._said(mail.news),
            priority="high" if first.about == "overridden" else "normal",
        )
        try:
            async with asyncio.timeout(AT_MOST):
                result = await way.deliver(envelope, now)
        except TimeoutError:
            return "provider_timeout"
        return None if isinstance(result, Accepted | Unconfirmed) else result.reason

    def _said(self, news: Sequence[News]) -> Alert:
        first, days = news[0], round(self._life / timedelta(days=1))
        link = f"{self._url}/directory/changes/{first.change}"
        match first.about:
            case "waits":
                return waits(link if len(news) == 1 else f"{self._url}/directory/changes", len(news), days)
            case "expired":
                return expired(link, days)
            case "moves_from" | "moves_to":
                return moves(
                    f"{self._url}/c/{change_token(self._secret, first.id)}", leaving=first.about == "moves_from"
                )
            case "overridden":
                return overridden(short=first.channel == "sms")

    async def _record(self, unit: Unit, mail: _Mail, now: datetime, *, went: bool) -> None:
        await unit.lock(_LOCK)
        present = [await self._as_it_is(unit, one) for one in mail.news]
        after = [ended(one, "told", now) if went else missed(one, now) for one in present]
        await unit.drafts.news.put(after)
        for one in after:
            if one.came_to == "given_up":
                alarm = AlarmRecord(id=self._ids.new("al", now), kind=UNTOLD, owner=OPERATOR,
                                    reason=f"{one.change} {one.about}", raised_at=now)  # fmt: skip
                await unit.add_alarm(alarm, [])

    @staticmethod
    async def _as_it_is(unit: Unit, one: News) -> News:
        """An address may have agreed while its mail was still being handed over."""
        found = None if one.token_digest is None else await unit.drafts.news.by_token(one.token_digest)
        return one if found is None else replace(one, confirmed_at=found.confirmed_at)
