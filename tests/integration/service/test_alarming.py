"""The operator hears of alarms: at once, gathered after that, content-free, and not only where it is easy."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.port import Accepted, Alert, Deferred, Rejected, Unconfirmed
from adapters.sms.prepare import prepare
from contacts.directory import Directory
from hub.core.records import AlarmRecord
from hub.edge.ids import SeededIds
from hub.service.alarming import ALARM_IDS, AT_MOST_EVERY, Alarming
from tests.kit.delivering import Notes, Sink
from tests.kit.directory import NOW, contact, small_bundle
from tests.kit.records import SECRETS, Story
from tests.kit.store import Stores, memory_store

SECOND = timedelta(seconds=1)


@pytest.fixture
async def store() -> AsyncIterator[Stores]:
    made = await memory_store()
    yield made
    await made.aclose()


def alarming(store: Stores, *sinks: Sink, notes: Notes | None = None, directory: Directory | None = None) -> Alarming:
    known = directory or Directory.of(small_bundle())
    ways = {sink.channel: sink for sink in sinks}
    return Alarming(
        store=store, transports=ways, directory=lambda: known, ids=SeededIds("alarming"), log=notes or Notes()
    )


def with_a_number() -> Directory:
    """The operator can be sent text messages as well."""
    bundle = small_bundle()
    number = contact("operator", "operator", id="operator-mobile", channel="sms", address="+447700900001", order=1)
    return Directory.of(replace(bundle, contacts=(*bundle.contacts, number)))


async def raised(store: Stores, kind: str, reason: str, ids: SeededIds) -> None:
    alarm = AlarmRecord(id=ids.new("al", NOW), kind=kind, owner="operator", reason=reason, raised_at=NOW)
    await store.write(lambda unit: unit.add_alarm(alarm, ()))


async def test_nothing_to_tell(store: Stores) -> None:
    sink = Sink()
    assert not await alarming(store, sink).tick(NOW)
    assert sink.received == []


async def test_a_quarantined_report_reaches_the_operator_at_once_and_says_nothing_of_it(store: Stores) -> None:
    story = Story(SeededIds("story"), now=NOW)
    kept = story.quarantined()
    alarm = story.alarm("quarantine", reason=kept.id)
    await store.write(lambda unit: unit.add_quarantine(kept, alarm, ()))
    sink = Sink()
    assert await alarming(store, sink).tick(NOW)
    (envelope,) = sink.received
    assert envelope.address == "operator@operator.example"
    assert isinstance(envelope.body, Alert)
    assert "quarantine (1)" in envelope.body.text
    assert not any(value in f"{envelope.body}" for value in (*SECRETS.values(), kept.id))


async def test_what_follows_is_gathered_and_each_is_told_once(store: Stores) -> None:
    sink, ids = Sink(), SeededIds("ids")
    service = alarming(store, sink)
    await raised(store, "gap", "a", ids)
    assert await service.tick(NOW)
    await raised(store, "gap", "b", ids)
    await raised(store, "quarantine", "c", ids)
    assert not await service.tick(NOW + AT_MOST_EVERY - SECOND)
    assert await service.tick(NOW + AT_MOST_EVERY)
    assert not await service.tick(NOW + 3 * AT_MOST_EVERY)
    first, second = (envelope.body for envelope in sink.received)
    assert isinstance(first, Alert) and "New alarms: gap (1). Open in all: 1." in first.text
    assert isinstance(second, Alert) and "New alarms: gap (1), quarantine (1). Open in all: 3." in second.text
    assert len({envelope.delivery for envelope in sink.received}) == 2


async def test_a_clock_set_back_silences_nothing(store: Stores) -> None:
    sink, ids = Sink(), SeededIds("ids")
    service = alarming(store, sink)
    await raised(store, "gap", "a", ids)
    await service.tick(NOW)
    await raised(store, "gap", "b", ids)
    assert await service.tick(NOW - timedelta(hours=1))


@pytest.mark.parametrize(
    "result", [Deferred(reason="connection_failed"), Rejected(reason="rejected")], ids=["later", "never"]
)
async def test_what_could_not_be_told_is_tried_again_and_health_knows(
    store: Stores, result: Deferred | Rejected
) -> None:
    sink, notes = Sink(answers=[result, Accepted()]), Notes()
    service = alarming(store, sink, notes=notes)
    await raised(store, "gap", "a", SeededIds("ids"))
    assert not await service.tick(NOW)
    assert service.amiss() == {"alarms_untold": 1}
    assert ("alarms.untold", {"count": 1, "reason": result.reason}) in notes.lines
    assert await service.tick(NOW + SECOND)
    assert service.amiss() == {}


async def test_a_mail_that_may_have_gone_is_not_repeated(store: Stores) -> None:
    service = alarming(store, Sink(answers=[Unconfirmed()]))
    await raised(store, "gap", "a", SeededIds("ids"))
    assert await service.tick(NOW)
    assert not await service.tick(NOW + AT_MOST_EVERY)


async def test_without_an_operator_on_a_channel_that_can_be_used_health_knows(store: Stores) -> None:
    bundle = small_bundle()
    texts = tuple(
        replace(c, channel="sms", address="+447700900001") if c.organisation == "operator" else c
        for c in bundle.contacts
    )
    await raised(store, "gap", "a", SeededIds("ids"))
    for directory in (Directory.of(replace(bundle, contacts=texts)), Directory.of(bundle).without(["operator"])):
        sink = Sink()
        service = alarming(store, sink, directory=directory)
        assert not await service.tick(NOW)
        assert sink.received == []
        assert service.amiss() == {"alarms_untold": 1}


async def test_a_restart_tells_what_is_still_open(store: Stores) -> None:
    ids = SeededIds("ids")
    await raised(store, "gap", "a", ids)
    await alarming(store, Sink()).tick(NOW)
    again = Sink()
    assert await alarming(store, again).tick(NOW + SECOND)
    assert len(again.received) == 1


async def test_a_text_message_goes_out_beside_the_mail_and_says_numbers_only(store: Stores) -> None:
    mail, text = Sink(), Sink(channel="sms")
    service = alarming(store, mail, text, Sink(channel="push"), directory=with_a_number())
    await raised(store, "quarantine", "a", SeededIds("ids"))
    assert await service.tick(NOW)
    assert not await service.tick(NOW + 2 * AT_MOST_EVERY)
    (envelope,), (only,) = text.received, mail.received
    assert (envelope.address, envelope.delivery.startswith(ALARM_IDS)) == ("+447700900001", True)
    assert envelope.receipt_token is None
    assert isinstance(envelope.body, Alert)
    assert "New alarms: 1, open in all: 1" in envelope.body.text
    assert not isinstance(prepare(envelope), Rejected)
    assert only.delivery != envelope.delivery


async def test_one_way_is_enough_to_have_been_told_and_the_other_goes_on_trying(store: Stores) -> None:
    mail, text, notes = Sink(answers=[Deferred(reason="connection_failed")]), Sink(channel="sms"), Notes()
    service = alarming(store, mail, text, notes=notes, directory=with_a_number())
    await raised(store, "gap", "a", SeededIds("ids"))
    assert await service.tick(NOW)
    assert service.amiss() == {}
    assert ("alarms.not_told", {"channel": "email", "reason": "connection_failed"}) in notes.lines
    mail.answers = [Accepted()]
    assert await service.tick(NOW + SECOND)
    assert (len(mail.accepted), len(text.accepted)) == (1, 1)
