"""The lists and the search of a desk, a few notices at a time, over a real store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from contacts.fictional import fictional_directory
from hub.core.accounts import Viewer
from hub.core.desk import EVERY_DESK
from hub.edge.ids import SeededIds
from hub.edge.vault import Vault
from hub.service.desk.lists import Bounds, Lists, Pile
from hub.service.desk.ports import Reader
from hub.service.desk.sights import Sights
from hub.service.ports import Unit
from routing.decision import Recipient
from tests.kit.accounts import BROMLEY, accounts_over
from tests.kit.clock import START, FakeClock
from tests.kit.records import Story
from tests.kit.store import Stores, memory_store

NAMES = ("Robin Example", "Sam Example", "Zoë Other", "Robin Other", "Kim Robin", "Sam Robinson")


@dataclass
class Office:
    """A desk with a notice about each of :data:`NAMES`, the last one made last."""

    store: Stores
    clock: FakeClock
    viewer: Viewer
    notices: list[str]

    def lists(self, **bounds: int) -> Lists:
        directory = fictional_directory()
        sights = Sights(store=self.store, directory=lambda: directory, clock=self.clock)
        return Lists(store=self.store, sights=sights, clock=self.clock, ids=SeededIds("l"), bounds=Bounds(**bounds))


@pytest.fixture(params=["before the index is whole", "by the index"])
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    store, clock, ids = await memory_store(), FakeClock(), SeededIds("office")
    viewer = (await accounts_over(store, clock).member()).viewer
    reader = Reader(user=viewer.user, organisation=BROMLEY, desks=frozenset({EVERY_DESK}), given_at=START, given_by="x")
    await store.write(lambda unit: unit.desk.put_reader(reader))
    made: list[str] = []
    for number, name in enumerate(NAMES):
        story = Story(ids, ref=f"R{number}", child_ref=f"C{number}")

        async def work(unit: Unit, story: Story = story, name: str = name) -> str:
            await story.meet(unit)
            changes = story.report()
            to = Recipient(role="host_authority", organisation=BROMLEY)
            decided = replace(changes.decisions[0].decision, recipients=(to,))
            notice = replace(changes.notices[0], organisation=BROMLEY, person=None, roles=("host_authority",))
            await unit.save(
                replace(
                    changes,
                    doc={"child": {"name": name}},
                    decisions=(replace(changes.decisions[0], decision=decided),),
                    notices=(notice,),
                )
            )
            return notice.id

        made.append(await store.write(work))
    if request.param == "by the index":
        assert await store.write(lambda unit: unit.search.bring_in(len(NAMES) + 1, START)) == "whole"
    yield Office(store=store, clock=clock, viewer=viewer, notices=made)
    await store.aclose()


def names(pile: Pile | None) -> list[str | None]:
    assert pile is not None
    return [row.child for row in pile.rows]


async def test_a_list_is_gone_through_page_by_page(office: Office) -> None:
    lists, seen, before = office.lists(page=4), [], None
    for number in (4, 2):
        found = await lists.look(office.viewer, "all", before=before)
        assert found is not None and (found.any, found.new, found.unanswered) == (True, 6, 6)
        assert len(found.pile.rows) == number
        seen, before = [*seen, *names(found.pile)], found.pile.before
    assert seen == list(reversed(NAMES)) and before is None


@pytest.mark.parametrize(
    "bounds",
    [
        {"page": 25, "at_once": 25, "furthest": 500},
        {"page": 1, "at_once": 3, "furthest": 6},
        {"page": 2, "at_once": 2, "furthest": 2},
        {"page": 4, "at_once": 1, "furthest": 1},
        {"page": 3, "at_once": 3, "furthest": 4},
    ],
)
async def test_a_search_that_goes_on_finds_each_once_and_comes_to_an_end(
    office: Office, bounds: dict[str, int]
) -> None:
    lists = office.lists(**bounds)
    found: list[str | None] = []
    before: str | None = None
    for _ in range(len(NAMES) + 2):
        pile = await lists.search(office.viewer, "rob", before=before)
        found += names(pile)
        assert pile is not None and len(pile.rows) <= bounds["page"]
        before = pile.before
        if before is None:
            break
    assert before is None, "it comes to no end"
    assert found == ["Sam Robinson", "Kim Robin", "Robin Other", "Robin Example"]


async def test_a_name_is_found_within_what_one_may_see_alone(office: Office) -> None:
    assert names(await office.lists().search(office.viewer, "zoe oth")) == ["Zoë Other"]
    stranger = replace(office.viewer, organisation="E09000007")
    assert names(await office.lists().search(stranger, "zoe")) == []
    assert await office.lists().search(replace(office.viewer, roles=frozenset({"auditor"})), "zoe") is None


@pytest.mark.parametrize("office", ["by the index"], indirect=True)
async def test_no_name_is_opened_but_those_that_are_found(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    before = Vault.open

    def counting(self: Vault, key: bytes, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        if table == "revisions":
            opened.append(row)
        return before(self, key, sealed, table=table, column=column, row=row)

    monkeypatch.setattr(Vault, "open", counting)
    assert names(await office.lists().search(office.viewer, "zoe")) == ["Zoë Other"]
    assert len(opened) == 1
    assert names(await office.lists().search(office.viewer, "nobody")) == [] and len(opened) == 1
    assert names(await office.lists().search(office.viewer, "ro zo")) == [], "too short for the index"
    assert len(opened) == 1 + len(NAMES)


@pytest.mark.parametrize("office", ["by the index"], indirect=True)
async def test_the_index_shows_nobody_what_their_notices_do_not(office: Office) -> None:
    """It stands under the organisation; which of its desks may see the notice is asked as ever."""
    nurse = Reader(
        user=office.viewer.user,
        organisation=BROMLEY,
        desks=frozenset({"designated_nurse"}),
        given_at=START,
        given_by="x",
    )
    await office.store.write(lambda unit: unit.desk.put_reader(nurse))
    assert names(await office.lists().search(office.viewer, "zoe")) == []
