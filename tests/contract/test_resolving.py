"""Resolutions in the ledger, on both databases: the chain as it was, for whoever has to choose and nobody else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hub.core.evidence import statements
from hub.core.records import Changes
from hub.core.resolution import Resolution, Step
from hub.service.audit.ports import Wanted
from hub.service.tenancy import Own, scoped
from tests.contract.test_desk import COUNCIL, OTHER, told
from tests.kit.clock import START
from tests.kit.records import SECRETS, Story
from tests.kit.store import Stores

MINUTE = timedelta(minutes=1)


def resolution(story: Story, notice: str | None, **more: Any) -> Resolution:
    """Somebody of the others said that it is not theirs; the council has to choose."""
    step = Step(id=story.id("rp"), at=START, kind="said", organisation=OTHER, notice=notice, answer="redirected",
                actor="user:us_1", name=SECRETS["answered"], text=SECRETS["redirected"])  # fmt: skip
    values: dict[str, Any] = {
        "id": story.id("rs"), "episode": story.episode, "roles": ("host_authority",), "organisation": COUNCIL,
        "desk": "front_door", "opened_at": START, "due_at": START + MINUTE, "revision": 1, "steps": (step,),
    }  # fmt: skip
    return Resolution(**values | more)


async def put(store: Stores, story: Story, one: Resolution, *steps: Step) -> None:
    line = story.line("resolution.moved", subject=(steps or one.steps)[0].id)
    await store.write(lambda unit: unit.resolving.put(one, story.child, steps or one.steps, [line]))


async def test_the_chain_comes_back_as_it_was_and_only_grows(store: Stores, story: Story) -> None:
    (notice,) = await told(store, story, {"organisation": OTHER})
    first = resolution(story, notice.id)
    await put(store, story, first)
    assert list(await store.read(lambda unit: unit.resolving.of(story.episode, whole=True))) == [first]
    step = Step(id=story.id("rp"), at=START + MINUTE, kind="late", organisation=COUNCIL)
    later = replace(first, steps=(*first.steps, step), late=1, due_at=START + 3 * MINUTE, message="ms_1")
    await put(store, story, later, step)
    assert await store.read(lambda unit: unit.resolving.one(first.id, whole=True)) == later
    bare = await store.read(lambda unit: unit.resolving.one(first.id))
    assert bare is not None and [(one.name, one.text) for one in bare.steps] == [(None, None)] * 2
    assert await store.read(lambda unit: unit.resolving.one("rs_unknown")) is None


async def test_it_is_due_when_the_time_is_up_or_the_episode_has_moved_on(store: Stores, story: Story) -> None:
    (notice,) = await told(store, story, {"organisation": OTHER})
    one = resolution(story, notice.id)
    await put(store, story, one)

    async def due(at: Any) -> list[str]:
        return list(await store.read(lambda unit: unit.resolving.due(at, 10)))

    assert (await due(START), await due(START + MINUTE)) == ([], [one.id])
    later = START + timedelta(hours=1)
    for state, expected in (("settled", []), ("ended", []), ("asked", [])):
        await put(store, story, replace(one, state=state, due_at=None), Step(id=story.id("rp"), at=START, kind="late"))
        assert await due(later) == expected
    # The facts are newer than those it was looked at with.
    await put(store, story, replace(one, state="asked", due_at=None, revision=0),
              Step(id=story.id("rp"), at=START, kind="late"))  # fmt: skip
    assert await due(START) == [one.id]
    await put(store, story, replace(one, due_at=None), Step(id=story.id("rp"), at=START, kind="late"))
    assert await due(START) == []
    record = story.record(state="retracted")
    await store.write(lambda unit: unit.save(Changes(event=None, episode=record, expected_version=record.version - 1)))
    assert await due(START) == [one.id]


async def test_only_whoever_has_to_choose_finds_it(store: Stores, story: Story) -> None:
    notices = await told(store, story, {}, {"organisation": OTHER})
    one = resolution(story, notices[-1].id)
    await put(store, story, one)
    for organisation, sees in ((COUNCIL, True), (OTHER, False), ("E09000008", False)):
        with scoped(Own(organisation)):
            found = await store.read(lambda unit: unit.resolving.one(one.id, whole=True))
            listed = await store.read(lambda unit, of=organisation: unit.resolving.listed(of, 10))  # type: ignore[misc]
        assert ((found is not None), len(listed)) == (sees, int(sees)), organisation
    assert [o.id for o in await store.read(lambda unit: unit.resolving.listed(None, 10))] == [one.id]
    assert await store.read(lambda unit: unit.resolving.listed(OTHER, 10)) == []


async def test_each_step_is_in_evidence_and_its_words_go_with_the_child(store: Stores, story: Story) -> None:
    (notice,) = await told(store, story, {"organisation": OTHER})
    one = resolution(story, notice.id)
    await put(store, story, one)
    records = await store.read(lambda unit: unit.evidence.records(story.episode))
    (step,) = [r for r in records if r.kind == "resolution_step"]
    assert step.sealed == {"name": SECRETS["answered"].encode(), "text": SECRETS["redirected"].encode()}
    lines = await store.read(lambda unit: unit.trail.listed(Wanted(episode=story.episode), limit=50))
    (line,) = [found.line for found in lines if found.line.action == "resolution.moved"]
    assert statements(line)[step.key] == step.statement
