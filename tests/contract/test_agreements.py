"""Agreements in the ledger, on both databases: what was proposed and answered comes back, to whom it is for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.core.agreements import Agreement, Answer
from hub.core.evidence import statements
from hub.service.audit.ports import Wanted
from hub.service.ports import StoreUnavailable, Unit
from hub.service.tenancy import Own, scoped
from tests.contract.test_conversations import DOOR, NURSE, written
from tests.contract.test_desk import COUNCIL, OTHER, told
from tests.kit.clock import START
from tests.kit.records import Story
from tests.kit.store import Stores


async def proposed(store: Stores, story: Story) -> Agreement:
    """The council asks the nurse's desk."""
    await told(store, story, {}, {"organisation": OTHER}, {"organisation": "E09000008"})
    message = written(story)
    made = Agreement(
        id=story.id("ag"),
        episode=story.episode,
        thread=message.message.thread,
        message=message.message.id,
        kind="return_interview",
        does_it=NURSE.key,
        when=START + timedelta(days=2),
        deadline=START + timedelta(days=1),
        proposer=DOOR.key,
        asked=(NURSE.key, ("E09000008", "mash")),
        actor="user:us_1",
        proposed_at=START,
    )

    async def work(unit: Unit) -> None:
        await unit.conversations.add(message)
        await unit.agreements.add(made, [story.line("agreement.proposed", subject=made.id)])

    await store.write(work)
    return made


async def test_what_was_proposed_and_answered_comes_back_as_it_was(store: Stores, story: Story) -> None:
    made = await proposed(store, story)
    assert await store.read(lambda unit: unit.agreements.one(made.id)) == made
    assert await store.read(lambda unit: unit.agreements.one("ag_unknown")) is None
    answer = Answer(party=NURSE.key, said="accepted", at=START, actor="user:us_2", message=made.message)
    line = story.line("agreement.accepted", subject=made.id)
    await store.write(lambda unit: unit.agreements.answer(made, answer, [line]))
    for at in (START, START + timedelta(days=1)):
        await store.write(lambda unit, at=at: unit.agreements.lapsed(made.id, at, ()))  # type: ignore[misc]
    after = replace(made, answers=(answer,), lapsed_at=START)
    assert await store.read(lambda unit: unit.agreements.of_episode(story.episode)) == [after], "set once"
    with pytest.raises(StoreUnavailable, match="always first"):  # as it never looks what was answered
        await store.write(lambda unit: unit.agreements.answer(made, replace(answer, said="declined"), ()))
    assert await store.read(lambda unit: unit.agreements.one(made.id)) == after
    listed = await store.read(lambda unit: unit.trail.listed(Wanted(episode=story.episode), limit=100))
    stated = {key for one in listed for key in statements(one.line) if key.startswith("agreement")}
    held = {one.key: one for one in await store.read(lambda unit: unit.evidence.records(story.episode))}
    assert stated == {key for key in held if key.startswith("agreement")} and len(stated) == 2
    for one in listed:
        assert all(held[key].statement == text for key, text in statements(one.line).items() if key in stated)


async def test_only_whom_the_proposal_is_for_finds_it(store: Stores, story: Story) -> None:
    made = await proposed(store, story)
    answer = Answer(party=NURSE.key, said="accepted", at=START, actor="user:us_2", message=made.message)
    await store.write(lambda unit: unit.agreements.answer(made, answer, ()))
    for organisation, sees in ((COUNCIL, True), (OTHER, True), ("E09000008", False)):
        with scoped(Own(organisation)):
            found = await store.read(lambda unit: unit.agreements.of_episode(story.episode))
            assert found == ([replace(made, answers=(answer,))] if sees else []), organisation
