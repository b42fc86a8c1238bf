"""Whoever is withheld or held is sent nothing that was decided before; leases whose holder is dead end at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest

from hub.core.records import Changes, Moved, NoticeRecord, Silenced
from hub.service.ports import Unit
from routing.decision import Recipient
from tests.kit.clock import START
from tests.kit.records import SECRETS, Story, ids_of, result
from tests.kit.store import Stores, claim

PERSON = SECRETS["person"]
OTHER = "Pat Example"
MINUTE = timedelta(minutes=1)


async def told(store: Stores, story: Story) -> dict[tuple[str, str | None], str]:
    """Sam as a parent, Pat as a parent, Sam as a carer too, and the police: (role, person) -> notice."""
    wanted = [("parent", PERSON), ("parent", OTHER), ("carer", PERSON), ("police", None)]

    async def work(unit: Unit) -> dict[tuple[str, str | None], str]:
        await story.meet(unit)
        changes = story.report(len(wanted))
        decisions = [
            replace(
                record,
                decision=replace(record.decision, recipients=(Recipient(role=role, person=person),)),
            )
            for record, (role, person) in zip(changes.decisions, wanted, strict=True)
        ]
        notices = [
            replace(notice, roles=(role,), person=person)
            for notice, (role, person) in zip(changes.notices, wanted, strict=True)
        ]
        given = tuple(replace(one, contact=None) for one in changes.deliveries)
        chased = tuple(replace(one, chase_at=START) for one in notices)
        await unit.save(replace(changes, decisions=tuple(decisions), notices=chased, deliveries=given))
        return {key: notice.id for key, notice in zip(wanted, notices, strict=True)}

    return await store.write(work)


async def silence(store: Stores, story: Story, silenced: Silenced) -> None:
    """Save a change that silences somebody, without an event, as a clock does."""
    version = story.version
    change = Changes(
        event=None,
        episode=story.record(),
        expected_version=version,
        silenced=(silenced,),
        audit=(story.line("decision.changed"),),
    )
    await store.write(lambda unit: unit.save(change))


async def notices(store: Stores, story: Story) -> dict[str, NoticeRecord]:
    return {one.id: one for one in await store.read(lambda unit: unit.notices(story.episode))}


async def states(store: Stores, notice: str) -> list[str]:
    return [one.state for one in await store.read(lambda unit: unit.deliveries(notice))]


@pytest.mark.parametrize("state", ["withheld", "held"])
async def test_what_waits_for_them_stays_here_and_nobody_elses(
    store: Stores, story: Story, state: Literal["withheld", "held"]
) -> None:
    made = await told(store, story)
    await silence(store, story, Silenced(role="parent", person=PERSON, state=state))
    found = await notices(store, story)
    assert {key: found[notice].state for key, notice in made.items()} == {
        ("parent", PERSON): state,
        ("parent", OTHER): "pending",
        ("carer", PERSON): "pending",
        ("police", None): "pending",
    }
    assert await states(store, made["parent", PERSON]) == ["cancelled"]
    assert {one.notice.id for one in await claim(store)} == set(made.values()) - {made["parent", PERSON]}


@pytest.mark.parametrize("under_way", [False, True])
async def test_nothing_more_goes_to_an_address_that_is_a_persons_no_more(
    store: Stores, story: Story, under_way: bool
) -> None:
    made = await told(store, story)
    claims = await claim(store) if under_way else []
    version, at = story.version, SECRETS["address"]
    change = Changes(
        event=None,
        episode=story.record(),
        expected_version=version,
        moved=(
            Moved(role="parent", person=PERSON, address=at),
            Moved(role="parent", person=OTHER, address="no@x.example"),
        ),
        audit=(story.line("decision.changed"),),
    )
    await store.write(lambda unit: unit.save(change))
    failed = [result(one, START, state="due", attempt="temporary_failure", due_at=START) for one in claims]
    await store.write(lambda unit: unit.finish(failed, "node-1"))
    assert {key: (await states(store, notice))[0] for key, notice in made.items()} == {
        ("parent", PERSON): "cancelled", ("parent", OTHER): "due", ("carer", PERSON): "due", ("police", None): "due",
    }  # fmt: skip


async def test_one_on_its_way_is_not_tried_again_whatever_becomes_of_this_try(store: Stores, story: Story) -> None:
    made = await told(store, story)
    claimed = next(one for one in await claim(store) if one.notice.id == made["parent", PERSON])
    await silence(store, story, Silenced(role="parent", person=PERSON, state="withheld"))
    assert (await notices(store, story))[claimed.notice.id].state == "withheld"
    failed = result(claimed, START, state="due", attempt="temporary_failure", due_at=START)
    await store.write(lambda unit: unit.finish([failed], "node-1"))
    assert await states(store, claimed.notice.id) == ["cancelled"]
    assert claimed.notice.id not in {one.notice.id for one in await claim(store, MINUTE)}


async def test_one_on_its_way_whose_worker_died_is_not_tried_again(store: Stores, story: Story) -> None:
    made = await told(store, story)
    await claim(store)
    await silence(store, story, Silenced(role="parent", person=PERSON, state="held"))
    await store.write(lambda unit: unit.close_all_leases(START + MINUTE))
    assert await states(store, made["parent", PERSON]) == ["cancelled"]
    again = {one.notice.id for one in await claim(store, MINUTE)}
    assert again == set(made.values()) - {made["parent", PERSON]}


async def test_what_was_sent_stays_sent(store: Stores, story: Story) -> None:
    made = await told(store, story)
    claims = await claim(store)
    sent = next(one for one in claims if one.notice.id == made["parent", PERSON])
    await store.write(lambda unit: unit.finish([result(sent, START)], "node-1"))
    before = (await notices(store, story))[sent.notice.id].state
    await silence(store, story, Silenced(role="parent", person=PERSON, state="withheld"))
    assert (before, await states(store, sent.notice.id)) == ("notified", ["sent"])


async def test_nobody_of_that_name_in_another_episode(store: Stores, story: Story) -> None:
    made = await told(store, story)
    other = Story(story.ids, ref="another", child_ref="another child")
    await told(store, other)
    await silence(store, other, Silenced(role="parent", person=PERSON, state="withheld"))
    assert {one.state for one in (await notices(store, story)).values()} == {"pending"}
    assert made["parent", PERSON] in {one.notice.id for one in await claim(store)}


async def test_every_lease_ends_and_the_next_try_has_the_next_number(store: Stores, story: Story) -> None:
    changes = await store.write(lambda unit: story.told(unit, 3))
    first = await claim(store)
    assert len(first) == 3 and await claim(store) == []
    await store.write(lambda unit: unit.finish([result(first[0], START)], "node-1"))
    await store.write(lambda unit: unit.close_all_leases(START + MINUTE))
    again = await claim(store, MINUTE, node="node-2")
    assert sorted(ids_of(again)) == sorted(ids_of(first[1:]))
    assert {one.attempt for one in again} == {2}
    (closed, _) = await store.read(lambda unit: unit.attempts(again[0].delivery.id))
    assert (closed.state, closed.reason, closed.finished_at) == (
        "technical_failure", "provider_timeout", START + MINUTE,
    )  # fmt: skip
    # Who held the lease before has lost it: its result changes its own attempt only.
    late = result(first[1], START + MINUTE)
    assert await store.write(lambda unit: unit.finish([late], "node-1")) == [first[1].delivery.id]
    assert len(changes.deliveries) == 3


async def test_where_nothing_is_leased_nothing_changes(store: Stores, story: Story) -> None:
    await store.write(lambda unit: story.told(unit, 2))
    before = await notices(store, story)
    await store.write(lambda unit: unit.close_all_leases(START + MINUTE))
    assert await notices(store, story) == before
    assert {one.attempt for one in await claim(store)} == {1}
