"""The directory's bundles, every version kept: what it said when somebody was told can be looked up later."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, func, select

from hub.core.records import AuditLine
from hub.store.seeing import write_audit
from hub.store.session import HUB_SCOPE, Session
from hub.store.tables import directories

_PACKED: Final = b"\x00zlib\x00"
"""Stands before a bundle that is compressed; those of earlier versions of the hub are not."""


def directory_bundle(session: Session) -> tuple[int, bytes] | None:
    """The newest version and its bundle."""
    statement = select(directories).order_by(directories.c.version.desc()).limit(1)
    row = session.connection.execute(statement).one_or_none()
    return None if row is None else (row.version, _opened(session, row))


def bundle_of(session: Session, version: int) -> bytes | None:
    """The bundle of one version."""
    row = session.connection.execute(select(directories).where(directories.c.version == version)).one_or_none()
    return None if row is None else _opened(session, row)


def put_directory(session: Session, bundle: bytes, now: datetime, audit: Sequence[AuditLine]) -> int:
    """Add a version; two that come at once get numbers one after the other (the loser's work runs again)."""
    version = (session.connection.execute(select(func.max(directories.c.version))).scalar() or 0) + 1
    # Every change of one entry keeps a whole bundle: packed, a country's is 80 kB instead of 2 MB.
    packed = _PACKED + zlib.compress(bundle, level=1)
    sealed = session.seal(HUB_SCOPE, packed, directories, "bundle", str(version))
    session.insert(directories, [{"version": version, "created_at": now, "bundle": sealed}])
    write_audit(session, audit)
    return version


def _opened(session: Session, row: Row[Any]) -> bytes:
    kept = session.open(HUB_SCOPE, row.bundle, directories, "bundle", str(row.version))
    return zlib.decompress(kept.removeprefix(_PACKED)) if kept.startswith(_PACKED) else kept
