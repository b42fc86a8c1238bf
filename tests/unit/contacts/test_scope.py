"""Whose an entry is: an organisation's part goes out and comes back, and nobody changes another's reach."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.areas import load_areas
from contacts.changes import difference
from contacts.export import ordered
from contacts.model import Bundle, Certificate, Hours, Organisation
from contacts.scope import beyond, concerned, part_of, with_part
from contacts.tables import dumps, load_json
from tests.kit.bundles import bundles
from tests.kit.directory import BROMLEY, MET, NOW, certificate_der, contact, small_bundle

AREAS = load_areas()
SMALL = ordered(small_bundle())
DER = certificate_der("Front Door", NOW - timedelta(days=1), NOW + timedelta(days=365))
few = st.sampled_from(["a", "b", "c", "d"])


def with_contact(bundle: Bundle, id: str, **changes: Any) -> Bundle:
    return ordered(replace(bundle, contacts=tuple(replace(c, **changes) if c.id == id else c for c in bundle.contacts)))


def refused(before: Bundle, after: Bundle, organisation: str = BROMLEY) -> dict[str, str]:
    found = difference(before, after)
    whose = concerned(before, after, found)
    return {problem.path: problem.message for problem in beyond(organisation, before, found, whose)}


def certified(bundle: Bundle, address: str, *, pinned: bool = False) -> Bundle:
    held = Certificate(address=address, der=DER, fingerprint="a" * 64, pinned=pinned)
    return ordered(replace(bundle, certificates=(held,)))


SHARED = with_contact(SMALL, f"{MET}.missing_persons_unit".lower(), hours="night")
"""The police and the council both use the hours of the night."""


def test_its_own_entries() -> None:
    after = with_contact(SMALL, "e09000006.front_door", address="new@council.example")
    assert refused(SMALL, after) == {}
    assert list(refused(SMALL, after, MET)) == ["contacts[e09000006.front_door]"]


def test_a_contact_is_not_taken_over_by_its_id() -> None:
    after = with_contact(SMALL, f"{MET}.missing_persons_unit".lower(), organisation=BROMLEY, desk="mash")
    assert list(refused(SMALL, after)) == ["contacts[e23000001.missing_persons_unit]"]
    assert list(refused(SMALL, after, MET)) == ["contacts[e23000001.missing_persons_unit]"]


def test_hours_that_another_uses_are_the_operators() -> None:
    def later(bundle: Bundle) -> Bundle:
        hours = tuple(replace(h, times="outside mon-fri 09:00-17:00") if h.name == "night" else h for h in bundle.hours)
        return replace(bundle, hours=hours)

    assert refused(SMALL, later(SMALL)) == {}
    assert list(refused(SHARED, later(SHARED))) == ["hours[night]"]
    assert list(refused(SMALL, later(SMALL), MET)) == ["hours[night]"]


def test_new_hours_and_those_that_nobody_uses_are_anybodys() -> None:
    more = ordered(replace(SMALL, hours=(*SMALL.hours, Hours(name="late", times="daily 17:00-22:00"))))
    assert refused(SMALL, more) == refused(SMALL, more, MET) == refused(more, SMALL, MET) == {}


def test_hours_that_another_uses_alone_are_not_taken_up() -> None:
    """Else the two would be the operator's, and whose they were could not change them any more."""
    unit = f"{MET.lower()}.missing_persons_unit"
    theirs = with_contact(SMALL, unit, hours="office")
    assert list(refused(SMALL, theirs, MET)) == [f"contacts[{unit}].hours"]
    more = ordered(
        replace(
            SMALL,
            contacts=(
                *SMALL.contacts,
                contact(MET, "missing_persons_unit", id="m", address="m@m.example", hours="night"),
            ),
        )
    )
    assert list(refused(SMALL, more, MET)) == ["contacts[m].hours"]
    assert refused(theirs, with_contact(theirs, unit, order=5), MET) == {}, "they had them before"
    shared = ordered(replace(theirs, contacts=(*theirs.contacts, contact("CEOP", "referrals", hours="office"))))
    assert refused(theirs, shared, "CEOP") == {}, "what several use is nobody's own"
    assert refused(SMALL, with_contact(SMALL, "e09000006.front_door", hours="night")) == {}


def test_a_certificate_belongs_to_whose_contact_has_the_address() -> None:
    address = "front-door@e09000006.example"
    held = certified(SMALL, address)
    assert refused(SMALL, held) == refused(held, SMALL) == refused(held, certified(SMALL, address, pinned=True)) == {}
    assert list(refused(SMALL, held, MET)) == [f"certificates[{'a' * 16}]"]
    assert list(refused(SMALL, certified(SMALL, "jo.example@council.example"))) == [f"certificates[{'a' * 16}]"]


def test_to_take_up_anothers_address_does_not_make_its_certificate_ones_own() -> None:
    theirs = f"missing-persons-unit@{MET.lower()}.example"
    taken_up = ordered(replace(SMALL, contacts=(*SMALL.contacts, contact(BROMLEY, "mash", address=theirs.upper()))))
    assert list(refused(SMALL, certified(taken_up, theirs))) == [f"certificates[{'a' * 16}]"]


def test_organisations_come_and_go_by_the_operator() -> None:
    more = ordered(replace(SMALL, organisations=(*SMALL.organisations, Organisation(code="CEOP", name="x"))))
    assert list(refused(SMALL, more, "CEOP")) == ["organisations[CEOP]"]
    assert list(refused(more, SMALL, "CEOP")) == ["organisations[CEOP]"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"name": "Example Borough"}, None),
        ({"phone": "+441632960009"}, None),
        ({"signing_identity": "key-2"}, f"organisations[{BROMLEY}].signing_identity"),
    ],
)
def test_of_its_own_row_all_but_the_key_that_signs(changes: dict[str, Any], path: str | None) -> None:
    organisations = tuple(replace(o, **changes) if o.code == BROMLEY else o for o in SMALL.organisations)
    assert list(refused(SMALL, replace(SMALL, organisations=organisations))) == ([] if path is None else [path])


def test_whose_reach_a_change_alters() -> None:
    hours = tuple(replace(h, bank_holidays=None) for h in SHARED.hours)
    after = with_contact(replace(SHARED, hours=hours), "operator.operator", order=1)
    found = difference(SHARED, after)
    said = dict(zip([one.path for one in found], concerned(SHARED, after, found), strict=True))
    assert said == {
        "contacts[operator.operator]": {"operator"},
        "hours[night]": {BROMLEY, MET},
        "hours[office]": {BROMLEY},
    }


@given(bundles(few), st.data())
def test_a_part_goes_out_and_comes_back_byte_for_byte(bundle: Bundle, data: st.DataObject) -> None:
    whole = ordered(bundle)
    organisation = data.draw(st.sampled_from([o.code for o in whole.organisations]))
    sent = dumps(part_of(whole, organisation))
    loaded = load_json(sent, AREAS, NOW)
    assert loaded.bundle is not None, loaded.problems
    back = with_part(whole, organisation, loaded.bundle)
    assert back == whole
    assert dumps(part_of(back, organisation)) == sent


@given(bundles(few), bundles(few), st.data())
def test_what_may_be_done_changes_no_other_organisations_part(one: Bundle, other: Bundle, data: st.DataObject) -> None:
    before = ordered(one)
    organisation = data.draw(st.sampled_from([o.code for o in before.organisations]))
    after = with_part(before, organisation, part_of(other, organisation))
    if refused(before, after, organisation):
        return
    for code in {o.code for o in before.organisations} - {organisation}:
        assert part_of(after, code) == part_of(before, code)


def test_what_a_part_leaves_out_goes_and_what_others_use_stays() -> None:
    part = part_of(SHARED, BROMLEY)
    ids = {"e09000006.emergency_duty_team", "e09000006.fostering_out_of_hours"}
    smaller = replace(part, contacts=tuple(c for c in part.contacts if c.id not in ids), hours=part.hours[1:])
    after = with_part(SHARED, BROMLEY, smaller)
    assert {d.path for d in difference(SHARED, after)} == {f"contacts[{one}]" for one in ids}
    assert refused(SHARED, after) == {}
