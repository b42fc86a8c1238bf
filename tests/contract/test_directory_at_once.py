"""Two nodes, one directory: whoever decides second finds that it is decided, and no change is lost."""

import asyncio

from contacts.model import Contact
from hub.service.directory.outcome import Outcome
from tests.kit.changing import FRONT_DOOR, JO, OPERATOR, SAM, front_door, furnished, office
from tests.kit.directory import BROMLEY
from tests.kit.store import Stores


async def test_two_approve_at_once_and_one_wins(nodes: tuple[Stores, Stores]) -> None:
    await furnished(nodes[0])
    one, other = office(nodes[0], node="1"), office(nodes[1], node="2")
    proposed = await one.changing.propose(JO, [front_door(address="new@council.example")], confirm=True)
    assert proposed.draft is not None
    outcomes = await asyncio.gather(
        one.changing.approve(SAM, proposed.draft.id), other.changing.approve(OPERATOR, proposed.draft.id)
    )
    assert sorted((o.result, o.refusal) for o in outcomes) == [
        ("in_force", None),
        ("refused", "settled"),
    ]
    assert (await other.versions.present())[0] == 2


async def test_changes_that_come_at_once_all_hold(nodes: tuple[Stores, Stores]) -> None:
    await furnished(nodes[0])
    desks = [office(nodes[n], node=str(n)) for n in range(2)]
    contacts = ("front_door", "social_work_team", "emergency_duty_team", "fallback")

    async def change(number: int, desk: str) -> Outcome:
        cells = {"id": f"e09000006.{desk}", "desk": desk, "address": f"{desk.replace('_', '-')}@e09000006.example"}
        hours = "night" if desk == "emergency_duty_team" else "office"
        put = front_door(**cells, hours=hours, order=number + 1)
        return await desks[number % 2].changing.propose(JO, [put], confirm=True)

    outcomes = await asyncio.gather(*(change(number, desk) for number, desk in enumerate(contacts)))
    assert [o.result for o in outcomes] == ["in_force"] * 4
    version, bundle = await desks[0].versions.present()
    assert version == 5
    assert {c.desk: c.order for c in bundle.contacts if isinstance(c, Contact) and c.organisation == BROMLEY} == {
        "front_door": 1, "social_work_team": 2, "emergency_duty_team": 3, "fallback": 4, "fostering_out_of_hours": 0,
    }  # fmt: skip


async def test_two_change_one_entry_at_once_and_the_second_is_told(nodes: tuple[Stores, Stores]) -> None:
    """Each looked at version 1."""
    await furnished(nodes[0])
    one, other = office(nodes[0], node="1"), office(nodes[1], node="2")
    outcomes = await asyncio.gather(
        one.changing.propose(JO, [front_door(order=1)], seen=1, confirm=True),
        other.changing.propose(SAM, [front_door(order=2)], seen=1, confirm=True),
    )
    assert sorted(o.result for o in outcomes) == ["in_force", "refused"]
    (refused,) = [o for o in outcomes if o.result == "refused"]
    assert [c.difference.path for c in refused.conflicts] == [f"contacts[{FRONT_DOOR}]"]
