"""Addresses: normal forms, and every way in which one could be turned against the hub or its reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.addresses import AddressProblem, parse_address, parse_email, parse_mobile, parse_phone, parse_url


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("front-door@e09000006.council.example", "front-door@e09000006.council.example"),
        ("Front.Door@Council.EXAMPLE", "Front.Door@council.example"),
        ("jo+tag@mail.test", "jo+tag@mail.test"),
        ("o'worker@council.example", "o'worker@council.example"),
        ("jo@xn--bcher-kva.example", "jo@xn--bcher-kva.example"),
        ("a" * 64 + "@council.example", "a" * 64 + "@council.example"),
    ],
)
def test_email(text: str, normal: str) -> None:
    assert parse_email(text) == normal
    assert parse_email(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "council.example",
        "@council.example",
        "jo@",
        "jo@test",
        "jo@localhost",
        "jo@[127.0.0.1]",
        "jo@council..example",
        "jo.@council.example",
        "jo@-council.example",
        "a" * 65 + "@council.example",
        "jo@" + "a." * 130 + "example",
        '"jo worker"@council.example',
        "Jo Worker <jo@council.example>",
        "jo@council.example,sam@council.example",
        "jo@council.example\r\nBcc: sam@council.example",
        "jo\n@council.example",
        "jo@council.example\n",
        "jo@council.example\x00",
        "jo\t@council.example",
        " jo@council.example",
        "jо@council.example",  # a Cyrillic letter before the @
        "jo@cоuncil.example",  # and after it
        "jo@bücher.example",
        "jo@council.example\u200b",
        "jo\u202e@council.example",
        "jo@council．example",
    ],
)
def test_email_refused(text: str) -> None:
    with pytest.raises(AddressProblem):
        parse_email(text)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("+447700900123", "+447700900123"),
        ("07700 900 123", "+447700900123"),
        ("+44 (0)7700 900123", "+447700900123"),
        ("020 7946 0123", "+442079460123"),
        ("01632 960123", "+441632960123"),
        ("+353 85 012 3456", "+353850123456"),
    ],
)
def test_phone(text: str, normal: str) -> None:
    assert parse_phone(text) == normal
    assert parse_phone(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "101",
        "999",
        "+4477009",
        "07700 900 123 4",
        "+447700900123;ext=4",
        "020 7946 0123 x12",
        "4.477E+11",
        "tel:+447700900123",
        "+447700900123\r\n",
        "٠٧٧٠٠٩٠٠١٢٣",
        "+" + "4" * 60,
        "0800 FLOWERS",
    ],
)
def test_phone_refused(text: str) -> None:
    with pytest.raises(AddressProblem):
        parse_phone(text)


def test_every_drama_mobile_number_is_accepted() -> None:
    for last in range(1000):
        assert parse_mobile(f"07700 900{last:03d}") == f"+447700900{last:03d}"


@pytest.mark.parametrize("text", ["020 7946 0123", "01632 960123", "0808 157 0123", "03069 990123"])
def test_a_landline_gets_no_texts(text: str) -> None:
    assert parse_phone(text)
    with pytest.raises(AddressProblem, match="text messages"):
        parse_mobile(text)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://Hub.Council.example", "https://hub.council.example/"),
        ("https://hub.council.example:443/in", "https://hub.council.example/in"),
        ("https://hub.council.example:8443/in?x=1", "https://hub.council.example:8443/in?x=1"),
    ],
)
def test_url(text: str, normal: str) -> None:
    assert parse_url(text) == normal
    assert parse_url(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://hub.council.example/",
        "ftp://hub.council.example/",
        "hub.council.example",
        "https:///in",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::1",
        "https://jo:secret@hub.council.example/",
        "https://hub.council.example@evil.example/",
        "https://hub.council.example/#x",
        "https://hub.council.example:99999/",
        "https://hub.council.example:0/",
        "https://hub.council.example:x/",
        "https://hub_council.example/",
        "https://-hub.example/",
        "https://hub.council.example/ x",
        "https://hub.council.example\\@evil.example/",
        "https://hub.council.example/\r\nX: y",
        "https://hub.cоuncil.example/",
        "https://hub.council.example/" + "a" * 2048,
    ],
)
def test_url_refused(text: str) -> None:
    with pytest.raises(AddressProblem):
        parse_url(text)


@pytest.mark.parametrize("channel", ["email", "sms", "push"])
@given(text=st.text(max_size=80))
def test_any_text_is_normalised_or_refused_without_being_repeated(channel: str, text: str) -> None:
    assert channel in ("email", "sms", "push")
    try:
        normal = parse_address(channel, text)  # type: ignore[arg-type]  # one of the three
    except AddressProblem as problem:
        assert len(text) < 12 or text not in str(problem)
        assert problem.__cause__ is None
    else:
        assert normal.isascii() and normal.isprintable() and " " not in normal
        assert parse_address(channel, normal) == normal  # type: ignore[arg-type]  # the same
