"""Checkpoints: what is signed, when one is due, and what is none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.core.audit import Head
from hub.core.checkpoints import (
    EVERY,
    EVERY_LINES,
    CheckpointKey,
    NoCheckpoint,
    file_name,
    from_json,
    is_due,
    judged,
    key_id,
    sign,
    signed_bytes,
    to_json,
)

AT = datetime(2026, 3, 1, 19, 46, tzinfo=UTC)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = CheckpointKey(id=key_id(PRIVATE.public_key()), private=PRIVATE)
MADE = sign("https://hub.example", Head(number=1000, link=b"\x17" * 32), AT, KEY)
KEYS = {KEY.id: PRIVATE.public_key()}


def test_what_is_signed_is_pinned() -> None:
    """A checkpoint that is kept elsewhere has to verify for as long as it is kept."""
    assert signed_bytes(MADE) == (
        b"fingerpost.audit.checkpoint.v1\0"
        b'{"at":"2026-03-01T19:46:00Z","hub":"https://hub.example","key":"56475aa75463474c0285df5dbf2bcab7",'
        b'"link":"' + b"17" * 32 + b'","number":1000}'
    )
    PRIVATE.public_key().verify(MADE.signature, signed_bytes(MADE))
    assert judged(MADE, KEYS) == "good"


@pytest.mark.parametrize(
    "change",
    [{"hub": "https://other.example"}, {"number": 1001}, {"link": bytes(32)}, {"at": AT + timedelta(seconds=1)},
     {"signature": bytes(64)}, {"signature": b""}],
)  # fmt: skip
def test_any_change_shows(change: dict[str, object]) -> None:
    assert judged(replace(MADE, **change), KEYS) == "bad_signature"  # type: ignore[arg-type]  # each case names fields


def test_another_key_is_not_ours() -> None:
    assert judged(replace(MADE, key="0" * 32), KEYS) == judged(MADE, {}) == "unknown_key"


def test_the_instant_has_to_be_in_utc() -> None:
    with pytest.raises(ValueError, match="UTC"):
        signed_bytes(replace(MADE, at=AT.astimezone(timezone(timedelta(hours=1)))))


def test_it_is_kept_as_json_and_read_back() -> None:
    assert from_json(to_json(MADE)) == MADE
    other = replace(MADE, link=bytes(32))
    assert file_name(MADE) != file_name(other)
    names = [file_name(replace(MADE, number=number)) for number in (9, 10, 100, 12_345_678)]
    assert names == sorted(names)


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, to_json(MADE)[:-20], to_json(MADE).replace(b"1000", b'"x"'),
     to_json(MADE).replace(b'"link":"17', b'"link":"zz'), to_json(MADE).replace(b"2026-03-01T", b"yesterday"),
     to_json(MADE).replace(b'"hub"', b'"more":1,"hub"')],
)  # fmt: skip
def test_what_is_no_checkpoint_is_said_to_be_none(text: bytes) -> None:
    with pytest.raises(NoCheckpoint):
        from_json(text)


def test_one_is_due_after_so_many_lines_or_so_long_and_only_if_there_is_anything_new() -> None:
    def due(lines: int, after: timedelta) -> bool:
        return is_due(MADE, Head(number=MADE.number + lines, link=b"x" * 32), AT + after)

    soon = timedelta(seconds=10)
    assert (due(0, 2 * EVERY), due(1, soon), due(1, EVERY), due(EVERY_LINES - 1, soon), due(EVERY_LINES, soon)) == (
        False, False, True, False, True,
    )  # fmt: skip
    assert due(1, timedelta(seconds=-1)), "the clock was set back: nobody waits until it is there again"
    assert is_due(None, Head(number=1, link=b"x" * 32), AT)
    assert not is_due(None, Head(), AT)
