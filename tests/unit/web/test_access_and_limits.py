"""The header of a token, the old file of tokens, rates and the cheap search for a source."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.edge.api_tokens import TokensUnreadable, filed_tokens
from hub.service.access import bearer
from hub.web.api.sources import MOST_NAMES, names_in
from hub.web.limits import MOST_BUCKETS, Buckets
from tests.kit.clock import START, FakeClock


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer fpt_a", "fpt_a"),
        ("bearer fpt_a", "fpt_a"),
        ("Basic fpt_a", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("", None),
        (None, None),
    ],
)
def test_the_header_is_rfc_6750s(header: str | None, token: str | None) -> None:
    assert bearer(header) == token


def test_what_an_earlier_version_wrote_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    assert filed_tokens(path) is None
    row = {
        "name": "reader",
        "scopes": ["episodes:read"],
        "sha256": "0f" * 32,
        "created_at": "2026-01-01T00:00:00+00:00",
    }
    bound = {**row, "name": "bromley", "organisation": "E09000006", "person": "us_jo", "sha256": "1f" * 32}
    path.write_text(json.dumps([row, bound]))
    found = filed_tokens(path)
    assert found is not None
    assert [(one.name, one.organisation, one.person) for one in found] == [
        ("reader", None, None),
        ("bromley", "E09000006", "us_jo"),
    ]
    assert found[0].digest == bytes([15]) * 32
    assert "0f0f" not in repr(found)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", json.dumps([{"name": "a b", "scopes": [], "sha256": "0" * 64, "created_at": "2026-01-01"}])],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(TokensUnreadable, match=r"tokens\.json"):
        filed_tokens(path)


async def test_a_burst_and_then_a_rate() -> None:
    clock = FakeClock()
    buckets = Buckets(per_second=2, burst=3, clock=clock)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b") == 0
    await clock.advance(0.5)
    assert [buckets.take("a"), buckets.take("a")] == [0, 0.5]
    await clock.advance(3600)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_a_clock_set_back_neither_drains_nor_fills() -> None:
    clock = FakeClock()
    buckets = Buckets(per_second=1, burst=2, clock=clock)
    buckets.take("a")
    clock._now = START.replace(year=2020)
    assert [buckets.take("a"), buckets.take("a")] == [0, 1]


async def test_looking_takes_nothing() -> None:
    clock = FakeClock()
    buckets = Buckets(per_second=0.5, burst=1, clock=clock)
    assert [buckets.wait("a"), buckets.wait("a"), buckets.take("a"), buckets.wait("a")] == [0, 0, 0, 2]
    await clock.advance(2)
    assert [buckets.wait("a"), buckets.take("a")] == [0, 0]


def test_buckets_are_bounded() -> None:
    buckets = Buckets(per_second=1, burst=1, clock=FakeClock())
    for number in range(MOST_BUCKETS + 50):
        buckets.take(str(number))
    assert len(buckets._levels) == MOST_BUCKETS


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"source":"a"}', ("a",)),
        (b'{"source"\n:\t"a","data":{"form":{"source":"b"}}}', ("a", "b")),
        (b'{"source":"a","source":"a"}', ("a",)),
        (b'{"source":"http:\\/\\/a\\u0062"}', ("http://ab",)),
        (b'{"source":7}', ()),
        (b'{"source":""}', ()),
        (b'{"source":"a\nb"}', ()),
        (b'{"source":"\\q"}', ()),
        (b'{"source":"\xff"}', ()),
        (b"", ()),
        (b'{"source":"' + b"a" * 700 + b'"}', ()),
    ],
)
def test_names_found_without_parsing(body: bytes, names: tuple[str, ...]) -> None:
    assert names_in(body) == names


def test_only_so_many_names_are_looked_at() -> None:
    body = b",".join(b'"source":"%d"' % number for number in range(100))
    assert len(names_in(body)) == MOST_NAMES


@given(st.binary(max_size=2000))
def test_any_bytes_can_be_searched(body: bytes) -> None:
    names_in(body)


@given(st.text(min_size=1, max_size=90).filter(lambda text: text.isprintable()), st.booleans())
def test_whatever_json_writes_is_found(name: str, ascii_only: bool) -> None:
    assert names_in(json.dumps({"id": "1", "source": name}, ensure_ascii=ascii_only).encode()) == (name,)
