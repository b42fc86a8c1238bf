"""Sources: the case systems that may post events, and the keys their signatures are verified with."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, select

from hub.core.records import Source, SourceKey
from hub.store.session import HUB_SCOPE, Session
from hub.store.tables import source_keys, sources


def source(session: Session, uri: str) -> Source | None:
    """The source that puts ``uri`` into its events."""
    row = session.connection.execute(select(sources).where(sources.c.uri == uri)).one_or_none()
    return None if row is None else _source(row, _keys(session, [row.id])[row.id])


def all_sources(session: Session) -> Sequence[Source]:
    """Every source, disabled ones too, as they were made."""
    rows = session.connection.execute(select(sources).order_by(sources.c.created_at, sources.c.id)).all()
    keys = _keys(session, [row.id for row in rows])
    return [_source(row, keys[row.id]) for row in rows]


def put_source(session: Session, value: Source) -> None:
    """Add or replace a source; keys it no longer has are deleted."""
    session.put(
        sources,
        [
            {
                "id": value.id,
                "uri": value.uri,
                "name": value.name,
                "authorities": tuple(sorted(value.authorities)),
                "force": value.force,
                "created_at": value.created_at,
                "disabled_at": value.disabled_at,
                "certificate": value.certificate,
            }
        ],
    )
    session.connection.execute(
        delete(source_keys).where(
            source_keys.c.source == value.id, source_keys.c.id.not_in([key.id for key in value.keys])
        )
    )
    session.put(
        source_keys,
        [
            {
                "source": value.id,
                "id": key.id,
                "scheme": key.scheme,
                "key": session.seal(HUB_SCOPE, key.key, source_keys, "key", f"{value.id}/{key.id}"),
                "valid_from": key.valid_from,
                "valid_until": key.valid_until,
            }
            for key in value.keys
        ],
    )


def _keys(session: Session, wanted: Sequence[str]) -> dict[str, list[SourceKey]]:
    found: dict[str, list[SourceKey]] = {one: [] for one in wanted}
    statement = (
        select(source_keys).where(source_keys.c.source.in_(wanted)).order_by(source_keys.c.valid_from, source_keys.c.id)
    )
    for row in session.connection.execute(statement):
        key = session.open(HUB_SCOPE, row.key, source_keys, "key", f"{row.source}/{row.id}")
        found[row.source].append(
            SourceKey(id=row.id, scheme=row.scheme, key=key, valid_from=row.valid_from, valid_until=row.valid_until)
        )
    return found


def _source(row: Row[Any], keys: Sequence[SourceKey]) -> Source:
    return Source(
        id=row.id,
        uri=row.uri,
        name=row.name,
        authorities=frozenset(row.authorities),
        force=row.force,
        keys=tuple(keys),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        certificate=row.certificate,
    )
