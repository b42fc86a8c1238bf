"""What a human answers at one hub to the notice of another is recorded there, once, as if they had answered there."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.port import Accepted, Alert, Content, Deferred, Envelope, Rejected, Result, Unconfirmed
from hub.core.peer_answers import FORMAT, answer_json, answered, retry_in
from hub.core.peer_cases import NotUnderstood
from hub.core.peer_messages import Message
from hub.core.records import AcknowledgementRecord, DeliveryRecord, NoticeRecord
from hub.service.peers.ways import PeerWay
from hub.service.ports import Store, Unit
from tests.integration.peers.test_cases import PEER
from tests.kit.clock import START
from tests.kit.events import NORTH_LINCOLNSHIRE, reported, updated
from tests.kit.peers import ASHBY, BORDON
from tests.kit.store import memory_store
from tests.kit.two_hubs import Both, Side, two_hubs

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def told(side: Side) -> list[tuple[NoticeRecord, Sequence[DeliveryRecord], Sequence[AcknowledgementRecord]]]:
    """The notices of a side to North Lincolnshire."""

    async def look(unit: Unit) -> list[tuple[Any, Any, Any]]:
        return [
            (notice, await unit.deliveries(notice.id), await unit.acknowledgements(notice.id))
            for one in await unit.episode_list()
            for notice in await unit.notices(one.id)
            if notice.organisation == NORTH_LINCOLNSHIRE
        ]

    return await side.node.see(look)


async def alarms(side: Side) -> set[str]:
    return {one.kind for one in await side.node.see(lambda unit: unit.alarms())}


async def answer(both: Both, *given: str) -> None:
    """The people of Bordon's desk answer the first of the notices from Ashby that has no answer."""
    delivery = next(deliveries[0] for _, deliveries, answers in await told(both.bordon) if not answers)
    for name, said in zip(("Jo Nairn", "Sam Night"), given, strict=False):
        await both.bordon.answered(delivery.id, said, name)
        await both.bordon.node.clock.advance(1)


async def test_an_answer_travels_back_once_in_order_however_long_the_other_is_away(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=3) as both:
        await both.ashby.node.post(reported(id="E0"))
        await both.settle()
        assert {one.state for one, _, _ in await told(both.ashby)} == {"receipted"}
        by_reference = {one.reference: given for one, _, given in await told(both.ashby)}
        assert set(map(len, by_reference.values())) == {0}
        await answer(both, "redirected", "accepted")
        await both.settle()
        answers = [given for _, _, given in await told(both.ashby) if given]
        assert [[(one.answer, one.name, one.redirected_to) for one in given] for given in answers] == [
            [("redirected", "Jo Nairn", "the night desk"), ("accepted", "Sam Night", None)]
        ]
        (taken,) = [one for one, _, given in await told(both.ashby) if given]
        assert taken.state == "acknowledged"
        assert await both.bordon.carrying.tick(both.bordon.node.clock.now()) == 0
        await both.ashby.node.post(updated(id="E1", time=both.now().isoformat(), episode={"clothing": "Red coat"}))
        await both.settle()
        for side in both.sides:
            await side.wire.shut()
        await answer(both, "not_ours", "accepted")
        await both.let_pass(12 * HOUR, step=6 * HOUR)
        assert len([one for one, _, given in await told(both.ashby) if given]) == 1
        assert "peer_late" in await alarms(both.bordon)
        for side in both.sides:
            await side.wire.open()
        both.ashby.wire.planned.extend(["twice", "answer lost"])
        await both.let_pass(10 * MINUTE, step=5 * MINUTE)
        answers = [given for _, _, given in await told(both.ashby) if given]
        assert sorted([one.answer for one in given] for given in answers) == [
            ["not_ours", "accepted"], ["redirected", "accepted"]
        ]  # fmt: skip
        assert "peer_late" not in await alarms(both.bordon)
        assert await both.ashby.node.see(lambda unit: unit.quarantine()) == []


async def test_nobody_answers_for_what_they_were_not_sent(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=4) as both:
        await both.ashby.node.post(reported(id="E0"))
        await both.settle()
        store, hear = both.ashby.node.store, both.ashby.receiving().hear
        (peer,) = await store.read(lambda unit: unit.peers.all())
        notice, (delivery, *_), _ = (await told(both.ashby))[0]
        given = AcknowledgementRecord(
            id="ack_1", notice="x", delivery="x", at=START, answer="accepted", name="Jo Nairn"
        )

        async def said(id: str = "ack_1", answer: AcknowledgementRecord = given, **changes: str) -> str | None:
            about = {"message": delivery.id, "reference": notice.reference, "organisation": NORTH_LINCOLNSHIRE}
            claims = _claims(answer_json(answer, **{**about, **changes}).data)
            message = Message(id=id, said=claims, same=b"", receipt=None, via=(), signed=b"as it was signed")
            return await hear(peer, message, both.now())

        (episode,) = await store.read(lambda unit: unit.episode_list())
        others = await store.read(lambda unit: unit.notices(episode.id))
        police = next(one for one in others if one.organisation not in (None, NORTH_LINCOLNSHIRE))
        (other, *_) = await store.read(lambda unit: unit.deliveries(police.id))
        strange: list[dict[str, str]] = [
            {"message": "dl_none"},
            {"reference": "FP-2222-2222"},
            {"organisation": "E09000006"},
            {"message": other.id, "reference": police.reference, "organisation": police.organisation or ""},
        ]
        for changes in strange:
            with pytest.raises(NotUnderstood, match="nothing that this hub has sent"):
                await said(**changes)
        with pytest.raises(NotUnderstood, match="bears a name"):
            await said(answer=replace(given, name="1\u202e"))
        assert {len(one) for _, _, one in await told(both.ashby)} == {0}
        first = await said()
        assert (first is not None, await said()) == (True, first)
        for other in ({"answer": "not_ours"}, {"name": "Sam Night"}, {"at": START + HOUR}):
            assert await said(answer=replace(given, **other)) is None, "another answer has its id"
        assert [one.name for _, _, each in await told(both.ashby) for one in each] == ["Jo Nairn"]
        came = [one for one in await store.read(lambda unit: unit.receipts(delivery.id)) if one.code == "answer"]
        assert [one.raw for one in came] == [b"as it was signed"]
        for number in range(2, 101 - len(came)):
            await said(f"ack_{number}")
        with pytest.raises(NotUnderstood, match="too many"):
            for number in range(100, 103):
                await said(f"ack_{number}")
        await _forget(both.ashby)
        assert await said("ack_2") is not None, "taken, and nothing is kept of it"


async def test_of_an_erased_child_nothing_is_carried_back(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=6) as both:
        await both.ashby.node.post(reported(id="E0"))
        await both.settle()
        await answer(both, "accepted")
        await _forget(both.bordon)
        await both.settle()
        assert {len(one) for _, _, one in await told(both.ashby)} == {0}
        assert not await both.bordon.node.see(lambda unit: unit.peers.posts_due(both.now() + 1000 * HOUR))


async def _forget(side: Side) -> None:
    store: Any = side.node.store

    async def children(unit: Unit) -> list[str]:
        found = [await unit.retention.child_of(one.id) for one in await unit.episode_list()]
        return [one for one in found if one is not None]

    await store._keys.destroy(await side.node.see(children), side.node.clock.now())


def _claims(data: bytes) -> dict[str, Any]:
    return {"attachments": [{"name": "answer.json", "data": base64.b64encode(data).decode()}]}


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"format": "fingerpost.answer.v2"}', b"\xff"])
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(NotUnderstood):
        answered(_claims(data))


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_answer_of_no_instant_in_utc_is_none(at: str) -> None:
    said = {"format": FORMAT, "message": "dl_1", "reference": "FP-2345-6789", "organisation_code": NORTH_LINCOLNSHIRE,
            "answer": "accepted", "name": "Jo Nairn", "at": START.isoformat()}  # fmt: skip
    assert answered(_claims(json.dumps(said).encode())).at == START
    with pytest.raises(NotUnderstood):
        answered(_claims(json.dumps(said | {"at": at}).encode()))


def test_there_is_no_last_try() -> None:
    waits = [retry_in(tries) for tries in range(2_000)]
    assert waits[:3] == [10, 20, 40]
    assert (waits == sorted(waits), waits[-1]) == (True, 300)


class _Out:
    """Answers always the same."""

    @property
    def channel(self) -> str:
        return "push"

    def __init__(self, result: Result | None = None) -> None:
        self.sent: list[Envelope] = []
        self.result = result or Accepted()

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        self.sent.append(envelope)
        return self.result

    async def aclose(self) -> None:
        pass


async def _knowing(state: Any) -> Store:
    store = await memory_store()
    await store.write(lambda unit: unit.peers.put(replace(PEER, state=state)))
    return store


CONTENT = Content(subject="A child is missing", text="Robin", html="")
ENVELOPE = Envelope(delivery="dl_1", reference="FP-2345-6789", address=ASHBY.said().inbox, body=CONTENT)


async def test_what_goes_to_a_hub_goes_by_its_own_keys_and_only_while_it_is_confirmed() -> None:
    out = _Out()
    for state in ("introduced", "suspended", "confirmed"):
        store = await _knowing(state)
        way = PeerWay(push=out, store=store, own=BORDON.said().hub)
        result = await way.deliver(replace(ENVELOPE, certificates=(b"another's",), pinned=frozenset({"x"})), START)
        assert isinstance(result, Accepted if state == "confirmed" else Rejected)
        await store.aclose()
    (sent,) = out.sent
    assert (sent.certificates, sent.pinned) == (PEER.said.keys, PEER.said.pinned)
    assert (sent.version, sent.via) == (1, (BORDON.said().hub,))


async def test_what_may_have_come_to_a_hub_is_sent_on_and_on_as_it_is_taken_once() -> None:
    store = await _knowing("confirmed")
    way = PeerWay(push=_Out(result=Unconfirmed()), store=store, own=BORDON.said().hub)
    assert await way.deliver(ENVELOPE, START) == Unconfirmed(repeatable=True)
    elsewhere = replace(ENVELOPE, address="https://x.example/y")
    assert await way.deliver(elsewhere, START) == Unconfirmed(), "who knows what another system does with it"
    await store.aclose()


async def test_what_does_not_reach_a_hub_now_is_tried_until_it_is_back() -> None:
    store, down = await _knowing("confirmed"), Deferred(reason="connection_failed")
    way = PeerWay(push=_Out(result=down), store=store, own=BORDON.said().hub)
    assert await way.deliver(ENVELOPE, START) == replace(down, lasting=True)
    assert await way.deliver(replace(ENVELOPE, address="https://x.example/y"), START) == down
    await store.aclose()


async def test_nothing_goes_back_to_where_it_came_from_and_no_alert_to_a_hub() -> None:
    out, store = _Out(), await _knowing("confirmed")
    way = PeerWay(push=out, store=store, own=BORDON.said().hub)
    alert = Alert(subject="x", text="x")
    refused: list[Envelope] = [
        replace(ENVELOPE, via=(PEER.hub,)),
        replace(ENVELOPE, body=alert),
        replace(ENVELOPE, address=BORDON.said().inbox),
    ]
    for envelope in refused:
        assert isinstance(await way.deliver(envelope, START), Rejected)
    assert out.sent == []
    assert isinstance(await way.deliver(replace(ENVELOPE, address="https://x.example/y", body=alert), START), Accepted)
    assert isinstance(await way.deliver(replace(ENVELOPE, delivery="pv_1", body=alert), START), Accepted)
    assert isinstance(out.sent[1].body, Content), "whether its contact works is asked under its key"
    await store.aclose()
