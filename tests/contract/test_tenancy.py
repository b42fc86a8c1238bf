"""Scopes on both databases: what an organisation was told of, whole, and nothing of anybody else's."""

from typing import Any

import pytest

from contacts.roles import HOME_OFFICE
from hub.core.desk import Sight
from hub.service.desk.ports import Reader
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
