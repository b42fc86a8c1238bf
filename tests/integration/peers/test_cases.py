"""One hub's notices, as another makes a case of them: whatever order they come in, and however often."""

import asyncio
import base64
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.https import wire
from adapters.port import Content
from contacts.directory import Directory
from contacts.fictional import fictional_bundle, fictional_directory
from hub.core import peer_cases
from hub.core.peer_cases import NotUnderstood, Received, awaited, fold, received
from hub.core.peer_messages import Message, message, readable
from hub.core.peers import INBOX, Peer, came_from
from hub.core.records import ClaimedDelivery
from hub.core.wire_models import ChildReport, EpisodeReport, Found, Returned
from hub.service.envelopes import Composer
from hub.service.peers.cases import Cases
from hub.service.peers.conversing import Joining
from hub.service.ports import Unit
from hub.service.sending import NoContact
from tests.kit.clock import START
from tests.kit.conversing import Talk
from tests.kit.events import NORTH_LINCOLNSHIRE, TINY_JPEG, reported, returned, updated
from tests.kit.events import found as found_
from tests.kit.node import ACK_SECRET, Hub, a_hub, keyed
from tests.kit.peers import ASHBY, BORDON
from tests.kit.records import result
from tests.kit.store import memory_store

HOUR = timedelta(hours=1)
LATER = START + 100 * HOUR
OURS = frozenset({NORTH_LINCOLNSHIRE})
PEER = Peer(hub=ASHBY.said().hub, url=ASHBY.url, state="confirmed", document=ASHBY.document(), said=ASHBY.said(),
            put_by="Jo", introduced_at=START, changed_at=START)  # fmt: skip


def joining(hub: Hub) -> Joining:
    return Joining(posting=Talk(hub).writing.posting)


def said(claims: Mapping[str, Any]) -> Message:
    found = message(json.dumps(claims).encode(), signed=b"a.b.c", issuer=ASHBY.url, audience=BORDON.said().inbox,
                    webhook_id=claims["jti"], own=BORDON.said().hub, now=LATER)  # fmt: skip
    assert isinstance(found, Message)
    return found


def _at(hours: int) -> str:
    return (START + hours * HOUR).isoformat()


async def _went_out(hub: Hub) -> Sequence[ClaimedDelivery]:
    now = hub.clock.now()

    async def work(unit: Unit) -> Sequence[ClaimedDelivery]:
        claimed = await unit.claim(now, now + HOUR, "node-1", 200)
        await unit.finish([result(one, now) for one in claimed], "node-1")
        return claimed

    return await hub.store.write(work)


async def told_by_ashby() -> Sequence[dict[str, Any]]:
    """What Ashby pushes to a desk of North Lincolnshire, from the report to the return."""
    store = await memory_store()
    hub = await a_hub(store)
    composer = Composer(directory=lambda: hub.directory, ack_secret=ACK_SECRET, public_url=ASHBY.url, collect="Ring.")
    found: list[dict[str, Any]] = []
    story = (
        reported(id="P0", child={"photo": {"media_type": "image/jpeg", "data_base64": TINY_JPEG}}),
        updated(id="P1", time=_at(1), episode={"clothing": "Red coat"}),
        found_(id="P2", time=_at(2)),
        returned(id="P3", time=_at(3)),
    )
    for number, one in enumerate(story):
        assert (await hub.post(one, at=START + number * HOUR)).status == 202
        for claim in await _went_out(hub):
            if claim.notice.organisation == NORTH_LINCOLNSHIRE and claim.delivery.carries == "content":
                envelope = composer.content(claim)
                assert isinstance(envelope.body, Content)
                payload = wire.claims(
                    envelope, envelope.body, issuer=ASHBY.url, audience=BORDON.said().inbox, now=hub.clock.now()
                )
                found.append(json.loads(payload))
    await store.aclose()
    return found


@pytest.fixture(scope="module")
def told() -> Sequence[dict[str, Any]]:
    return asyncio.run(told_by_ashby())


def read(claims: Mapping[str, Any]) -> Received:
    return received(claims, OURS, LATER)


def notice_of(claims: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """The same message with another notice.json."""
    others = [one for one in claims["attachments"] if one["name"] != "notice.json"]
    return {**claims, "attachments": [wire_attachment({**plain(claims), **changes}), *others]}


def plain(claims: Mapping[str, Any]) -> dict[str, Any]:
    one = next(one for one in claims["attachments"] if one["name"] == "notice.json")
    found: dict[str, Any] = json.loads(base64.b64decode(one["data"]))
    return found


def wire_attachment(document: Mapping[str, Any]) -> dict[str, str]:
    data = base64.b64encode(json.dumps(document).encode()).decode()
    return {"name": "notice.json", "media_type": "application/json", "data": data}


def test_what_is_told_is_of_one_case(told: Sequence[dict[str, Any]]) -> None:
    kinds = [read(one).said.kind for one in told]
    assert {"missing", "update", "found", "returned"} <= set(kinds)
    assert len({(read(one).said.episode, read(one).said.child) for one in told}) == 1
    assert all(read(one).said.organisation_code == NORTH_LINCOLNSHIRE for one in told)


def test_in_whatever_order_and_however_often_it_ends_the_same_and_nobody_hears_missing_after_returned(
    told: Sequence[dict[str, Any]],
) -> None:
    ends = set()
    for seed in range(60):
        dice = random.Random(seed)
        coming = [*told, *dice.choices(told, k=3)]
        dice.shuffle(coming)
        case, known, over = awaited(read(told[0]), PEER.hub, ()), [], False
        for claims in coming:
            notice = read(claims)
            outcome = fold(case, notice, known, LATER)
            for decision in outcome.decisions:
                assert decision.cause not in known
                known.append(decision.cause)
                assert {one.organisation for one in decision.recipients} == OURS
                if over and decision.kind in ("missing", "update", "found"):
                    assert decision.outcome == "suppress"
            case = outcome.episode
            over = over or case.state == "returned"
        ends.add(json.dumps([case.state, case.doc, case.ever_missing, str(case.ended_at)], sort_keys=True))
        assert all(entry.removed_at for entry in case.register)
        assert sorted(known) == sorted({read(one).cause for one in told})
    assert len(ends) == 1
    assert json.loads(ends.pop())[0] == "returned"


async def test_a_case_has_its_register_entry_its_own_notices_and_no_clocks(told: Sequence[dict[str, Any]]) -> None:
    store = await memory_store()
    hub: Hub = await a_hub(store)
    hub.directory = fictional_directory()
    cases = Cases(book=hub.book, ids=hub.ids, ours=lambda peer: OURS, digest=keyed, join=joining(hub))
    await hub.wait_until(LATER)

    async def take(claims: Mapping[str, Any]) -> str | None:
        return await store.write(lambda unit: cases(unit, PEER, said(claims), LATER))

    missing = next(one for one in told if read(one).said.kind == "missing")
    first = await take(missing)
    assert first is not None
    assert await take(missing) == first
    assert await take(notice_of(missing, why="Something else")) is None
    case = await store.read(lambda unit: unit.episode(PEER.said.source, read(missing).said.episode))
    assert case is not None
    notices = await store.read(lambda unit: unit.notices(case.record.id))
    assert [(one.kind, one.organisation, one.state) for one in notices] == [("missing", NORTH_LINCOLNSHIRE, "pending")]
    assert await store.read(lambda unit: unit.deliveries(notices[0].id))
    assert (case.duties, case.record.status) == ((), "actual")
    registered = await store.read(lambda unit: unit.register_of(NORTH_LINCOLNSHIRE))
    assert [one.episode for one in registered] == [case.record.id]
    for claims in told:
        assert await take(claims) is not None
    notices = await store.read(lambda unit: unit.notices(case.record.id))
    assert {one.organisation for one in notices} == OURS
    states = {one.kind: one.state for one in notices}
    assert (states["missing"], states["returned"]) == ("superseded", "pending")
    assert await store.read(lambda unit: unit.register_of(NORTH_LINCOLNSHIRE)) == []
    await hub.tick(LATER + 24 * 400 * HOUR)
    assert len(await store.read(lambda unit: unit.notices(case.record.id))) == len(notices)
    await store.aclose()


async def test_what_is_carried_further_says_what_was_said_and_an_exercise_stays_one(
    told: Sequence[dict[str, Any]],
) -> None:
    store = await memory_store()
    hub: Hub = await a_hub(store, sandbox="sandbox@hub.example")
    cases = Cases(book=hub.book, ids=hub.ids, ours=lambda peer: OURS, digest=keyed, join=joining(hub))
    composer = Composer(directory=lambda: hub.directory, ack_secret=ACK_SECRET, public_url=BORDON.url, collect="Ring.")
    missing = next(one for one in told if read(one).said.kind == "missing")
    await store.write(lambda unit: cases(unit, PEER, said(missing), START))
    exercise = notice_of(missing, status="exercise", episode="ep_2", reference="FP-2222-2222") | {"jti": "dv_9"}
    await store.write(lambda unit: cases(unit, PEER, said(exercise), START))
    claimed = await store.write(lambda unit: unit.claim(START, START + HOUR, "node", 50))
    contents = [one for one in claimed if one.delivery.carries == "content"]
    assert {one.notice.status for one in contents} == {"actual", "exercise"}
    for one in contents:
        body = composer.content(one).body
        assert isinstance(body, Content)
        document = next(each.data for each in body.attachments if each.name == "notice.json")
        again = json.loads(document)
        assert again["fields"] == plain(missing)["fields"]
        assert (again["kind"], again["roles"]) == ("missing", plain(missing)["roles"])
        assert ("EXERCISE" in body.text) == (one.notice.status == "exercise")
    await store.aclose()


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "fingerpost.notice.v2"},
        {"organisation_code": "E23000001"},
        {"organisation_code": None},
        {"roles": ["king"]},
        {"roles": []},
        {"kind": "conversation"},
        {"kind": "party"},
        {"issued_at": "2036-01-01T00:00:00Z"},
        {"issued_at": "2026-01-01T00:00:00"},
        {"episode": None},
        {"episode": "../x"},
        {"fields": {"child.name": {"first": "Robin"}}},
        {"fields": {"people": "Sam"}},
        {"fields": {"people": [{"role": "parent", "name": ["Robin"]}]}},
        {"fields": {"people": [{"role": "parent", "name": "Robin", "notify": "yes"}]}},
        {"fields": {"episode.since": "Robin"}},
        {"fields": {"episode.since": True}},
        {"fields": {"child.name": 7}},
        {"fields": {"child.name": True}},
        {"fields": {"child.looked_after": "Robin"}},
        {"fields": {"child.date_of_birth": "Robin"}},
        {"fields": {"child.name": ["Robin"]}},
        {"fields": {"form": {"a": {"b": "c"}}}},
        {"fields": []},
        {"reference": "x"},
    ],
    ids=str,
)
def test_what_cannot_be_a_part_of_a_case_is_refused_without_repeating_it(
    told: Sequence[dict[str, Any]], changes: Mapping[str, Any]
) -> None:
    with pytest.raises(NotUnderstood) as caught:
        read(notice_of(told[0], **changes))
    assert "Robin" not in str(caught.value)


def test_each_fact_is_of_the_kind_that_the_wire_says() -> None:
    sections = {"episode": EpisodeReport, "child": ChildReport, "found": Found, "returned": Returned}
    flags, lists = (
        {
            f"{section}.{name}"
            for section, model in sections.items()
            for name, field in model.model_fields.items()
            if word in str(field.annotation) and f"{section}.{name}" in peer_cases._PATHS
        }
        for word in ("bool", "list[")
    )
    assert flags == peer_cases._FLAGS
    assert lists == peer_cases._LISTS


def test_a_fact_that_nobody_may_be_told_is_left_aside(told: Sequence[dict[str, Any]]) -> None:
    fields = {**plain(told[0])["fields"], "episode.state": "returned", "child.mood": "x", "episode": "x"}
    assert read(notice_of(told[0], fields=fields)).facts.keys() == read(told[0]).facts.keys()


@pytest.mark.parametrize("attachments", [None, [], ["x"], [{"name": "notice.json", "data": "!"}], [{"name": "x"}]])
def test_a_message_without_a_notice_is_refused(told: Sequence[dict[str, Any]], attachments: Any) -> None:
    with pytest.raises(NotUnderstood):
        read({**told[0], "attachments": attachments})


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_at": "0001-01-01T00:00:00+14:00"},
        {"remove_at": "9999-12-31T23:59:59-14:00"},
        {"duty": {"code": "interview", "due_at": "9999-12-31T23:59:59-14:00"}},
        {"in_person": ["\ud800"]},
        {"changed": ["\ud800"]},
        {"fields": {"child.name": "\ud800"}},
        {"fields": {"form": {"\ud800": "x"}}},
        {"fields": {"child.photo": {"attachment": "notice.json", "media_type": "image/jpeg"}}},
    ],
    ids=ascii,
)
def test_what_could_not_be_written_down_or_read_again_is_refused(
    told: Sequence[dict[str, Any]], changes: Mapping[str, Any]
) -> None:
    """It would be tried again for ever, or lie in the ledger and keep all that is due from going out."""
    with pytest.raises(NotUnderstood):
        read(notice_of(told[0], **changes))


def test_a_photo_too_large_for_a_mail_is_refused(told: Sequence[dict[str, Any]]) -> None:
    missing = next(one for one in told if read(one).facts.get("child.photo") is not None)
    name = plain(missing)["fields"]["child.photo"]["attachment"]
    large = {"name": name, "data": base64.b64encode(b"\xff\xd8\xff" * 200_000).decode()}
    others = [one for one in missing["attachments"] if one["name"] != name]
    with pytest.raises(NotUnderstood):
        read({**missing, "attachments": [*others, large]})


async def test_a_case_is_of_the_child_that_its_newest_notice_names_whatever_came_last(
    told: Sequence[dict[str, Any]],
) -> None:
    store = await memory_store()
    hub: Hub = await a_hub(store)
    cases = Cases(book=hub.book, ids=hub.ids, ours=lambda peer: OURS, digest=keyed, join=joining(hub))
    await hub.wait_until(LATER)
    missing, update = (next(one for one in told if read(one).said.kind == kind) for kind in ("missing", "update"))
    corrected = notice_of(update, child="C-2")
    for claims in (missing, corrected, {**notice_of(missing, reference="FP-2222-2222"), "jti": "dv_late"}):
        await store.write(lambda unit, claims=claims: cases(unit, PEER, said(claims), LATER))

    async def look(unit: Unit) -> tuple[str, str, str]:
        case = await unit.episode(PEER.said.source, read(missing).said.episode)
        assert case is not None
        return case.doc["child"]["ref"], case.record.child, await unit.child_id(PEER.said.source, "C-2", LATER)

    ref, child, of_it = await store.write(look)
    assert (ref, child) == ("C-2", of_it)
    await store.aclose()


def test_an_episode_ended_when_it_was_first_said_to_whichever_notice_comes_first(
    told: Sequence[dict[str, Any]],
) -> None:
    first = next(one for one in told if read(one).said.kind == "returned")
    second = notice_of(first, reference="FP-2222-2222", issued_at=_at(5))
    ends = set()
    for coming in ((first, second), (second, first)):
        case = awaited(read(first), PEER.hub, ())
        for claims in coming:
            case = fold(case, read(claims), (), LATER).episode
        ends.add(case.ended_at)
    assert ends == {read(first).said.issued_at}


def test_a_desk_has_one_entry_as_long_as_the_longest_says_whichever_notice_comes_first(
    told: Sequence[dict[str, Any]],
) -> None:
    first = next(one for one in told if read(one).said.remove_at)
    again = notice_of(first, reference="FP-2222-2222", kind="renotification", remove_at=_at(8000))
    for coming in ((first, again), (again, first)):
        case = awaited(read(first), PEER.hub, ())
        for claims in coming:
            case = fold(case, read(claims), (), LATER).episode
        (entry,) = [one for one in case.register if one.removed_at is None]
        assert entry.remove_at == read(again).said.remove_at


async def test_nothing_that_another_hub_told_goes_on_to_a_third(told: Sequence[dict[str, Any]]) -> None:
    store, inbox = await memory_store(), "https://third.example" + INBOX
    whole = fictional_bundle()
    contacts = tuple(
        replace(one, channel="push", address=inbox) if one.organisation == NORTH_LINCOLNSHIRE else one
        for one in whole.contacts
    )
    hub = await a_hub(store, channels=("email", "push"))
    hub.directory = Directory.of(replace(whole, contacts=contacts))
    cases = Cases(book=hub.book, ids=hub.ids, ours=lambda peer: OURS, digest=keyed, join=joining(hub))
    composer = Composer(directory=lambda: hub.directory, ack_secret=ACK_SECRET, public_url=BORDON.url, collect="Ring.")
    missing = next(one for one in told if read(one).said.kind == "missing")
    claims = notice_of(missing, fields={**plain(missing)["fields"], "episode.hub": None})
    await store.write(lambda unit: cases(unit, PEER, said(claims), START))
    own = await hub.post(reported(id="P0"))
    assert own.status == 202
    claimed = [one for one in await _went_out(hub) if one.delivery.address == inbox]
    origins = {came_from(one.doc) for one in claimed}
    assert origins == {None, PEER.hub}
    for one in claimed:
        if came_from(one.doc) is None:
            assert composer.content(one).address == inbox
        else:
            with pytest.raises(NoContact):
                composer.content(one)
    await store.aclose()


@pytest.mark.parametrize(
    "changes",
    [
        {"remove_at": "2031-01-01T00:00:00Z"},
        {"duty": {"code": "interview", "due_at": "2031-01-01T00:00:00Z"}},
        {"fields": {"episode.circumstances": "x" * 20_001}},
        {"fields": {"people": [{"role": "parent", "name": "x" * 20_001}]}},
        {"changed": ["x"] * 201},
        {"in_person": ["x"] * 51},
        {"why": "x" * 2_001},
    ],
    ids=lambda one: next(iter(one)),
)
def test_nothing_is_longer_or_further_ahead_than_it_may_be(
    told: Sequence[dict[str, Any]], changes: Mapping[str, Any]
) -> None:
    with pytest.raises(NotUnderstood):
        read(notice_of(told[0], **changes))


def test_what_is_kept_apart_of_a_peer_can_be_read_and_searched(told: Sequence[dict[str, Any]]) -> None:
    signed = b".".join((b"head", base64.urlsafe_b64encode(json.dumps(told[0]).encode()).rstrip(b"="), b"sign"))
    assert json.dumps(plain(told[0])["child"]) in readable(signed)
    for body in (b"", b"x", b"a.b.c", b"a.bnVsbA.c", b"a.e30.c", b"\xff.\xff.x"):
        assert isinstance(readable(body), str)
