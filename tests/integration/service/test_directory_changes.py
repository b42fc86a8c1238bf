"""Changing the directory: at once where one person may, by two where it takes two, never over another's change."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contacts import scope, tables
from contacts.areas import load_areas
from contacts.changes import Put, Remove, difference
from contacts.export import ordered
from contacts.model import Bundle, Contact, Hours
from contacts.scope import part_of
from contacts.tables import dumps
from hub.core.drafts import Author, Draft, Listing, State
from hub.edge.ids import SeededIds
from hub.service.directory.outcome import Outcome
from hub.service.directory.versions import DirectoryUnreadable
from hub.service.live_directory import LiveDirectory
from tests.kit.changing import FRONT_DOOR, JO, MACHINE, OPERATOR, POLICE, SAM, Office, front_door, furnished, office
from tests.kit.delivering import Notes
from tests.kit.directory import BROMLEY, MET, NOW, contact, small_bundle
from tests.kit.failing import ledger
from tests.kit.store import LEDGER, Stores, sqlite_store

WHY = "The mailbox was closed tonight and two children are missing"
NEW = "new-front-door@council.example"
FALLBACK = [("overridden", "fallback@e09000006.example")]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Stores]:
    made = await sqlite_store(tmp_path)
    await furnished(made)
    yield made
    await made.aclose()


@pytest.fixture
def desk(store: Stores) -> Office:
    return office(store)


async def address(desk: Office) -> str:
    _, bundle = await desk.versions.present()
    return next(c.address for c in bundle.contacts if c.id == FRONT_DOOR)


async def waiting(desk: Office, by: Author = JO, **changes: Any) -> Draft:
    outcome = await desk.changing.propose(by, [front_door(**{"address": NEW, **changes})], confirm=True)
    assert outcome.result == "waiting"
    assert outcome.draft is not None
    return outcome.draft


def drafted(outcome: Outcome) -> Draft:
    assert outcome.draft is not None
    return outcome.draft


# One person, two persons


async def test_what_one_person_may_do_takes_effect_at_once_and_is_put_to_use(desk: Office) -> None:
    outcome = await desk.changing.propose(JO, [front_door(order=3)], confirm=True)
    assert (outcome.result, outcome.takes_two) == ("in_force", False)
    draft = drafted(outcome)
    assert (draft.how, draft.version, draft.proposed_by, draft.organisation) == ("alone", 2, "user:us_jo", BROMLEY)
    ((version, bundle),) = desk.adopted
    assert version == 2
    assert await desk.versions.present() == (2, bundle)
    assert await office(desk.store).versions.present() == (2, bundle), "another node reads the same"


async def test_a_preview_changes_nothing(desk: Office) -> None:
    for change, two in ((front_door(order=3), False), (front_door(address=NEW), True)):
        outcome = await desk.changing.propose(JO, [change])
        assert (outcome.result, outcome.takes_two, outcome.draft) == ("preview", two, None)
    assert (await desk.versions.present())[0] == 1
    assert await desk.versions.listed(Listing(), OPERATOR) == []


async def test_hours_that_nobody_uses_yet_are_a_change_of_who_added_them(desk: Office) -> None:
    hours = Put(table="hours", cells={"name": "late", "times": "daily 17:30-22:00"})
    draft = drafted(await desk.changing.propose(JO, [hours], confirm=True))
    assert (draft.organisation, draft.state) == (BROMLEY, "in_force")
    about = await desk.versions.change(draft.id, JO)
    assert about is not None and [one.difference.path for one in about.judged] == ["hours[late]"]
    assert await desk.versions.change(draft.id, POLICE) is None
    of_all = drafted(await desk.changing.propose(OPERATOR, [replace(hours, cells={**hours.cells, "name": "x"})],
                                                 confirm=True))  # fmt: skip
    assert of_all.organisation == "operator" and await desk.versions.change(of_all.id, JO) is None


async def test_a_change_that_changes_nothing_leaves_no_trace(desk: Office) -> None:
    outcome = await desk.changing.propose(JO, [front_door()], confirm=True)
    assert outcome.result == "unchanged"
    assert await desk.versions.listed(Listing(), OPERATOR) == []


async def test_an_address_waits_for_a_second_person(desk: Office) -> None:
    draft = await waiting(desk)
    assert await address(desk) == "front-door@e09000006.example"
    assert desk.adopted == []
    outcome = await desk.changing.approve(SAM, draft.id)
    assert outcome.result == "in_force"
    done = drafted(outcome)
    assert (done.how, done.version, done.proposed_name, done.decided_name) == (
        "approved", 2, "Jo Example", "Sam Example",
    )  # fmt: skip
    assert await address(desk) == NEW
    assert [version for version, _ in desk.adopted] == [2]


async def test_all_of_it_waits_if_any_of_it_does(desk: Office) -> None:
    hours = Put(table="hours", cells={"name": "late", "times": "daily 17:30-22:00"})
    outcome = await desk.changing.propose(JO, [hours, front_door(address=NEW)], confirm=True)
    assert outcome.result == "waiting"
    assert [bool(one.reasons) for one in outcome.judged] == [True, False]
    assert (await desk.versions.present())[0] == 1


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (JO, "own"),
        (replace(SAM, actor="token:of-jo", person="us_jo"), "own"),
        (replace(SAM, actor="token:nightly", person=None, decides=False), "unnamed"),
        (POLICE, "unknown"),
        (MACHINE, "unnamed"),
    ],
    ids=["themselves", "by a token of theirs", "a token", "of another organisation", "nobody by name"],
)
async def test_who_may_not_agree(desk: Office, by: Author, refusal: str) -> None:
    draft = await waiting(desk)
    outcome = await desk.changing.approve(by, draft.id)
    assert (outcome.result, outcome.refusal) == ("refused", refusal)
    assert (await desk.changing.reject(by, draft.id)).refusal == refusal
    assert await address(desk) != NEW


async def test_what_a_token_of_theirs_proposed_they_do_not_agree_to(desk: Office) -> None:
    draft = await waiting(desk, replace(JO, actor="token:of-jo", name="of-jo", decides=False))
    assert (await desk.changing.approve(JO, draft.id)).refusal == "own"
    assert (await desk.changing.approve(SAM, draft.id)).result == "in_force"


async def test_an_operator_agrees_to_anybodys_and_an_administrator_to_an_operators(desk: Office) -> None:
    assert (await desk.changing.approve(OPERATOR, (await waiting(desk)).id)).result == "in_force"
    draft = await waiting(desk, OPERATOR, address="other@council.example")
    assert draft.organisation == BROMLEY
    assert (await desk.changing.approve(POLICE, draft.id)).refusal == "unknown"
    assert (await desk.changing.approve(SAM, draft.id)).result == "in_force"


async def test_what_an_operator_changes_of_several_only_an_operator_agrees_to(desk: Office) -> None:
    theirs = Put(table="contacts", cells={"id": "m", "organisation": MET, "desk": "missing_persons_unit",
                                          "channel": "email", "address": "m@police.example"})  # fmt: skip
    outcome = await desk.changing.propose(OPERATOR, [front_door(address=NEW), theirs], confirm=True)
    draft = drafted(outcome)
    assert draft.organisation == "operator"
    assert (await desk.changing.approve(SAM, draft.id)).refusal == "unknown"
    other = replace(OPERATOR, actor="user:us_lee", person="us_lee")
    assert (await desk.changing.approve(other, draft.id)).result == "in_force"


@pytest.mark.parametrize("state", ["rejected", "withdrawn"])
async def test_declined_or_taken_back_it_is_over(desk: Office, state: State) -> None:
    draft = await waiting(desk)
    end = desk.changing.reject(SAM, draft.id) if state == "rejected" else desk.changing.withdraw(JO, draft.id)
    outcome = await end
    assert outcome.result == state
    assert drafted(outcome).decided_by == ("user:us_sam" if state == "rejected" else "user:us_jo")
    assert (await desk.changing.approve(SAM, draft.id)).refusal == "settled"
    assert (await desk.changing.withdraw(JO, draft.id)).refusal == "settled"
    assert await address(desk) != NEW


async def test_only_who_proposed_it_takes_it_back(desk: Office) -> None:
    draft = await waiting(desk)
    assert (await desk.changing.withdraw(SAM, draft.id)).refusal == "not_asked"
    assert (await desk.changing.withdraw(POLICE, draft.id)).refusal == "unknown"
    assert (await desk.changing.withdraw(JO, "ch_nothing")).refusal == "unknown"


# Whose


async def test_another_organisations_entries_are_not_theirs(desk: Office) -> None:
    outcome = await desk.changing.propose(POLICE, [front_door(order=3)], confirm=True)
    assert outcome.result == "refused"
    assert [problem.path for problem in outcome.problems] == [f"contacts[{FRONT_DOOR}]"]
    assert (await desk.changing.propose(OPERATOR, [front_door(order=3)], confirm=True)).result == "in_force"


async def test_hours_that_became_anothers_meanwhile_are_not_changed_by_an_approval(desk: Office) -> None:
    """It was Bromley's alone when it was proposed; the operator, whose rules these are, may still agree."""
    later = Put(table="hours", cells={"name": "night", "times": "outside mon-fri 09:00-17:00"})
    draft = drafted(await desk.changing.propose(JO, [later, front_door(address=NEW)], confirm=True))
    unit = Put(table="contacts", cells={
        "id": "e23000001.missing_persons_unit", "organisation": MET, "desk": "missing_persons_unit", "channel": "email",
        "address": "missing-persons-unit@e23000001.example", "hours": "night",
    })  # fmt: skip
    refused = await desk.changing.propose(POLICE, [unit], confirm=True)
    assert [one.path for one in refused.problems] == ["contacts[e23000001.missing_persons_unit].hours"]
    assert (await desk.changing.propose(OPERATOR, [unit], confirm=True)).result == "in_force"
    outcome = await desk.changing.approve(SAM, draft.id)
    assert outcome.result == "refused"
    assert [problem.path for problem in outcome.problems] == ["hours[night]"]
    assert (await desk.changing.approve(OPERATOR, draft.id)).result == "in_force"


# Somebody else was there first


async def test_what_changed_meanwhile_is_told_entry_by_entry_and_not_overwritten(desk: Office) -> None:
    draft = await waiting(desk)
    assert (await desk.changing.propose(SAM, [front_door(order=7)], confirm=True)).result == "in_force"
    outcome = await desk.changing.approve(SAM, draft.id)
    assert outcome.result == "refused"
    (conflict,) = outcome.conflicts
    assert conflict.difference.path == f"contacts[{FRONT_DOOR}]"
    assert isinstance(conflict.now, Contact)
    assert conflict.now.order == 7
    assert await address(desk) != NEW
    assert (await desk.changing.withdraw(JO, draft.id)).result == "withdrawn", "it still waits"


async def test_a_change_elsewhere_is_no_conflict_and_both_hold(desk: Office) -> None:
    draft = await waiting(desk)
    mash = Put(table="desks", cells={"organisation": BROMLEY, "function": "mash", "name": "The hub"})
    assert (await desk.changing.propose(SAM, [mash], confirm=True)).result == "in_force"
    assert (await desk.changing.approve(SAM, draft.id)).result == "in_force"
    _, bundle = await desk.versions.present()
    assert await address(desk) == NEW
    assert next(d for d in bundle.desks if d.function == "mash").name == "The hub"


async def test_what_holds_by_now_makes_no_version(desk: Office) -> None:
    first, second = await waiting(desk), await waiting(desk, SAM)
    assert drafted(await desk.changing.approve(SAM, first.id)).version == 2
    again = drafted(await desk.changing.approve(JO, second.id))
    assert (again.state, again.version) == ("in_force", None)
    assert (await desk.versions.present())[0] == 2


async def test_what_fits_no_more_is_a_problem(desk: Office) -> None:
    second = front_door(id="second", desk="mash", address="m@council.example")
    draft = drafted(await desk.changing.propose(JO, [second], confirm=True))
    gone = await desk.changing.propose(SAM, [Remove(table="desks", key=(BROMLEY, "mash"))], confirm=True)
    assert gone.result == "in_force"
    outcome = await desk.changing.approve(SAM, draft.id)
    assert [problem.path for problem in outcome.problems] == ["contacts[second].desk"]


async def test_a_form_that_was_opened_before_somebody_else_saved_overwrites_nothing(desk: Office) -> None:
    assert (await desk.changing.propose(SAM, [front_door(order=7)], confirm=True)).result == "in_force"
    outcome = await desk.changing.propose(JO, [front_door(order=3)], seen=1, confirm=True)
    assert (outcome.result, len(outcome.conflicts)) == ("refused", 1)
    outcome = await desk.changing.propose(JO, [front_door(order=3)], seen=2, confirm=True)
    assert outcome.result == "in_force"
    assert (await desk.changing.propose(JO, [front_door(order=4)], seen=9, confirm=True)).problems[0].path == "seen"


async def test_a_form_that_was_opened_before_something_else_changed_is_saved(desk: Office) -> None:
    mash = Put(table="desks", cells={"organisation": BROMLEY, "function": "mash", "name": "The hub"})
    assert (await desk.changing.propose(SAM, [mash], confirm=True)).result == "in_force"
    outcome = await desk.changing.propose(JO, [front_door(order=3)], seen=1, confirm=True)
    assert outcome.result == "in_force"
    assert [one.difference.path for one in outcome.judged] == [f"contacts[{FRONT_DOOR}]"]
    _, bundle = await desk.versions.present()
    assert next(d for d in bundle.desks if d.function == "mash").name == "The hub"


# It cannot wait


async def test_an_override_takes_effect_at_once_and_is_loud(desk: Office, tmp_path: Path) -> None:
    outcome = await desk.changing.propose(JO, [front_door(address=NEW)], confirm=True, override=WHY)
    draft = drafted(outcome)
    assert (outcome.result, draft.how, draft.why) == ("in_force", "overridden", WHY)
    assert await address(desk) == NEW
    alarms = await desk.store.read(lambda unit: unit.alarms())
    assert sorted((a.kind, a.owner, a.reason) for a in alarms) == [
        ("directory_override", BROMLEY, draft.id),
        ("directory_override", "operator", draft.id),
    ]
    assert [(one.about, one.address) for one in await desk.told()] == FALLBACK
    assert any("directory.overridden" in line for line in ledger(tmp_path, LEDGER)["audit"])


async def test_what_waits_may_be_overridden_by_whoever_proposed_it(desk: Office) -> None:
    draft = await waiting(desk)
    assert (await desk.changing.override(JO, draft.id, "quick")).problems[0].path == "why"
    assert (await desk.changing.override(POLICE, draft.id, WHY)).refusal == "unknown"
    outcome = await desk.changing.override(JO, draft.id, WHY)
    done = drafted(outcome)
    assert (outcome.result, done.how, done.decided_name, done.decided_why) == (
        "in_force", "overridden", "Jo Example", WHY,
    )  # fmt: skip
    assert [(one.about, one.address) for one in await desk.told()] == [("waits", None), *FALLBACK]


async def test_an_override_takes_a_reason_and_a_person(desk: Office) -> None:
    change = front_door(address=NEW)
    assert (await desk.changing.propose(JO, [change], confirm=True, override="now")).problems[0].path == "why"
    token = replace(JO, actor="token:nightly", decides=False)
    assert (await desk.changing.propose(token, [change], confirm=True, override=WHY)).refusal == "unnamed"
    assert await address(desk) != NEW


async def test_what_takes_one_is_no_override(desk: Office) -> None:
    outcome = await desk.changing.propose(JO, [front_door(order=4)], confirm=True, override=WHY)
    assert drafted(outcome).how == "alone"
    assert await desk.told() == []
    assert await desk.store.read(lambda unit: unit.alarms()) == []


# A whole directory


async def test_a_whole_directory_waits_like_any_change_and_not_at_the_machine(desk: Office) -> None:
    bundle = ordered(replace(small_bundle(), contacts=tuple(replace(c, order=5, address=f"x.{c.address}")
                                                            for c in small_bundle().contacts)))  # fmt: skip
    outcome = await desk.changing.propose(OPERATOR, bundle, confirm=True)
    assert (outcome.result, len(outcome.judged)) == ("waiting", len(bundle.contacts))
    outcome = await desk.changing.propose(MACHINE, bundle, confirm=True, at_the_machine=True)
    assert (outcome.result, drafted(outcome).how) == ("in_force", "imported")
    assert await desk.versions.present() == (2, bundle)


async def test_the_first_import_of_all(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    desk = office(store)
    bundle = ordered(small_bundle())
    outcome = await desk.changing.propose(MACHINE, bundle, confirm=True, at_the_machine=True)
    assert drafted(outcome).version == 1
    assert {one.difference.kind for one in outcome.judged} == {"added"}
    found = await store.read(lambda unit: unit.directory_bundle())
    assert found == (1, dumps(bundle))
    await store.aclose()


async def test_an_administrators_import_is_of_their_own_part(desk: Office) -> None:
    _, present = await desk.versions.present()
    part = part_of(present, BROMLEY)
    assert (await desk.changing.propose(JO, part, confirm=True)).result == "unchanged"
    smaller = replace(part, contacts=tuple(c for c in part.contacts if c.id != "e09000006.fallback"))
    outcome = await desk.changing.propose(JO, smaller, confirm=True)
    assert [(one.difference.path, one.reasons) for one in outcome.judged] == [
        ("contacts[e09000006.fallback]", ("last_contact",))
    ]
    assert (await desk.changing.propose(JO, present, confirm=True)).problems[0].path == f"organisations[{MET}]"
    assert (await desk.changing.propose(OPERATOR, part, part=BROMLEY)).result == "unchanged"


async def test_a_directory_that_cannot_be_read_is_replaced_by_an_import_and_by_nothing_else(desk: Office) -> None:
    spoilt = dumps(small_bundle()).replace(b'"E23000001"', b'"E99999999"')
    await desk.store.write(lambda unit: unit.put_directory(spoilt, NOW, []))
    with pytest.raises(DirectoryUnreadable):
        await desk.changing.propose(JO, [front_door(order=1)], confirm=True)
    outcome = await desk.changing.propose(MACHINE, ordered(small_bundle()), confirm=True, at_the_machine=True)
    assert outcome.result == "in_force"
    assert {one.difference.key[0] for one in outcome.judged if one.difference.table == "organisations"} == {MET}
    assert (await desk.versions.present())[0] == 3


async def test_what_can_be_read_of_it_is_no_reason_to_leave_it_unreadable(desk: Office) -> None:
    """The import takes out just what cannot be read: all that is left stands in the directory already."""
    spoilt = dumps(small_bundle()).replace(b'"missing-persons-unit@e23000001.example"', b'"no mailbox"')
    await desk.store.write(lambda unit: unit.put_directory(spoilt, NOW, []))
    rest = ordered(replace(small_bundle(), contacts=tuple(c for c in small_bundle().contacts if c.organisation != MET)))
    preview = await desk.changing.propose(MACHINE, rest, at_the_machine=True)
    assert (preview.result, preview.judged) == ("preview", ())
    outcome = await desk.changing.propose(MACHINE, rest, confirm=True, at_the_machine=True)
    assert (outcome.result, drafted(outcome).version) == ("in_force", 3)
    assert await desk.versions.present() == (3, rest)
    assert (await desk.changing.propose(MACHINE, rest, confirm=True, at_the_machine=True)).result == "unchanged"


@pytest.mark.parametrize("seen", [2, 2**31, 2**63, 10**30, -1, -(10**30)])
async def test_a_version_that_never_was_is_a_problem_and_no_failure(desk: Office, seen: int) -> None:
    outcome = await desk.changing.propose(JO, [front_door(order=3)], seen=seen, confirm=True)
    assert (outcome.result, [one.path for one in outcome.problems]) == ("refused", ["seen"])


@pytest.mark.parametrize(("why", "kept"), [
    ("Typo", "Typo"), ("  ring\u00a0me  ", "ring me"), ("", None), ("  ", None), ("a\x07b", ...), ("x" * 501, ...),
])  # fmt: skip
async def test_what_is_said_to_a_rejection_is_kept_or_asked_for_anew(desk: Office, why: str, kept: object) -> None:
    draft = await waiting(desk)
    outcome = await desk.changing.reject(SAM, draft.id, why)
    if kept is ...:
        assert (outcome.result, [one.path for one in outcome.problems]) == ("refused", ["why"])
    else:
        assert (outcome.result, drafted(outcome).decided_why) == ("rejected", kept)


# What was


async def test_as_it_stood_at_any_time(desk: Office) -> None:
    draft = await waiting(desk)
    await desk.clock.advance(3600)
    await desk.changing.approve(SAM, draft.id)

    async def at(seconds: float, by: Author = JO) -> tuple[int | None, str | None]:
        found = await desk.versions.at(NOW + timedelta(seconds=seconds), by)
        addresses = [c.address for c in found.entries.contacts if c.id == FRONT_DOOR]
        return (found.version.number if found.version else None, addresses[0] if addresses else None)

    assert await at(-1) == (None, None)
    assert await at(0) == (1, "front-door@e09000006.example")
    assert await at(3599) == (1, "front-door@e09000006.example")
    assert await at(3600) == (2, NEW)
    assert await at(3600, POLICE) == (2, None), "another organisation's"
    assert await at(3600, OPERATOR) == (2, NEW)


async def test_what_an_earlier_list_of_authorities_had_is_shown_as_it_was(desk: Office) -> None:
    former = dumps(small_bundle()).replace(b'"E23000001"', b'"E99999999"')
    await desk.store.write(lambda unit: unit.put_directory(former, NOW + timedelta(hours=1), []))
    found = await desk.versions.at(NOW + timedelta(hours=1), OPERATOR)
    assert "E99999999" in {one.code for one in found.entries.organisations}


async def test_entries_that_were_not_in_force_then_did_not_stand_there(desk: Office) -> None:
    later = contact(BROMLEY, "front_door", id="later", address="l@council.example", valid_from=NOW + timedelta(days=2))
    bundle = ordered(replace(small_bundle(), contacts=(*small_bundle().contacts, later)))
    await desk.changing.propose(MACHINE, bundle, confirm=True, at_the_machine=True)
    for days, there in ((1, False), (2, True)):
        found = await desk.versions.at(NOW + timedelta(days=days), JO)
        assert (later in found.entries.contacts) is there


async def test_who_changed_an_entry_and_who_agreed(desk: Office) -> None:
    await desk.changing.propose(SAM, [front_door(order=7)], confirm=True)
    await desk.clock.advance(60)
    draft = drafted(await desk.changing.propose(JO, [front_door(order=7, address=NEW)], confirm=True))
    await desk.changing.approve(SAM, draft.id)
    newest, oldest = await desk.versions.history("contacts", (FRONT_DOOR,), JO)
    assert (newest.draft.proposed_name, newest.draft.decided_name) == ("Jo Example", "Sam Example")
    assert [(f.column, f.after) for one in newest.judged for f in one.difference.fields()] == [("address", NEW)]
    assert (oldest.draft.proposed_name, oldest.draft.decided_name) == ("Sam Example", None)
    assert await desk.versions.history("contacts", (FRONT_DOOR,), POLICE) == []
    versions = await desk.versions.versions()
    assert [(v.number, v.draft.id if v.draft else None) for v in versions] == [
        (3, draft.id), (2, oldest.draft.id), (1, None),
    ]  # fmt: skip


async def test_of_a_change_about_several_each_sees_its_own(desk: Office) -> None:
    bundle = ordered(replace(small_bundle(), contacts=tuple(replace(c, order=5) for c in small_bundle().contacts)))
    draft = drafted(await desk.changing.propose(MACHINE, bundle, confirm=True, at_the_machine=True))
    about = await desk.versions.change(draft.id, POLICE)
    assert about is not None
    assert [one.difference.path for one in about.judged] == ["contacts[e23000001.missing_persons_unit]"]
    assert [one.id for one in await desk.versions.listed(Listing(), POLICE)] == [draft.id]
    mine = await waiting(desk, order=5)
    assert await desk.versions.change(mine.id, POLICE) is None
    assert [one.id for one in await desk.versions.listed(Listing(), POLICE)] == [draft.id]
    assert len(await desk.versions.listed(Listing(), OPERATOR)) == 2


async def test_every_deed_is_a_line_of_the_audit_log(desk: Office, tmp_path: Path) -> None:
    draft = await waiting(desk)
    await desk.changing.approve(SAM, draft.id)
    await desk.changing.reject(SAM, (await waiting(desk, address="a@council.example")).id)
    await desk.changing.withdraw(JO, (await waiting(desk, address="b@council.example")).id)
    await desk.changing.propose(JO, [front_door(address=NEW, order=2)], confirm=True)
    lines = [line for line in ledger(tmp_path, LEDGER)["audit"] if any(str(cell).startswith("ch_") for cell in line)]
    actions = [next(str(cell) for cell in line if str(cell).startswith("directory.")) for line in lines]
    assert sorted(actions) == sorted(
        ["directory.proposed"] * 3
        + ["directory.approved", "directory.rejected", "directory.withdrawn", "directory.changed"]
    )
    assert all(BROMLEY in line for line in lines)
    assert "council.example" not in repr(lines)
    approved = next(line for line in lines if "directory.approved" in line)
    assert {"user:us_sam", draft.id} <= set(approved)
    assert "user:us_jo" in repr(approved)


# In use at once


async def test_the_directory_in_use_is_the_new_one_at_once_and_an_older_one_never_comes_back(store: Stores) -> None:
    live = LiveDirectory(store=store, areas=load_areas(), operator_address=None, ids=SeededIds("live"), log=Notes())
    await live.start(NOW)
    desk = office(store)
    changing = replace(desk.changing, adopt=live.take)
    outcome = await changing.propose(JO, [front_door(order=3)], confirm=True)
    assert outcome.result == "in_force"
    found = live().contact(FRONT_DOOR, NOW)
    assert found is not None
    assert (live.version, found.order) == (2, 3)
    live.take(1, Bundle())
    assert live.version == 2
    assert not await live.refresh(NOW), "nothing is left to read"
    other = LiveDirectory(store=store, areas=load_areas(), operator_address=None, ids=SeededIds("other"), log=Notes())
    await other.start(NOW)
    assert difference(other().bundle, live().bundle) == ()


def with_hours(number: int) -> Bundle:
    """Bromley's part with hours that nobody uses."""
    part = part_of(small_bundle(), BROMLEY)
    more = tuple(Hours(name=f"odd{n}", times="mon 09:00-10:00") for n in range(number))
    return replace(part, hours=(*part.hours, *more))


@pytest.mark.parametrize("by", [JO, OPERATOR], ids=["administrator", "operator"])
async def test_nobody_makes_a_directory_that_could_not_be_read_again(
    desk: Office, by: Author, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub that is started on it would know nobody."""
    rows = sum(len(getattr(small_bundle(), table)) for table in tables.TABLES)
    monkeypatch.setattr(tables, "MOST_ROWS", rows + 5)
    done = await desk.changing.propose(by, with_hours(6), part=BROMLEY, confirm=True)
    assert (done.result, [one.message for one in done.problems]) == ("refused", ["more rows than a directory has"])
    assert (await desk.changing.propose(by, with_hours(5), part=BROMLEY, confirm=True)).result == "in_force"
    assert (await office(desk.store).versions.present())[0] == 2
    monkeypatch.setattr(tables, "MOST_ROWS", rows + 50)
    monkeypatch.setattr(tables, "MAX_BYTES", len(dumps(small_bundle())) + 500)
    late = Put(table="hours", cells={"name": "late", "times": "mon 09:00-10:00"})
    done = await desk.changing.propose(by, [late], confirm=True)
    assert [one.message for one in done.problems] == ["larger than a directory can be"]


async def test_what_waited_is_not_agreed_to_where_there_is_no_room_for_it_any_more(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await waiting(desk)
    monkeypatch.setattr(tables, "MOST_ROWS", 1)
    done = await desk.changing.approve(SAM, draft.id)
    assert (done.result, [one.message for one in done.problems]) == ("refused", ["more rows than a directory has"])


async def test_an_administrator_does_not_heap_up_what_nobody_uses(desk: Office) -> None:
    done = await desk.changing.propose(JO, with_hours(scope.MOST_UNUSED + 1), confirm=True)
    (problem,) = done.problems
    assert (done.result, "nobody uses" in problem.message) == ("refused", True)
    many = await desk.changing.propose(OPERATOR, with_hours(scope.MOST_UNUSED + 1), part=BROMLEY, confirm=True)
    assert many.result == "in_force"
