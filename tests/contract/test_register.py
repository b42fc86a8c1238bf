"""The register of one organisation, over all episodes."""

from dataclasses import replace
from datetime import timedelta

from hub.edge.ids import SeededIds
from tests.kit.clock import START
from tests.kit.records import SECRETS, Story, moved
from tests.kit.store import Stores

BROMLEY, CAMDEN = "E09000006", "E09000007"


async def test_only_the_entries_of_the_organisation_that_are_still_on_it_by_receipt(store: Stores) -> None:
    first, second = Story(SeededIds("one")), Story(SeededIds("two"), now=START + timedelta(hours=1), ref="other")
    later = await store.write(lambda unit: second.told(unit))
    earlier = await store.write(lambda unit: first.told(unit))
    elsewhere = first.entry(organisation=CAMDEN, role="host_authority")
    await store.write(
        lambda unit: unit.save(
            replace(later, event=None, episode=moved(earlier), expected_version=1, doc=None, decisions=(), notices=(),
                    deliveries=(), duties=(), audit=(), register=(elsewhere,))
        )
    )  # fmt: skip
    assert await store.read(lambda unit: unit.register_of(BROMLEY)) == [*earlier.register, *later.register]
    assert await store.read(lambda unit: unit.register_of(CAMDEN)) == [elsewhere]
    assert await store.read(lambda unit: unit.register_of("E09000008")) == []
    assert await store.read(lambda unit: unit.register_of(BROMLEY, removed=True)) == []


async def test_what_was_taken_off_is_found_apart_with_its_cause(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit))
    gone = replace(changes.register[0], removed_at=START + timedelta(days=2), removed_by=SECRETS["removed"])
    await store.write(
        lambda unit: unit.save(
            replace(changes, event=None, episode=moved(changes), expected_version=1, doc=None, decisions=(),
                    notices=(), deliveries=(), duties=(), audit=(), register=(gone,))
        )
    )  # fmt: skip
    assert await store.read(lambda unit: unit.register_of(BROMLEY)) == []
    assert await store.read(lambda unit: unit.register_of(BROMLEY, removed=True)) == [gone]
