"""What a reader may see, which way of a notice they are shown, and how names are found."""

from dataclasses import replace
from typing import Any

import pytest

from contacts.roles import DESK_FUNCTIONS, DESKS
from hub.core.desk import (
    EVERY_DESK,
    Filed,
    Sight,
    best_way,
    called_off,
    known_desks,
    sight_of,
)
from hub.core.search import matches
from hub.edge.ids import SeededIds
from tests.kit.records import Story


def story() -> Any:
    made = Story(SeededIds("desk"), child="ch_1")
    return made.report().notices[0], made


def test_desks_stand_for_their_roles_and_nothing_else() -> None:
    sight = sight_of("E09000006", {"mash", "emergency_duty_team"}, {"mash": ["m1"], "emergency_duty_team": ["n1"]}, "")
    assert (sight.roles, sight.gaps, sight.contacts) == ({"mash"}, False, {"m1", "n1"})
    assert sight.anything and sight.of_role("mash") and not sight.of_role("responsible_authority")
    front = sight_of("E09000006", {"front_door"}, {}, "front_door")
    assert front.gaps and front.roles == {"responsible_authority", "host_authority"}
    assert not sight_of("E09000006", (), {}, "").anything
    assert not sight_of("E09000006", (), {}, "").of_role("mash")
    assert not sight_of("school", {EVERY_DESK, "school_office"}, {}, "").anything, "many schools stand under it"
    every = sight_of("E09000006", {EVERY_DESK, "mash"}, {}, "")
    assert every.anything and all(every.of_role(role) for role in DESKS)


def test_only_desks_that_there_may_be_are_given() -> None:
    assert known_desks(["front_door", "no_such_desk", "parent"]) == {"front_door"}
    assert known_desks(["front_door", EVERY_DESK]) == {EVERY_DESK}
    assert known_desks(DESK_FUNCTIONS) == DESK_FUNCTIONS
    assert known_desks([]) == frozenset()


def test_the_way_shown_is_the_first_to_the_readers_own_desk() -> None:
    notice, made = story()
    first = made.delivery(notice, contact="co_day")
    night = made.delivery(notice, contact="co_night", purpose="duty_team")
    handed = made.delivery(notice, contact="co_manager", purpose="handover")
    anybody, covers = Sight(organisation="x", every=True), Sight(organisation="x", contacts=frozenset({"co_night"}))
    assert best_way([handed, night, first], anybody) is first
    assert best_way([first, night, handed], covers) is night
    assert best_way([handed], anybody) is None
    gone = replace(first, state="cancelled")
    assert best_way([gone, night], anybody) is night
    assert best_way([gone], anybody) is gone


def test_what_was_taken_back_is_shown_to_nobody_unless_it_was_accepted() -> None:
    notice, made = story()
    gone = made.delivery(notice, state="cancelled")
    assert called_off(replace(notice, state="undeliverable"), gone)
    assert not called_off(replace(notice, state="acknowledged"), gone)
    assert not called_off(replace(notice, state="undeliverable"), replace(gone, state="failed"))


@pytest.mark.parametrize(
    ("over", "answer", "opened", "standing"),
    [
        (False, None, False, "new"),
        (False, None, True, "opened"),
        (False, "accepted", False, "accepted"),
        (False, "not_ours", True, "declined"),
        (False, "redirected", True, "declined"),
        (True, "accepted", True, "over"),
    ],
)
def test_how_a_notice_stands(over: bool, answer: Any, opened: bool, standing: str) -> None:
    notice, _ = story()
    assert Filed(notice=notice, episode_state="open", opened=opened, over=over, answer=answer).standing == standing


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("zoe", True),
        ("ZOË", True),
        ("exa zo", True),
        ("oneil", True),
        ("O’Neil-Example", True),
        ("smith", False),
        ("zoe smith", False),
        ("oe", False),
        ("", False),
        (" ", False),
        ("%", False),
        ("'; <b>", False),
    ],
)
def test_a_name_is_found_by_how_its_words_begin(sought: str, found: bool) -> None:
    assert matches("Zoë O'Neil Example", sought) is found
