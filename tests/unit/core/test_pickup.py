"""The rules of picking a notice up."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from contacts.model import Contact
from hub.core.pickup import (
    BETWEEN_CODES,
    CODE_LENGTH,
    CODE_LIFE,
    MOST_CODES,
    MOST_CODES_AN_HOUR,
    MOST_TRIES,
    SESSION,
    SLACK,
    Limits,
    Visit,
    code_lives,
    given_reader,
    is_right,
    made_code,
    masked,
    may_ask,
    not_failed_first,
    openings,
    other_channels,
    over,
    session_lives,
    spoken,
    typed,
    worn_out,
)
from hub.core.tokens import ack_token, pickup_code_digest, pickup_token
from hub.edge.ids import SeededIds
from tests.kit.clock import START
from tests.kit.records import Story

SECRET = b"s" * 32
TICK = timedelta(microseconds=1)


def visit(**changes: Any) -> Visit:
    values: dict[str, Any] = {
        "id": "pv_1",
        "delivery": "dl_1",
        "organisation": None,
        "channel": "sms",
        "asked_at": START,
        "browser": b"b" * 32,
        "code": pickup_code_digest(SECRET, "pv_1", "12345678"),
    }
    return Visit(**values | changes)


def contact(channel: str, address: str, *, order: int = 0, id: str = "") -> Contact:
    values: dict[str, Any] = {"channel": channel}
    return Contact(id=id or address, organisation="E23000001", desk="d", address=address, order=order, **values)


def test_a_code_is_eight_digits_and_follows_from_the_randomness_alone():
    codes = {made_code(f"random {n}") for n in range(2000)}
    assert all(len(code) == CODE_LENGTH and code.isdigit() for code in codes)
    assert len(codes) > 1990 and made_code("x") == made_code("x")
    assert any(code.startswith("0") for code in codes), "every number is as likely as any"


def test_what_is_spoken_can_be_typed():
    assert spoken("12345678") == "1234 5678"
    for text in ("12345678", "1234 5678", " 1234-5678\n", "1234–5678"):
        assert typed(text) == "12345678"
    for text in ("", "1234567", "123456789", "1234567a", "１２３４５６７８", "1234.5678"):
        assert typed(text) is None


def test_a_code_is_right_for_its_own_visit_and_secret_only():
    assert is_right(SECRET, visit(), "12345678")
    assert not is_right(SECRET, visit(), "12345679")
    assert not is_right(SECRET, visit(id="pv_2"), "12345678")
    assert not is_right(b"t" * 32, visit(), "12345678")
    assert not is_right(SECRET, visit(code=b""), "")


def test_the_three_tokens_of_a_delivery_have_nothing_in_common():
    assert pickup_token(SECRET, "dl_1") != ack_token(SECRET, "dl_1")
    assert pickup_token(SECRET, "dl_1") != pickup_token(SECRET, "dl_2")
    assert len(pickup_token(SECRET, "dl_1")) == 43


@pytest.mark.parametrize(
    ("changes", "after", "lives"),
    [
        ({}, timedelta(0), True),
        ({}, CODE_LIFE - TICK, True),
        ({}, CODE_LIFE, False),
        ({}, -SLACK, True),
        ({}, -SLACK - TICK, False),
        ({"tries": MOST_TRIES - 1}, timedelta(0), True),
        ({"tries": MOST_TRIES}, timedelta(0), False),
        ({"failed": True}, timedelta(0), False),
        ({"opened_at": START}, timedelta(0), False),
    ],
)
def test_how_long_a_code_lives(changes: dict[str, Any], after: timedelta, lives: bool):
    assert code_lives(visit(**changes), START + after) is lives


@pytest.mark.parametrize(
    ("opened_at", "after", "lives"),
    [
        (None, timedelta(0), False),
        (START, timedelta(0), True),
        (START, SESSION - TICK, True),
        (START, SESSION, False),
        (START, -SLACK, True),
        (START, -SLACK - TICK, False),
    ],
)
def test_how_long_a_session_lives(opened_at: Any, after: timedelta, lives: bool):
    assert session_lives(visit(opened_at=opened_at), START + after) is lives


def test_how_many_codes_may_be_asked_for():
    assert may_ask([], START) is None
    assert may_ask([visit()], START) == "moment"
    assert may_ask([visit()], START + BETWEEN_CODES - TICK) == "moment"
    assert may_ask([visit()], START + BETWEEN_CODES) is None
    assert may_ask([visit(failed=True)], START) is None, "the next one at once where the last did not go out"
    later = START + timedelta(minutes=30)
    assert may_ask([visit()] * (MOST_CODES_AN_HOUR - 1), later) is None
    assert may_ask([visit(failed=True)] * MOST_CODES_AN_HOUR, later) == "hour"
    assert may_ask([visit()] * MOST_CODES_AN_HOUR, START + timedelta(hours=1)) is None
    assert may_ask([visit()] * MOST_CODES_AN_HOUR, START - timedelta(days=1)) == "hour", "a clock set back frees nobody"
    assert may_ask([visit()] * MOST_CODES, START + timedelta(days=1)) == "ever"


def test_only_codes_that_were_given_back_count_as_openings():
    assert openings([visit(), visit(opened_at=START), visit(tries=5)]) == 1


def test_when_a_link_is_worn_out():
    limits = Limits(openings=2, life=timedelta(days=7))
    assert worn_out(START, 1, limits, START + timedelta(days=7) - TICK) is None
    assert worn_out(START, 1, limits, START + timedelta(days=7)) == "too_old"
    assert worn_out(START, 2, limits, START) == "too_often"


@pytest.mark.parametrize(
    ("state", "delivery", "kept", "overtaken", "expected"),
    [
        ("pending", "failed", None, False, None),
        ("acknowledged", "sent", None, False, None),
        ("undeliverable", "failed", None, False, None),
        ("withheld", "sent", None, False, "withheld"),
        ("held", "sent", None, False, "withheld"),
        ("notified", "sent", "withheld", False, "withheld"),
        ("acknowledged", "sent", "held", False, "withheld"),
        ("notified", "sent", None, True, "superseded"),
        ("superseded", "cancelled", None, False, "superseded"),
        ("pending", "cancelled", None, False, "called_off"),
    ],
)
def test_when_a_notice_is_over(state: Any, delivery: Any, kept: Any, overtaken: bool, expected: Any):
    story = Story(ids=SeededIds("s"), episode="ep_1")
    notice = story.notice(story.decision(None), state=state)
    way = replace(story.delivery(notice), state=delivery)
    assert over(notice, way, kept=kept, overtaken=overtaken) == expected


MAIL, OTHER = contact("email", "desk@police.example"), contact("email", "duty@police.example", order=1)
PHONE, NIGHT = contact("sms", "+447700900123", order=1), contact("sms", "+447700900456", order=2)
PUSH = contact("push", "https://push.police.example/")
EVERY = ("email", "sms", "push")


def ways(reader: Any, went: Any, used: Any, channels: Any = EVERY, on_duty: Any = ()) -> list[str]:
    return [one.address for one in other_channels(reader, went, used, channels, on_duty)]


def test_a_code_goes_by_another_channel_than_the_link_and_never_to_the_same_address():
    everybody = (MAIL, OTHER, PHONE, NIGHT, PUSH)
    mobiles, mails = [PHONE.address, NIGHT.address], [OTHER.address]
    assert ways(everybody, "email", {MAIL.address}) == [*mobiles, *mails]
    assert ways(everybody, "push", {PUSH.address}) == [*mobiles, MAIL.address, OTHER.address]
    assert ways(everybody, "sms", {PHONE.address}) == [MAIL.address, OTHER.address, NIGHT.address]
    assert ways((MAIL,), "email", {MAIL.address.upper()}) == []
    assert ways((PUSH,), "email", {MAIL.address}) == []


@pytest.mark.parametrize("spelt", ["07700 900456", "07700 (900) 456", "+44 7700 900456", "+447700900456"])
def test_the_same_telephone_written_otherwise_is_no_second_channel(spelt):
    """A person's number stands as the event gave it; the next event may write it another way."""
    assert ways((contact("sms", "+447700900456"),), "sms", {spelt}) == []
    assert ways((contact("sms", spelt),), "sms", {"07700900456"}) == []
    assert ways((contact("sms", spelt),), "sms", {"07700900457"}) == [spelt]


def test_a_code_goes_to_who_is_on_duty_first_and_over_what_the_hub_has():
    assert ways((PHONE, NIGHT), "email", set(), on_duty={NIGHT.id}) == [NIGHT.address, PHONE.address]
    assert ways((OTHER, PHONE), "email", set(), channels=("email",)) == [OTHER.address]
    assert ways((contact("sms", "+441632960123"),), "email", set()) == [], "a landline reads no text"


def test_a_channel_that_failed_within_the_hour_comes_last():
    failed = visit(failed=True)
    assert not_failed_first((PHONE, OTHER), [failed], START) == (OTHER, PHONE)
    assert not_failed_first((PHONE, OTHER), [failed], START + timedelta(hours=1)) == (PHONE, OTHER)
    assert not_failed_first((PHONE, OTHER), [visit()], START) == (PHONE, OTHER)


def test_where_a_code_goes_is_masked():
    assert masked(PHONE) == "a text message to the number ending 123"
    assert masked(MAIL) == "an e-mail to d…@police.example"
    assert "900123" not in masked(PHONE)


def test_a_code_for_a_former_school_goes_to_nobody_at_the_new_one() -> None:
    story = Story(ids=SeededIds("school"), episode="ep_1")
    notice = story.notice(story.decision(None), person=None, roles=("school",), organisation="school:900001")
    given = {"urn": "900001", "email": "office@school.example"}
    assert [way.address for way in given_reader(notice, {}, {"school": given})] == ["office@school.example"]
    assert given_reader(notice, {}, {"school": {**given, "urn": "900002"}}) == ()
