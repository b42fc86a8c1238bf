"""A whole directory by upload: kept sealed, checked and compared, and put in force once somebody has seen what it does.

Checking and putting in force take seconds for a country's, so each runs beside the requests and tells how far it is.
What was checked is kept in this process only; another node, or this one after a restart, checks the kept file again.
Whether it is in force is never asked of the process: the change has its id before it is written, and is there or not.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from contacts.model import Problem
from contacts.tables import Loaded, load
from hub.core.drafts import Author, Draft
from hub.core.uploads import WITHIN, Upload, over, tenant, theirs, under_way
from hub.service.directory.changing import Changing
from hub.service.directory.outcome import Outcome
from hub.service.directory.versions import DirectoryUnreadable
from hub.service.ports import StoreUnavailable, Unit
from hub.service.supervise import Log

KEPT: Final = 4
"""Uploads whose check is kept in memory."""
AT_MOST: Final = 45.0
"""Seconds to put one in force, well within what others allow for it."""
Stage = Literal["waiting", "reading", "comparing", "writing"]
UNREADABLE: Final = Problem("", "the directory in force cannot be read: the operator has to import all of it")


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far it is: ``done`` rows of ``of`` while it reads."""

    stage: Stage = "waiting"
    done: int = 0
    of: int = 0

    def rows(self, done: int, of: int) -> None:
        """On whatever thread reads."""
        self.stage, self.done, self.of = "reading", done, of


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What an upload holds and what it would come to. ``warnings`` stop nothing."""

    loaded: Loaded = field(repr=False)
    outcome: Outcome = field(repr=False)

    @property
    def problems(self) -> Sequence[Problem]:
        return self.loaded.problems or self.outcome.problems

    @property
    def warnings(self) -> Sequence[Problem]:
        return (*self.loaded.warnings, *self.outcome.warnings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An upload as its page shows it. ``progress``: it is being checked, or put in force (``confirmed``); ``checked``:
    it waits to be confirmed, or has problems; ``draft``: what it became. ``broken``: it was confirmed, and nothing came
    of that."""

    upload: Upload
    progress: Progress | None = None
    confirmed: bool = False
    checked: Checked | None = None
    draft: Draft | None = None
    broken: bool = False


class Importing:
    """The service. All of it raises StoreUnavailable; what is not the asker's is as if it were not there."""

    def __init__(self, *, changing: Changing, log: Log) -> None:
        self._changing = changing
        self._store = changing.store
        self._clock = changing.clock
        self._log = log
        self._turn = asyncio.Semaphore(1)
        self._checks: dict[str, _Job] = {}
        self._puts: dict[str, _Job] = {}
        self._checked: OrderedDict[tuple[str, int], Checked] = OrderedDict()

    async def upload(self, by: Author, file: bytes, part: str | None) -> str:
        """Keep what somebody handed over, to be compared with the directory as it is now. Its id."""
        now = self._clock.now()
        id = self._changing.ids.new("up", now)

        async def work(unit: Unit) -> None:
            upload = Upload(
                id=id,
                organisation=tenant(by),
                by=by.actor,
                part=by.organisation or part,
                seen=await unit.drafts.newest(),
                uploaded_at=now,
            )
            await unit.drafts.uploads.add(upload, file)

        await self._store.write(work)
        return id

    async def look(self, by: Author, id: str) -> Seen | None:
        """How it stands; begins to check it, if that has not happened here. Raises what a check ran into."""
        checking, putting = self._checks.get(id), self._puts.get(id)
        upload, draft = await self._found(by, id)
        if upload is None or draft is not None:
            return None if upload is None else Seen(upload=upload, draft=draft)
        begun = upload.confirmed_at is not None
        if putting is not None and not putting.task.done():
            return Seen(upload=upload, progress=putting.progress, confirmed=True)
        if under_way(upload, self._clock.now()):  # on another node, or by a hub that is not any more
            return Seen(upload=upload, progress=Progress(stage="writing"), confirmed=True)
        if checking is not None and checking.task.done():
            self._checks.pop(id, None)
            checking.task.result()
        checked = self._checked.get((id, upload.seen))
        if checked is not None:
            return Seen(upload=upload, checked=checked, broken=begun)
        job = _begin(self._checks, id, lambda progress: self._check(by, upload, progress))
        return Seen(upload=upload, progress=job.progress)

    async def wait(self, id: str, seconds: float) -> None:
        """Until nothing of it is under way here, but no longer: most files are small, and need no page in between."""
        tasks = [jobs[id].task for jobs in (self._checks, self._puts) if id in jobs]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def confirm(self, by: Author, id: str, seen: int) -> None:
        """Put it in force, as it was compared with version ``seen``; twice is once. Nothing happens where it is
        compared with another by now: its page says what is."""
        upload, draft = await self._found(by, id)
        if upload is None or draft is not None:
            return
        now = self._clock.now()
        fresh = self._changing.ids.new("ch", now)
        change = await self._store.write(lambda unit: unit.drafts.uploads.begin(id, seen, fresh, now))
        if change is not None:
            _begin(self._puts, id, lambda progress: self._put(by, upload, change, progress))

    async def compare(self, by: Author, id: str) -> None:
        """From now on with the directory as it is now."""
        upload, _ = await self._found(by, id)
        now = self._clock.now()

        async def work(unit: Unit) -> None:
            await unit.drafts.uploads.compare(id, await unit.drafts.newest(), now)

        if upload is not None:
            self._checked.pop((id, upload.seen), None)
            await self._store.write(work)

    async def discard(self, by: Author, id: str) -> None:
        """Forget it."""
        upload, _ = await self._found(by, id)
        now = self._clock.now()
        if upload is not None:
            await self._store.write(lambda unit: unit.drafts.uploads.remove(id, now))
            self._checked.pop((id, upload.seen), None)

    async def stop(self) -> None:
        """Break off what is under way: what is not in force by now will not be."""
        tasks = [job.task for job in (*self._checks.values(), *self._puts.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _found(self, by: Author, id: str) -> tuple[Upload | None, Draft | None]:
        now = self._clock.now()

        async def work(unit: Unit) -> tuple[Upload | None, Draft | None]:
            upload = await unit.drafts.uploads.one(id)
            if upload is None or not theirs(upload, by) or over(upload, now):
                return None, None
            return upload, None if upload.change is None else await unit.drafts.draft(upload.change)

        return await self._store.read(work)

    async def _check(self, by: Author, upload: Upload, progress: Progress) -> None:
        async with self._turn:
            loaded = await self._load(upload, progress)
            progress.stage = "comparing"
            outcome = await self._propose(by, upload, loaded, None)
        self._checked[(upload.id, upload.seen)] = Checked(loaded=loaded, outcome=outcome)
        while len(self._checked) > KEPT:
            self._checked.popitem(last=False)

    async def _put(self, by: Author, upload: Upload, change: str, progress: Progress) -> None:
        at: datetime | None = self._clock.now() - WITHIN  # long ago: whatever happened, nobody is at it any more
        try:
            async with asyncio.timeout(AT_MOST), self._turn:
                checked = self._checked.get((upload.id, upload.seen))
                loaded = await self._load(upload, progress) if checked is None else checked.loaded
                progress.stage = "writing"
                outcome = await self._propose(by, upload, loaded, change)
            self._checked.pop((upload.id, upload.seen), None)
            if outcome.draft is not None:
                await self._store.write(lambda unit: unit.drafts.uploads.put_away(upload.id))
                return
            at = None  # it was refused, and checking it again says why
        except Exception as error:
            self._log.error("directory.import_failed", error=type(error).__name__)
        with suppress(StoreUnavailable):
            await self._store.write(lambda unit: unit.drafts.uploads.halt(upload.id, at))

    async def _load(self, upload: Upload, progress: Progress) -> Loaded:
        file = await self._store.read(lambda unit: unit.drafts.uploads.file(upload.id))
        areas, now = self._changing.areas, self._clock.now()
        return await asyncio.to_thread(load, file or b"", areas, now, progress.rows)

    async def _propose(self, by: Author, upload: Upload, loaded: Loaded, change: str | None) -> Outcome:
        if loaded.bundle is None:
            return Outcome(result="refused")
        try:
            return await self._changing.propose(
                by, loaded.bundle, seen=upload.seen, part=upload.part, confirm=change is not None, change=change
            )
        except DirectoryUnreadable:
            return Outcome(result="refused", problems=(UNREADABLE,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    task: "asyncio.Task[None]"
    progress: Progress


def _begin(jobs: dict[str, _Job], id: str, work: Callable[[Progress], Coroutine[Any, Any, None]]) -> _Job:
    """One job for an id at a time; those that are done and that nobody asked about are forgotten."""
    for done in [key for key, job in jobs.items() if job.task.done()]:
        ended = jobs.pop(done).task
        if not ended.cancelled():
            ended.exception()  # nobody asked, and the next who does begins anew
    if id not in jobs:
        progress = Progress()
        jobs[id] = _Job(task=asyncio.create_task(work(progress)), progress=progress)
    return jobs[id]
