"""The one text message that is sent: one part, the basic set, and nothing of any notice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.port import Alert, Content, Envelope, Rejected
from adapters.sms.prepare import Message, prepare
from adapters.sms.text import ONE_PART, NotOnePart, alert_text, from_gsm, gsm

BASIC = [from_gsm(bytes((code,))) for code in range(128) if code != 0x1B]
TOKEN = "A_b-" * 10 + "xyz"


def test_the_basic_set_has_127_characters_each_at_its_code() -> None:
    assert len(set(BASIC)) == 127
    # 3GPP TS 23.038, 6.2.1, the corners of the table.
    known = {"@": 0x00, "\n": 0x0A, "Δ": 0x10, "_": 0x11, "Ξ": 0x1A, "É": 0x1F, " ": 0x20, "¡": 0x40, "A": 0x41}
    known |= {"Ä": 0x5B, "§": 0x5F, "¿": 0x60, "a": 0x61, "ä": 0x7B, "à": 0x7F, "9": 0x39, "Z": 0x5A, "?": 0x3F}
    assert {character: gsm(character)[0] for character in known} == known


@given(text=st.text(alphabet=BASIC, max_size=ONE_PART))
def test_what_is_written_is_read(text: str) -> None:
    assert from_gsm(gsm(text)) == text
    assert len(gsm(text)) == len(text)


@given(octets=st.binary(max_size=300))
def test_whatever_a_phone_wrote_is_read(octets: bytes) -> None:
    assert isinstance(from_gsm(octets), str)


def test_an_extension_reads_as_one_question_mark() -> None:
    assert from_gsm(b"1\x1b\x652\x80") == "1?2?"


@pytest.mark.parametrize("text", ["x" * 161, "[", "€", "’", "ê", "\t", "😀", "\x1b"])
def test_what_is_not_one_part_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(NotOnePart) as raised:
        gsm(f"Robin {text}")
    assert "Robin" not in str(raised.value)


@pytest.mark.parametrize("status", ["actual", "exercise", "test"])
@pytest.mark.parametrize("link", [None, f"https://hub.example/c/{TOKEN}"])
@pytest.mark.parametrize("code", [None, "CDFGHJ"])
def test_the_alert_is_one_part_whatever_it_has(status: str, link: str | None, code: str | None) -> None:
    text = alert_text("FP-2345-6789", link=link, code=code, status=status)  # type: ignore[arg-type]  # one of them
    assert len(gsm(text)) <= ONE_PART
    assert "FP-2345-6789" in text
    assert (f" {link}" in text) is (link is not None)
    assert ("Reply 1 CDFGHJ" in text) is (code is not None)
    assert text.startswith({"actual": "Secure notice", "exercise": "EXERCISE. ", "test": "TEST. "}[status])


def test_a_link_is_not_followed_by_anything_a_phone_would_take_for_a_part_of_it() -> None:
    text = alert_text("FP-2345-6789", link="https://hub.example/c/abc", ring="07700 900456", code="CDFGHJ")
    assert "https://hub.example/c/abc Ring +447700900456. Read it?" in text


@pytest.mark.parametrize(
    ("named", "change"),
    [
        ("reference", {"reference": "Robin is missing"}),
        ("reference", {"reference": "FP-2345-6789 Robin"}),
        ("link", {"link": "http://hub.example/c/abc"}),
        ("link", {"link": "https://hub.example/c/abc for Robin"}),
        ("ring", {"ring": "Robin"}),
        ("code", {"code": "Robin"}),
        ("code", {"code": "cdfghj"}),
    ],
)
def test_nothing_of_another_shape_gets_in(named: str, change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=named) as raised:
        alert_text(**{"reference": "FP-2345-6789", **change})  # type: ignore[arg-type]  # strings all
    assert "Robin" not in str(raised.value)


def test_a_link_that_is_too_long_is_refused() -> None:
    with pytest.raises(NotOnePart):
        alert_text("FP-2345-6789", link="https://hub.example/" + "x" * 100)


def envelope(**more: object) -> Envelope:
    body = Alert(subject="A notice", text="  Secure notice FP-2345-6789 is waiting.\n")
    settings = {"delivery": "de_1", "reference": "FP-2345-6789", "address": "07700 900123", "body": body, **more}
    return Envelope(**settings)  # type: ignore[arg-type]  # passed through


def test_an_alert_is_made_ready() -> None:
    message = prepare(envelope(headers={"X-Fingerpost-Status": "exercise"}))
    assert isinstance(message, Message)
    assert message.number == "+447700900123"
    assert message.text == "Secure notice FP-2345-6789 is waiting."
    assert message.octets == message.text.encode("ascii")
    assert "7700" not in repr(message)
    assert "Secure" not in repr(message)


@pytest.mark.parametrize(
    ("change", "technical"),
    [
        ({"body": Content(subject="Robin", text="Robin", html="Robin")}, True),
        ({"body": Alert(subject="", text="")}, True),
        ({"body": Alert(subject="", text=" \n ")}, True),
        ({"body": Alert(subject="", text="x" * 161)}, True),
        ({"body": Alert(subject="", text="“quoted”")}, True),
        ({"delivery": "de 1"}, True),
        ({"reference": "Robin"}, True),
        ({"headers": {"X-A": "b\r\nc"}}, True),
        ({"address": "020 7946 0123"}, False),
        ({"address": "101"}, False),
        ({"address": "+447700900123;ext=1"}, False),
    ],
)
def test_what_cannot_go_is_refused_and_whose_fault_it_is_told(change: dict[str, object], technical: bool) -> None:
    refused = prepare(envelope(**change))
    assert isinstance(refused, Rejected)
    assert (refused.reason, refused.technical) == ("misconfigured", technical)
    assert "Robin" not in repr(refused)
