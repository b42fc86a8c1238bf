"""The time axis: in order, without overlaps, readable for two hours and for years."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.picture.axis import LEAST_STEP, WIDEST, Axis

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOMENTS = st.lists(
    st.integers(min_value=0, max_value=10**8).map(lambda s: START + timedelta(seconds=s)), min_size=1, max_size=60
)


@given(MOMENTS)
def test_later_is_further_to_the_right_and_everything_is_on_the_paper(anchors: list[datetime]) -> None:
    axis = Axis.over(anchors)
    places = [axis.x(at) for at in sorted(set(anchors))]
    assert all(later - earlier >= LEAST_STEP - 1e-6 for earlier, later in pairwise(places))
    assert places[0] == 0.0
    assert places[-1] <= axis.width <= WIDEST + LEAST_STEP * len(anchors)


@given(MOMENTS, st.integers(min_value=-(10**8), max_value=2 * 10**8))
def test_any_moment_has_a_place_even_outside(anchors: list[datetime], seconds: int) -> None:
    axis = Axis.over(anchors)
    assert 0.0 <= axis.x(START + timedelta(seconds=seconds)) <= axis.width


@given(MOMENTS, st.randoms(use_true_random=False))
def test_the_order_and_number_of_the_anchors_do_not_matter(anchors: list[datetime], random: object) -> None:
    assert Axis.over(anchors) == Axis.over([*reversed(anchors), *anchors])


def test_a_month_between_two_hours_is_shortened_and_marked() -> None:
    hours = [START, START + timedelta(hours=1), START + timedelta(days=30), START + timedelta(days=30, hours=1)]
    axis = Axis.over(hours)
    assert [step.broken for step in axis.steps] == [False, True, False]
    first, month, _ = (step.right - step.left for step in axis.steps)
    assert first < month < 10 * first


def test_even_steps_are_not_marked() -> None:
    axis = Axis.over(START + timedelta(hours=n) for n in range(5))
    assert not any(step.broken for step in axis.steps)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_time_runs_evenly_inside_a_step(share: float) -> None:
    axis = Axis.over([START, START + timedelta(days=183)])
    assert axis.x(START + share * timedelta(days=183)) == pytest.approx(share * axis.width)
