"""Letting a reader in: a one-time code to a second channel, and the session of the browser that gave it back.

The ledger keeps digests only. Everything about one delivery happens under one lock, so that two browsers, or two nodes,
never share the tries of a code.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from adapters.port import Accepted, Alert, Envelope, Transport, Unconfirmed
from adapters.sms.text import code_text
from contacts.model import Contact
from contacts.roles import OPERATOR
from hub.core.pickup import (
    CODE_IDS,
    CODE_LIFE,
    MOST_TRIES,
    Refusal,
    Visit,
    code_lives,
    is_right,
    made_code,
    masked,
    may_ask,
    spoken,
    typed,
)
from hub.core.records import AlarmRecord, AuditLine, MessageStatus
from hub.core.tokens import pickup_code_digest, token_digest
from hub.service.envelopes import Composer
from hub.service.pickup.link import Found, Links, reading, writing
from hub.service.ports import Clock, Ids, Store, StoreUnavailable, Unit

NOT_SENT: Final = "code_not_sent"
"""The alarm of a provider that did not take a code."""
SEND_WITHIN: Final = 20.0
"""Seconds that a provider has to take a code: somebody waits before the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """All that the page says before anybody has proved who they are."""

    reference: str
    status: MessageStatus
    goes: str | None
    """Where a code would go, masked; None where there is no second channel on record."""
    ring: tuple[str, ...]
    """Whom to ring instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A code is on its way. ``browser`` is what the browser has to bear."""

    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """No code was sent, and why."""

    why: Refusal
    start: Start


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """A code was sent to this browser and can still be given back."""

    start: Start
    goes: str
    """Where it went, masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """It was the right code. ``browser``: what the browser bears from now on; None: it was let in before."""

    browser: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """It was not. ``left``: tries that are left; None: it was no code at all, and no try."""

    awaited: Awaited
    left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    found: Found
    visit: Visit


class Codes:
    """The codes service. All of it raises StoreUnavailable where the store is away."""

    def __init__(
        self,
        *,
        store: Store,
        transports: Mapping[str, Transport],
        links: Links,
        envelopes: Composer,
        secret: bytes,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._transports = transports
        self._links = links
        self._envelopes = envelopes
        self._secret = secret
        self._clock = clock
        self._ids = ids

    async def look(self, token: str) -> Start | None:
        """What the page says; None for a token that is not ours, or a link that is dead. Changes nothing."""
        now = self._clock.now()

        async def work(unit: Unit) -> Start | None:
            found = await self._links.find(unit, token, now)
            return None if found is None or found.dead else self._start(found)

        return await reading(self._store, work)

    async def ask(self, token: str) -> Sent | NotSent | None:
        """Send a code. None for a link that leads nowhere. The code is written down before it is sent, as a digest."""
        now = self._clock.now()
        browser, code = self._ids.token(), made_code(self._ids.token())

        async def work(unit: Unit) -> _Asked | NotSent | None:
            found = await self._locked(unit, token, now)
            if found is None or found.dead:
                return None
            why = may_ask(found.visits, now) if found.ways else "no_channel"
            if why is not None:
                return NotSent(why=why, start=self._start(found))
            visit = self._visit(found, browser, code, now)
            await unit.pickups.put(visit)
            await unit.add_audit([self._line("pickup.code_asked", found, visit, now)])
            return _Asked(found=found, visit=visit)

        asked: _Asked | NotSent | None = await writing(self._store, token, work)
        if not isinstance(asked, _Asked):
            return asked
        if await self._send(asked.found, asked.visit, code, now):
            return Sent(browser=browser)
        await self._not_sent(asked.found, asked.visit, now)
        return NotSent(why="not_sent", start=self._start(asked.found))

    async def awaited(self, token: str, browser: str) -> Awaited | None:
        """What the page that asks for the code says; None where no code is awaited from this browser."""
        now = self._clock.now()

        async def work(unit: Unit) -> Awaited | None:
            found = await self._links.find(unit, token, now)
            visit = await unit.pickups.visit(token_digest(browser))
            if found is None or found.dead or visit is None or visit.delivery != found.delivery.id:
                return None
            return self._awaited(found, visit) if code_lives(visit, now) else None

        return await reading(self._store, work)

    async def enter(self, token: str, browser: str, text: str) -> Entered | Wrong | Literal["stale"] | None:
        """Take a code. ``stale``: none is awaited from this browser any more, so it has to ask for another."""
        now = self._clock.now()
        fresh, code = self._ids.token(), typed(text)

        async def work(unit: Unit) -> Entered | Wrong | Literal["stale"] | None:
            found = await self._locked(unit, token, now)
            visit = None if found is None else await unit.pickups.visit(token_digest(browser))
            if found is None or found.over is not None:
                return None
            if found.inside(visit, now):
                return Entered(browser=None)
            if found.worn_out is not None:
                return None
            if visit is None or visit.delivery != found.delivery.id or not code_lives(visit, now):
                return "stale"
            if code is None:
                return Wrong(awaited=self._awaited(found, visit), left=None)
            tried = replace(visit, tries=visit.tries + 1)
            if is_right(self._secret, visit, code):
                opened = replace(tried, browser=token_digest(fresh), code=b"", opened_at=now)
                await unit.pickups.put(opened)
                await unit.add_audit([self._line("pickup.opened", found, visit, now)])
                await self._works_again(unit, found, now)
                return Entered(browser=fresh)
            await unit.pickups.put(tried)
            await unit.add_audit([self._line("pickup.code_wrong", found, visit, now)])
            left = MOST_TRIES - tried.tries
            return Wrong(awaited=self._awaited(found, visit), left=left) if left else "stale"

        return await writing(self._store, token, work)

    async def _locked(self, unit: Unit, token: str, now: datetime) -> Found | None:
        """As it stands once nobody else can change it."""
        held = await unit.pickups.held(token_digest(token))
        if held is None:
            return None
        await unit.lock(f"pickup:{held.claimed.delivery.id}")
        return await self._links.find(unit, token, now)

    def _visit(self, found: Found, browser: str, code: str, now: datetime) -> Visit:
        identity = self._ids.new(CODE_IDS.removesuffix("_"), now)
        return Visit(
            id=identity,
            delivery=found.delivery.id,
            organisation=found.notice.organisation,
            channel=found.ways[0].channel,
            asked_at=now,
            browser=token_digest(browser),
            code=pickup_code_digest(self._secret, identity, code),
        )

    async def _send(self, found: Found, visit: Visit, code: str, now: datetime) -> bool:
        """Whether it went out, or may have."""
        notice, way = found.notice, found.ways[0]
        minutes = int(CODE_LIFE.total_seconds() // 60)
        text = code_text(notice.reference, spoken(code), minutes, status=notice.status)
        envelope = Envelope(
            delivery=visit.id,
            reference=notice.reference,
            address=way.address,
            body=Alert(subject="", text=text),
            priority="immediate",
            headers={} if notice.status == "actual" else {"X-Fingerpost-Status": notice.status},
        )
        try:
            async with asyncio.timeout(SEND_WITHIN):
                result = await self._transports[way.channel].deliver(envelope, now)
        except Exception:  # too slow; or it raised, as none should: whoever waits is told that it did not go
            return False
        return isinstance(result, Accepted | Unconfirmed)

    async def _not_sent(self, found: Found, visit: Visit, now: datetime) -> None:
        """Write it down; the operator is told, as the next reader would wait in vain as well."""

        async def work(unit: Unit) -> None:
            await unit.pickups.put(replace(visit, failed=True))
            alarm = AlarmRecord(
                id=self._ids.new("al", now),
                kind=NOT_SENT,
                owner=OPERATOR,
                episode=found.notice.episode,
                notice=found.notice.id,
                reason=visit.channel,
                raised_at=now,
            )
            await unit.add_alarm(alarm, [self._line("pickup.code_not_sent", found, visit, now)])

        try:
            await self._store.write(work)
        except StoreUnavailable:
            return  # the reader is told all the same; the code, which nobody has, runs out

    async def _works_again(self, unit: Unit, found: Found, now: datetime) -> None:
        """Its reader was let in: that a code did not go out is over."""
        for alarm in await unit.clear_alarms_of(found.notice.id, (NOT_SENT,), now):
            await unit.add_audit([AuditLine(id=self._ids.new("au", now), at=now, actor="hub", action="alarm.cleared",
                                            organisation=found.notice.organisation, episode=found.notice.episode,
                                            subject=alarm)])  # fmt: skip

    def _start(self, found: Found) -> Start:
        ways: Sequence[Contact] = found.ways
        return Start(
            reference=found.notice.reference,
            status=found.notice.status,
            goes=masked(ways[0]) if ways else None,
            ring=self._envelopes.ring(found.claimed),
        )

    def _awaited(self, found: Found, visit: Visit) -> Awaited:
        """The way may have changed since: then only its channel is named."""
        ways = [one for one in found.ways if one.channel == visit.channel]
        kind = "a text message" if visit.channel == "sms" else "an e-mail"
        return Awaited(start=self._start(found), goes=masked(ways[0]) if ways else kind)

    def _line(self, action: str, found: Found, visit: Visit, now: datetime) -> AuditLine:
        return AuditLine(
            id=self._ids.new("au", now),
            at=now,
            actor=f"recipient:{found.delivery.id}",
            action=action,
            organisation=found.notice.organisation,
            episode=found.notice.episode,
            subject=visit.id,
            detail={"channel": visit.channel},
        )
