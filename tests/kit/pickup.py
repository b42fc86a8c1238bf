"""A notice that waits to be picked up: an episode on the ledger, its link, and whoever gets the codes."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import ClientResponse

from adapters.port import Alert, Envelope
from contacts.directory import Directory
from contacts.model import Bundle, Contact, Desk, Organisation
from contacts.roles import desk_of
from hub.core.episode import Memory
from hub.core.pickup import Visit
from hub.core.records import (
    AcknowledgementRecord,
    Changes,
    DeliveryRecord,
    NoticeRecord,
    ReceiptRecord,
)
from hub.core.tokens import ack_token, pickup_token, token_digest
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from routing.decision import Recipient
from routing.needtoknow import view
from tests.kit.events import merged, reported
from tests.kit.notices import PHOTO
from tests.kit.records import Story
from tests.kit.web import ACK_SECRET, Web, serving

BASE: Final = "/hub"
FORM: Final = "application/x-www-form-urlencoded"
FORCE: Final = "E23000001"
BROMLEY: Final = "E09000006"
MAIL, OTHER_MAIL = "missing-persons@police.example", "duty@police.example"
MOBILE, PARENTS_MOBILE = "+447700900123", "+447700900456"
PARENT: Final = "Sam Example"
DOC: Final[dict[str, Any]] = merged(
    reported()["data"],
    {
        "child": {"name": "Robin Example", "photo": PHOTO, "medication": "inhaler"},
        "episode": {"last_seen": {"place": "Marker High Street"}},
        "people": [{"role": "parent", "name": PARENT, "email": "sam@home.example", "phone": PARENTS_MOBILE}],
    },
)


def desk(channel: str, address: str, *, id: str, order: int = 0, **more: Any) -> Contact:
    """A contact of the force's missing persons unit."""
    values: dict[str, Any] = {"organisation": FORCE, "desk": "missing_persons_unit", "channel": channel}
    return Contact(id=id, address=address, order=order, **values | more)


MAILBOX: Final = desk("email", MAIL, id="co_mail")
PHONE: Final = desk("sms", MOBILE, id="co_phone", order=1)
SECOND_MAILBOX: Final = desk("email", OTHER_MAIL, id="co_other", order=2)


def directory_of(*contacts: Contact) -> Directory:
    """One force with these contacts at their desks, and the council that tells it."""
    own = {Desk(organisation=FORCE, function=one.desk): None for one in contacts if one.organisation == FORCE}
    own[Desk(organisation=FORCE, function="missing_persons_unit")] = None
    return Directory.of(
        Bundle(
            organisations=(
                Organisation(code=FORCE, name="Example Police"),
                Organisation(code=BROMLEY, name="London Borough of Bromley", phone="+442079460111"),
            ),
            desks=(*own, Desk(organisation=BROMLEY, function="front_door")),
            contacts=contacts,
        )
    )


@dataclass
class Browser:
    """What one browser bears, as a real one would send it: by path."""

    web: Web
    cookies: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name -> value and path."""

    async def get(self, path: str) -> ClientResponse:
        return await self._ask("GET", path)

    async def post(self, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> ClientResponse:
        body = urlencode(fields or {}).encode()
        return await self._ask("POST", path, data=body, headers={"Content-Type": FORM, **headers})

    async def _ask(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
        # Requests come without the public path, which the proxy in front takes off; cookies are for the browser's.
        mine = [f"{name}={value}" for name, (value, under) in self.cookies.items() if (BASE + path).startswith(under)]
        sent = {**(headers or {}), **({"Cookie": "; ".join(mine)} if mine else {})}
        async with self.web.session.request(
            method, f"{self.web.url}{path}", allow_redirects=False, headers=sent, **more
        ) as response:
            await response.read()
        for line in response.headers.getall("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                self.cookies[name] = (morsel.value, morsel["path"])
        return response


@dataclass
class Waiting:
    """One notice whose link went out."""

    web: Web
    story: Story
    changes: Changes
    directory: list[Directory]
    """The newest last."""
    kept: list[Any]
    """What :class:`Keeping` says, the newest last."""

    @property
    def delivery(self) -> DeliveryRecord:
        return self.changes.deliveries[0]

    @property
    def token(self) -> str:
        return pickup_token(ACK_SECRET, self.delivery.id)

    @property
    def link(self) -> str:
        return f"/p/{self.token}"

    def browser(self) -> Browser:
        return Browser(self.web)

    def sent(self, channel: str = "sms") -> list[Envelope]:
        """The codes that went out."""
        return self.web.sinks[channel].received

    def code(self, channel: str = "sms") -> str:
        """The newest one."""
        return code_in(self.sent(channel)[-1])

    async def let_in(self, channel: str = "sms") -> Browser:
        """A browser that gave the right code."""
        browser = self.browser()
        assert (await browser.post(self.link)).status == 303
        response = await browser.post(f"{self.link}/code", {"code": self.code(channel)})
        assert (response.status, response.headers["Location"]) == (303, f"{BASE}{self.link}/notice")
        return browser

    async def notice(self) -> NoticeRecord:
        found = await self.web.store.read(lambda unit: unit.notices(self.story.episode))
        return next(one for one in found if one.id == self.changes.notices[0].id)

    async def receipts(self) -> list[ReceiptRecord]:
        return list(await self.web.store.read(lambda unit: unit.receipts(self.delivery.id)))

    async def visits(self) -> list[Visit]:
        return list(await self.web.store.read(lambda unit: unit.pickups.visits(self.delivery.id)))

    async def answers(self) -> list[AcknowledgementRecord]:
        notice = self.changes.notices[0].id
        return list(await self.web.store.read(lambda unit: unit.acknowledgements(notice)))

    async def alarms(self) -> set[str]:
        return {one.kind for one in await self.web.store.read(lambda unit: unit.alarms())}

    async def change(self, changes: Changes) -> None:
        await self.web.store.write(lambda unit: unit.save(changes))


def code_in(envelope: Envelope) -> str:
    """The code of one message, which says nothing else."""
    assert isinstance(envelope.body, Alert)
    found = re.findall(r"\b\d{4} \d{4}\b", envelope.body.text)
    assert len(found) == 1
    return str(found[0])


async def told_by_link(
    unit: Unit,
    story: Story,
    doc: Mapping[str, Any] = DOC,
    role: str = "police",
    person: str | None = None,
    delivery: Mapping[str, Any] | None = None,
    notice: Mapping[str, Any] | None = None,
) -> Changes:
    """Save a report whose one notice, to the force's desk or to ``person``, went out as an alert with a link."""
    await story.meet(unit)
    changes = story.report()
    whose = {"organisation": None if person else FORCE, "person": person}
    decided = replace(
        changes.decisions[0].decision,
        recipients=(Recipient(role=role, **whose),),
        fields=tuple(view(doc, [role], "missing").fields),
        in_person=(),
    )
    about: dict[str, Any] = {**whose, **(notice or {})}
    way = changes.deliveries[0]
    went: dict[str, Any] = {"address": MAIL, "contact": "co_mail", "state": "failed"}
    if person is not None:
        went |= {"address": "sam@home.example", "contact": None}
    link = replace(
        way,
        token_digest=token_digest(ack_token(ACK_SECRET, way.id)),
        pickup_digest=token_digest(pickup_token(ACK_SECRET, way.id)),
        **{**went, **(delivery or {})},
    )
    persons = {f"{one['role']}/{one['name']}": one for one in doc.get("people", ())}
    changes = replace(
        changes,
        doc=doc,
        episode=replace(changes.episode, memory=Memory(persons=persons).dumps()),
        decisions=(replace(changes.decisions[0], decision=decided),),
        notices=(replace(changes.notices[0], roles=(role,), **about),),
        deliveries=(link,),
        register=(*changes.register, *(() if person else (story.entry(organisation=FORCE, role=role),))),
    )
    await unit.save(changes)
    return changes


@asynccontextmanager
async def waiting(
    folder: Path,
    *,
    contacts: tuple[Contact, ...] = (MAILBOX, PHONE),
    doc: Mapping[str, Any] = DOC,
    role: str = "police",
    person: str | None = None,
    delivery: Mapping[str, Any] | None = None,
    notice: Mapping[str, Any] | None = None,
    public_url: str = f"https://hub.example{BASE}",
    **serve: Any,
) -> AsyncIterator[Waiting]:
    """A notice to the force's desk (or to ``person`` in ``role``) that waits behind a link."""
    at_its_desk = [replace(one, desk=desk_of(role)) if one.organisation == FORCE else one for one in contacts]
    directories, kept = [directory_of(*at_its_desk)], [None]
    async with serving(
        folder,
        public_url=public_url,
        directory=lambda: directories[-1],
        keep=lambda decision, stored: kept[-1],
        **serve,
    ) as web:
        story = Story(ids=SeededIds("story"))

        changes = await web.store.write(lambda unit: told_by_link(unit, story, doc, role, person, delivery, notice))
        yield Waiting(web=web, story=story, changes=changes, directory=directories, kept=kept)
