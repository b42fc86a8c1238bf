"""Two humans and a telephone between one hub and another; and what becomes of that when keys change."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from hub.core.peers import WELL_KNOWN, Introduction, fingerprint
from hub.edge.ids import SeededIds
from hub.service.audit.ports import Wanted
from hub.service.peers.introducing import Introducing, Refused
from hub.service.peers.ports import NotFetched
from tests.kit.clock import START, FakeClock
from tests.kit.peers import ASHBY, BORDON, Hub, a_peer
from tests.kit.store import Stores, memory_store

B = BORDON.said().hub
OURS = ("E09000006",)


@dataclass(slots=True)
class Desk:
    """Ashby's operator, with what answers at Bordon's address."""

    store: Stores
    clock: FakeClock = field(default_factory=FakeClock)
    there: Hub | None = BORDON
    issued: datetime | None = None
    ids: SeededIds = field(default_factory=lambda: SeededIds("peers"))

    @property
    def peers(self) -> Introducing:
        return Introducing(store=self.store, fetch=self._fetch, own=ASHBY.said().hub, clock=self.clock, ids=self.ids)

    async def _fetch(self, url: str) -> bytes:
        if self.there is None or url != BORDON.url + WELL_KNOWN:
            raise NotFetched("TimeoutError")
        return self.there.document(self.issued or self.clock.now())

    async def confirmed(self) -> None:
        await self.peers.introduce(BORDON.url, "Jo Worker")
        await self.peers.confirm(B, fingerprint(BORDON.said()), "Sam Manager", OURS)

    async def state(self) -> str | None:
        peer = await self.store.read(lambda unit: unit.peers.one(B))
        return None if peer is None else peer.state

    async def lines(self) -> list[str]:
        found = await self.store.read(lambda unit: unit.trail.listed(Wanted()))
        return sorted(one.line.action for one in found)

    async def alarms(self) -> list[tuple[str, str]]:
        return [(one.kind, one.reason) for one in await self.store.read(lambda unit: unit.alarms())]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    store = await memory_store()
    yield Desk(store)
    await store.aclose()


async def test_one_introduces_and_another_confirms_by_the_fingerprint(desk: Desk) -> None:
    peer = await desk.peers.introduce(BORDON.url, "Jo Worker")
    assert (peer.state, peer.said.name, peer.url) == ("introduced", "Bordon", BORDON.url + WELL_KNOWN)
    with pytest.raises(Refused, match="somebody else"):
        await desk.peers.confirm(B, fingerprint(BORDON.said()), "jo  worker", OURS)
    with pytest.raises(Refused, match="not its fingerprint"):
        await desk.peers.confirm(B, fingerprint(ASHBY.said()), "Sam Manager", OURS)
    assert await desk.state() == "introduced"
    assert (await desk.peers.confirm(B, fingerprint(BORDON.said()), "Sam Manager", OURS)).state == "confirmed"
    with pytest.raises(Refused, match="is confirmed"):
        await desk.peers.confirm(B, fingerprint(BORDON.said()), "Alex Third", OURS)
    assert await desk.lines() == ["peer.confirmed", "peer.introduced", "peer.mismatch"]


class Claiming(Hub):
    """Says that another's inbox is its own."""

    def said(self, at: datetime = START) -> Introduction:
        return replace(super().said(at), inbox=ASHBY.said().inbox)


async def test_no_two_have_one_inbox_else_the_second_would_be_closed_by_what_the_first_is(desk: Desk) -> None:
    await desk.store.write(lambda unit: unit.peers.put(a_peer()))
    desk.there = Claiming(name="bordon", number=2)
    with pytest.raises(Refused, match="known by this address already"):
        await desk.peers.introduce(BORDON.url, "Jo Worker")


async def test_what_is_suspended_has_to_be_confirmed_anew_by_another(desk: Desk) -> None:
    await desk.confirmed()
    assert (await desk.peers.suspend(B, "Sam Manager")).state == "suspended"
    with pytest.raises(Refused, match="somebody else"):
        await desk.peers.confirm(B, fingerprint(BORDON.said()), "Sam Manager", OURS)
    await desk.peers.confirm(B, fingerprint(BORDON.said()), "Jo Worker", OURS)
    await desk.peers.remove(B, "Jo Worker")
    assert await desk.state() is None
    for step in (desk.peers.suspend(B, "Jo Worker"), desk.peers.remove(B, "Jo Worker"), desk.peers.refresh(B, "Jo")):
        with pytest.raises(Refused, match="no peer"):
            await step


async def test_nothing_is_known_of_who_is_away_is_this_hub_itself_or_speaks_another_version(desk: Desk) -> None:
    for there, why in ((None, "TimeoutError"), (ASHBY, "itself"), (Hub(name="bordon", number=2, versions=(2,)), "2")):
        desk.there = there
        with pytest.raises(Refused, match=why):
            await desk.peers.introduce(BORDON.url, "Jo Worker")
    desk.there, desk.issued = BORDON, START + timedelta(days=400)
    with pytest.raises(Refused, match="to come"):
        await desk.peers.introduce(BORDON.url, "Jo Worker")
    desk.issued = None
    for name in ("", "\n", "7", "x" * 121):
        with pytest.raises(Refused, match="your own"):
            await desk.peers.introduce(BORDON.url, name)
    await desk.peers.introduce(BORDON.url, "Jo Worker")
    with pytest.raises(Refused, match="known already"):
        await desk.peers.introduce(BORDON.url, "Jo Worker")
    desk.there = Hub(name="bordon", number=3)
    with pytest.raises(Refused, match="by this address"):
        await desk.peers.introduce(BORDON.url, "Jo Worker")


async def test_the_log_says_for_whom_it_may_send_and_that_it_was_fetched_anew(desk: Desk) -> None:
    await desk.confirmed()
    await desk.peers.refresh(B, "Jo Worker")
    found = await desk.store.read(lambda unit: unit.trail.listed(Wanted()))
    said = {one.line.action: dict(one.line.detail) for one in found}
    assert said == {"peer.introduced": {}, "peer.confirmed": {"authorities": OURS[0]}, "peer.refreshed": {}}


async def test_keys_that_a_known_one_signed_are_taken_over(desk: Desk) -> None:
    await desk.confirmed()
    for there in (BORDON.with_keys("content", "second"), BORDON.with_keys("second")):
        desk.there = there
        await desk.clock.advance(60)
        peer = await desk.peers.refresh(B, "Jo Worker")
        assert (peer.state, fingerprint(peer.said)) == ("confirmed", fingerprint(there.said()))
    # Nobody brings the old ones back.
    desk.there, desk.issued = BORDON, START
    with pytest.raises(Refused, match="older"):
        await desk.peers.refresh(B, "Jo Worker")
    assert (await desk.lines()).count("peer.keys_changed") == 2
    assert await desk.alarms() == []


async def test_keys_that_nothing_known_signed_end_the_trust_until_somebody_has_telephoned(desk: Desk) -> None:
    await desk.confirmed()
    desk.there = BORDON.with_keys("somebody else's")
    assert (await desk.peers.refresh(B, "Jo Worker")).state == "introduced"
    assert await desk.alarms() == [("peer_keys", B)]
    with pytest.raises(Refused, match="not its fingerprint"):
        await desk.peers.confirm(B, fingerprint(BORDON.said()), "Sam Manager", OURS)
    # It was an impostor: the hub itself answers again, with a time that may be earlier than theirs.
    desk.there, desk.issued = BORDON, START
    await desk.peers.refresh(B, "Jo Worker")
    with pytest.raises(Refused, match="somebody else"):
        await desk.peers.confirm(B, fingerprint(BORDON.said()), "Jo Worker", OURS)
    await desk.peers.confirm(B, fingerprint(BORDON.said()), "Sam Manager", OURS)
    assert await desk.alarms() == []
    assert await desk.state() == "confirmed"


async def test_whoever_fetched_new_keys_cannot_confirm_them(desk: Desk) -> None:
    await desk.peers.introduce(BORDON.url, "Jo Worker")
    desk.there = BORDON.with_keys("content", "second")
    await desk.peers.refresh(B, "Sam Manager")
    with pytest.raises(Refused, match="somebody else"):
        await desk.peers.confirm(B, fingerprint(desk.there.said()), "Sam Manager", OURS)
    await desk.peers.confirm(B, fingerprint(desk.there.said()), "Jo Worker", OURS)


async def test_the_alarm_goes_with_the_hub_that_it_is_about(desk: Desk) -> None:
    await desk.confirmed()
    desk.there = BORDON.with_keys("somebody else's")
    await desk.peers.refresh(B, "Jo Worker")
    await desk.peers.remove(B, "Jo Worker")
    assert await desk.alarms() == []
    assert "alarm.cleared" in await desk.lines()


async def test_another_hub_at_its_address_is_not_taken_for_it(desk: Desk) -> None:
    await desk.confirmed()
    desk.there = Hub(name="bordon", number=3)
    with pytest.raises(Refused, match="Another hub"):
        await desk.peers.refresh(B, "Jo Worker")
    assert await desk.state() == "confirmed"
