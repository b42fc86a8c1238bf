"""A source speaks of what it has reported, for the authorities it is registered for, and reaches nothing else."""

import gc
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import ref

import pytest
from sqlalchemy import Update, create_engine, select

from hub.core.records import Changes
from hub.edge.ids import SeededIds
from hub.service.tenancy import OutOfScope, Own, Speaking, scoped
from hub.store import scoping
from hub.store.scoping import Narrowed, _held_to, _kept
from hub.store.tables import events
from tests.kit.events import EPISODE, LEEDS, found, reported, retracted, returned, updated
from tests.kit.node import REGISTERED, Hub, a_hub
from tests.kit.records import Story
from tests.kit.store import sqlite_store

OTHER = replace(REGISTERED, id="so_other", uri="urn:example:other", authorities=frozenset({"E09000007"}))


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    store = await sqlite_store(tmp_path)
    made = await a_hub(store)
    await store.write(lambda unit: unit.put_source(OTHER))
    yield made
    await store.aclose()


async def test_what_a_source_sends_about_anothers_episode_is_about_one_of_its_own(hub: Hub) -> None:
    with scoped(Speaking(REGISTERED.id)):
        assert (await hub.post(reported())).status == 202
    before, told = await hub.episode(), len(await hub.notices())
    episode = before.record.id
    hub.source = OTHER
    for event in (updated(child={"name": "Somebody Else"}), found(), returned(), retracted()):
        with scoped(Speaking(OTHER.id)):
            answer = await hub.post({**event, "source": OTHER.uri})
        assert answer.status == 202, "kept for a report of its own, as if there were no other"
        assert answer.body["notices"] == 0
    assert await hub.see(lambda unit: unit.episode_by_id(episode)) == before
    assert len(await hub.see(lambda unit: unit.notices(episode))) == told
    listed = await hub.see(lambda unit: unit.episode_list())
    assert sorted((one.source, one.state) for one in listed) == [(REGISTERED.id, "open"), (OTHER.id, "awaited")]


async def test_an_update_makes_no_source_speak_for_an_authority_it_is_not_registered_for(hub: Hub) -> None:
    """A report of its own for others, and one that it changes into one for others from the start."""
    hub.source = replace(OTHER, authorities=frozenset())
    with scoped(Speaking(OTHER.id)):
        event = {**reported(placement={"responsible_authority": LEEDS}), "source": OTHER.uri}
        assert (await hub.post(event)).status == 403
        assert (await hub.post({**updated(placement={"host_authority": LEEDS}), "source": OTHER.uri})).status == 202
        assert (await hub.post({**event, "id": "E2"})).status == 403, "nor by what it sent before"
    assert await hub.notices() == []


async def test_the_scope_of_a_source_holds_below_the_service_too(hub: Hub) -> None:
    with scoped(Speaking(REGISTERED.id)):
        assert (await hub.post(reported())).status == 202
        mine = await hub.store.read(lambda unit: unit.episode(REGISTERED.id, EPISODE))
    assert mine is not None
    with scoped(Speaking(OTHER.id)):
        assert await hub.store.read(lambda unit: unit.episode(REGISTERED.id, EPISODE)) is None
        assert await hub.store.read(lambda unit: unit.episode_by_id(mine.record.id)) is None
        assert await hub.store.read(lambda unit: unit.event(REGISTERED.id, "E1")) is None
        assert await hub.store.read(lambda unit: unit.episode_list()) == []
        for refused in (
            lambda unit: unit.sources(),
            lambda unit: unit.put_source(OTHER),
            lambda unit: unit.accounts.users(None),
        ):
            with pytest.raises(OutOfScope):
                await hub.store.write(refused)
        story = Story(SeededIds("forged"), child=mine.record.child)
        forged = Changes(event=None, episode=story.record(source=REGISTERED.id), expected_version=None)
        with pytest.raises(OutOfScope):
            await hub.store.write(lambda unit: unit.save(forged))


async def test_a_sources_scope_costs_its_events_next_to_nothing(hub: Hub) -> None:
    """The statements that are asked of every event are narrowed once, not for each."""
    with scoped(Speaking(REGISTERED.id)):
        await hub.post(reported())
        before = _kept.cache_info()
        for number in range(5):
            await hub.post({**updated(child={"medication": f"number {number}"}), "id": f"U{number}"})
        after = _kept.cache_info()
    assert after.hits - before.hits > after.misses - before.misses


def test_a_statement_that_is_built_for_one_question_stays_no_longer_than_that() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        narrowed = Narrowed(connection, Own("E09000006"))
        asked_again = select(events.c.id).where(events.c.episode == "ep_1")
        before = _kept.cache_info()
        for _ in range(3):
            statement, (row,) = narrowed.held(asked_again, [{}])
            assert row == {"scope_tenant": "E09000006"} and "scope_tenant" in str(statement)
        after = _kept.cache_info()
        assert (after.hits - before.hits, after.misses - before.misses) == (1, 1), "met once, then kept"
        once = select(events.c.id).where(events.c.episode == "ep_2")
        gone = ref(once)
        narrowed.held(once, [{}])
        del once
        gc.collect()
        assert gone() is None and _kept.cache_info() == after
    engine.dispose()


async def test_nothing_sealed_stays_in_memory_with_a_statement(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what is narrowed down a copy is kept for the next time, with all that was written into it: a body of a
    mebibyte too, of which there are hundreds."""
    seen: list[Any] = []

    def spied(statement: Any, roles: Any) -> Any:
        seen.append(statement)
        return _held_to(statement, roles)

    monkeypatch.setattr(scoping, "_held_to", spied)
    with scoped(Speaking(REGISTERED.id)):
        for event in (updated(), reported(), found(), returned()):
            assert (await hub.post(event)).status == 202
    assert [one for one in seen if isinstance(one, Update) and one.table is events], "an event was moved"
    written = [value for one in seen for value in one.compile().params.values()]
    assert not [value for value in written if isinstance(value, bytes)]
