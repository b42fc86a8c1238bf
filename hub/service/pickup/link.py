"""What a pick-up link leads to at a moment: the delivery, its reader, who asked for a code, and whether it is dead."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, TypeVar

from contacts.directory import Directory
from contacts.model import Contact
from contacts.roles import OPERATOR
from hub.core.endings import over as ended
from hub.core.endings import overtaken
from hub.core.episode import Memory
from hub.core.outbox import kept_back
from hub.core.pickup import (
    Death,
    Limits,
    Visit,
    given_reader,
    not_failed_first,
    openings,
    other_channels,
    over,
    session_lives,
    worn_out,
)
from hub.core.records import AlarmRecord, ClaimedDelivery, DeliveryRecord, NoticeRecord, StoredEpisode
from hub.core.tokens import token_digest
from hub.service.addressing import holder, takes_part
from hub.service.pickup.ports import Held
from hub.service.ports import Ids, Store, Unit, Unsealable
from hub.service.sending import NoContact
from routing.decision import Decision
from routing.recipients import FAMILY

T = TypeVar("T")
Keep: TypeAlias = Callable[[Decision, StoredEpisode], Literal["withheld", "held"] | None]
"""Whether whom a decision tells must not be told now (hub/service/keeping.py)."""
NO_SECOND: Final = "no_second_channel"
"""The alarm of a reader who was sent a link and has no second channel on record."""
USUAL: Final = Limits(openings=10, life=timedelta(days=7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A link that leads somewhere, dead or alive."""

    held: Held = field(repr=False)
    stored: StoredEpisode = field(repr=False)
    visits: tuple[Visit, ...] = field(repr=False)
    ways: tuple[Contact, ...] = field(repr=False)
    """Where a code may go, the best first."""
    over: Death | None
    """Why the notice is shown to nobody any more."""
    worn_out: Death | None
    """Why the link lets nobody in any more."""

    @property
    def claimed(self) -> ClaimedDelivery:
        return self.held.claimed

    @property
    def delivery(self) -> DeliveryRecord:
        return self.held.claimed.delivery

    @property
    def notice(self) -> NoticeRecord:
        return self.held.claimed.notice

    @property
    def dead(self) -> bool:
        return self.over is not None or self.worn_out is not None

    @property
    def family(self) -> bool:
        """Its reader is a parent or carer."""
        return self.notice.gap_role is None and set(self.notice.roles) <= FAMILY and self.answers

    @property
    def answers(self) -> bool:
        """Whether its reader is asked to answer; the sender's duty manager is asked to ring."""
        return self.delivery.purpose != "handover"

    def inside(self, visit: Visit | None, now: datetime) -> Visit | None:
        """The visit, if it is one of this very delivery and its browser was let in."""
        mine = visit is not None and visit.delivery == self.delivery.id
        return visit if mine and visit is not None and session_lives(visit, now) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Looks links up. ``channels``: what the hub can send a code over."""

    directory: Callable[[], Directory]
    channels: Collection[str]
    keep: Keep = field(repr=False)
    limits: Limits = USUAL

    async def find(self, unit: Unit, token: str, now: datetime) -> Found | None:
        """None for a token that is not ours. Raises Unsealable for a child who was erased."""
        held = await unit.pickups.held(token_digest(token))
        stored = None if held is None else await unit.episode_by_id(held.claimed.notice.episode)
        if held is None or stored is None:
            return None
        claimed = held.claimed
        visits = tuple(await unit.pickups.visits(claimed.delivery.id))
        death = await self._over(unit, claimed, stored)
        ways: Sequence[Contact] = ()
        try:
            ways = second_ways(claimed, stored, self.directory(), self.channels, now)
        except NoContact:
            death = death or "no_reader"
        return Found(
            held=held,
            stored=stored,
            visits=visits,
            ways=not_failed_first(ways, visits, now),
            over=death,
            worn_out=worn_out(held.sent_at, openings(visits), self.limits, now),
        )

    async def _over(self, unit: Unit, claimed: ClaimedDelivery, stored: StoredEpisode) -> Death | None:
        kept, overtaken = await silenced(unit, claimed, stored, self.keep)
        return over(claimed.notice, claimed.delivery, kept=kept, overtaken=overtaken)


async def silenced(
    unit: Unit, claimed: ClaimedDelivery, stored: StoredEpisode, keep: Keep
) -> tuple[Literal["withheld", "held"] | None, bool]:
    """Whether whom a notice tells must not be told now, and whether an ending has overtaken it."""
    notice, state = claimed.notice, stored.record.state
    ending, personal = ended(state, notice.kind), any(told.person for told in claimed.decision.recipients)
    made, taken = await unit.desk.course(notice.episode) if ending or personal else ((), ())
    pointless = ending and overtaken(stored.record, notice, made)
    kept: Literal["withheld", "held"] | None = None
    if personal:
        kept = kept_back(claimed.decision, taken) or keep(claimed.decision, stored)
    return kept, pointless


def second_ways(
    claimed: ClaimedDelivery, stored: StoredEpisode, directory: Directory, channels: Collection[str], now: datetime
) -> tuple[Contact, ...]:
    """Where the reader of a delivery can get a code, besides where the link went. Raises NoContact where the directory
    has nobody left who might read it."""
    delivery, notice = claimed.delivery, claimed.notice
    contact = holder(claimed, directory, now)
    used, on_duty, reader = {delivery.address}, frozenset[str](), tuple[Contact, ...]()
    if contact is not None:
        used.add(contact.address)
        present = directory.contacts_of(contact.organisation, contact.desk, now)
        reader = tuple(one for one in present if takes_part(one, notice))
        on_duty = frozenset(one.id for one in directory.desk_now(contact.organisation, contact.desk, now))
    elif notice.status == "actual":  # else the link went to the one sandbox mailbox
        reader = given_reader(notice, Memory.loads(stored.record.memory).persons, stored.doc)
    return other_channels(reader, delivery.channel, used, channels, on_duty)


async def reading(store: Store, work: Callable[[Unit], Awaitable[T | None]]) -> T | None:
    """What ``work`` reads; None if it is about a child who was erased: there is nothing behind such a link."""
    try:
        return await store.read(work)
    except Unsealable:
        return None


async def writing(store: Store, token: str, work: Callable[[Unit], Awaitable[T | None]]) -> T | None:
    """Likewise, for what it writes on the page of a token. Whoever has made one up is turned away by a read: the writer
    is shared with the reports that children are missing, and must not be kept busy by those who have no link."""
    try:
        if await store.read(lambda unit: unit.pickups.known(token_digest(token))):
            return await store.write(work)
    except Unsealable:
        pass
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unproven:
    """Finds readers who are sent a link and cannot prove who they are: there is no second channel on record. The keeper
    of their entry in the directory is told, as soon as the link has gone out."""

    directory: Callable[[], Directory]
    channels: Collection[str]
    leads_to_pickup: Callable[[ClaimedDelivery], bool]
    ids: Ids

    async def __call__(self, unit: Unit, claimed: ClaimedDelivery, now: datetime) -> tuple[AlarmRecord, ...]:
        """The alarms of one alert that has gone out."""
        notice = claimed.notice
        if notice.status != "actual" or not self.leads_to_pickup(claimed):
            return ()
        stored = await unit.episode_by_id(notice.episode)
        try:
            if stored is None or second_ways(claimed, stored, self.directory(), self.channels, now):
                return ()
        except NoContact:
            return ()
        return tuple(
            AlarmRecord(
                id=self.ids.new("al", now),
                kind=NO_SECOND,
                owner=owner,
                episode=notice.episode,
                notice=notice.id,
                reason=claimed.delivery.channel,
                contact=claimed.delivery.contact or claimed.delivery.channel,
                raised_at=now,
            )
            for owner in dict.fromkeys((notice.organisation or OPERATOR, OPERATOR))
        )
