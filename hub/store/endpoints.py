"""Endpoints that said they are gone: nothing goes to them until an operator opens them again, or the directory gives
the contact another address."""

from collections.abc import Sequence

from sqlalchemy import delete, select

from hub.core.records import AuditLine, ClosedEndpoint
from hub.store.seeing import write_audit
from hub.store.session import HUB_SCOPE, Session
from hub.store.tables import closed_endpoints


def close_endpoint(session: Session, closed: ClosedEndpoint) -> None:
    """Close it; of one contact the address that was gone last."""
    session.put(
        closed_endpoints,
        [
            {
                "contact": closed.contact,
                "channel": closed.channel,
                "organisation": closed.organisation,
                "address": session.seal(
                    HUB_SCOPE, closed.address.encode(), closed_endpoints, "address", closed.contact
                ),
                "closed_at": closed.closed_at,
            }
        ],
    )


def all_closed(session: Session) -> Sequence[ClosedEndpoint]:
    """Those that are closed, by contact."""
    rows = session.connection.execute(select(closed_endpoints).order_by(closed_endpoints.c.contact))
    return [
        ClosedEndpoint(
            contact=row.contact,
            channel=row.channel,
            organisation=row.organisation,
            address=session.open(HUB_SCOPE, row.address, closed_endpoints, "address", row.contact).decode(),
            closed_at=row.closed_at,
        )
        for row in rows
    ]


def open_endpoint(session: Session, contact: str, audit: Sequence[AuditLine]) -> bool:
    """Open it again; False if it was not closed."""
    opened = session.connection.execute(delete(closed_endpoints).where(closed_endpoints.c.contact == contact)).rowcount
    if opened:
        write_audit(session, audit)
    return bool(opened)
