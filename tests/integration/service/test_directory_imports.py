"""A directory that is handed over: nothing changes before it is confirmed, and then all of it or nothing, once."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from contacts.scope import part_of
from contacts.tables import dumps
from hub.core.drafts import Author
from hub.service.directory.importing import Importing, Seen
from hub.service.ports import StoreUnavailable, Unit
from tests.kit.changing import FRONT_DOOR, JO, OPERATOR, POLICE, SAM, front_door, furnished, office
from tests.kit.clock import FakeClock
from tests.kit.delivering import Notes
from tests.kit.directory import BROMLEY, NOW, small_bundle
from tests.kit.store import Stores, sqlite_store

T = TypeVar("T")
NEW = "new-front-door@council.example"


class Flaky:
    """A store whose next writes fail before their commit, or after it, as often as it is told."""

    def __init__(self, store: Stores) -> None:
        self.store = store
        self.before = self.after = 0

    async def write(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        if self.before:
            self.before -= 1
            raise StoreUnavailable("away")
        result = await self.store.write(work)
        if self.after:
            self.after -= 1
            raise StoreUnavailable("the answer is lost")
        return result

    async def read(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        return await self.store.read(work)

    async def ready(self) -> bool:
        return True

    async def aclose(self) -> None:
        return None


class Node:
    """One process of the hub."""

    def __init__(self, store: Stores, clock: FakeClock, name: str = "node") -> None:
        self.store = Flaky(store)
        self.notes = Notes()
        self.office = office(self.store, node=name, clock=clock)
        self.importing = Importing(changing=self.office.changing, log=self.notes)

    async def hand_over(self, file: bytes, by: Author = JO, part: str | None = None) -> str:
        return await self.importing.upload(by, file, part)

    async def settled(self, id: str, by: Author = JO) -> Seen:
        """How it stands once nothing is under way here."""
        for _ in range(2000):
            seen = await self.importing.look(by, id)
            assert seen is not None
            if seen.progress is None:
                return seen
            await asyncio.sleep(0.002)
        raise AssertionError("it goes on and on")

    async def put(self, id: str, by: Author = JO) -> Seen:
        """Confirmed, as it was seen."""
        await self.importing.confirm(by, id, (await self.settled(id, by)).upload.seen)
        return await self.settled(id, by)

    async def contact(self) -> dict[str, Any]:
        version, bundle = await self.office.versions.present()
        found = next(c for c in bundle.contacts if c.id == FRONT_DOOR)
        return {"version": version, "order": found.order, "address": found.address}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Stores]:
    made = await sqlite_store(tmp_path)
    await furnished(made)
    yield made
    await made.aclose()


@pytest.fixture
async def node(store: Stores, clock: FakeClock) -> AsyncIterator[Node]:
    made = Node(store, clock)
    yield made
    await made.importing.stop()


def part(**changes: Any) -> bytes:
    """Bromley's part as it is, with these columns of the front door's contact."""
    document = json.loads(dumps(part_of(small_bundle(), BROMLEY)))
    for row in document["contacts"]:
        if row["id"] == FRONT_DOOR:
            row.update(changes)
    return json.dumps(document).encode()


OLD = {"version": 1, "order": 0, "address": "front-door@e09000006.example"}


async def test_nothing_changes_before_it_is_confirmed_and_then_all_of_it_does(node: Node) -> None:
    id = await node.hand_over(part(order=4))
    first = await node.importing.look(JO, id)
    assert first is not None and not first.confirmed
    seen = await node.settled(id)
    assert seen.checked is not None
    assert [one.difference.path for one in seen.checked.outcome.judged] == [f"contacts[{FRONT_DOOR}]"]
    assert (seen.checked.outcome.takes_two, seen.broken) == (False, False)
    assert await node.contact() == OLD
    done = await node.put(id)
    assert done.draft is not None
    assert (done.draft.state, done.draft.how, done.draft.version) == ("in_force", "alone", 2)
    assert await node.contact() == {**OLD, "version": 2, "order": 4}
    await node.importing.confirm(JO, id, 1)
    await node.importing.compare(JO, id)
    assert (await node.settled(id)).draft == done.draft, "once and for all"
    assert await node.store.read(lambda unit: unit.drafts.uploads.file(id)) is None


async def test_what_takes_two_waits_for_another(node: Node) -> None:
    done = await node.put(await node.hand_over(part(address=NEW)))
    assert done.draft is not None
    assert (done.draft.state, done.draft.entries) == ("waiting", 1)
    assert await node.contact() == OLD
    assert (await node.office.changing.approve(SAM, done.draft.id)).result == "in_force"
    assert (await node.contact())["address"] == NEW


async def test_every_problem_is_told_and_confirming_it_changes_nothing(node: Node) -> None:
    id = await node.hand_over(part(address="nowhere", order=-1))
    seen = await node.put(id)
    assert seen.checked is not None and seen.draft is None
    assert {one.path.rpartition(".")[2] for one in seen.checked.problems} == {"address", "order"}
    outside = await node.hand_over(dumps(small_bundle()))
    problems = (await node.put(outside)).checked
    assert problems is not None and "alone" in problems.problems[0].message
    assert await node.contact() == OLD


async def test_nothing_to_change_is_no_change(node: Node) -> None:
    seen = await node.put(await node.hand_over(part()))
    assert seen.checked is not None
    assert (seen.checked.outcome.result, seen.draft, seen.broken) == ("unchanged", None, False)


async def test_what_another_has_changed_meanwhile_is_told_and_compared_anew(node: Node) -> None:
    id = await node.hand_over(part(order=4))
    await node.settled(id)
    await node.office.changing.propose(SAM, [front_door(order=7)], confirm=True)
    seen = await node.put(id)
    assert seen.checked is not None and seen.draft is None
    assert [one.difference.path for one in seen.checked.outcome.conflicts] == [f"contacts[{FRONT_DOOR}]"]
    assert (await node.contact())["order"] == 7
    await node.importing.compare(JO, id)
    anew = await node.settled(id)
    assert anew.checked is not None and not anew.checked.outcome.conflicts
    assert anew.upload.seen == 2
    await node.importing.confirm(JO, id, 1)
    assert (await node.settled(id)).draft is None, "what was looked at is not what it would do by now"
    assert (await node.put(id)).draft is not None
    assert (await node.contact())["order"] == 4


async def test_what_another_has_changed_elsewhere_stays(node: Node) -> None:
    id = await node.hand_over(part(order=4))
    await node.office.changing.propose(
        SAM, [front_door(id="another", address="b@council.example")], confirm=True, override="It cannot wait until noon"
    )
    assert (await node.put(id)).draft is not None
    _, bundle = await node.office.versions.present()
    assert {c.id: c.order for c in bundle.contacts if c.desk == "front_door"} == {FRONT_DOOR: 4, "another": 0}


async def test_pressed_twice_it_is_one_change(node: Node) -> None:
    id = await node.hand_over(part(order=4))
    await node.settled(id)
    await asyncio.gather(*(node.importing.confirm(JO, id, 1) for _ in range(3)))
    looked = await node.importing.look(JO, id)
    assert looked is not None and (looked.confirmed or looked.draft is not None), "under way, or done by now"
    assert (await node.settled(id)).draft is not None
    assert (await node.contact())["version"] == 2


async def test_the_operators_is_of_all_or_of_one_organisation(node: Node) -> None:
    whole = json.loads(dumps(small_bundle()))
    whole["contacts"] = [row for row in whole["contacts"] if row["id"] != "operator.operator"]
    seen = await node.settled(await node.hand_over(json.dumps(whole).encode(), OPERATOR), OPERATOR)
    assert seen.checked is not None
    assert [one.difference.path for one in seen.checked.outcome.judged] == ["contacts[operator.operator]"]
    one = await node.put(await node.hand_over(part(order=2), OPERATOR, BROMLEY), OPERATOR)
    assert one.draft is not None and one.draft.entries == 1


async def test_it_is_nobody_elses_and_not_for_ever(node: Node, clock: FakeClock) -> None:
    id = await node.hand_over(part(order=4))
    for other in (SAM, POLICE, OPERATOR, replace(JO, organisation=None)):
        assert await node.importing.look(other, id) is None
        await node.importing.confirm(other, id, 1)
        await node.importing.discard(other, id)
    assert (await node.settled(id)).draft is None
    assert await node.importing.look(JO, "up_none") is None
    gone = await node.hand_over(part(order=5))
    assert await node.importing.look(JO, id) is None, "another takes its place"
    await node.importing.discard(JO, gone)
    assert await node.importing.look(JO, gone) is None
    late = await node.hand_over(part(order=6))
    await clock.advance(3600)
    assert await node.importing.look(JO, late) is None


async def test_a_hub_that_died_meanwhile_has_changed_nothing_and_says_so(store: Stores, clock: FakeClock) -> None:
    dead, alive = Node(store, clock, "dead"), Node(store, clock, "alive")
    id = await dead.hand_over(part(order=4))
    await dead.settled(id)
    await store.write(lambda unit: unit.drafts.uploads.begin(id, 1, "ch_promised", clock.now()))
    seen = await alive.importing.look(JO, id)
    assert seen is not None and seen.progress is not None and seen.confirmed, "it may still be at it"
    await clock.advance(61)
    broken = await alive.settled(id)
    assert broken.broken and broken.checked is not None, "another node checks the file anew"
    assert await alive.contact() == OLD
    done = await alive.put(id)
    assert done.draft is not None and done.draft.id == "ch_promised"
    assert (await dead.settled(id)).draft == done.draft
    await alive.importing.stop()
    await dead.importing.stop()


async def test_where_the_store_is_away_it_is_broken_off_and_where_its_answer_is_lost_it_is_done(node: Node) -> None:
    id = await node.hand_over(part(order=4))
    await node.settled(id)
    await node.importing.confirm(JO, id, 1)
    node.store.before = 1  # the change; that it was broken off can be written
    seen = await node.settled(id)
    assert seen.broken and seen.checked is not None
    assert ("directory.import_failed", {"error": "StoreUnavailable"}) in node.notes.lines
    assert await node.contact() == OLD
    await node.importing.confirm(JO, id, 1)
    node.store.after = 1
    assert (await node.settled(id)).draft is not None
    assert (await node.contact())["order"] == 4


async def test_a_check_that_fails_is_told_once_and_begun_anew(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await node.hand_over(part(order=4))
    versions = node.office.changing.versions
    with monkeypatch.context() as broken:
        broken.setattr(versions, "present", _away)
        with pytest.raises(StoreUnavailable):
            await node.settled(id)
    assert (await node.settled(id)).checked is not None


async def _away(**options: Any) -> Any:
    raise StoreUnavailable("away")


async def test_a_stop_breaks_it_off(store: Stores, clock: FakeClock) -> None:
    node = Node(store, clock)
    id = await node.hand_over(part(order=4))
    await node.settled(id)
    await node.importing.confirm(JO, id, 1)
    await node.importing.stop()
    await clock.advance(61)
    after = Node(store, clock, "after")
    assert (await after.settled(id)).broken
    assert await after.contact() == OLD
    await after.importing.stop()
