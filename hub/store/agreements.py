"""Agreements in the ledger."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, bindparam, select, update

from hub.core.agreements import Agreement, Answer
from hub.core.conversation import PartyKey
from hub.core.records import AuditLine
from hub.service.ports import LostRace
from hub.store import statements as said
from hub.store.agreements_tables import agreement_answers, agreements
from hub.store.seeing import write_audit
from hub.store.session import Run, Session
from hub.store.statements import stating

_ONE: Final = select(agreements).where(agreements.c.id == bindparam("wanted"))
_OF_EPISODE: Final = select(agreements).where(agreements.c.episode == bindparam("wanted")).order_by(agreements.c.id)
_ANSWERS: Final = (
    select(agreement_answers)
    .where(agreement_answers.c.agreement.in_(bindparam("wanted", expanding=True)))
    .order_by(agreement_answers.c.at, agreement_answers.c.message)
)


class SqlAgreements:
    """Implements ``hub.service.agreements.ports.AgreementsUnit`` within one transaction."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def one(self, agreement: str) -> Agreement | None:
        found = await self._run(_listed, _ONE, agreement)
        return found[0] if found else None

    async def of_episode(self, episode: str) -> Sequence[Agreement]:
        return await self._run(_listed, _OF_EPISODE, episode)

    async def add(self, agreement: Agreement, audit: Sequence[AuditLine]) -> None:
        await self._run(_add, agreement, audit)

    async def answer(self, agreement: Agreement, answer: Answer, audit: Sequence[AuditLine]) -> None:
        await self._run(_answer, agreement, answer, audit)

    async def lapsed(self, agreement: str, at: datetime, audit: Sequence[AuditLine]) -> None:
        await self._run(_lapsed, agreement, at, audit)


def _listed(session: Session, statement: Select[Any], wanted: str) -> list[Agreement]:
    rows = session.connection.execute(statement, {"wanted": wanted}).all()
    if not rows:
        return []
    answers: dict[str, list[Answer]] = {}
    for row in session.connection.execute(_ANSWERS, {"wanted": [row.id for row in rows]}):
        answers.setdefault(row.agreement, []).append(
            Answer(party=(row.organisation, row.desk), said=row.said, at=row.at, actor=row.actor, message=row.message)
        )
    return [_agreement(row, tuple(answers.get(row.id, ()))) for row in rows]


def _agreement(row: Row[Any], answers: tuple[Answer, ...]) -> Agreement:
    return Agreement(
        id=row.id,
        episode=row.episode,
        thread=row.thread,
        message=row.message,
        kind=row.kind,
        does_it=_parties(row.does_it)[0],
        when=row.when_at,
        deadline=row.deadline,
        proposer=_parties(row.proposer)[0],
        asked=_parties(row.asked),
        actor=row.actor,
        proposed_at=row.proposed_at,
        replaces=row.replaces,
        answers=answers,
        lapsed_at=row.lapsed_at,
    )


def _parties(flat: Sequence[str]) -> tuple[PartyKey, ...]:
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _flat(parties: Iterable[PartyKey]) -> tuple[str, ...]:
    return tuple(part for organisation, desk in parties for part in (organisation or "", desk))


def _add(session: Session, agreement: Agreement, audit: Sequence[AuditLine]) -> None:
    row = {
        "id": agreement.id,
        "episode": agreement.episode,
        "thread": agreement.thread,
        "message": agreement.message,
        "kind": agreement.kind,
        "does_it": _flat([agreement.does_it]),
        "when_at": agreement.when,
        "deadline": agreement.deadline,
        "proposer": _flat([agreement.proposer]),
        "asked": _flat(agreement.asked),
        "actor": agreement.actor,
        "proposed_at": agreement.proposed_at,
        "replaces": agreement.replaces,
    }
    session.insert(agreements, [row])
    write_audit(session, stating(session, audit, (said.AGREEMENT, [row])))


def _answer(session: Session, agreement: Agreement, answer: Answer, audit: Sequence[AuditLine]) -> None:
    organisation, desk = answer.party
    row = {
        "agreement": agreement.id,
        "organisation": organisation or "",
        "desk": desk,
        "episode": agreement.episode,
        "said": answer.said,
        "at": answer.at,
        "actor": answer.actor,
        "message": answer.message,
    }
    if not session.insert_new(agreement_answers, row, on=("agreement", "organisation", "desk")):
        raise LostRace  # run again, the work finds what was answered
    write_audit(session, stating(session, audit, (said.AGREEMENT_ANSWER, [row])))


def _lapsed(session: Session, agreement: str, at: datetime, audit: Sequence[AuditLine]) -> None:
    ours = update(agreements).where(agreements.c.id == agreement, agreements.c.lapsed_at.is_(None))
    session.connection.execute(ours.values(lapsed_at=at))
    write_audit(session, audit)
