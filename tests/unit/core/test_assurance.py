"""Warnings of what ends: each step once, the last that is reached, and never for what a longer one has replaced."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.assurance import STEPS, Ending, Steps, Warned, days_left, in_words, step, steps
from tests.kit.clock import START

SECOND = timedelta(seconds=1)
UNTIL = START + timedelta(days=60)
ENDING = Ending(subject="bromley-1", owner="E09000006", fingerprint="ab12" * 16, until=UNTIL)


def warned(days: int, ending: Ending = ENDING) -> Warned:
    return Warned(subject=ending.subject, fingerprint=ending.fingerprint, step=days, owner=ending.owner,
                  warned_at=START, alarm=f"al_{days}")  # fmt: skip


@pytest.mark.parametrize("days", STEPS)
def test_a_step_begins_to_the_second(days: int) -> None:
    at = UNTIL - timedelta(days=days)
    assert step(UNTIL, at) == days
    before = step(UNTIL, at - SECOND)
    assert before == {60: None, 30: 60, 14: 30, 7: 14, 1: 7, 0: 1}[days]


def test_after_the_end_it_stays_at_the_end() -> None:
    assert step(UNTIL, UNTIL + timedelta(days=400)) == 0
    assert (days_left(UNTIL, UNTIL - SECOND), days_left(UNTIL, UNTIL + SECOND)) == (0, -1)
    assert days_left(UNTIL, START) == 60


def test_a_hub_that_was_away_takes_the_step_that_is_reached() -> None:
    found = steps([ENDING], [warned(60)], UNTIL - timedelta(days=5))
    assert found == Steps(new=((ENDING, 7),), passed=(warned(60),), over=())


def test_what_ends_no_more_is_over() -> None:
    assert steps([], [warned(60), warned(30)], START) == Steps(new=(), passed=(), over=(warned(60), warned(30)))
    later = Ending(subject="bromley-1", owner="E09000006", fingerprint="cd34" * 16, until=UNTIL + timedelta(days=365))
    assert steps([later], [warned(60)], START).over == (warned(60),)


def test_the_reason_says_what_and_when() -> None:
    assert in_words(ENDING, 60) == "bromley-1 ab12ab12 ends 2026-04-30 (60 days)"
    assert in_words(ENDING, 0) == "bromley-1 ab12ab12 ended 2026-04-30"


@given(st.lists(st.integers(0, 100 * 24), max_size=60))
def test_whenever_it_looks_each_step_is_taken_once_and_in_order(hours: list[int]) -> None:
    taken: list[Warned] = []
    for hour in sorted(hours):
        found = steps([ENDING], taken, START - timedelta(days=20) + timedelta(hours=hour))
        assert len(found.new) <= 1 and not found.over
        taken += [warned(reached, ending) for ending, reached in found.new]
        assert [one for one in taken if one not in found.passed] == taken[-1:]
    assert [one.step for one in taken] == sorted({one.step for one in taken}, reverse=True)
