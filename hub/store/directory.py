"""The directory's bundles, every version kept: what it said when somebody was told can be looked up later."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select

from hub.core.records import AuditLine
from hub.store.seeing import write_audit
from hub.store.session import HUB_SCOPE, Session
from hub.store.tables import directories


def directory_bundle(session: Session) -> tuple[int, bytes] | None:
    """The newest version and its bundle."""
    statement = select(directories).order_by(directories.c.version.desc()).limit(1)
    row = session.connection.execute(statement).one_or_none()
    if row is None:
        return None
    return row.version, session.open(HUB_SCOPE, row.bundle, directories, "bundle", str(row.version))


def put_directory(session: Session, bundle: bytes, now: datetime, audit: Sequence[AuditLine]) -> int:
    """Add a version; two that come at once get numbers one after the other (the loser's work runs again)."""
    version = (session.connection.execute(select(func.max(directories.c.version))).scalar() or 0) + 1
    sealed = session.seal(HUB_SCOPE, bundle, directories, "bundle", str(version))
    session.insert(directories, [{"version": version, "created_at": now, "bundle": sealed}])
    write_audit(session, audit)
    return version
