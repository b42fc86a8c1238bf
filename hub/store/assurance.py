"""Who was warned of which certificate that ends; which contacts have proved that they work."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, text

from hub.core.assurance import Warned
from hub.core.verification import Verification
from hub.store.assurance_tables import certificate_warnings, verifications
from hub.store.lists import slices
from hub.store.seeing import DUE, LEASED
from hub.store.session import Run, Session
from hub.store.tables import attempts, deliveries
from hub.store.unreadable import UNREADABLE

_P = verifications.c
REFUSED = text("attempts.state = 'permanent_failure'")
"""Written out, so that the index of those few is used."""


class SqlAssurance:
    """Implements ``hub.service.assurance.ports.AssuranceUnit``."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def warned(self) -> Sequence[Warned]:
        return await self._run(_warned)

    async def warn(self, warned: Warned) -> bool:
        return await self._run(_warn, warned)

    async def forget(self, warned: Sequence[Warned]) -> None:
        await self._run(_forget, warned)

    async def marks(self) -> Mapping[bytes, datetime | None]:
        return await self._run(_marks)

    async def places(self, marks: Collection[bytes]) -> Sequence[Verification]:
        return await self._run(_places, marks)

    async def all_places(self) -> Sequence[Verification]:
        return await self._run(_where, _P.gone_at.is_(None))

    async def places_of(
        self, organisation: str | None, *, unproved: bool, limit: int, skip: int = 0
    ) -> Sequence[Verification]:
        return await self._run(_places_of, organisation, unproved, limit, skip)

    async def place_by_token(self, digest: bytes) -> Verification | None:
        return await self._run(_one, _P.token_digest == digest)

    async def place_by_receipt(self, digest: bytes) -> Verification | None:
        return await self._run(_one, _P.receipt_digest == digest)

    async def place_by_reply(self, digest: bytes) -> Verification | None:
        return await self._run(_one, _P.reply_digest == digest)

    async def place_by_id(self, id: str) -> Verification | None:
        return await self._run(_one, _P.id == id)

    async def place_by_reference(self, channel: str, reference: str) -> Verification | None:
        return await self._run(_one, (_P.provider_reference == reference) & (_P.channel == channel))

    async def at_place(self, place: bytes) -> Sequence[Verification]:
        return await self._run(_where, _P.place == place)

    async def put_places(self, places: Sequence[Verification]) -> None:
        await self._run(_put, places)

    async def forget_places(self, before: datetime) -> None:
        await self._run(_forget_places, before)

    async def due_places(self, now: datetime) -> Sequence[bytes]:
        return await self._run(_due, now)

    async def late_places(self, since: datetime) -> Sequence[Verification]:
        late = (_P.since <= since) & (_P.state != "proved") & _P.alarm.is_(None) & _P.gone_at.is_(None)
        return await self._run(_where, late)

    async def asked_since(self, since: datetime) -> int:
        return await self._run(_asked_since, since)

    async def place_counts(self, organisation: str | None = None) -> Mapping[str, int]:
        return await self._run(_counts, organisation)

    async def addresses_failed(self, since: datetime) -> Sequence[tuple[str, str, datetime, str]]:
        return await self._run(_addresses_failed, since)

    async def notices_wait(self, now: datetime) -> bool:
        return await self._run(_notices_wait, now)


def _warned(session: Session) -> Sequence[Warned]:
    rows = session.connection.execute(select(certificate_warnings).order_by(*certificate_warnings.primary_key.columns))
    return [Warned(**row._mapping) for row in rows]


def _warn(session: Session, warned: Warned) -> bool:
    row = {column.name: getattr(warned, column.name) for column in certificate_warnings.columns}
    return session.insert_new(certificate_warnings, row, on=("subject", "fingerprint", "step"))


def _forget(session: Session, warned: Sequence[Warned]) -> None:
    table = certificate_warnings.c
    for one in warned:
        session.connection.execute(
            delete(certificate_warnings).where(
                table.subject == one.subject, table.fingerprint == one.fingerprint, table.step == one.step
            )
        )


def _marks(session: Session) -> Mapping[bytes, datetime | None]:
    return {row.mark: row.gone_at for row in session.connection.execute(select(_P.mark, _P.gone_at))}


def _places(session: Session, marks: Collection[bytes]) -> Sequence[Verification]:
    return [found for some in slices(sorted(marks)) for found in _where(session, _P.mark.in_(some))]


def _places_of(
    session: Session, organisation: str | None, unproved: bool, limit: int, skip: int
) -> Sequence[Verification]:
    condition = _there(organisation)
    return _where(session, condition & (_P.state != "proved") if unproved else condition, limit=limit, skip=skip)


def _there(organisation: str | None) -> ColumnElement[bool]:
    there = _P.gone_at.is_(None)
    return there if organisation is None else there & (_P.organisation == organisation)


def _where(
    session: Session, condition: ColumnElement[bool], *, limit: int | None = None, skip: int = 0
) -> Sequence[Verification]:
    rows = select(verifications).where(condition).order_by(_P.organisation, _P.contact, _P.mark)
    rows = rows.limit(limit).offset(skip)
    return [Verification(**row._mapping) for row in session.connection.execute(rows)]


def _one(session: Session, condition: ColumnElement[bool]) -> Verification | None:
    return next(iter(_where(session, condition)), None)


def _put(session: Session, places: Sequence[Verification]) -> None:
    names = [column.name for column in verifications.columns]
    session.put(verifications, [{name: getattr(one, name) for name in names} for one in places])


def _forget_places(session: Session, before: datetime) -> None:
    session.connection.execute(delete(verifications).where(_P.gone_at < before))


def _due(session: Session, now: datetime) -> Sequence[bytes]:
    rows = select(_P.mark).where(_P.next_at <= now, _P.gone_at.is_(None)).order_by(_P.next_at, _P.mark)
    return list(session.connection.execute(rows).scalars())


def _asked_since(session: Session, since: datetime) -> int:
    rows = (
        select(func.count())
        .select_from(verifications)
        .where(or_(_P.asked_at > since, and_(_P.state == "asking", _P.next_at > since)))
    )
    return session.connection.execute(rows).scalar_one()


def _counts(session: Session, organisation: str | None) -> Mapping[str, int]:
    rows = select(_P.state, func.count()).where(_there(organisation)).group_by(_P.state)
    return {row[0]: row[1] for row in session.connection.execute(rows)}


def refused(since: datetime) -> Select[Any]:
    """The statement of attempts that failed for good since then, with their deliveries."""
    return (
        select(
            deliveries.c.id,
            deliveries.c.child,
            deliveries.c.channel,
            deliveries.c.address,
            attempts.c.finished_at,
            attempts.c.reason,
        )
        .join(attempts, attempts.c.delivery == deliveries.c.id)
        .where(REFUSED, attempts.c.finished_at > since)
        .where(deliveries.c.state == "failed", deliveries.c.contact.is_not(None))
        .order_by(attempts.c.finished_at, deliveries.c.id)
    )


def _addresses_failed(session: Session, since: datetime) -> Sequence[tuple[str, str, datetime, str]]:
    found = []
    for row in session.connection.execute(refused(since)):
        try:
            address = session.open(row.child, row.address, deliveries, "address", row.id).decode()
        except UNREADABLE:
            continue  # of a child who was erased since: where it went is not known any more
        found.append((row.channel, address, row.finished_at, row.reason or "unknown"))
    return found


def _notices_wait(session: Session, now: datetime) -> bool:
    waits = (select(deliveries.c.id).where(DUE, deliveries.c.due_at <= now), select(deliveries.c.id).where(LEASED))
    return any(session.connection.execute(rows.limit(1)).first() is not None for rows in waits)
