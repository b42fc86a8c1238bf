"""Who can be reached, by authority and force, and for a list of placements; and how many, for whoever watches."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from contacts.areas import Areas
from contacts.assurance import Coverage, coverage, coverage_of, covered, expected_of
from contacts.directory import Directory
from hub.core.events import WireRules
from hub.core.placement_lists import Candidate, Wrong, read_placements
from hub.service.readiness import readiness
from routing.packs import Packs

EVERY: Final = timedelta(minutes=5)
"""Between counts of the same directory: office hours begin and end."""


MOST_PLACEMENTS: Final = 2_000


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many roles of an organisation can be reached, out of ``roles``. ``known``: the directory has it."""

    organisation: str
    known: bool
    roles: int
    now: int
    by_day: int
    by_night: int
    second_channel: int

    @property
    def lacks(self) -> bool:
        """Whether somebody cannot be reached now, by day or by night."""
        return min(self.now, self.by_day, self.by_night) < self.roles


class CoverageReports:
    """Reports for people. That of everybody is worked out once a minute at most, as nothing changes within one but the
    directory."""

    def __init__(self, *, directory: Callable[[], Directory], areas: Areas) -> None:
        self._directory = directory
        self._areas = areas
        self._of: tuple[Directory, datetime] | None = None
        self._everywhere: tuple[Coverage, ...] = ()
        self._tallies: tuple[Tally, ...] = ()
        self._lock = asyncio.Lock()

    def directory(self) -> Directory:
        """The one that is reported on."""
        return self._directory()

    def of(self, organisation: str, now: datetime) -> tuple[Coverage, ...]:
        """The roles that it answers for."""
        wanted = [(organisation, role) for role in expected_of(organisation, self._areas)]
        return coverage_of(self._directory(), now, wanted)

    async def everywhere(self, now: datetime) -> tuple[Coverage, ...]:
        """Every role of every authority and force."""
        await self._worked_out(now)
        return self._everywhere

    async def tallies(self, now: datetime) -> tuple[Tally, ...]:
        """The same, counted by organisation."""
        await self._worked_out(now)
        return self._tallies

    async def _worked_out(self, now: datetime) -> None:
        minute = now.replace(second=0, microsecond=0)
        async with self._lock:  # ten who ask at once wait for one answer
            directory = self._directory()
            if self._of is None or self._of[0] is not directory or self._of[1] != minute:
                self._everywhere = await asyncio.to_thread(coverage, directory, minute, self._areas)
                self._tallies = tuple(_tallies(directory, self._everywhere))
                self._of = directory, minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a list of placements needs: each role with how many would have it told, the most first; or what is wrong
    with the list."""

    problems: tuple[Wrong, ...] = ()
    placements: int = 0
    rows: tuple[tuple[Coverage, int], ...] = ()


class PlacementReports:
    """The same for a list of placements. Nothing of it is kept. One list at a time, as it takes seconds."""

    def __init__(self, *, packs: Packs, rules: WireRules, areas: Areas, directory: Callable[[], Directory]) -> None:
        self._packs = packs
        self._rules = rules
        self._areas = areas
        self._directory = directory
        self._lock = asyncio.Lock()

    async def of(self, data: bytes, now: datetime) -> Needs:
        """``data``: JSON or CSV, whichever it looks like."""
        async with self._lock:
            return await asyncio.to_thread(self._of, data, now)

    def _of(self, data: bytes, now: datetime) -> Needs:
        as_csv = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] not in (b"{", b"[")
        listed = read_placements(data, as_csv=as_csv, rules=self._rules, now=now)
        if listed.problems:
            return Needs(problems=listed.problems)
        if len(listed.candidates) > MOST_PLACEMENTS:
            return Needs(problems=(Wrong("", f"holds more than {MOST_PLACEMENTS} placements: split it"),))
        directory = self._directory()
        counts = needed(listed.candidates, self._packs, self._areas, directory, now)
        found = coverage_of(directory, now, counts)
        rows = tuple((one, counts[one.organisation, one.role]) for one in found)
        return Needs(placements=len(listed.candidates), rows=rows)


def _tallies(directory: Directory, found: Sequence[Coverage]) -> Iterator[Tally]:
    by: dict[str, list[Coverage]] = {}
    for one in found:
        by.setdefault(one.organisation, []).append(one)
    for organisation, roles in by.items():
        yield Tally(
            organisation=organisation,
            known=directory.organisation(organisation) is not None,
            roles=len(roles),
            now=sum(one.now == "on_duty" for one in roles),
            by_day=sum(one.by_day == "on_duty" for one in roles),
            by_night=sum(one.by_night == "on_duty" for one in roles),
            second_channel=sum(one.second_channel for one in roles),
        )


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
