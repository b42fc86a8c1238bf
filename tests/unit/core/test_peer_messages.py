"""What one hub says to another is judged: by whom, to whom, when, in which version, and by which way."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from hub.core.peer_messages import MOST_VIA, SAYS, Message, message
from tests.kit.clock import START
from tests.kit.peers import ASHBY, BORDON

NOW = int(START.timestamp())
SAID: Mapping[str, Any] = {
    "iss": ASHBY.url,
    "aud": BORDON.said().inbox,
    "iat": NOW,
    "jti": "dv_1",
    "text": "Robin Example",
    "receipt": "t",
}
OTHER = ASHBY.said().hub


def judged(said: Mapping[str, Any] | bytes, webhook_id: str = "dv_1") -> Any:
    payload = said if isinstance(said, bytes) else json.dumps(said).encode()
    return message(payload, signed=b"a.b.c", issuer=ASHBY.url, audience=BORDON.said().inbox, webhook_id=webhook_id,
                   own=BORDON.said().hub, now=START)  # fmt: skip


def test_a_message_is_known_by_what_it_says_and_not_by_when_it_was_tried() -> None:
    first = judged(SAID)
    assert isinstance(first, Message)
    assert (first.id, first.receipt, first.via, first.said["text"]) == ("dv_1", "t", (), "Robin Example")
    again = judged({**dict(reversed(SAID.items())), "iat": NOW - 10_000_000})
    assert again.same == first.same
    assert judged({**SAID, "text": "Other"}).same != first.same
    assert "Robin" not in repr(first)
    assert first.signed == b"a.b.c"


@pytest.mark.parametrize("ahead", [0, 300, -86_400 * 400])
def test_it_may_have_waited_for_however_long(ahead: int) -> None:
    assert isinstance(judged({**SAID, "iat": NOW + ahead}), Message)


def test_what_is_not_known_is_kept_and_left_aside() -> None:
    found = judged({**SAID, "motto": "Onward", "version": 1, "via": [OTHER] * MOST_VIA})
    assert (found.said["motto"], found.via) == ("Onward", (OTHER,) * MOST_VIA)


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        ("issuer", {"iss": BORDON.url}),
        ("issuer", {"iss": None}),
        ("audience", {"aud": ASHBY.said().inbox}),
        ("audience", {"aud": [BORDON.said().inbox]}),
        ("id", {"jti": "dv_2"}),
        ("time", {"iat": NOW + 301}),
        ("time", {"iat": True}),
        ("time", {"iat": "now"}),
        ("time", {"iat": 10**18}),
        ("version", {"version": 2}),
        ("version", {"version": "1"}),
        ("version", {"version": True}),
        ("via", {"via": OTHER}),
        ("via", {"via": [7]}),
        ("via", {"via": ["somewhere"]}),
        ("via", {"via": [f"{OTHER}\n"]}),
        ("via", {"via": [OTHER] * (MOST_VIA + 1)}),
        ("loop", {"via": [OTHER, BORDON.said().hub]}),
    ],
)
def test_what_is_wrong_is_named(fault: str, changed: Mapping[str, Any]) -> None:
    assert judged({**SAID, **changed}) == fault
    assert fault in SAYS


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b'{"jti":1,"jti":2}', b'{"a":NaN}', b"[" * 100_000])
def test_what_two_readers_would_take_for_two_things_is_none(payload: bytes) -> None:
    assert judged(payload) == "not_json"


def test_an_id_is_one_that_hubs_make() -> None:
    assert judged({**SAID, "jti": "a b"}, "a b") == "id"
    assert judged({**SAID, "jti": ""}, "") == "id"


def test_whoever_speaks_another_version_is_told_which_are_spoken() -> None:
    assert SAYS["version"].endswith("it speaks 1")
