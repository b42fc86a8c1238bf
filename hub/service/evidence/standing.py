"""The directory as it stood when somebody was told: the entries that the deliveries of an episode went by."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from hub.core.drafts import Version
from hub.core.evidence import Stated
from hub.service.ports import Unit

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One contact in one version of the directory, with what it belongs to."""

    contact: str
    version: int | None
    """None where no directory was in force."""
    since: datetime | None
    deliveries: tuple[str, ...]
    rows: Mapping[str, Row] = field(repr=False)
    """``contact``, ``desk``, ``organisation``, ``hours``, as far as they stand there."""
    certificates: tuple[Row, ...] = field(default=(), repr=False)
    """Those that the attempts were sealed for."""


async def entries_used(unit: Unit, records: Sequence[Stated]) -> Sequence[Entry]:
    """For each contact that something went to, how it stood when the delivery was made."""
    sealed_for: dict[str, set[str]] = defaultdict(set)
    for one in records:
        if one.kind == "attempt" and one.clear["certificate"]:
            sealed_for[one.clear["delivery"]].add(one.clear["certificate"])
    versions: dict[str, Version | None] = {}
    used: dict[tuple[str, int | None], list[str]] = defaultdict(list)
    for one in records:
        contact = one.clear.get("contact") if one.kind == "delivery" else None
        if contact is None:
            continue
        at = one.clear["created_at"]
        if at not in versions:
            versions[at] = await unit.drafts.version_at(datetime.fromisoformat(at))
        version = versions[at]
        used[contact, None if version is None else version.number].append(one.clear["id"])
    since = {version.number: version.since for version in versions.values() if version is not None}
    tables = {number: await _tables(unit, number) for number in sorted(since)}
    return [
        Entry(
            contact=contact,
            version=number,
            since=None if number is None else since[number],
            deliveries=tuple(deliveries),
            rows={} if number is None else tables[number].around(contact),
            certificates=()
            if number is None
            else tables[number].certificates(set().union(*(sealed_for[one] for one in deliveries))),
        )
        for (contact, number), deliveries in sorted(used.items(), key=lambda item: (item[0][0], item[0][1] or 0))
    ]


@dataclass(frozen=True, slots=True)
class _Tables:
    document: Mapping[str, Sequence[Row]]

    def around(self, contact: str) -> dict[str, Row]:
        found = self._one("contacts", id=contact)
        if found is None:
            return {}
        organisation = found["organisation"]
        rows = {
            "contact": found,
            "desk": self._one("desks", organisation=organisation, function=found["desk"]),
            "organisation": self._one("organisations", code=organisation),
            "hours": self._one("hours", name=found["hours"]) if found.get("hours") else None,
        }
        return {name: row for name, row in rows.items() if row is not None}

    def certificates(self, fingerprints: set[str]) -> tuple[Row, ...]:
        return tuple(row for row in self.document.get("certificates", ()) if row.get("fingerprint") in fingerprints)

    def _one(self, table: str, **wanted: str) -> Row | None:
        rows = self.document.get(table, ())
        return next((row for row in rows if all(row.get(name) == value for name, value in wanted.items())), None)


async def _tables(unit: Unit, version: int) -> _Tables:
    bundle = await unit.drafts.bundle(version)
    return _Tables({} if bundle is None else json.loads(bundle))
