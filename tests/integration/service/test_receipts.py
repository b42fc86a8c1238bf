"""What comes back about a notice, on the real store: matched, stored as it came, read for what it means."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from adapters.port import Receipt, ReceiptKind
from hub.core.records import AttemptRecord, DeliveryRecord, DeliveryResult, NoticeRecord
from hub.core.tokens import ack_token, receipt_token
from hub.service.answers import Answers
from hub.service.receipts import MOST_APART, MOST_OF_ONE, Receipts
from tests.kit.events import reported
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.store import sqlite_store

RAW = b"Robin Example's report, as it came"


class Unmetered:
    def acknowledged(self, answer: str) -> None:
        pass


class Counted:
    def __init__(self) -> None:
        self.counted: list[tuple[str, str]] = []

    def receipt(self, channel: str, kind: str) -> None:
        self.counted.append((channel, kind))


@pytest.fixture
async def hub(tmp_path: Path):
    made = await a_hub(await sqlite_store(tmp_path))
    await made.post(reported(episode={"risk": {"level": "high"}}))
    yield made
    await made.store.aclose()


def service(hub: Hub, meter: Counted | None = None) -> Receipts:
    return Receipts(store=hub.store, clock=hub.clock, ids=hub.ids, meter=meter or Counted(), nudge=lambda: None)


async def sent(hub: Hub, *, carried: str = "content") -> DeliveryRecord:
    """Claim everything that is due and say that it was sent; the first of the deliveries."""
    now = hub.clock.now()

    async def work(unit) -> Sequence[DeliveryRecord]:
        claimed = await unit.claim(now, now + timedelta(minutes=5), "node", 100)
        results = [
            DeliveryResult(
                delivery=one.delivery.id,
                attempt=AttemptRecord(
                    delivery=one.delivery.id,
                    number=one.attempt,
                    started_at=now,
                    finished_at=now,
                    node="node",
                    state="sent",
                    carried=carried,
                    provider_reference=f"ref-{one.delivery.id}",
                ),
                state="sent",
                notice_state="notified",
            )
            for one in claimed
        ]
        await unit.finish(results, "node")
        return [one.delivery for one in claimed]

    return (await hub.store.write(work))[0]


def receipt(delivery: DeliveryRecord, kind: ReceiptKind, **more) -> Receipt:
    values = {"token": receipt_token(ACK_SECRET, delivery.id), "code": "2.0.0"}
    return Receipt(channel=delivery.channel, kind=kind, at=delivery.created_at, **{**values, **more})


async def state(hub: Hub, delivery: DeliveryRecord) -> tuple[str, str, str]:
    """Of the newest attempt, the delivery and the notice."""
    found = await hub.see(lambda unit: unit.delivery_by_id(delivery.id))
    assert found is not None
    tries = await hub.see(lambda unit: unit.attempts(delivery.id))
    return tries[-1].state, found[0].state, found[1].state


async def notice(hub: Hub, delivery: DeliveryRecord) -> NoticeRecord:
    found = await hub.see(lambda unit: unit.delivery_by_id(delivery.id))
    assert found is not None
    return found[1]


async def test_a_machines_word_is_a_receipt_and_never_an_acknowledgement(hub: Hub):
    one = await sent(hub)
    assert await service(hub).take(receipt(one, "displayed"), RAW)
    assert await state(hub, one) == ("delivered", "sent", "receipted")
    (kept,) = await hub.see(lambda unit: unit.receipts(one.id))
    assert (kept.kind, kept.raw, kept.attempt, kept.why) == ("displayed", RAW, 1, "")


async def test_a_bounce_takes_the_next_step_at_once_and_alarms_whose_desk_it_is(hub: Hub):
    one = await sent(hub)
    await hub.clock.advance(60)
    bounced = receipt(one, "bounced", code="5.1.1", reason="rejected")
    assert await service(hub).take(bounced, RAW)
    assert await state(hub, one) == ("permanent_failure", "failed", "undeliverable")
    about = await notice(hub, one)
    assert about.chase_at == hub.clock.now()
    alarms = [alarm for alarm in await hub.alarms() if alarm.notice == about.id]
    assert [(alarm.kind, alarm.owner, alarm.reason) for alarm in alarms] == [
        ("undeliverable", about.organisation, "rejected")
    ]


@pytest.mark.parametrize("order", list(permutations(["delayed", "delivered", "bounced"])))
async def test_bad_news_outlasts_good_in_whatever_order_it_comes(hub: Hub, order: Sequence[ReceiptKind]):
    one = await sent(hub)
    for kind in order:
        await service(hub).take(receipt(one, kind), RAW)
    assert (await state(hub, one))[:2] == ("permanent_failure", "failed")
    assert (await notice(hub, one)).state == "undeliverable"


async def test_the_same_receipt_twice_changes_nothing_the_second_time(hub: Hub):
    one = await sent(hub)
    for _ in range(2):
        await service(hub).take(receipt(one, "delivered"), RAW)
    assert await state(hub, one) == ("delivered", "sent", "receipted")
    assert len(await hub.see(lambda unit: unit.receipts(one.id))) == 2, "stored as they came"


@pytest.mark.parametrize("kind", ["relayed", "automatic_reply"])
async def test_what_says_nothing_about_delivery_is_kept_and_changes_nothing(hub: Hub, kind: ReceiptKind):
    one = await sent(hub)
    assert await service(hub).take(receipt(one, kind), RAW)
    assert await state(hub, one) == ("sent", "sent", "notified")
    assert len(await hub.see(lambda unit: unit.receipts(one.id))) == 1


async def test_that_an_alert_arrived_says_nothing_about_the_notice(hub: Hub):
    one = await sent(hub, carried="alert")
    await service(hub).take(receipt(one, "delivered"), RAW)
    assert (await state(hub, one))[0] == "delivered"
    assert (await notice(hub, one)).state == "notified"


async def test_a_receipt_before_the_result_is_recorded_is_not_lost(hub: Hub):
    now = hub.clock.now()
    claimed = await hub.store.write(lambda unit: unit.claim(now, now + timedelta(minutes=5), "node", 1))
    one = claimed[0].delivery
    assert await service(hub).take(receipt(one, "delivered"), RAW)
    assert await state(hub, one) == ("delivered", "leased", "receipted")


async def test_what_was_never_tried_is_matched_and_changes_nothing(hub: Hub):
    one = (await hub.deliveries())[0]
    assert await service(hub).take(receipt(one, "delivered"), RAW)
    found = await hub.see(lambda unit: unit.delivery_by_id(one.id))
    assert found is not None and (found[0].state, found[1].state) == ("due", "pending")
    (kept,) = await hub.see(lambda unit: unit.receipts(one.id))
    assert kept.why == "not_sent"


@pytest.mark.parametrize("matched", ["token", "delivery", "provider_reference"])
async def test_a_receipt_is_matched_by_what_its_reporter_knows(hub: Hub, matched: str):
    one = await sent(hub)
    known = {
        "token": receipt_token(ACK_SECRET, one.id),
        "delivery": one.id,
        "provider_reference": f"ref-{one.id}",
    }
    told = Receipt(channel=one.channel, kind="delivered", at=one.created_at, **{matched: known[matched]})
    assert await service(hub).take(told, RAW)
    assert await state(hub, one) == ("delivered", "sent", "receipted")


async def test_a_forged_token_is_kept_apart_counted_and_told_of_once(hub: Hub):
    one, meter = await sent(hub), Counted()
    receipts = service(hub, meter)
    for number in range(3):
        forged = receipt(one, "bounced", token=receipt_token(b"b" * 32, f"{one.id}{number}"))
        assert not await receipts.take(forged, RAW)
    assert await state(hub, one) == ("sent", "sent", "notified")
    apart = await hub.see(lambda unit: unit.receipts_apart(hub.clock.now() - timedelta(hours=1), 10))
    assert [(kept.why, kept.raw, kept.delivery) for kept in apart] == [("unknown", RAW, None)] * 3
    assert meter.counted == [("email", "apart")] * 3
    assert [alarm.kind for alarm in await hub.alarms()].count("receipt_apart") == 1


async def test_a_delivery_of_another_channel_is_not_what_it_says(hub: Hub):
    one = await sent(hub)
    told = Receipt(channel="sms", kind="delivered", at=one.created_at, delivery=one.id)
    assert not await service(hub).take(told, RAW)
    assert await state(hub, one) == ("sent", "sent", "notified")


async def test_a_flood_does_not_fill_the_disk(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hub.service.receipts.MOST_APART", 5)
    monkeypatch.setattr("hub.service.receipts.MOST_OF_ONE", 5)
    assert MOST_APART >= 100 and MOST_OF_ONE >= 20
    one = await sent(hub)
    receipts = service(hub)
    for _ in range(8):
        await receipts.take(receipt(one, "delivered"), RAW)
        await receipts.keep_apart("email", "not_a_report", RAW)
    assert len(await hub.see(lambda unit: unit.receipts(one.id))) == 5
    assert len(await hub.see(lambda unit: unit.receipts_apart(hub.clock.now() - timedelta(hours=1), 10))) == 5
    assert "receipts_too_many" in {alarm.kind for alarm in await hub.alarms()}


async def test_an_answer_stands_whatever_a_machine_says_later(hub: Hub):
    one = await sent(hub)
    answers = Answers(store=hub.store, clock=hub.clock, ids=hub.ids, meter=Unmetered())
    await answers.acknowledge(ack_token(ACK_SECRET, one.id), name="Jo Worker", answer="accepted")
    await service(hub).take(receipt(one, "bounced"), RAW)
    assert (await notice(hub, one)).state == "acknowledged"


class Proofs:
    """What is held against contacts."""

    def __init__(self) -> None:
        self.held: list[tuple[str, str, str]] = []

    async def take(self, unit, receipt: Receipt, now) -> bool:
        return False

    async def against(self, unit, channel: str, address: str, reason: str, now) -> None:
        self.held.append((channel, address, reason))


async def test_what_bounces_is_held_against_the_address_that_it_went_to(hub: Hub):
    one, proofs = await sent(hub), Proofs()
    taking = replace(service(hub), proofs=proofs)
    await taking.take(receipt(one, "delivered"), RAW)
    assert proofs.held == []
    await taking.take(receipt(one, "bounced", reason="rejected"), RAW)
    assert proofs.held == [(one.channel, one.address, "rejected")]
