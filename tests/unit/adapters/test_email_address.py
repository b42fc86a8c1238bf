"""Addresses on the wire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.email.address import InvalidField, same_mailbox, wire_address, wire_domain


@pytest.mark.parametrize(
    ("address", "wire"),
    [
        ("jo@council.example", "jo@council.example"),
        ("Jo.Worker+mash@Council.EXAMPLE", "Jo.Worker+mash@council.example"),
        ("jo@bücher.example", "jo@xn--bcher-kva.example"),
        ("jo@BÜCHER.example", "jo@xn--bcher-kva.example"),
        ("o'hara@council.example", "o'hara@council.example"),
    ],
)
def test_usable(address: str, wire: str) -> None:
    assert wire_address(address) == wire


@pytest.mark.parametrize(
    "address",
    [
        "", "@", "jo", "jo@", "@council.example", "jo@council", "jo worker@council.example", '"jo"@council.example',
        "jö@council.example", "jo@council.example\r\n", "jo@council.example\n", "jo@coun\ncil.example",
        "jo@[192.0.2.1]",
        ".jo@council.example", "jo..w@council.example", "jo@-council.example", "jo@council..example",
        "jo@council.example.",
        "jo@" + "a" * 64 + ".example", "j" * 65 + "@council.example", "jo@council.example>", "<jo@council.example",
        "jo@council.example SIZE=1", "jo,sam@council.example", "jo@" + "a." * 130 + "example", "jo@xn--\udcff.example",
    ],
)  # fmt: skip
def test_unusable_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(InvalidField) as refused:
        wire_address(address)
    assert not address.strip("@ .") or address not in str(refused.value)


@given(st.text(max_size=80))
def test_what_passes_cannot_end_a_command(address: str) -> None:
    try:
        wire = wire_address(address)
    except InvalidField:
        return
    assert wire.isascii() and wire.isprintable()
    assert not set(wire) & set(' <>"(),:;[]\\\r\n')
    assert wire_address(wire) == wire


def test_same_mailbox() -> None:
    assert same_mailbox("jo@Council.Example", "jo@council.example")
    assert same_mailbox("jo@bücher.example", "jo@XN--BCHER-KVA.example")
    assert not same_mailbox("Jo@council.example", "jo@council.example")
    assert not same_mailbox("jo@council.example", "jo@council.example.evil.example")
    assert not same_mailbox("", "")


def test_domain() -> None:
    assert wire_domain("Hub.Example") == "hub.example"
    with pytest.raises(InvalidField):
        wire_domain("localhost")
