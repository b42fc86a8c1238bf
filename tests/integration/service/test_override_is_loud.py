"""An override is told at once to the fallback desks of those concerned, as they were and as they are, content-free."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.port import Alert, Deferred
from contacts.export import ordered
from contacts.model import Bundle
from hub.edge.ids import SeededIds
from hub.service.directory.warning import Warner
from tests.kit.clock import FakeClock
from tests.kit.delivering import Notes, Sink
from tests.kit.directory import BROMLEY, MET, NOW, contact, small_bundle

PHONE = "+447700900123"


def warner(notes: Notes, *sinks: Sink) -> Warner:
    transports: dict[str, Any] = {sink.channel: sink for sink in sinks}
    return Warner(transports=transports, clock=FakeClock(NOW), ids=SeededIds("loud"), log=notes)


def with_fallback(**changes: Any) -> Bundle:
    contacts = tuple(replace(c, **changes) if c.desk == "fallback" else c for c in small_bundle().contacts)
    return ordered(replace(small_bundle(), contacts=contacts))


async def test_both_the_desk_that_was_and_the_desk_that_is_hear_of_it() -> None:
    mail, notes = Sink(), Notes()
    await warner(notes, mail)([BROMLEY], with_fallback(), with_fallback(address="taken-over@elsewhere.example"))
    assert {one.address for one in mail.received} == {"fallback@e09000006.example", "taken-over@elsewhere.example"}
    assert notes.lines == []


async def test_it_says_that_and_not_what_or_by_whom() -> None:
    mail, text = Sink(), Sink(channel="sms")
    phone = contact(BROMLEY, "fallback", id="phone", channel="sms", address=PHONE)
    after = replace(with_fallback(), contacts=(*with_fallback().contacts, phone))
    await warner(Notes(), mail, text)([BROMLEY], with_fallback(), after)
    (one,), (other,) = mail.received, text.received
    assert isinstance(one.body, Alert) and isinstance(other.body, Alert)
    assert "changed by one person" in one.body.text
    assert len(other.body.text) <= 160 and other.body.text.isascii()
    said = one.body.subject + one.body.text + other.body.text
    assert not any(word in said for word in ("E09000006", "example", PHONE))
    assert (one.priority, one.delivery[:3]) == ("high", "am_")


async def test_who_has_no_desk_of_their_own_is_told_by_the_operators_alarm() -> None:
    mail, notes = Sink(), Notes()
    await warner(notes, mail)([MET], with_fallback(), with_fallback())
    assert mail.received == []
    assert [line for line, _ in notes.lines] == ["directory.override_untold"]


@pytest.mark.parametrize("sinks", [[Sink(answers=[Deferred(reason="connection_failed")])], []])
async def test_what_could_not_be_told_is_in_the_log(sinks: list[Sink]) -> None:
    notes = Notes()
    await warner(notes, *sinks)([BROMLEY], with_fallback(), with_fallback())
    assert [line for line, _ in notes.lines] == ["directory.override_untold"]
