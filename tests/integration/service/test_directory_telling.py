"""Who may agree to a change hears that it waits; an override is told to the fallback desks as they were and as they
are; what nobody decides lapses. Each is told once, also where the relay is away or a node dies."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.port import Alert, Deferred, Result
from contacts.changes import Put
from contacts.directory import Directory
from contacts.model import Bundle
from contacts.roles import OPERATOR
from hub.core.accounts import Role, Viewer
from hub.core.drafts import Author, Draft, author_of
from hub.core.news import LEASE, RETRY, TOGETHER
from hub.core.uploads import LASTS, Upload
from hub.edge.ids import SeededIds
from hub.service.directory.telling import Telling
from hub.service.directory.warning import of_an_override
from tests.kit.accounts import Accounts, accounts_over, audit
from tests.kit.changing import FRONT_DOOR, Office, front_door, furnished, office
from tests.kit.clock import FakeClock
from tests.kit.delivering import Notes, Sink
from tests.kit.directory import BROMLEY, MET, NOW, contact, small_bundle
from tests.kit.store import Stores, sqlite_store

LIFE, MINUTE = timedelta(days=14), timedelta(minutes=1)
AWAY = Deferred(reason="connection_failed")
WHY = "The mailbox was closed tonight and two children are missing"
SECRET = b"s" * 32
URL = "https://hub.example"


@dataclass
class Hub:
    """A directory, people, and a node that tells them."""

    store: Stores
    folder: Path
    desk: Office
    accounts: Accounts
    telling: Telling
    sinks: dict[str, Sink]
    notes: Notes
    drafts: list[Draft] = field(default_factory=list)

    async def person(self, name: str, role: Role = "directory_admin", organisation: str = BROMLEY) -> Author:
        signed = await self.accounts.member(f"{name}@council.example", role, organisation=organisation, name=name)
        user = await self.accounts.user(signed.viewer.user)
        viewer = Viewer(user=user.id, organisation=user.organisation, roles=user.roles, name=name)
        found = author_of(viewer)
        assert found is not None
        return found

    async def proposes(self, by: Author, **cells: Any) -> Draft:
        done = await self.desk.changing.propose(by, [front_door(**cells)], confirm=True)
        assert done.draft is not None and done.draft.state == "waiting"
        return done.draft

    async def tick(self, now: datetime = NOW) -> list[str]:
        """Whom this look wrote to."""
        before = len(self.sinks["email"].received)
        await self.telling.tick(now)
        return sorted(one.address for one in self.sinks["email"].received[before:])

    def said(self) -> str:
        body = self.sinks["email"].received[-1].body
        assert isinstance(body, Alert)
        return body.subject + body.text


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    store = await sqlite_store(tmp_path)
    await furnished(store)
    sinks, notes, clock = {name: Sink(name) for name in ("email", "sms")}, Notes(), FakeClock(NOW)
    telling = Telling(store=store, transports=sinks, directory=lambda: Directory.of(small_bundle()), life=LIFE,
                      public_url=URL, secret=SECRET, ids=SeededIds("telling"), log=notes)  # fmt: skip
    yield Hub(store=store, folder=tmp_path, desk=office(store, clock=clock), accounts=accounts_over(store, clock),
              telling=telling, sinks=sinks, notes=notes)  # fmt: skip
    await store.aclose()


def answering(hub: Hub, *answers: Result) -> None:
    hub.sinks["email"].answers = list(answers)


async def test_the_other_administrators_hear_that_a_change_waits_and_not_what_it_is(hub: Hub) -> None:
    jo = await hub.person("jo")
    for name in ("sam", "alex"):
        await hub.person(name)
    await hub.accounts.member("reader@council.example", "recipient")
    await hub.person("pat", organisation=MET)
    await hub.person("op", "operator", OPERATOR)
    draft = await hub.proposes(jo, address="new@council.example")
    assert await hub.tick() == ["alex@council.example", "sam@council.example"]
    assert await hub.tick() == [], "once"
    said = hub.said()
    assert f"{URL}/directory/changes/{draft.id}" in said and "within 14 days" in said
    assert not any(word in said for word in (BROMLEY, "jo", "new@", FRONT_DOOR, "front"))
    assert (hub.sinks["email"].received[-1].delivery[:3], hub.notes.lines) == ("am_", [])


async def test_nobody_hears_of_what_was_decided_before(hub: Hub) -> None:
    jo, sam = await hub.person("jo"), await hub.person("sam")
    draft = await hub.proposes(jo, address="new@council.example")
    assert (await hub.desk.changing.approve(sam, draft.id)).result == "in_force"
    assert await hub.tick() == [] and await hub.desk.told() == []


async def test_nobody_who_has_left_hears_of_it(hub: Hub) -> None:
    jo, sam = await hub.person("jo"), await hub.person("sam")
    await hub.proposes(jo, address="new@council.example")
    user = await hub.accounts.user(sam.person or "")
    await hub.store.write(lambda unit: unit.accounts.put_user(replace(user, state="disabled")))
    assert await hub.tick() == []


async def test_what_comes_within_an_hour_is_told_together(hub: Hub) -> None:
    jo = await hub.person("jo")
    await hub.person("sam")
    await hub.proposes(jo, address="first@council.example")
    assert len(await hub.tick()) == 1
    mash = Put(table="contacts", cells={"id": "m", "organisation": BROMLEY, "desk": "mash", "channel": "email",
                                        "address": "mash@council.example"})  # fmt: skip
    await hub.desk.changing.propose(jo, [mash], confirm=True)
    await hub.proposes(jo, address="second@council.example")
    assert await hub.tick(NOW + TOGETHER - MINUTE) == []
    assert await hub.tick(NOW + TOGETHER) == ["sam@council.example"]
    assert "2 changes" in hub.said() and hub.said().count(f"{URL}/directory/changes\n") == 1


async def test_where_there_is_no_second_administrator_the_operators_hear_of_it_else_their_desk(hub: Hub) -> None:
    jo = await hub.person("jo")
    await hub.proposes(jo, address="first@council.example")
    assert await hub.tick() == ["operator@operator.example"], "nobody has an account"
    await hub.person("op", "operator", OPERATOR)
    await hub.proposes(jo, address="second@council.example")
    assert await hub.tick(NOW + 2 * TOGETHER) == ["op@council.example"]


async def test_a_relay_that_is_away_is_asked_again_and_in_the_end_the_operator_has_an_alarm(hub: Hub) -> None:
    jo = await hub.person("jo")
    await hub.person("sam")
    await hub.proposes(jo, address="new@council.example")
    answering(hub, AWAY)
    now = NOW
    for pause in RETRY:
        assert len(await hub.tick(now)) == 1
        assert await hub.tick(now + pause - timedelta(seconds=1)) == []
        now += pause
    assert await hub.store.read(lambda unit: unit.alarms()) == []
    assert len(await hub.tick(now)) == 1 and await hub.tick(now + LIFE / 2) == []
    (alarm,) = await hub.store.read(lambda unit: unit.alarms())
    assert (alarm.kind, alarm.owner) == ("directory_untold", OPERATOR)
    assert {line for line, _ in hub.notes.lines} == {"directory.untold"}
    assert len({one.delivery for one in hub.sinks["email"].received}) == 1, "always the same message"


async def test_a_node_that_dies_leaves_it_to_the_next_under_the_same_message_id(hub: Hub) -> None:
    jo = await hub.person("jo")
    await hub.person("sam")
    await hub.proposes(jo, address="new@council.example")
    hub.sinks["email"].answers = [RuntimeError("it died"), AWAY]
    with pytest.raises(RuntimeError):
        await hub.telling.tick(NOW)
    assert await hub.tick(NOW + LEASE - MINUTE) == []
    assert len(await hub.tick(NOW + LEASE)) == 1
    assert len({one.delivery for one in hub.sinks["email"].received}) == 1


# what lapses


async def test_what_nobody_decides_lapses_and_who_proposed_it_hears_of_that(hub: Hub) -> None:
    jo, sam = await hub.person("jo"), await hub.person("sam")
    draft = await hub.proposes(jo, address="new@council.example")
    await hub.tick()
    assert await hub.tick(NOW + LIFE - MINUTE) == []
    assert await hub.tick(NOW + LIFE) == ["jo@council.example"]
    assert "lapsed" in hub.said() and "14 days" in hub.said() and "new@" not in hub.said()
    assert await hub.tick(NOW + LIFE) == []
    about = await hub.desk.versions.change(draft.id, sam)
    assert about is not None and (about.draft.state, about.draft.decided_name) == ("expired", "the hub")
    assert (await hub.desk.changing.approve(sam, draft.id)).refusal == "settled"
    assert [line[:4] for line in audit(hub.folder) if line[1] == "directory.expired"] == [
        ("hub", "directory.expired", BROMLEY, draft.id)
    ]


# it cannot wait


def with_fallback(**changes: Any) -> Bundle:
    contacts = tuple(replace(c, **changes) if c.desk == "fallback" else c for c in small_bundle().contacts)
    return replace(small_bundle(), contacts=contacts)


async def test_a_file_that_nobody_confirmed_goes_by_itself(hub: Hub) -> None:
    one = Upload(id="up_1", organisation=BROMLEY, by="user:us_jo", part=BROMLEY, seen=1, uploaded_at=NOW)
    await hub.store.write(lambda unit: unit.drafts.uploads.add(one, b"{}"))
    await hub.tick(NOW + LASTS - MINUTE)
    assert await hub.store.read(lambda unit: unit.drafts.uploads.one("up_1")) == one
    await hub.tick(NOW + LASTS)
    assert await hub.store.read(lambda unit: unit.drafts.uploads.one("up_1")) is None


async def test_an_override_is_told_to_the_desk_that_was_and_the_desk_that_is(hub: Hub) -> None:
    jo = await hub.person("jo")
    phone = contact(BROMLEY, "fallback", id="phone", channel="sms", address="+447700900123", hours="office")
    cells = {"id": "e09000006.fallback", "organisation": BROMLEY, "desk": "fallback", "channel": "email",
             "address": "taken-over@elsewhere.example", "hours": "office"}  # fmt: skip
    more = {"id": phone.id, "organisation": BROMLEY, "desk": "fallback", "channel": "sms", "address": phone.address,
            "hours": "office"}  # fmt: skip
    changes = [Put(table="contacts", cells=cells), Put(table="contacts", cells=more)]
    answering(hub, AWAY, Deferred(reason="provider_timeout"))
    assert (await hub.desk.changing.propose(jo, changes, confirm=True, override=WHY)).result == "in_force"
    both = ["fallback@e09000006.example", "taken-over@elsewhere.example"]
    assert await hub.tick() == both
    hub.sinks["email"].answers = []
    assert await hub.tick(NOW + MINUTE) == both, "tried again, as a notice is"
    assert await hub.tick(NOW + LIFE) == []
    (text,) = hub.sinks["sms"].received
    assert isinstance(text.body, Alert) and len(text.body.text) <= 160 and text.body.text.isascii()
    said = hub.said() + text.body.text
    assert "changed by one person" in said and text.priority == "high"
    assert not any(word in said for word in (BROMLEY, "example", "+44"))


def test_who_has_no_desk_of_their_own_is_told_by_the_operators_alarm() -> None:
    from_met: Sequence[str] = (MET,)
    about = type("About", (), {"organisations": from_met, "draft": None})()
    assert of_an_override(about, small_bundle(), small_bundle(), {"email"}, SeededIds("x"), NOW) == ()
