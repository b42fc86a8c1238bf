"""Lists of ids have few lengths, as a statement is kept for each."""

from hypothesis import given
from hypothesis import strategies as st

from hub.store.lists import AT_ONCE, slices

LENGTHS = {2**power for power in range(10)}


@given(st.lists(st.integers(), max_size=3 * AT_ONCE))
def test_all_of_them_are_asked_for_by_few_lengths(ids: list[int]) -> None:
    some = list(slices(ids))
    assert {one for each in some for one in each} == set(ids)
    assert {len(each) for each in some} <= LENGTHS and max(LENGTHS) == AT_ONCE
    assert sum(len(each) for each in some) < len(ids) + AT_ONCE, "hardly more than there are"
    assert all(each[: len(set(each))] == list(dict.fromkeys(each)) for each in some if len(set(ids)) == len(ids))
