"""The story: a report, an answer, an update, the return. Tells each step to the stage and each result to the judge."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from hub.demo.case import CHILD, EXPECTED, OFFICER, POLICE, WITHHELD, Chapter, Reader
from hub.demo.events import report, returned, update
from hub.demo.judge import judge_end, judge_fields, judge_identities, judge_mails
from hub.demo.mailboxes import Opened, Unopened
from hub.demo.show import Show
from hub.demo.world import World
from hub.service.timeline import Timeline

PATIENCE: Final = timedelta(seconds=10)
"""How long the mails of one chapter may take."""
LOOK_EVERY: Final = 0.1
WAITING: Final = frozenset({"due", "leased"})


class Story:
    """Plays once, in order."""

    def __init__(self, world: World, show: Show) -> None:
        self._world = world
        self._show = show
        self._complaints: list[str] = []
        self._mails: list[Opened | Unopened] = []
        self._told: set[str] = set()

    @property
    def mails(self) -> int:
        """How many mails came."""
        return len(self._mails)

    async def play(self) -> Sequence[str]:
        """All chapters; what was not as it should be."""
        now = self._world.clock.now
        self._show.chapter(
            1,
            "The report",
            f"{CHILD} did not come back to a children's home in Shropshire. Kent looks after her; she is subject to "
            "immigration restriction. One parent may be told, the other must not be. The home's system reports it.",
        )
        mails = await self._chapter("report", report(now()))
        self._show.chapter(2, "An answer", "A link scanner opens the link in the police's mail; then a person does.")
        acknowledged = await self._answer(mails)
        self._show.chapter(
            3,
            "An update",
            "A sighting: other clothes, a car. The police now grade the risk as high, so more must know.",
        )
        await self._chapter("update", update(now()))
        self._show.chapter(
            4, "The return and the stand-down", "The carer has brought her back. Everyone who was ever told hears it."
        )
        await self._chapter("return", returned(now()))
        await self._end(acknowledged)
        return self._complaints

    async def _chapter(self, chapter: Chapter, event: Mapping[str, Any]) -> list[Opened | Unopened]:
        sent_at = self._world.clock.now()
        status, body = await self._world.post(event)
        answered_at = self._world.clock.now()
        self._show.answered(answered_at, status, body, (answered_at - sent_at).total_seconds())
        if status != 202:
            self._complaints.append(f"the hub answered {status} instead of 202 ({chapter})")
            return []
        await self._decisions()
        self._show.heading("The mails, as they arrive; openssl decrypts each with its mailbox's key and verifies it")
        mails: list[Opened | Unopened] = []
        deadline = sent_at + PATIENCE
        while self._world.clock.now() < deadline:
            try:
                mail = await asyncio.wait_for(self._world.mailroom.opened.get(), LOOK_EVERY)
            except TimeoutError:
                if await self._is_quiet():
                    break
                continue
            mails.append(mail)
            self._mails.append(mail)
            if isinstance(mail, Opened):
                self._show.mail(mail, self._world.addresses.get(mail.address), sent_at)
            else:
                self._show.unopened(mail)
        else:
            self._complaints.append(f"not everything was sent within {PATIENCE.seconds} seconds ({chapter})")
        self._complaints += judge_mails(chapter, mails, self._world.addresses)
        return mails

    async def _is_quiet(self) -> bool:
        """Nothing waits to be sent, and everything that came was opened."""
        timeline = await self._timeline()
        states = {c.delivery.state for d in timeline.decided for told in d.notices for c in told.deliveries}
        return not states & WAITING and self._world.mailroom.received == len(self._mails)

    async def _decisions(self) -> None:
        """Show the decisions that are new since the last time."""
        records = [decided.record for decided in (await self._timeline()).decided]
        self._show.decisions([record.decision for record in records if record.id not in self._told])
        self._told |= {record.id for record in records}

    async def _timeline(self) -> Timeline:
        (episode,) = await self._world.seeing.episodes(1)
        timeline = await self._world.seeing.timeline(episode.id)
        if timeline is None:
            raise LookupError("the hub lists an episode that it does not hold")
        return timeline

    async def _answer(self, mails: Sequence[Opened | Unopened]) -> str:
        """Follow the link in the police's mail, first as a scanner, then as a person; the reference."""
        mail = self._mail_to(POLICE, mails)
        if mail is None or mail.link is None:
            self._complaints.append("there is no link for the police to answer by")
            return ""
        self._show.letter(mail, self._show.name(POLICE))
        reference = str(mail.notice.get("reference"))
        async with self._world.http.get(mail.link) as page:
            shown = await page.text()
        if page.status != 200 or reference not in shown or CHILD in shown:
            self._complaints.append("the page to answer on does not show the reference, or shows more")
        if await self._state(reference) != "notified":
            self._complaints.append("opening the link changed the notice")
        self._show.step(self._world.clock.now(), f"GET: the page shows {reference} and the kind of notice. No change.")
        form = {"name": OFFICER, "answer": "accepted", "redirected_to": ""}
        async with self._world.http.post(mail.link, data=form) as page:
            await page.read()
        state = await self._state(reference)
        if page.status != 200 or state != "acknowledged":
            self._complaints.append(f"the answer of the police was not recorded: {page.status}, {state}")
        self._show.step(self._world.clock.now(), f"POST: {OFFICER} accepts. The notice is now {state}.")
        return reference

    def _mail_to(self, reader: Reader, mails: Sequence[Opened | Unopened]) -> Opened | None:
        addressed = (mail for mail in mails if isinstance(mail, Opened))
        return next((mail for mail in addressed if self._world.addresses.get(mail.address) == reader), None)

    async def _state(self, reference: str) -> str:
        for decided in (await self._timeline()).decided:
            for told in decided.notices:
                if told.notice.reference == reference:
                    return told.notice.state
        return "unknown"

    async def _end(self, acknowledged: str) -> None:
        """What only the whole record can show."""
        timeline = await self._timeline()
        self._complaints += judge_fields(self._mails, timeline)
        self._complaints += judge_identities(self._mails)
        self._complaints += judge_end(timeline, acknowledged, WITHHELD)
        expected = sum(len(readers) for readers in EXPECTED.values())
        if self._world.mailroom.received != expected:
            self._complaints.append(f"{self._world.mailroom.received} mails came instead of {expected}")
        alarms = await self._world.hub.store.read(lambda unit: unit.alarms())
        self._complaints += [f"the hub raised an alarm: {alarm.kind} ({alarm.reason})" for alarm in alarms]
        async with self._world.http.get(f"{self._world.hub.url}/health/overdue") as health:
            if health.status != 200:
                self._complaints.append("the hub says that work is overdue")
        if self._world.hub.supervisor.stopping:
            self._complaints.append("a part of the hub died")
