"""The search index on both databases: written with the event, kept true, of each organisation its own, and the same
where it was brought in afterwards."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select

from hub.core.records import Changes
from hub.core.search import Asked
from hub.edge.ids import SeededIds
from hub.edge.vault import SEARCH_BYTES
from hub.service.ports import Unit
from hub.service.search import Finding, Indexing
from hub.service.search_ports import AGAIN
from hub.store.search_tables import search_marks
from tests.kit.clock import START, FakeClock
from tests.kit.records import SOURCE, Story, moved
from tests.kit.store import Stores, raw

COUNCIL, FORCE, OTHER = "E09000006", "E23000001", "E09000007"
SAM: Mapping[str, Any] = {"child": {"name": "Sam Marker", "ref": "BRM-C-1", "date_of_birth": "2014-05-06"}}


def of(changes: Changes, *organisations: str | None, **more: Any) -> Changes:
    """With one notice to a desk of each of these."""
    made = [
        replace(notice, organisation=code, person=None, **more)
        for notice, code in zip(changes.notices, organisations, strict=True)
    ]
    return replace(changes, notices=tuple(made))


async def reported(
    store: Stores, story: Story, *told: str | None, doc: Mapping[str, Any] = SAM, **more: Any
) -> Changes:
    async def work(unit: Unit) -> Changes:
        await story.meet(unit)
        changes = replace(of(story.report(len(told)), *told, **more), doc=doc)
        await unit.save(changes)
        return changes

    return await store.write(work)


async def corrected(store: Stores, story: Story, before: Changes, doc: Mapping[str, Any] | None, *told: str) -> Changes:
    """A second event about the episode."""
    event = story.event()
    revision = before.episode.revision + (doc is not None)
    decisions = [story.decision(event.id, number) for number, _ in enumerate(told)]
    changes = Changes(
        event=event,
        episode=moved(before, revision=revision),
        expected_version=before.episode.version,
        doc=doc,
        decisions=tuple(decisions),
        notices=tuple(
            story.notice(one, organisation=code, person=None, revision=revision)
            for one, code in zip(decisions, told, strict=True)
        ),
    )
    await store.write(lambda unit: unit.save(changes))
    return changes


async def found(store: Stores, organisation: str | None, **asked: Any) -> list[str]:
    return [one.episode for one in await store.read(lambda unit: unit.search.found(Asked(**asked), organisation, 100))]


async def index(store: Stores) -> set[tuple[str, bytes, str]]:
    async def work(unit: Any) -> set[tuple[str, bytes, str]]:
        rows = await unit._run(lambda session: session.connection.execute(select(search_marks)).all())
        return {
            (row.organisation, bytes(row.marks[at : at + SEARCH_BYTES]), row.episode)
            for row in rows
            for at in range(0, len(row.marks), SEARCH_BYTES)
        }

    return await store.read(work)


async def test_a_child_is_found_by_whoever_was_told_and_by_nobody_else(store: Stores, story: Story) -> None:
    await reported(store, story, FORCE, OTHER)
    for organisation in (COUNCIL, FORCE, OTHER, None):
        for asked in (
            {"name": "MARKER, Säm"},
            {"ref": "brm-c-1"},
            {"born": date(2014, 5, 6)},
            {"name": "Sam Marker", "born": date(2014, 5, 6), "ref": "BRM-C-1"},
        ):
            assert await found(store, organisation, **asked) == [story.episode], (organisation, asked)
        for asked in ({"name": "Sam"}, {"name": "Sam Marker", "born": date(2014, 5, 7)}, {"ref": "2014-05-06"}, {}):
            assert await found(store, organisation, **asked) == []
    assert await found(store, "E09000008", name="Sam Marker") == []


async def test_the_same_name_is_another_mark_with_every_organisation_and_for_every_purpose(
    store: Stores, story: Story
) -> None:
    await reported(store, story, FORCE, OTHER)
    namesake = Story(SeededIds("namesake"), ref="other", child_ref="other")
    await reported(store, namesake, FORCE)
    rows = await index(store)
    by_organisation = {code: {mark for one, mark, _ in rows if one == code} for code in (COUNCIL, FORCE, OTHER)}
    assert {code: len(marks) for code, marks in by_organisation.items()} == {COUNCIL: 5, FORCE: 5, OTHER: 5}
    assert not by_organisation[FORCE] & by_organisation[OTHER] and not by_organisation[FORCE] & by_organisation[COUNCIL]
    same = Story(SeededIds("same"), ref="same", child_ref="same")
    await reported(store, same, FORCE, doc={"child": {"name": "Sam", "ref": "sam"}})
    ours = [mark for code, mark, episode in await index(store) if (code, episode) == (FORCE, same.episode)]
    assert len(ours) == len(set(ours)) == 3, "the name Sam, a word that begins so and a reference are three marks"


async def test_notices_to_persons_make_nobody_find_and_national_roles_do(store: Stores, story: Story) -> None:
    await reported(store, story, None, roles=("missing_persons_bureau",))
    private = Story(SeededIds("private"), ref="private", child_ref="private")

    async def work(unit: Unit) -> None:
        await private.meet(unit)
        await unit.save(replace(private.report(), doc=SAM))  # its notice is to a person

    await store.write(work)
    organisations = {code for code, _, _ in await index(store)}
    assert len(organisations) == 2 and organisations > {COUNCIL} and FORCE not in organisations


async def test_a_name_that_changes_is_found_by_the_new_one_where_that_was_told(store: Stores, story: Story) -> None:
    first = await reported(store, story, FORCE, OTHER)
    new = {"child": {**SAM["child"], "name": "Alex Marker"}}
    second = await corrected(store, story, first, new, FORCE)
    for organisation, name in ((FORCE, "Alex Marker"), (COUNCIL, "Alex Marker"), (OTHER, "Sam Marker")):
        assert await found(store, organisation, name=name) == [story.episode], organisation
        assert await found(store, organisation, ref="BRM-C-1") == [story.episode]
    for organisation, name in ((FORCE, "Sam Marker"), (COUNCIL, "Sam Marker"), (OTHER, "Alex Marker")):
        assert await found(store, organisation, name=name) == [], organisation
    before = await index(store)
    third = await corrected(store, story, second, None, FORCE)
    assert await index(store) == before, "nothing new was told to anybody new"
    await corrected(store, story, third, None, "E09000009")
    assert await found(store, "E09000009", name="Alex Marker") == [story.episode]


async def test_what_was_there_before_is_brought_in_a_bite_at_a_time_and_is_the_same(
    nodes: tuple[Stores, Stores], story: Story
) -> None:
    one, other = nodes
    stories = [Story(SeededIds(f"old {number}"), ref=f"r{number}", child_ref=f"c{number}") for number in range(7)]
    for number, old in enumerate(stories):
        first = await reported(one, old, FORCE, OTHER, doc={"child": {**SAM["child"], "name": f"Child Number{number}"}})
        if number % 2:
            await corrected(one, old, first, {"child": {"name": f"Other Number{number}"}}, OTHER)
    live = await index(one)
    assert len(live) > 80
    gone = stories[3]
    spoil = f"UPDATE revisions SET child = 'ch_of_nobody' WHERE episode = '{gone.episode}'"
    await raw(one, "DELETE FROM search_marks", "DELETE FROM search_progress", spoil)

    assert not await one.read(lambda unit: unit.search.complete())
    assert await one.write(lambda unit: unit.search.bring_in(2, START)) == "more"
    assert len({episode for _, _, episode in await index(one)}) == 2, "a bite is a bite"

    async def both(at: datetime) -> set[str]:
        return set(await asyncio.gather(*(node.write(lambda unit: unit.search.bring_in(2, at)) for node in nodes)))

    while "more" in await both(START):
        pass
    assert await index(other) == {row for row in live if row[2] != gone.episode}
    assert not await other.read(lambda unit: unit.search.complete()), "one does not open: its key may come back"
    indexing = Indexing(other)
    assert not await indexing.tick(START + AGAIN)
    await raw(one, f"UPDATE revisions SET child = '{gone.child}' WHERE episode = '{gone.episode}'")
    assert not await indexing.tick(START + AGAIN + timedelta(seconds=30)), "it was tried just now"
    assert await both(START + 2 * AGAIN - timedelta(seconds=1)) == {"left"}
    assert await indexing.tick(START + 2 * AGAIN)
    assert await other.read(lambda unit: unit.search.complete()) and await index(other) == live


async def test_what_is_erased_meanwhile_is_waited_for_by_no_index(memory: Stores, story: Story) -> None:
    await reported(memory, story, FORCE)
    other = Story(SeededIds("other"), ref="other", child_ref="other")
    await reported(memory, other, FORCE)
    spoil = "UPDATE revisions SET child = 'ch_of_nobody'"
    await raw(memory, "DELETE FROM search_marks", "DELETE FROM search_progress", spoil)
    indexing = Indexing(memory)
    assert not await indexing.tick(START)
    await memory.write(lambda unit: unit.retention.begin(story.child, START))
    await memory.keys.destroy(["ch_of_nobody"], START)
    assert await indexing.tick(START + AGAIN)
    assert await memory.read(lambda unit: unit.search.complete())


async def test_of_an_erased_child_nothing_is_found_and_nothing_is_left(store: Stores, story: Story) -> None:
    await reported(store, story, FORCE, OTHER)
    assert await index(store)
    await store.write(lambda unit: unit.retention.begin(story.child, START))
    assert await index(store) == set()
    assert await found(store, None, ref="BRM-C-1") == []


async def test_a_search_is_written_down_without_what_was_sought(store: Stores, story: Story) -> None:
    await reported(store, story, FORCE)
    finding = Finding(store, FakeClock(), SeededIds("finding"))
    asked = Asked(name="Sam Marker", born=date(2014, 5, 6))
    (one,), complete = await finding.find(asked, actor="operator", organisation=FORCE)
    assert (one.episode, one.child, one.source, complete) == (story.episode, story.child, SOURCE, False)
    assert (await finding.find(Asked(name="Nobody"), actor="operator"))[0] == []

    async def work(unit: Any) -> list[Any]:
        statement = "SELECT actor, action, organisation, detail FROM audit WHERE action = 'child.searched' ORDER BY id"
        return [
            tuple(row) for row in await unit._run(lambda session: session.connection.exec_driver_sql(statement).all())
        ]

    assert await store.read(work) == [
        ("operator", "child.searched", FORCE, '{"by": "born name", "episodes": "1"}'),
        ("operator", "child.searched", None, '{"by": "name", "episodes": "0"}'),
    ]


async def test_finding_opens_nothing_that_is_sealed(store: Stores, story: Story, monkeypatch: Any) -> None:
    await reported(store, story, FORCE)
    sealer = store._sealer

    def opened(*arguments: Any, **more: Any) -> bytes:
        raise AssertionError("a name was opened")

    monkeypatch.setattr(type(sealer), "open", opened)
    assert await found(store, None, name="Sam Marker", ref="BRM-C-1") == [story.episode]
    assert await found(store, FORCE, born=date(2014, 5, 6)) == [story.episode]
