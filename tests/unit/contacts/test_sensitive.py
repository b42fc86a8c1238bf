"""What takes two persons: whatever alters where a notice goes, now or later; and nothing else."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.changes import Difference, difference, merged
from contacts.export import ordered
from contacts.model import Bundle, Certificate, Contact, Desk, Hours, in_force
from contacts.sensitive import reasons
from tests.kit.bundles import bundles
from tests.kit.directory import BROMLEY, MET, NOW, certificate_der, contact, small_bundle

DAY = timedelta(days=1)
DER = certificate_der("Front Door", NOW - DAY, NOW + 365 * DAY)
EXPIRED = certificate_der("Front Door", NOW - 9 * DAY, NOW - DAY)
FRONT_DOOR = "front-door@e09000006.example"
few = st.sampled_from(["a", "b", "c", "d"])


def why(before: Bundle, after: Bundle) -> dict[str, set[str]]:
    found = difference(before, after)
    return {one.path: set(said) for one, said in zip(found, reasons(before, after, found, NOW), strict=True)}


def with_contact(bundle: Bundle, id: str, **changes: Any) -> Bundle:
    assert any(c.id == id for c in bundle.contacts)
    return replace(bundle, contacts=tuple(replace(c, **changes) if c.id == id else c for c in bundle.contacts))


def with_desk(bundle: Bundle, function: str, **changes: Any) -> Bundle:
    desks = (replace(d, **changes) if (d.organisation, d.function) == (BROMLEY, function) else d for d in bundle.desks)
    return replace(bundle, desks=tuple(desks))


def with_organisation(bundle: Bundle, code: str = BROMLEY, **changes: Any) -> Bundle:
    found = tuple(replace(o, **changes) if o.code == code else o for o in bundle.organisations)
    return replace(bundle, organisations=found)


def plus(bundle: Bundle, *contacts: Contact) -> Bundle:
    return replace(bundle, contacts=(*bundle.contacts, *contacts))


def without(bundle: Bundle, *ids: str) -> Bundle:
    return replace(bundle, contacts=tuple(c for c in bundle.contacts if c.id not in ids))


def certified(bundle: Bundle, *ders: bytes, address: str = FRONT_DOOR, pinned: bool = False) -> Bundle:
    found = (
        Certificate(address=address, der=der, fingerprint=f"{n:064x}", pinned=pinned) for n, der in enumerate(ders)
    )
    return replace(bundle, certificates=tuple(found))


ID = "e09000006.front_door"
SMALL = small_bundle()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"address": "other@council.example"}, {"address"}),
        ({"channel": "push", "address": "https://council.example/"}, {"channel", "address"}),
        # A text carries no content: the desk is left without whoever gets the notice itself.
        ({"channel": "sms", "address": "+447700900123"}, {"channel", "number", "last_contact"}),
        ({"desk": "mash"}, {"desk", "last_contact"}),
        ({"valid_until": NOW + 30 * DAY}, {"last_contact"}),
        ({"valid_from": NOW + DAY}, {"last_contact"}),
        ({"least_priority": "high"}, {"last_contact"}),
        ({"hours": None}, set()),
        ({"order": 5}, set()),
        ({"exercises": True}, set()),
        ({"valid_from": NOW - 9 * DAY}, set()),
    ],
    ids=lambda one: "+".join(sorted(one)) or "-",
)
def test_a_contact_in_force(changes: dict[str, Any], expected: set[str]) -> None:
    assert why(SMALL, with_contact(SMALL, ID, **changes)) == {f"contacts[{ID}]": expected}


def test_a_contact_that_is_over_concerns_nobody() -> None:
    over = plus(SMALL, contact(BROMLEY, "front_door", id="former", address="f@c.example", valid_until=NOW))
    assert why(over, with_contact(over, "former", address="g@c.example")) == {"contacts[former]": set()}
    assert why(over, without(over, "former")) == {"contacts[former]": set()}


@pytest.mark.parametrize("until", [None, NOW + timedelta(seconds=1)])
def test_what_is_over_does_not_come_back_alone(until: Any) -> None:
    over = plus(SMALL, contact(BROMLEY, "front_door", id="former", address="f@c.example", valid_until=NOW))
    assert why(over, with_contact(over, "former", valid_until=until)) == {"contacts[former]": {"new_contact"}}


def test_to_be_in_force_a_little_later_is_no_way_round_it() -> None:
    later = contact(BROMLEY, "front_door", id="later", address="l@c.example", valid_from=NOW + timedelta(minutes=1))
    assert why(SMALL, plus(SMALL, later)) == {"contacts[later]": {"new_contact"}}
    waiting = plus(SMALL, later)
    assert why(waiting, with_contact(waiting, "later", address="x@c.example")) == {"contacts[later]": {"address"}}
    assert why(waiting, with_contact(waiting, "later", valid_from=NOW)) == {"contacts[later]": {"longer"}}
    ends = plus(SMALL, replace(later, valid_from=None, valid_until=NOW + DAY))
    assert why(ends, with_contact(ends, "later", valid_until=NOW + 2 * DAY)) == {"contacts[later]": {"longer"}}


def test_a_new_desk_takes_two_as_soon_as_somebody_sits_there() -> None:
    """It may be the emergency duty team's, which stands in for all the others."""
    desk = Desk(organisation=BROMLEY, function="mase_panel")
    empty = replace(SMALL, desks=(*SMALL.desks, desk))
    assert why(SMALL, empty) == {f"desks[{BROMLEY}/mase_panel]": set()}
    staffed = plus(empty, contact(BROMLEY, "mase_panel", id="panel"))
    assert why(SMALL, staffed)["contacts[panel]"] == {"new_contact"}


def test_one_of_two_contacts_may_go_and_the_last_may_not() -> None:
    two = plus(SMALL, contact(BROMLEY, "front_door", id="second", address="s@c.example"))
    assert why(two, without(two, "second")) == {"contacts[second]": set()}
    assert why(two, without(two, "second", ID)) == {
        f"contacts[{ID}]": {"last_contact"},
        "contacts[second]": {"last_contact"},
    }


def test_a_hand_over_without_a_hole_leaves_nobody_out_and_one_with_a_hole_does() -> None:
    until, start = NOW + 30 * DAY, NOW + 31 * DAY
    two = plus(SMALL, contact(BROMLEY, "front_door", id="next", address="n@c.example", valid_from=until))
    assert why(two, with_contact(two, ID, valid_until=until)) == {f"contacts[{ID}]": set()}
    hole = with_contact(two, "next", valid_from=start)
    assert why(hole, with_contact(hole, ID, valid_until=until)) == {f"contacts[{ID}]": {"last_contact"}}


def test_a_desk_that_ends_or_goes_takes_its_contacts_with_it() -> None:
    ended = with_desk(SMALL, "front_door", valid_until=NOW + DAY)
    assert why(SMALL, ended) == {f"desks[{BROMLEY}/front_door]": {"last_contact"}}
    gone = replace(without(SMALL, ID), desks=tuple(d for d in SMALL.desks if d.function != "front_door"))
    assert why(SMALL, gone) == {
        f"desks[{BROMLEY}/front_door]": {"last_contact"},
        f"contacts[{ID}]": {"last_contact"},
    }
    assert why(ended, SMALL) == {f"desks[{BROMLEY}/front_door]": {"longer"}}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"deputy": "mash"}, {"deputy"}),
        ({"phone": "+441632960009"}, {"number"}),
        ({"name": "The front office"}, set()),
        ({"valid_from": NOW - DAY}, set()),
    ],
)
def test_a_desk(changes: dict[str, Any], expected: set[str]) -> None:
    assert why(SMALL, with_desk(SMALL, "front_door", **changes)) == {f"desks[{BROMLEY}/front_door]": expected}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"fallback_desk": "mash"}, {"fallback"}),
        ({"phone": "+441632960009"}, {"number"}),
        ({"phone": None}, {"number"}),
        ({"signing_identity": "key-2"}, {"signing"}),
        ({"valid_until": NOW + DAY}, {"last_contact"}),
        ({"name": "Example Borough"}, set()),
        ({"hub_register": False}, set()),
    ],
)
def test_an_organisation(changes: dict[str, Any], expected: set[str]) -> None:
    assert why(SMALL, with_organisation(SMALL, **changes)) == {f"organisations[{BROMLEY}]": expected}


def test_an_organisation_that_comes_back_brings_its_contacts_back() -> None:
    ended = with_organisation(SMALL, MET, valid_until=NOW - DAY)
    assert why(ended, SMALL) == {f"organisations[{MET}]": {"longer"}}


def test_certificates() -> None:
    path = f"certificates[{0:016x}]"
    held = certified(SMALL, DER)
    assert why(SMALL, held) == {path: {"certificate"}}
    assert why(held, SMALL) == {path: {"certificate"}}, "what was sealed would be a bare alert"
    assert why(held, certified(SMALL, DER, pinned=True)) == {path: {"pin"}}
    assert why(certified(SMALL, EXPIRED), SMALL) == {path: set()}, "tidying up"
    elsewhere = certified(SMALL, DER, address="nobody@council.example")
    assert why(elsewhere, SMALL) == {path: set()}


def test_hours_and_names_take_one_person() -> None:
    hours = tuple(replace(h, times="mon-fri 09:00-17:00") if h.name == "office" else h for h in SMALL.hours)
    found = replace(SMALL, hours=(*hours, Hours(name="late", times="daily 17:30-22:00")))
    assert why(SMALL, found) == {"hours[late]": set(), "hours[office]": set()}


# Whatever the directory


def reached(bundle: Bundle, at: Any) -> set[tuple[str, str, str, str]]:
    """Every address that something may go to at an instant, for which desk."""
    bodies = {o.code for o in bundle.organisations if in_force(o, at)}
    desks = {(d.organisation, d.function) for d in bundle.desks if in_force(d, at)}
    return {
        (c.organisation, c.desk, c.channel, c.address)
        for c in bundle.contacts
        if in_force(c, at) and c.organisation in bodies and (c.organisation, c.desk) in desks
    }


def _moments(*sides: Bundle) -> set[Any]:
    dated = [e for side in sides for table in (side.organisations, side.desks, side.contacts) for e in table]
    turns = {at for e in dated for at in (e.valid_from, e.valid_until) if at is not None and at > NOW}
    return {NOW, *turns}


def _kept(found: Iterable[Difference], said: Iterable[tuple[str, ...]]) -> list[Difference]:
    return [one for one, why in zip(found, said, strict=True) if not why]


@given(bundles(few), bundles(few))
def test_what_one_person_may_do_lets_nothing_go_anywhere_new(one: Bundle, other: Bundle) -> None:
    """Taken together without what takes two, wherever that fits together, nothing goes where it did not go before."""
    found = difference(one, other)
    alone = _kept(found, reasons(one, other, found, NOW))
    after = merged(one, alone).bundle
    again = difference(one, after)
    if not any(reasons(one, after, again, NOW)):
        for at in _moments(one, after):
            assert reached(after, at) <= reached(one, at)


@given(bundles(few), bundles(few))
def test_nor_does_it_leave_a_desk_without_anybody(one: Bundle, other: Bundle) -> None:
    found = difference(one, other)
    if any("last_contact" in said for said in reasons(one, other, found, NOW)):
        return
    for at in _moments(one, other):
        desks_before = {way[:2] for way in reached(one, at)}
        assert desks_before <= {way[:2] for way in reached(other, at)}


@given(bundles(few))
def test_a_directory_that_comes_from_nothing_takes_two_for_every_contact_that_counts(bundle: Bundle) -> None:
    found = difference(Bundle(), ordered(bundle))
    said = reasons(Bundle(), ordered(bundle), found, NOW)
    live = {c.id for at in _moments(bundle) for c in bundle.contacts if _reached(bundle, c, at)}
    for one, why in zip(found, said, strict=True):
        if isinstance(one.after, Contact):
            assert (why == ("new_contact",)) is (one.after.id in live)


def _reached(bundle: Bundle, contact: Contact, at: Any) -> bool:
    return (contact.organisation, contact.desk, contact.channel, contact.address) in reached(bundle, at) and in_force(
        contact, at
    )
