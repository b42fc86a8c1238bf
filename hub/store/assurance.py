"""Who was warned of which certificate that ends."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from hub.core.assurance import Warned
from hub.store.assurance_tables import certificate_warnings
from hub.store.session import Run, Session


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
