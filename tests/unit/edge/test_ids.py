import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from hub.edge.ids import REFERENCE_ALPHABET, SeededIds, SystemIds, _Ids
from tests.kit.clock import START


@pytest.mark.parametrize("ids", [SystemIds(), SeededIds("a")], ids=["system", "seeded"])
def test_ids_sort_as_they_were_made(ids: SystemIds | SeededIds) -> None:
    # Three instants of one millisecond, one before it (the clock stepped back), one after.
    moments = [START, START, START + timedelta(microseconds=900), START - timedelta(seconds=5), START + timedelta(1)]
    made = [ids.new("ev", moment) for moment in moments for _ in range(50)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"ev_[0-9A-HJKMNP-TV-Z]{26}", one) for one in made)


def test_the_time_stands_in_the_first_ten_characters() -> None:
    one = SystemIds().new("ev", datetime(2016, 7, 30, 22, 36, 16, 385000, tzinfo=UTC))
    assert one.startswith("ev_01ARYZ6S41")  # the example of the ULID specification


def test_two_processes_do_not_make_the_same_id() -> None:
    assert SystemIds().new("ev", START) != SystemIds().new("ev", START)


def test_threads_do_not_make_the_same_id() -> None:
    ids = SystemIds()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: ids.new("ev", START), range(4000)))
    assert len(set(made)) == 4000


@pytest.mark.parametrize("prefix", ["", "Ev", "e1", "ev_", "é"])
def test_a_prefix_is_letters(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        SystemIds().new(prefix, START)


def test_references_can_be_read_out() -> None:
    assert not set(REFERENCE_ALPHABET) & set("01AEIOULBSZ")
    references = [SystemIds().reference() for _ in range(500)]
    assert all(re.fullmatch(f"FP-[{REFERENCE_ALPHABET}]{{4}}-[{REFERENCE_ALPHABET}]{{4}}", one) for one in references)
    assert len(set(references)) == 500
    assert set("".join(references)) - set("FP-") >= set(REFERENCE_ALPHABET) - set("FP")


def test_no_letter_of_a_reference_comes_more_often_than_others() -> None:
    """Of a byte's 256 values those past the last whole multiple of 25 are thrown away, and others drawn for them."""
    drawn = iter([*range(256), *range(6)])
    ids = _Ids(lambda count: bytes(next(drawn) for _ in range(count)))
    letters = Counter("".join(ids.reference()[3:].replace("-", "") for _ in range(32)))
    assert next(drawn, None) is None
    assert letters == {letter: 11 if place < 6 else 10 for place, letter in enumerate(REFERENCE_ALPHABET)}


def test_tokens_hold_enough_and_go_into_a_url() -> None:
    tokens = {SystemIds().token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", one) for one in tokens)


def test_seeded_ids_are_the_same_on_every_run() -> None:
    def run(seed: str) -> list[str]:
        ids = SeededIds(seed)
        return [ids.new("no", START), ids.reference(), ids.token(), ids.new("no", START)]

    assert run("a") == run("a")
    assert not set(run("a")) & set(run("b"))
