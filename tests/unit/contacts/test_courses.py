"""What a notice to a desk would go through, in its hours and out of them, and when nobody is there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from contacts.courses import course, unstaffed
from contacts.directory import Directory
from contacts.model import Bundle, Contact, Hours
from contacts.plans import moved
from contacts.scope import part_of
from tests.kit.directory import BROMLEY, NIGHT, NOW, contact, small_bundle


def directory(*more: Contact, without: str = "", hours: tuple[Hours, ...] = (), **desk: str) -> Directory:
    """Bromley's part with these contacts besides, without those of a desk; ``desk``: columns of the front door."""
    bundle = part_of(small_bundle(), BROMLEY)
    desks = tuple(replace(one, **desk) if one.function == "front_door" else one for one in bundle.desks)
    left = tuple(one for one in bundle.contacts if one.desk != without)
    return Directory.of(replace(bundle, desks=desks, contacts=(*left, *more), hours=(*bundle.hours, *hours)))


def shown(found: Directory, function: str, at: datetime) -> list[tuple[str, str, list[list[str]]]]:
    return [
        (stage.part, stage.desk, [[way.contact.id for way in step] for step in stage.steps])
        for stage in course(found, BROMLEY, function, at, "normal")
    ]


FRONT, NIGHTS = "e09000006.front_door", "e09000006.emergency_duty_team"


def test_by_day_its_own_steps_and_then_whoever_stands_in() -> None:
    second = contact(BROMLEY, "front_door", id="second", address="b@council.example", order=1)
    found = directory(second, deputy="social_work_team")
    assert shown(found, "front_door", NOW) == [
        ("own", "front_door", [[FRONT], ["second"]]),
        ("deputy", "social_work_team", [["e09000006.social_work_team"]]),
    ]
    round_the_clock = contact(BROMLEY, "emergency_duty_team", id="always", address="c@council.example")
    assert shown(directory(round_the_clock), "front_door", NOW)[-1] == (
        "duty_team", "emergency_duty_team", [["always"]])  # fmt: skip


def test_by_night_the_emergency_duty_team_or_else_nobody_until_they_are_back() -> None:
    assert shown(directory(), "front_door", NIGHT) == [("instead", "emergency_duty_team", [[NIGHTS]])]
    alone = directory(without="emergency_duty_team")
    assert shown(alone, "front_door", NIGHT) == [("off_duty", "front_door", [[FRONT]])]
    assert shown(directory(), "emergency_duty_team", NOW) == [("off_duty", "emergency_duty_team", [[NIGHTS]])]


def test_a_desk_without_anybody_is_heard_of_by_the_fallback_desk() -> None:
    assert shown(directory(), "mash", NOW) == [("fallback", "fallback", [["e09000006.fallback"]])]
    assert shown(directory(without="fallback"), "mash", NOW) == [("fallback", "fallback", [])]
    assert course(Directory.of(Bundle()), BROMLEY, "mash", NOW, "low")[0].desk == "fallback"


def test_when_nobody_is_there() -> None:
    assert unstaffed(directory(), BROMLEY, NOW) == {}, "whoever only stands in is off duty by day"
    late = Hours(name="late", times="outside mon-fri 08:30-18:00", bank_holidays="england")
    nights = contact(BROMLEY, "emergency_duty_team", id="late", hours="late", address="n@council.example")
    found = unstaffed(directory(nights, without="emergency_duty_team", hours=(late,)), BROMLEY, NOW)
    gaps = found["front_door"]
    assert [(gap.since, gap.until) for gap in gaps[:2]] == [
        (NOW.replace(hour=17, minute=30), NOW.replace(hour=18)),
        (NOW.replace(day=5, hour=17, minute=30), NOW.replace(day=5, hour=18)),
    ]
    assert len(gaps) == 10, "each working day of a fortnight"
    assert "mash" not in found, "which has no contacts at all"


def test_of_odd_hours_not_every_minute_of_a_fortnight_is_looked_at() -> None:
    times = "; ".join(f"daily {hour:02}:{minute:02}-{hour:02}:{minute + 1:02}"
                      for hour in range(24) for minute in (0, 20, 40, 50))  # fmt: skip
    odd = contact(BROMLEY, "emergency_duty_team", id="odd", hours="odd", address="n@council.example")
    found = unstaffed(
        directory(odd, without="emergency_duty_team", hours=(Hours(name="odd", times=times),)), BROMLEY, NOW
    )
    last = max(gap.until for gaps in found.values() for gap in gaps)
    assert NOW + timedelta(days=4) < last < NOW + timedelta(days=6)


def test_the_night_the_clocks_change_and_a_contact_that_ends() -> None:
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert "front_door" not in unstaffed(directory(), BROMLEY, start)
    ends = replace(contact(BROMLEY, "mash", address="m@council.example"), valid_until=start + timedelta(days=2))
    alone = directory(ends, without="emergency_duty_team")
    assert [(gap.since, gap.until) for gap in unstaffed(alone, BROMLEY, start)["mash"]] == [
        (start + timedelta(days=2), start + timedelta(days=14))
    ]


def steps(*orders: int) -> list[Contact]:
    return [contact(BROMLEY, "mash", id=chr(97 + number), order=order) for number, order in enumerate(orders)]


@pytest.mark.parametrize(
    ("orders", "id", "later", "expected"),
    [
        ((0, 1, 2), "b", False, {"b": 0, "c": 1}),
        ((0, 1, 2), "b", True, {"c": 1}),
        ((0, 0, 1), "b", True, {"b": 1, "c": 2}),
        ((0, 0, 1), "b", False, {"a": 1, "c": 2}),
        ((0, 5, 9), "c", False, {"b": 1, "c": 1}),
        ((0, 1), "a", False, {}),
        ((0, 1), "b", True, {}),
        ((0,), "x", True, {}),
    ],
)
def test_a_contact_is_taken_earlier_or_later(
    orders: tuple[int, ...], id: str, later: bool, expected: dict[str, int]
) -> None:
    assert moved(steps(*orders), id, later=later) == expected
