"""One entry at a time: what is asked for is checked like an import, and what came of it can be told, undone and moved
to a directory that has changed meanwhile."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.areas import load_areas
from contacts.changes import (
    Change,
    Difference,
    Put,
    Remove,
    applied,
    checked,
    difference,
    entries,
    merged,
    standing,
    tables,
)
from contacts.changes_json import bundle_as_stored, differences_from_json, differences_to_json
from contacts.export import ordered
from contacts.model import Bundle, Certificate, Contact, Hours
from contacts.tables import Loaded, dumps, load_json
from tests.kit.bundles import bundles
from tests.kit.directory import BROMLEY, MET, NOW, certificate_der, contact, pem, small_bundle

AREAS = load_areas()
DER = certificate_der("Front Door", NOW - timedelta(days=1), NOW + timedelta(days=365))
EXPIRED = certificate_der("Front Door", NOW - timedelta(days=9), NOW - timedelta(days=1))
FRONT_DOOR = "e09000006.front_door"
few = st.sampled_from(["a", "b", "c", "d"])


def apply(*changes: Change, bundle: Bundle | None = None, strict: bool = True) -> Loaded:
    return applied(bundle or ordered(small_bundle()), changes, AREAS, NOW, strict=strict)


def after(*changes: Change, **more: Any) -> Bundle:
    loaded = apply(*changes, **more)
    assert loaded.problems == ()
    assert loaded.bundle is not None
    return loaded.bundle


def problems(*changes: Change, **more: Any) -> dict[str, str]:
    loaded = apply(*changes, **more)
    assert loaded.bundle is None
    return {problem.path: problem.message for problem in loaded.problems}


def cells(**changes: Any) -> dict[str, Any]:
    return {
        "id": FRONT_DOOR,
        "organisation": BROMLEY,
        "desk": "front_door",
        "channel": "email",
        "address": "front-door@e09000006.example",
        "hours": "office",
        **changes,
    }


# What is asked for


def test_a_put_changes_one_entry_and_nothing_else() -> None:
    before = ordered(small_bundle())
    (one,) = difference(before, after(Put(table="contacts", cells=cells(address="Desk@New.example"))))
    assert (one.kind, one.path) == ("changed", f"contacts[{FRONT_DOOR}]")
    assert [(f.column, f.before, f.after) for f in one.fields()] == [
        ("address", "front-door@e09000006.example", "Desk@new.example")
    ]


def test_a_put_of_a_new_key_adds_and_a_remove_takes_out() -> None:
    before = ordered(small_bundle())
    found = difference(
        before,
        after(
            Put(table="hours", cells={"name": "late", "times": "Mon-Fri 17:30-22:00"}),
            Remove(table="contacts", key=("e09000006.fallback",)),
        ),
    )
    assert [(one.kind, one.path) for one in found] == [
        ("removed", "contacts[e09000006.fallback]"),
        ("added", "hours[late]"),
    ]
    assert found[1].after == Hours(name="late", times="mon-fri 17:30-22:00")
    assert [f.column for f in found[1].fields()] == ["name", "times"]


def test_cells_of_a_form_are_text() -> None:
    put = Put(table="contacts", cells=cells(order="3", exercises="true", valid_from="2026-07-01"))
    assert set(problems(put)) == {"changes[0].order", "changes[0].exercises"}
    (one,) = difference(ordered(small_bundle()), after(put, strict=False))
    assert isinstance(one.after, Contact)
    assert (one.after.order, one.after.exercises) == (3, True)


def test_every_problem_at_once_each_with_its_place_and_none_with_an_address() -> None:
    found = problems(
        Put(table="contacts", cells=cells(address="nobody at all", order=1000)),
        Put(table="desks", cells={"organisation": "E08000035", "function": "front_door", "colour": "red"}),
        Remove(table="contacts", key=("nobody",)),
        Remove(table="desks", key=(BROMLEY, "mash")),
        Put(table="desks", cells={"organisation": BROMLEY, "function": "mash"}),
        Remove(table="hours", key=("night",)),
    )
    assert set(found) == {
        "changes[0].address",
        "changes[0].order",
        "changes[1].colour",
        "changes[2]",
        "changes[4]",
        "contacts[e09000006.emergency_duty_team].hours",
        "contacts[e09000006.fostering_out_of_hours].hours",
    }
    assert "nobody at all" not in repr(found)


def test_what_refers_to_a_broken_row_is_not_reported_too() -> None:
    desk = {"organisation": BROMLEY, "function": "mase_panel", "phone": "12"}
    found = problems(
        Put(table="desks", cells=desk),
        Put(table="contacts", cells=cells(id="new", desk="mase_panel", address="panel@council.example")),
    )
    assert set(found) == {"changes[0].phone"}


def test_a_whole_desk_goes_with_its_contacts_in_one_go() -> None:
    found = after(Remove(table="desks", key=(MET, "missing_persons_unit")), Remove(table="contacts", key=(
        f"{MET}.missing_persons_unit".lower(),)))  # fmt: skip
    assert all(c.organisation != MET for c in found.contacts)
    assert set(problems(Remove(table="desks", key=(MET, "missing_persons_unit")))) == {
        "contacts[e23000001.missing_persons_unit].desk"
    }


def test_only_what_is_put_is_warned_of() -> None:
    held = Certificate(address="mash@council.example", der=EXPIRED, fingerprint="f" * 64)
    bundle = ordered(replace(small_bundle(), certificates=(held,)))
    assert apply(Put(table="contacts", cells=cells(order=2)), bundle=bundle).warnings == ()
    put = Put(table="certificates", cells={"address": "front-door@council.example", "certificate": pem(EXPIRED)})
    (warning,) = apply(put, bundle=bundle).warnings
    assert warning.path == "changes[0].certificate"


def test_a_certificate_is_shown_by_its_fingerprint_and_not_by_its_address() -> None:
    put = Put(table="certificates", cells={"address": "jo.example@council.example", "certificate": pem(DER)})
    (one,) = difference(ordered(small_bundle()), after(put))
    assert one.path == f"certificates[{one.key[1][:16]}]"
    assert "jo.example" not in repr(one)


# What came of it


@given(bundles(few), bundles(few))
def test_a_difference_put_on_what_it_was_found_from_makes_the_other(one: Bundle, other: Bundle) -> None:
    found = difference(one, other)
    done = merged(one, found)
    assert done.conflicts == ()
    assert done.bundle == ordered(other)
    assert difference(done.bundle, other) == ()
    assert merged(other, found).bundle == ordered(other)  # twice changes nothing


@given(bundles(few), bundles(few))
def test_the_way_back_is_the_difference_the_other_way_round(one: Bundle, other: Bundle) -> None:
    back = tuple(replace(d, before=d.after, after=d.before) for d in difference(one, other))
    assert back == difference(other, one)
    assert merged(other, back).bundle == ordered(one)


@given(bundles(few), bundles(few), bundles(few))
def test_nothing_is_overwritten_and_nothing_half_done(base: Bundle, ours: Bundle, theirs: Bundle) -> None:
    mine = difference(base, ours)
    done = merged(theirs, mine)
    moved = {(d.table, d.key): d.after for d in difference(base, theirs)}
    meant = {(d.table, d.key): d.after for d in mine}
    clash = {place for place in moved.keys() & meant.keys() if moved[place] != meant[place]}
    assert {(c.difference.table, c.difference.key) for c in done.conflicts} == clash
    if clash:
        assert done.bundle == theirs
    else:
        assert {(d.table, d.key) for d in difference(base, done.bundle)} == moved.keys() | meant.keys()


@given(bundles(few), bundles(few))
def test_what_is_kept_of_a_difference_says_the_same_later(one: Bundle, other: Bundle) -> None:
    found = difference(one, other)
    assert differences_from_json(differences_to_json(found)) == found


@given(bundles())
def test_a_directory_that_was_stored_is_read_as_it_was(bundle: Bundle) -> None:
    assert bundle_as_stored(dumps(bundle)) == ordered(bundle)


def test_also_where_a_later_list_of_authorities_would_refuse_it() -> None:
    data = dumps(small_bundle()).replace(BROMLEY.encode(), b"E09999999")
    assert load_json(data, AREAS, NOW).bundle is None
    assert "E09999999" in {o.code for o in bundle_as_stored(data).organisations}


@pytest.mark.parametrize("data", [b"", b"no directory", b"[]", b"{}", b'{"organisations": [1]}', b"\xff"])
def test_what_is_no_directory_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="not the JSON of a directory"):
        bundle_as_stored(data)


def test_a_certificate_is_kept_whole() -> None:
    put = Put(table="certificates", cells={"address": "jo.example@council.example", "certificate": pem(DER)})
    found = difference(ordered(small_bundle()), after(put))
    assert differences_from_json(differences_to_json(found)) == found


@given(bundles(few), bundles(few))
def test_rows_put_one_by_one_are_an_import(one: Bundle, other: Bundle) -> None:
    """The same rows, asked for as changes, come to the same bundle as reading the file."""
    loaded = load_json(dumps(other), AREAS, NOW)
    assert loaded.bundle is not None
    rows = differences_to_json(difference(one, other))
    changes: list[Change] = [
        Remove(table=row["table"], key=tuple(row["key"]))
        if row["after"] is None
        else Put(table=row["table"], cells=row["after"])
        for row in rows
    ]
    found = applied(ordered(one), changes, AREAS, NOW)
    assert found.problems == ()
    assert found.bundle == loaded.bundle


def test_a_conflict_says_what_stands_there_now() -> None:
    base = ordered(small_bundle())
    mine = difference(base, after(Put(table="contacts", cells=cells(address="mine@council.example"))))
    theirs = after(Put(table="contacts", cells=cells(address="theirs@council.example")))
    (conflict,) = merged(theirs, mine).conflicts
    assert isinstance(conflict.now, Contact)
    assert conflict.now.address == "theirs@council.example"
    assert "theirs@" not in repr(conflict)


def test_what_does_not_fit_any_more_is_found_after_a_merge() -> None:
    base = ordered(small_bundle())
    mine = difference(base, after(Put(table="contacts", cells=cells(id="new", desk="mash", address="m@c.example"))))
    theirs = after(Remove(table="desks", key=(BROMLEY, "mash")))
    done = merged(theirs, mine)
    assert done.conflicts == ()
    assert [p.path for p in checked(done.bundle)] == ["contacts[new].desk"]


@pytest.mark.parametrize(("days", "there"), [(-1, False), (0, True), (9, True), (10, False)])
def test_as_it_stands_at_a_moment(days: int, there: bool) -> None:
    dated = contact(BROMLEY, "mash", valid_from=NOW, valid_until=NOW + timedelta(days=10))
    bundle = replace(small_bundle(), contacts=(*small_bundle().contacts, dated))
    assert (dated in standing(bundle, NOW + timedelta(days=days)).contacts) is there


def test_a_difference_of_one_side_shows_what_is_set() -> None:
    hours = Hours(name="late", times="daily 17:30-22:00")
    gone = Difference(table="hours", key=("late",), before=hours, after=None)
    assert [(f.column, f.before, f.after) for f in gone.fields()] == [
        ("name", "late", None),
        ("times", "daily 17:30-22:00", None),
    ]


@settings(max_examples=30)
@given(bundles(few), st.data())
def test_what_is_not_looked_through_fits_together_still(bundle: Bundle, data: st.DataObject) -> None:
    """Only what a change may have broken is looked at: it finds what looking through all of it would."""
    several = [(table, key) for table in tables() for key in entries(bundle, table)]
    removed = data.draw(st.lists(st.sampled_from(several), min_size=1, max_size=3, unique=True))
    left = {
        table: tuple(entry for key, entry in entries(bundle, table).items() if (table, key) not in removed)
        for table in tables()
    }
    whole = checked(ordered(Bundle(**left)))  # type: ignore[arg-type]  # each table's own
    found = applied(bundle, [Remove(table=table, key=key) for table, key in removed], AREAS, NOW)
    assert set(found.problems) == set(whole)
