"""Whatever is composed, the standard library reads back exactly that, and no value becomes another field or part."""

import base64
import email
import email.policy
import re
from datetime import UTC, datetime, timedelta, timezone
from email.message import EmailMessage

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.email import mime
from adapters.email.address import InvalidField
from adapters.email.fields import (
    base64_lines,
    encoded_words,
    file_name,
    filename,
    mailbox,
    media_type,
    one_line,
    unstructured,
)
from adapters.port import Alert, Attachment, Content

NOW = datetime(2026, 3, 1, 19, 30, 5, tzinfo=UTC)
ANYTHING = st.text(max_size=200)
NASTY = st.lists(
    st.sampled_from(
        [
            "\r\n",
            "\n",
            "\r",
            "\0",
            "Bcc: eve@evil.example",
            "--=_mixed",
            "=?utf-8?q?x?=",
            ".",
            "é",
            "😀",
            " ",
            "\t",
            ";",
            '"',
            "\\",
            "\u2028",
            "\ud800",
            "From ",
            "<",
            ">",
            "a" * 120,
            "x" * 30,
            "=",
            "%",
            "'",
            "\x85",
            "\x0b",
            "\x1f",
        ]
    ),
    max_size=12,
).map("".join)
TEXT = ANYTHING | NASTY


def out(**changes: object) -> mime.Outside:
    given: dict[str, object] = {
        "delivery": "dl_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "reference": "FP-2345-6789",
        "sender": "notices@hub.example",
        "sender_name": "",
        "recipient": "jo@council.example",
        "mail_domain": "hub.example",
        "now": NOW,
        "headers": {},
    }
    return mime.outside(**(given | changes))  # type: ignore[arg-type]  # checked by the function under test


def parse(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert not part.defects, part.defects
    return message


def is_canonical(data: bytes) -> bool:
    return data.isascii() and b"\0" not in data and not re.search(rb"(?<!\r)\n|\r(?!\n)", data)


@settings(max_examples=150)
@given(
    subject=TEXT,
    text=TEXT,
    html=TEXT,
    attachments=st.lists(st.tuples(TEXT, st.binary(max_size=400)), max_size=3),
)
@example(subject="", text="", html="", attachments=[("", b"")])
@example(subject="a" * 2000, text="b" * 5000, html="\r\n" * 50, attachments=[("é" * 300, b"\r\n.\r\n")])
def test_content_is_read_back_exactly(subject: str, text: str, html: str, attachments: list[tuple[str, bytes]]) -> None:
    content = Content(
        subject=subject,
        text=text,
        html=html,
        attachments=tuple(
            Attachment(name=name, media_type="application/octet-stream", data=data) for name, data in attachments
        ),
    )
    data = mime.payload(content, out())
    assert is_canonical(data)
    message = parse(data)
    assert message["Subject"] == one_line(subject)
    assert message.get_content_type() == "multipart/mixed"
    assert [part.get_content_type() for part in message.walk()][:4] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    plain, markup = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None and markup is not None
    assert plain.get_content() == mime.canonical_text(text)
    assert markup.get_content() == mime.canonical_text(html)
    found = [(part.get_filename(), part.get_content()) for part in message.iter_attachments()]
    assert found == [(file_name(name), body) for name, body in attachments]
    assert set(message.keys()) == {
        "MIME-Version", "Subject", "Message-ID", "From", "To", "Date", "Auto-Submitted", "X-Auto-Response-Suppress",
        "Content-Type", "HP-Outer",
    }  # fmt: skip
    assert message["To"] == "jo@council.example"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Robin</p>\n" * 500, True),
        ("", True),
        ("a" * 998 + "\nb", True),
        ("a" * 999, False),
        ("Si\u00e2n", False),
        ("a\0b", False),
        ("a\n--=_mixed_0123456789abcdef--\nb", False),
        ("--=_alternative_0123456789abcdef", False),
        ("a --=_ b\n-- x", True),
        ("a \nb", False),
        ("a\t\rb", False),
        ("a\nb ", False),
        ("From here\nb", False),
        ("a\nFrom here", False),
        ("a\n.\nb", True),
    ],
)
def test_a_text_goes_as_it_is_where_nothing_on_the_way_could_alter_it(text: str, plain: bool) -> None:
    message = parse(mime.payload(Content(subject="Real", text=text, html=text), out()))
    for part in (message.get_body(("plain",)), message.get_body(("html",))):
        assert part is not None
        assert part["Content-Transfer-Encoding"] == ("7bit" if plain else "base64")
        assert part.get_content() == mime.canonical_text(text)


@pytest.mark.parametrize("kind", ["mixed", "alternative", "signed"])
def test_who_knows_the_boundaries_cannot_add_a_part(kind: str) -> None:
    line = "--" + mime.boundary(kind, out().delivery).decode("ascii")
    text = f"a\n{line}\nContent-Type: text/html\n\nforged\n{line}--\n"
    message = parse(mime.payload(Content(subject="Real", text=text, html=text), out()))
    _, _, *leaves = message.walk()
    assert [part.get_content_type() for part in leaves] == ["text/plain", "text/html"]
    assert [part.get_content() for part in leaves] == [mime.canonical_text(text)] * 2


@given(TEXT)
def test_every_line_of_a_header_is_short_enough(value: str) -> None:
    folded = b"Subject: " + unstructured(value)
    assert is_canonical(folded)
    assert all(len(line) <= 78 for line in folded.split(b"\r\n"))
    assert all(line.startswith(b" ") for line in folded.split(b"\r\n")[1:])
    assert all(len(line) <= 998 for line in filename(value).split(b"\r\n"))


@given(TEXT)
def test_a_display_name_stays_one(name: str) -> None:
    header = b"From: " + mailbox("notices@hub.example", name) + b"\r\n\r\n"
    message = parse(header)
    (address,) = message["From"].addresses
    assert address.addr_spec == "notices@hub.example"
    # Python's reader puts a space between adjacent encoded words of a phrase, against RFC 2047 6.2.
    assert address.display_name.replace(" ", "") == one_line(name).replace(" ", "")
    assert list(message.keys()) == ["From"]


@given(TEXT)
def test_an_alert_is_read_back_exactly(text: str) -> None:
    data = mime.alert_message(Alert(subject="anything", text=text), out())
    assert is_canonical(data)
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    message = parse(data)
    canonical = mime.canonical_text(text)
    assert message.get_content() == (canonical if canonical.endswith("\r\n") else canonical + "\r\n")
    assert message["Auto-Submitted"] == "auto-generated"


def test_an_alert_has_the_one_subject_and_not_its_own() -> None:
    message = parse(mime.alert_message(Alert(subject="Robin Example", text="FP-2345-6789"), out()))
    assert message["Subject"] == "[OFFICIAL-SENSITIVE] Secure notice FP-2345-6789"
    assert "Robin" not in message.as_string()


def test_a_plain_alert_stays_legible_in_its_source() -> None:
    data = mime.alert_message(Alert(subject="", text="Reference FP-2345-6789.\nRing us.\n"), out())
    assert data.endswith(b"Content-Transfer-Encoding: 7bit\r\n\r\nReference FP-2345-6789.\r\nRing us.\r\n")


def test_the_message_id_is_that_of_the_delivery_on_every_try() -> None:
    later = out(now=NOW.replace(hour=23))
    assert out().message_id == later.message_id == b"<dl_01ARZ3NDEKTSV4RRFFQ69G5FAV@hub.example>"
    assert out().date == b"Sun, 01 Mar 2026 19:30:05 +0000"


def test_outer_fields_are_told_inside_one_by_one() -> None:
    outside = out(headers={"X-Fingerpost-Status": "exercise"})
    message = parse(mime.payload(Content(subject="Real", text="", html=""), outside))
    assert message.get_all("HP-Outer") == [f"{name}: {value.decode()}" for name, value in outside.fields()]
    assert message["X-Fingerpost-Status"] == "exercise"
    sealed = parse(mime.sealed_message(outside, b"\x30\x80" * 500))
    for name, value in outside.fields():
        assert sealed[name] == value.decode()
    assert sealed.get_content() == b"\x30\x80" * 500


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reference", "Robin Example"),
        ("reference", "FP-2345-6789\r\nBcc: eve@evil.example"),
        ("reference", "fp-2345-6789"),
        ("reference", ""),
        ("delivery", "dl>@evil.example"),
        ("delivery", "dl\r\nBcc: x"),
        ("delivery", ""),
        ("delivery", "x" * 65),
        ("delivery", "dl\n"),
        ("recipient", "jo@council.example, eve@evil.example"),
        ("recipient", "jo@council.example\r\nBcc: eve@evil.example"),
        ("recipient", "jo@council.example>"),
        ("sender", "hub"),
        ("mail_domain", "hub example"),
        ("headers", {"Bcc": "eve@evil.example"}),
        ("headers", {"Subject": "Robin Example"}),
        ("headers", {"To": "eve@evil.example"}),
        ("headers", {"Content-Type": "text/plain"}),
        ("headers", {"Reply-To": "eve@evil.example"}),
        ("headers", {"X-A\r\nBcc": "x"}),
        ("headers", {"X-A": "x\r\nBcc: eve@evil.example"}),
        ("headers", {"X-A": "x\n"}),
        ("headers", {"X-A": "é"}),
        ("headers", {"X-A": ""}),
        ("headers", {"X-A": "x" * 300}),
    ],
)
def test_a_value_that_cannot_stand_outside_is_refused_and_not_repeated(field: str, value: object) -> None:
    with pytest.raises(InvalidField) as refused:
        out(**{field: value})
    assert "evil" not in str(refused.value) and "Robin" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "bad", ["text", "text/", "/plain", "text/plain; x=y", "text/plain\r\nX: y", "multipart/mixed", "message/rfc822", ""]
)
def test_a_media_type_that_cannot_be_attached_is_refused(bad: str) -> None:
    with pytest.raises(InvalidField):
        media_type(bad)


def test_a_file_name_is_no_path() -> None:
    assert file_name("../../etc/passwd") == ".._.._etc_passwd"
    assert file_name("C:\\x\r\n.jpg") == "C__x .jpg"
    assert file_name("") == "attachment"


@given(TEXT)
def test_line_ends_are_canonical(text: str) -> None:
    meant = re.sub(r"\r\n|\r|\n", "\r\n", text)
    assert mime.canonical_text(text) == meant.encode("utf-8", "replace").decode("utf-8")


@pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 911, 912, 913, 14_591, 14_592, 14_593, 14_650, 400_000])
def test_base64_is_the_standard_librarys(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    assert base64_lines(data[:size]) == base64.encodebytes(data[:size]).strip().replace(b"\n", b"\r\n")


def test_base64_is_of_rfc_2045() -> None:
    lines = base64_lines(bytes(200)).split(b"\r\n")
    assert [len(line) for line in lines] == [76, 76, 76, 40]
    assert base64_lines(b"") == b""


def test_encoded_words_never_split_a_character() -> None:
    for word in encoded_words("😀é" * 60).split(b"\r\n "):
        assert len(word) <= 75
        assert parse(b"Subject: " + word + b"\r\n\r\n")["Subject"].strip("😀é") == ""


@pytest.mark.parametrize("first", [0, 1])
def test_the_date_is_the_same_whoever_asked_for_that_instant_before(first: int) -> None:
    instant = NOW + timedelta(days=1 + first)
    zones = [UTC, timezone(timedelta(hours=1))]
    dates = [out(now=instant.astimezone(zones[one])).date for one in (first, 1 - first)]
    assert dates == [(b"Mon, 02", b"Tue, 03")[first] + b" Mar 2026 19:30:05 +0000"] * 2
