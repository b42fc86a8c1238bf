"""Tokens, token files, rates and the cheap search for a source."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.edge.api_tokens import TokenFile, TokensUnreadable
from hub.service.access import Access, Denied, Granted, Token, bearer, digest
from hub.web.api.sources import MOST_NAMES, names_in
from hub.web.limits import MOST_BUCKETS, Buckets
from tests.kit.clock import START, FakeClock

READER = Token(name="reader", scopes=frozenset({"episodes:read"}), sha256=digest("fpt_a"), created_at=START)


def test_a_token_grants_its_scopes_and_no_other() -> None:
    access = Access(lambda: (READER,))
    assert access.check("fpt_a", "episodes:read") == Granted(name="reader")
    assert access.check("fpt_a", "metrics:read") == Denied(reason="scope")
    assert access.check("fpt_b", "episodes:read") == Denied(reason="unknown")
    assert access.check(None, "episodes:read") == Denied(reason="missing")
    assert Access(lambda: ()).check("fpt_a", "episodes:read") == Denied(reason="unknown")
    assert "fpt_a" not in repr(READER)


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


def test_what_is_written_is_read_back_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "deep" / "tokens.json")
    assert file() == ()
    file.put((READER,))
    assert file() == (READER,)
    file.put((READER, replace(READER, name="second")))
    assert [token.name for token in file()] == ["reader", "second"]
    assert (tmp_path / "deep" / "tokens.json").stat().st_mode & 0o077 == 0
    assert "fpt_a" not in (tmp_path / "deep" / "tokens.json").read_text()


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", json.dumps([{"name": "a b", "scopes": [], "sha256": "0" * 64, "created_at": "2026-01-01"}])],
)
def test_a_broken_file_lets_nobody_in(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    with pytest.raises(TokensUnreadable, match=r"tokens\.json"):
        TokenFile(path)()


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
