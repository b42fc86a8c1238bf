"""Who can be reached, by authority and force, and for a list of placements; and how many, for whoever watches."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from contacts.areas import Areas
from contacts.assurance import coverage, covered
from contacts.directory import Directory
from hub.core.placement_lists import Candidate
from hub.service.readiness import readiness
from routing.packs import Packs

EVERY: Final = timedelta(minutes=5)
"""Between counts of the same directory: office hours begin and end."""


class Meter(Protocol):
    """Counts; the labels are codes."""

    def covered(self, when: str, state: str, number: int) -> None: ...


class CoverageCount:
    """One node's count of a directory, whenever it changes and as time goes on."""

    def __init__(self, *, directory: Callable[[], Directory], areas: Areas, meter: Meter) -> None:
        self._directory = directory
        self._areas = areas
        self._meter = meter
        self._seen: Directory | None = None
        self._counted_at: datetime | None = None

    async def tick(self, now: datetime) -> bool:
        """Count if it is time; True if it did."""
        directory = self._directory()
        if directory is self._seen and self._counted_at is not None and timedelta(0) <= now - self._counted_at < EVERY:
            return False
        found = await asyncio.to_thread(coverage, directory, now, self._areas)
        for (when, state), number in covered(found).items():
            self._meter.covered(when, state, number)
        self._seen, self._counted_at = directory, now
        return True


def needed(
    candidates: Sequence[Candidate], packs: Packs, areas: Areas, directory: Directory, now: datetime
) -> Mapping[tuple[str, str], int]:
    """Organisation and role to how many of the placements would have them told, whether or not they can be: the most
    first. People whom a placement itself names are not in it (``placements check`` asks after them)."""
    found: Counter[tuple[str, str]] = Counter()
    for candidate in candidates:
        one = readiness(candidate, packs, areas, directory, now)
        readers = (*one.told, *(finding.reader for finding in one.findings if finding.kind == "gap"))
        found.update({(r.organisation, role) for r in readers if r.organisation is not None for role in r.roles})
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
