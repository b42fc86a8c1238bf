"""Scopes on both databases: what an organisation was told of, whole, and nothing of anybody else's."""

from dataclasses import replace
from typing import Any

import pytest

from contacts.roles import HOME_OFFICE
from hub.core.desk import Sight
from hub.core.records import Changes
from hub.service.desk.ports import Reader
from hub.service.ports import Unit
from hub.service.tenancy import OutOfScope, Own, scoped
from tests.contract.test_desk import COUNCIL, OTHER, told
from tests.kit.accounts import accounts_over
from tests.kit.clock import START, FakeClock
from tests.kit.records import Story
from tests.kit.store import Stores


async def seen(store: Stores, organisation: str, work: Any) -> Any:
    with scoped(Own(organisation)):
        return await store.read(work)


async def test_what_was_sent_to_an_organisation_is_whole_in_its_scope_and_in_no_other(
    store: Stores, story: Story
) -> None:
    ours, theirs, national = await told(
        store, story, {}, {"organisation": OTHER}, {"organisation": None, "roles": ("home_office",)}
    )
    for organisation, notice in ((COUNCIL, ours), (OTHER, theirs), (HOME_OFFICE, national)):
        every = Sight(organisation=organisation, every=True)
        found = await seen(store, organisation, lambda unit, one=notice, sight=every: unit.desk.one(sight, one.id))
        assert found is not None and found.claimed is not None, "with its way and the facts it was made of"
        mine = await seen(store, organisation, lambda unit: unit.notices(story.episode))
        assert [one.id for one in mine] == [notice.id]
        assert len(await seen(store, organisation, lambda unit, one=notice: unit.deliveries(one.id))) == 1
        # Even where it is asked with another's sight, as a service might by mistake.
        for other in {COUNCIL, OTHER, HOME_OFFICE} - {organisation}:
            sight = Sight(organisation=other, every=True)
            assert await seen(store, organisation, lambda unit, of=sight: unit.desk.listed(of, "all")) == []
    assert await seen(store, "E09000008", lambda unit: unit.episode_by_id(story.episode)) is None


async def test_nobody_writes_over_the_row_of_another(store: Stores) -> None:
    accounts = accounts_over(store, FakeClock())
    member = await accounts.member(organisation=COUNCIL)
    user = await accounts.user(member.viewer.user)
    reader = Reader(user=user.id, organisation=COUNCIL, desks=frozenset({"mash"}), given_at=START, given_by="operator")
    with scoped(Own(OTHER)):
        with pytest.raises(OutOfScope):
            await store.write(lambda unit: unit.accounts.put_user(user))
        with pytest.raises(OutOfScope):
            await store.write(lambda unit: unit.desk.put_reader(reader))
    await store.write(lambda unit: unit.desk.put_reader(reader))
    # The same key, under their own code: there is one already, and it is not theirs to replace.
    taken = Reader(user=user.id, organisation=OTHER, desks=frozenset({"*"}), given_at=START, given_by="operator")
    with scoped(Own(OTHER)):
        await store.write(lambda unit: unit.desk.put_reader(taken))
        await store.write(lambda unit: unit.accounts.end_sessions(user.id, [member.viewer.session]))
    assert await store.read(lambda unit: unit.desk.reader(user.id)) == reader
    assert len(await store.read(lambda unit: unit.accounts.sessions(user.id))) == 1


async def test_what_others_were_told_is_judged_by_and_not_seen(store: Stores, story: Story) -> None:
    """An ending that was told to another desk overtakes what came before it, and not what came with it or after."""
    ours, theirs = await told(store, story, {}, {"organisation": OTHER, "kind": "returned", "revision": 1})

    async def over(unit: Unit) -> None:
        stored = await unit.episode_by_id(story.episode)
        assert stored is not None
        record = replace(stored.record, state="returned", version=stored.record.version + 1)
        await unit.save(Changes(event=None, episode=record, expected_version=stored.record.version))

    await store.write(over)
    every = Sight(organisation=COUNCIL, every=True)
    (filed,) = await seen(store, COUNCIL, lambda unit: unit.desk.listed(every, "all"))
    assert filed.notice.id == ours.id and not filed.over, "decided with the ending"
    made, taken = await seen(store, COUNCIL, lambda unit: unit.desk.course(story.episode))
    assert {one.id for one in made} == {ours.id, theirs.id} and taken
    assert [one.id for one in await seen(store, COUNCIL, lambda unit: unit.notices(story.episode))] == [ours.id]
    assert await seen(store, "E09000008", lambda unit: unit.desk.course(story.episode)) == ((), ())


async def test_whoever_answers_ends_the_operators_alarm_that_nobody_does(store: Stores, story: Story) -> None:
    ours, theirs = await told(store, story, {}, {"organisation": OTHER})
    for notice in (ours, theirs):
        alarm = story.alarm("unanswered", notice=notice.id, owner="operator")
        await store.write(lambda unit, one=alarm: unit.add_alarm(one, []))  # type: ignore[misc]
    with scoped(Own(COUNCIL)):
        for notice, ended in ((ours, 1), (theirs, 0)):
            cleared = await store.write(lambda unit, one=notice: unit.clear_alarms_of(one.id, ("unanswered",), START))  # type: ignore[misc]
            assert len(cleared) == ended
