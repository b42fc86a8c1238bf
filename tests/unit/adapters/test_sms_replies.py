"""Reply codes: what a text message sent back means, and what it takes to be believed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.port import Receipt
from adapters.sms import replies
from adapters.sms.inbound import Reply
from hub.edge.ids import REFERENCE_ALPHABET
from tests.kit.transport import NOW

NUMBER = "+447700900123"
CODE = "CDF234"


@pytest.mark.parametrize(
    "text",
    [
        "1 CDF234",
        "1cdf234",
        "1. cdf234",
        " yes  CDF-234 ",
        "YES, cdf 234!",
        "CDF234",
        "cdf234 yes",
        "Ok CDF234 thanks",
        "1 CDF234\n\nSent from my phone",
        "１ ＣＤＦ２３４",
    ],
)
def test_seen_with_its_code(text: str) -> None:
    assert replies.read(text) == replies.Meaning(answer="seen", code=CODE)


@pytest.mark.parametrize(
    ("text", "answer", "code", "reference"),
    [
        ("1", "seen", None, None),
        ("YES FP-2345-6789", "seen", None, "FP-2345-6789"),
        ("yes fp 2345 6789", "seen", None, "FP-2345-6789"),
        ("Yes FP-2345-6789 CDF234", "seen", CODE, "FP-2345-6789"),
        ("2 CDF234", "not_ours", CODE, None),
        ("2CDF234", "not_ours", CODE, None),
        ("No, wrong number", "not_ours", None, None),
        ("STOP", "stop", None, None),
        ("Stop.", "stop", None, None),
    ],
)
def test_other_answers(text: str, answer: str, code: str | None, reference: str | None) -> None:
    assert replies.read(text) == replies.Meaning(answer=answer, code=code, reference=reference)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "Who is this?",
        "I am driving and will look later",
        "yes no",
        "1 2 CDF234",
        "1 CDF234 GHJ567",
        "1 CDF234 CDF235 CDF236",
        "1 " + "x" * 500,
    ],
)
def test_what_does_not_say_one_thing_is_for_a_human(text: str) -> None:
    assert replies.read(text) is None


@given(text=st.text(max_size=600))
def test_anything_can_be_read(text: str) -> None:
    meaning = replies.read(text)
    assert meaning is None or meaning.code is None or set(meaning.code) <= set(REFERENCE_ALPHABET)


@given(code=st.text(alphabet=REFERENCE_ALPHABET, min_size=6, max_size=6), case=st.booleans())
def test_every_code_is_understood(code: str, case: bool) -> None:
    meaning = replies.read(f"1 {code.lower() if case else code}")
    assert meaning == replies.Meaning(answer="seen", code=code)


def reply(text: str = "1 CDF234", source: str = NUMBER) -> Reply:
    return Reply(source=source, text=text, at=NOW)


def receipt(answer: Reply) -> Receipt | None:
    meaning = replies.read(answer.text)
    assert meaning is not None
    return replies.receipt(answer, meaning, delivery="de_1", sent_to=NUMBER, code=CODE)


def test_the_right_code_from_the_right_number_is_a_receipt_and_not_an_acknowledgement() -> None:
    assert receipt(reply()) == Receipt(channel="sms", kind="displayed", at=NOW, delivery="de_1", code="REPLY")


@pytest.mark.parametrize(
    "answer",
    [
        reply(source="+447700900124"),
        reply("1 CDF235"),
        reply("1"),
        reply("YES FP-2345-6789"),
        reply("2 CDF234"),
        reply("STOP CDF234"),
    ],
)
def test_less_than_both_is_no_receipt(answer: Reply) -> None:
    assert receipt(answer) is None


def test_an_empty_code_of_ours_matches_nothing() -> None:
    meaning = replies.Meaning(answer="seen", code=None)
    assert replies.receipt(reply(), meaning, delivery="de_1", sent_to=NUMBER, code="") is None


def test_neither_number_nor_words_nor_code_print() -> None:
    printed = repr(reply()) + repr(replies.read("1 CDF234"))
    assert not any(secret in printed for secret in ("7700", "CDF234"))
