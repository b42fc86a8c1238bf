"""What a browser was given counts only from that browser, for what it was given for, and until its end."""

from datetime import timedelta

import pytest

from hub.core.handed_back import NotOurs, given, handed_back
from tests.kit.clock import START

SECRET, LIVES = b"s" * 32, timedelta(minutes=5)
GIVEN = given(SECRET, b"purpose", "cookie", b"content", START + LIVES)


def test_it_comes_back_as_it_was_given() -> None:
    last = START + LIVES - timedelta(microseconds=1)
    for now in (START, last):
        back = handed_back(SECRET, b"purpose", "cookie", GIVEN, lives=LIVES, now=now)
        assert back == (b"content", START + LIVES)
    assert given(SECRET, b"purpose", "\udcff", b"", START + LIVES), "a cookie may be anything"


@pytest.mark.parametrize(
    ("secret", "purpose", "browser", "raw", "after"),
    [
        (b"t" * 32, b"purpose", "cookie", GIVEN, 0),
        (SECRET, b"another", "cookie", GIVEN, 0),
        (SECRET, b"purpose", "another", GIVEN, 0),
        (SECRET, b"purpose", "cookie", GIVEN[:-1], 0),
        (SECRET, b"purpose", "cookie", GIVEN + b"\0", 0),
        (SECRET, b"purpose", "cookie", bytes([GIVEN[0] ^ 1]) + GIVEN[1:], 0),
        (SECRET, b"purpose", "cookie", b"", 0),
        (SECRET, b"purpose", "cookie", GIVEN, 300),
        (SECRET, b"purpose", "cookie", GIVEN, -2),
    ],
)
def test_nothing_else_does(secret: bytes, purpose: bytes, browser: str, raw: bytes, after: int) -> None:
    with pytest.raises(NotOurs):
        handed_back(secret, purpose, browser, raw, lives=LIVES, now=START + timedelta(seconds=after))
