"""Proof of life: asked in their hours, few at a time, after the notices; proved once; told of where nobody answers."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from adapters.port import Accepted, Alert, Content, Deferred, Receipt, Rejected, Result, Unconfirmed
from contacts.directory import Directory
from contacts.model import Bundle, Certificate
from hub.core.records import AlarmRecord, AttemptRecord, DeliveryResult
from hub.core.tokens import receipt_token, reply_code, reply_digest, verify_token
from hub.core.verification import AGAIN, LATER, LEASE, Terms, Verification
from hub.edge.ids import SeededIds
from hub.service.assurance.asking import Asking
from hub.service.assurance.proofs import Proofs
from hub.service.ports import Store, StoreUnavailable, Unit
from hub.service.receipts import Receipts
from tests.kit.clock import FakeClock
from tests.kit.delivering import Notes, Sink
from tests.kit.directory import BROMLEY, NIGHT, NOW, certificate_der, contact, small_bundle
from tests.kit.events import reported
from tests.kit.failing import Breaking, ledger
from tests.kit.node import ACK_SECRET, Hub

URL = "https://hub.example"
TERMS = Terms(every=timedelta(days=90), within=timedelta(days=7), per_hour=240)
TICK = timedelta(seconds=30)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
T = TypeVar("T")
OFFICE = small_bundle().contacts[0]
PHONE = contact(BROMLEY, "front_door", id="phone", channel="sms", address="+447700900123")
SYSTEM = contact(BROMLEY, "front_door", id="system", channel="push", address="https://push.bromley.example/in")


def only(*contacts: Any, certificates: Sequence[Certificate] = ()) -> Bundle:
    return replace(small_bundle(), contacts=contacts, certificates=tuple(certificates))


def certificate(address: str) -> Certificate:
    der = certificate_der(address, NOW - DAY, NOW + 4000 * DAY)
    return Certificate(address=address, der=der, fingerprint="ab" * 32, pinned=True)


class Node:
    """One node that asks, and what comes back to it."""

    def __init__(self, store: Store, bundle: Bundle, *, name: str = "1", terms: Terms = TERMS, **more: Any) -> None:
        self.store = store
        self.clock = FakeClock(NOW)
        self.sinks = {channel: Sink(channel) for channel in ("email", "sms", "push")}
        self.present = Directory.of(bundle)
        ids = SeededIds(f"verification {name}")
        self.proofs = Proofs(store=store, clock=self.clock, ids=ids, terms=terms, secret=ACK_SECRET)
        options = {"public_url": URL, "replies": False, **more}
        self.asking = Asking(store=store, transports=self.sinks, directory=lambda: self.present, proofs=self.proofs,
                             secret=ACK_SECRET, ids=ids, log=Notes(), **options)  # fmt: skip
        self.receipts = Receipts(store=store, clock=self.clock, ids=ids, meter=Counted(), nudge=lambda: None,
                                 proofs=self.proofs)  # fmt: skip

    async def at(self, now: datetime) -> int:
        self.clock._now = now
        return await self.asking.tick(now)

    def answers(self, result: Result) -> None:
        for sink in self.sinks.values():
            sink.answers = [result]

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Channel and Message-ID of everything that reached a transport."""
        return [(name, one.delivery) for name, sink in self.sinks.items() for one in sink.received]

    async def rows(self) -> Sequence[Verification]:
        return await self.proofs.listed()

    async def one(self) -> Verification:
        (found,) = await self.rows()
        return found

    async def states(self) -> set[str]:
        return {one.state for one in await self.rows()}

    async def alarms(self, *, every: bool = False) -> list[AlarmRecord]:
        found = await self.store.read(lambda unit: unit.alarms(open_only=not every))
        return [one for one in found if one.kind == "contact_unproved"]

    async def told(self) -> list[tuple[str, str]]:
        return [(one.owner, one.reason) for one in await self.alarms()]


class Counted:
    def receipt(self, channel: str, kind: str) -> None:
        pass


async def token_of(node: Node) -> str:
    return verify_token(ACK_SECRET, (await node.one()).id)


async def test_a_mailbox_gets_a_link_and_its_button_proves_it_for_ninety_days(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE))
    assert await node.at(NOW) == 1
    (mail,) = node.sinks["email"].received
    token = await token_of(node)
    assert isinstance(mail.body, Alert) and f"{URL}/v/{token}" in mail.body.text
    assert (mail.address, mail.priority) == (OFFICE.address, "low")
    assert mail.headers == {"X-Fingerpost-Status": "test"}, "no case system takes it for a notice"
    assert OFFICE.address not in mail.body.text and BROMLEY not in mail.body.text
    assert "child" not in mail.body.text + mail.body.subject
    assert await node.proofs.look(token) is False
    assert (await node.one()).state == "asked", "to look is no proof"
    assert await node.proofs.confirm(token) and await node.proofs.look(token) is True
    proved = await node.one()
    assert (proved.state, proved.proved_at) == ("proved", NOW)
    assert await node.at(NOW + 89 * DAY) == 0 and await node.alarms() == []
    assert await node.at(NOW + 90 * DAY) == 1
    assert len({one for _, one in node.sent}) == 2 and await token_of(node) != token
    assert not await node.proofs.confirm(token), "the link of the last round is over"
    assert (await node.one()).proved_at == NOW, "shown with its age meanwhile"


async def test_with_a_certificate_the_link_stands_inside_the_encryption_only(hub: Hub) -> None:
    held = certificate(OFFICE.address)
    node = Node(hub.store, only(OFFICE, certificates=[held]))
    await node.at(NOW)
    (mail,) = node.sinks["email"].received
    assert isinstance(mail.body, Content) and f"{URL}/v/{await token_of(node)}" in mail.body.text
    assert (mail.certificates, mail.pinned) == ((held.der,), frozenset({held.fingerprint}))
    assert f"{URL}/v/" in mail.body.html and not mail.body.attachments


async def test_a_certificate_that_cannot_be_used_is_its_owners_task(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE, certificates=[certificate(OFFICE.address)]))
    node.answers(Rejected(reason="certificate_expired"))
    await node.at(NOW)
    assert await node.told() == [(BROMLEY, f"{OFFICE.id} certificate_expired")]
    assert (await node.one()).state == "failed"
    node.answers(Accepted())
    assert await node.at(NOW + AGAIN) == 1
    assert len(await node.alarms()) == 1, "asked again is not proved"
    assert await node.proofs.confirm(await token_of(node))
    assert await node.alarms() == [] and len(await node.alarms(every=True)) == 1


@pytest.mark.parametrize(("url", "replies", "says"), [
    (URL, False, "Please confirm: https://hub.example/v/"),
    (URL, True, "Please confirm: https://hub.example/v/"),
    ("http://hub.example", True, "Please reply 1 "),
])  # fmt: skip
async def test_a_number_gets_a_link_or_a_code_in_one_text(hub: Hub, url: str, replies: bool, says: str) -> None:
    node = Node(hub.store, only(PHONE), public_url=url, replies=replies)
    assert await node.at(NOW) == 1
    (text,) = node.sinks["sms"].received
    assert isinstance(text.body, Alert) and says in text.body.text and len(text.body.text) <= 160
    row = await node.one()
    code = reply_code(ACK_SECRET, row.id)
    assert not await node.proofs.replied(reply_digest(ACK_SECRET, "+447700900999", code)), "from another number"
    assert await node.proofs.replied(reply_digest(ACK_SECRET, PHONE.address, code))
    assert (await node.one()).state == "proved"


async def test_a_number_that_can_be_given_neither_is_not_asked(hub: Hub) -> None:
    node = Node(hub.store, only(PHONE), public_url="http://hub.example")
    assert await node.at(NOW) == 0 and await node.rows() == []


async def test_a_system_proves_itself_by_its_acknowledgement(hub: Hub) -> None:
    node = Node(hub.store, only(SYSTEM, certificates=[certificate(SYSTEM.address)]))
    node.answers(Accepted(receipt=Receipt(channel="push", kind="answered", at=NOW)))
    await node.at(NOW)
    assert (await node.one()).state == "proved"
    assert node.sinks["push"].received[0].receipt_token == receipt_token(ACK_SECRET, (await node.one()).id)


async def test_only_in_their_hours(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE))
    assert await node.at(NIGHT) == 0 and await node.states() == {"waiting"}
    assert await node.at(NOW) == 1


async def test_few_at_a_time_over_all_nodes_and_restarts(nodes: tuple[Hub, Hub]) -> None:
    crowd = [contact(BROMLEY, "front_door", id=f"c{n}", address=f"c{n}@bromley.example") for n in range(30)]
    terms = replace(TERMS, per_hour=12)
    sent: list[str] = []
    for minute in range(60):
        for number, hub in enumerate(nodes):
            node = Node(hub.store, only(*crowd), name=f"{minute} {number}", terms=terms)
            assert await node.at(NOW + minute * timedelta(minutes=1)) <= 1
            sent += [one for _, one in node.sent]
    assert len(sent) == len(set(sent)) == 12
    node = Node(nodes[0].store, only(*crowd), name="later", terms=terms)
    assert await node.at(NOW + timedelta(hours=1, minutes=1)) == 1


async def test_never_while_a_notice_waits(hub: Hub) -> None:
    await hub.post(reported())
    node = Node(hub.store, only(OFFICE))
    assert await node.at(NOW) == 0 and node.sent == []
    assert await node.states() == {"waiting"}


async def test_a_node_that_dies_leaves_it_to_the_next_under_the_same_id(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE))
    node.answers(RuntimeError("the machine is gone"))  # type: ignore[arg-type]  # as good as a kill
    with pytest.raises(RuntimeError):
        await node.at(NOW)
    other = Node(hub.store, only(OFFICE), name="2")
    assert await other.at(NOW + LEASE - timedelta(seconds=1)) == 0
    assert await other.at(NOW + LEASE) == 1
    assert other.sent == node.sent
    assert await other.at(NOW + 2 * LEASE) == 0


@pytest.mark.parametrize("result", [
    Deferred(reason="connection_failed"), Rejected(reason="misconfigured", technical=True),
])  # fmt: skip
async def test_what_is_not_their_fault_is_tried_again_and_the_operators_task_if_it_lasts(
    hub: Hub, result: Result
) -> None:
    node = Node(hub.store, only(OFFICE))
    node.answers(result)
    await node.at(NOW)
    assert await node.alarms() == [] and await node.at(NOW + LATER - timedelta(seconds=1)) == 0
    assert await node.at(NOW + LATER) == 1
    assert len({one for _, one in node.sent}) == 1, "nothing went out, so it is still the same message"
    await node.at(NOW + 7 * DAY)
    assert await node.told() == [("operator", f"{OFFICE.id} not_sent")]


async def test_who_does_not_answer_in_time_is_told_of_once_and_asked_again(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE))
    node.answers(Unconfirmed())
    await node.at(NOW)
    await node.at(NOW + 7 * DAY - timedelta(seconds=1))
    assert await node.told() == []
    await node.at(NOW + 7 * DAY)
    assert await node.told() == [(BROMLEY, f"{OFFICE.id} no_answer")]
    (alarm,) = await node.alarms()
    await hub.store.write(lambda unit: unit.clear_alarm(alarm.id, NOW, []))
    assert await node.at(NOW + AGAIN) == 1
    assert await node.told() == [] and len({one for _, one in node.sent}) == 2
    assert await node.proofs.confirm(await token_of(node)), "either mail bears the link of the round"


@pytest.mark.parametrize("named", ["token", "delivery", "provider_reference"])
async def test_what_bounces_counts_against_it_whichever_way_it_is_told(hub: Hub, named: str) -> None:
    node = Node(hub.store, only(OFFICE))
    node.answers(Accepted(provider_reference="theirs-1"))
    await node.at(NOW)
    row = await node.one()
    name = {"token": receipt_token(ACK_SECRET, row.id), "delivery": node.sent[0][1], "provider_reference": "theirs-1"}
    arrived = Receipt(channel="email", kind="delivered", at=NOW, **{named: name[named]})
    assert await node.receipts.take(arrived, b"raw") and (await node.one()).state == "asked"
    bounced = replace(arrived, kind="bounced", reason="rejected")
    for _ in range(2):
        assert await node.receipts.take(bounced, b"raw")
    assert (await node.one()).state == "failed"
    assert await node.told() == [(BROMLEY, f"{OFFICE.id} rejected")]
    assert not [one for one in await hub.alarms() if one.kind == "receipt_apart"]


async def test_what_came_back_after_the_proof_changes_nothing_and_of_strangers_is_kept_apart(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE))
    await node.at(NOW)
    row = await node.one()
    assert await node.proofs.confirm(verify_token(ACK_SECRET, row.id))
    bounced = Receipt(channel="email", kind="bounced", at=NOW, token=receipt_token(ACK_SECRET, row.id))
    assert await node.receipts.take(bounced, b"raw") and (await node.one()).state == "proved"
    assert not await node.receipts.take(replace(bounced, token="z" * 32), b"raw")
    assert await node.proofs.look("z" * 43) is None and not await node.proofs.confirm("z" * 43)


async def test_what_bounces_many_times_is_on_record_once(hub: Hub, tmp_path: Path) -> None:
    """Whoever has seen the mail can write to its address, as often as they like."""
    node = Node(hub.store, only(OFFICE))
    await node.at(NOW)
    bounced = Receipt(
        channel="email", kind="bounced", at=NOW, reason="rejected",
        token=receipt_token(ACK_SECRET, (await node.one()).id),
    )  # fmt: skip
    await node.receipts.take(bounced, b"raw")
    failed, lines = await node.one(), len(ledger(tmp_path)["audit"])
    node.clock._now = NOW + DAY
    for _ in range(3):
        assert await node.receipts.take(bounced, b"raw")
    assert await node.one() == failed
    assert len(ledger(tmp_path)["audit"]) == lines


async def test_a_made_up_token_writes_nothing_and_waits_for_no_writer(hub: Hub) -> None:
    store = Breaking(hub.store, at=1)
    node = Node(store, only(OFFICE))
    assert not await node.proofs.confirm("z" * 43)
    assert store.calls == 0


async def test_a_changed_address_is_asked_anew_and_one_that_comes_back_keeps_its_proof(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE))
    await node.at(NOW)
    await node.proofs.confirm(await token_of(node))
    old = node.present
    node.present = Directory.of(only(replace(OFFICE, address="new@bromley.example")))
    assert await node.at(NOW + TICK) == 1 and (await node.one()).state == "asked"
    node.present = old
    assert await node.at(NOW + 2 * TICK) == 0
    assert ((await node.one()).state, (await node.one()).proved_at) == ("proved", NOW)


async def test_who_leaves_the_directory_has_no_alarm_any_more(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE, PHONE))
    node.answers(Rejected(reason="rejected"))
    await node.at(NOW)
    assert len(await node.alarms()) == 2
    node.present = Directory.of(only(PHONE))
    await node.at(NOW + TICK)
    assert await node.told() == [(BROMLEY, "phone rejected")]
    node.present = Directory.of(Bundle())
    await node.at(NOW + 2 * TICK)
    assert len(await node.alarms()) == 1, "a directory that cannot be read says nothing about anybody"


async def test_the_figures_and_the_audit_log_name_states_and_ids_only(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE, PHONE))
    await node.at(NOW)
    assert node.asking.figures() == {
        "contacts_waiting": 0, "contacts_asked": 2, "contacts_proved": 0, "contacts_failed": 0,
    }  # fmt: skip


async def test_a_notice_that_came_back_takes_the_proof_away_and_asks_anew(hub: Hub) -> None:
    node = Node(hub.store, only(OFFICE))
    await node.at(NOW)
    await node.proofs.confirm(await token_of(node))
    later = NOW + DAY
    where = ("email", OFFICE.address.upper())
    await hub.store.write(lambda unit: node.proofs.against(unit, *where, "rejected", later))
    row = await node.one()
    assert (row.state, row.failed_at, row.proved_at) == ("failed", later, NOW)
    assert await node.alarms() == [], "the notice has one"
    assert await node.at(later) == 1 and len({one for _, one in node.sent}) == 2
    await hub.store.write(lambda unit: node.proofs.against(unit, "email", "nobody@x.example", "rejected", later))
    assert (await node.one()).state == "asked"


async def test_the_link_of_a_proof_that_was_taken_back_proves_nothing(hub: Hub) -> None:
    """It came before the mailbox was closed. The next one is asked for in their hours only, which may be on Monday."""
    node = Node(hub.store, only(OFFICE))
    await node.at(NOW)
    token = await token_of(node)
    await node.proofs.confirm(token)
    where = ("email", OFFICE.address)
    await hub.store.write(lambda unit: node.proofs.against(unit, *where, "rejected", NOW + HOUR))
    assert not await node.proofs.confirm(token) and await node.proofs.look(token) is None
    assert (await node.one()).state == "failed"
    assert await node.at(NOW + HOUR) == 1
    assert await node.proofs.confirm(await token_of(node)) and not await node.proofs.confirm(token)


async def _refused(hub: Hub, at: datetime) -> str:
    """A notice that their system said no to at that moment; the contact it went to."""

    async def refuse(unit: Unit) -> str:
        claimed = await unit.claim(at, at + DAY, "node", 100)
        told = next(one for one in claimed if one.delivery.contact)
        tried = AttemptRecord(
            delivery=told.delivery.id, number=told.attempt, started_at=at, finished_at=at, node="node",
            state="permanent_failure", reason="rejected",
        )  # fmt: skip
        await unit.finish([DeliveryResult(delivery=told.delivery.id, attempt=tried, state="failed")], "node")
        return str(told.delivery.contact)

    return await hub.store.write(refuse)


async def _failed(node: Node) -> list[str]:
    return [one.contact for one in await node.rows() if one.state == "failed"]


async def test_what_was_refused_while_the_store_was_away_still_counts(hub: Hub) -> None:
    await hub.post(reported())
    now = hub.clock.now()
    store = Away(hub.store)
    node = Node(store, replace(hub.directory.bundle))
    await node.at(now)
    contact_id = await _refused(hub, now + TICK)
    store.looks, store.away = 0, 2  # the look for failures is the second, after that through the directory
    with pytest.raises(StoreUnavailable):
        await node.at(now + HOUR)
    store.away = 0
    await node.at(now + HOUR + 3 * TICK)
    assert await _failed(node) == [contact_id]


async def test_what_is_recorded_late_still_counts_and_once(hub: Hub, tmp_path: Path) -> None:
    """An attempt ends before its end is on record; a look may fall between."""
    await hub.post(reported())
    now = hub.clock.now()
    node = Node(hub.store, replace(hub.directory.bundle))
    await node.at(now + 2 * TICK)
    contact_id = await _refused(hub, now + TICK)
    for number in range(3, 6):
        await node.at(now + number * TICK)
    assert await _failed(node) == [contact_id]
    assert sum("contact.failed" in row for row in ledger(tmp_path)["audit"]) == 1


async def test_what_was_refused_counts_against_the_address_and_not_the_one_that_took_its_place(hub: Hub) -> None:
    await hub.post(reported())
    now = hub.clock.now()
    contact_id = await _refused(hub, now)
    moved = tuple(
        replace(one, address="new@council.example") if one.id == contact_id else one
        for one in hub.directory.bundle.contacts
    )
    node = Node(hub.store, replace(hub.directory.bundle, contacts=moved))
    await node.at(now + TICK)
    assert await _failed(node) == []


async def test_a_clock_that_was_set_back_fails_nobody_again_and_again(hub: Hub, tmp_path: Path) -> None:
    await hub.post(reported())
    now = hub.clock.now()
    await _refused(hub, now)
    node = Node(hub.store, replace(hub.directory.bundle))
    for number in range(4):
        await node.at(now - HOUR / 2 + number * TICK)
    assert sum("contact.failed" in row for row in ledger(tmp_path)["audit"]) == 0
    await node.at(now + TICK)
    await node.at(now + 2 * TICK)
    assert sum("contact.failed" in row for row in ledger(tmp_path)["audit"]) == 1


class Away:
    """A store that is away at the n-th look; 0 for never."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.away = 0
        self.looks = 0

    async def read(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        self.looks += 1
        if self.away and self.looks >= self.away:
            raise StoreUnavailable("gone")
        return await self.store.read(work)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


async def test_a_notice_that_is_refused_at_the_door_counts_against_it_as_well(hub: Hub) -> None:
    """No receipt comes of that: the relay, or their system, says no at once."""
    await hub.post(reported())
    now = hub.clock.now()
    contact_id = await _refused(hub, now)
    node = Node(hub.store, replace(hub.directory.bundle))
    node.clock._now = now
    await node.asking.tick(now + TICK)
    (found,) = [one for one in await node.rows() if one.state == "failed"]
    assert (found.contact, found.reason) == (contact_id, "rejected")
    await hub.store.write(lambda unit: unit.assurance.put_places([replace(found, state="proved", proved_at=now + DAY)]))
    again = Node(hub.store, replace(hub.directory.bundle), name="2")
    await again.asking.tick(now + 2 * TICK)
    assert not [one for one in await again.rows() if one.state == "failed"], "proved since"
