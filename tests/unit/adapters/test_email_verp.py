"""Addresses with a token: made, found again, and refused where they could not work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.email.address import InvalidField
from adapters.email.verp import ReceiptsAddress
from tests.kit.reports import ADDRESSES, TOKEN


def test_there_and_back() -> None:
    one = ReceiptsAddress.of_template("R+{token}.q@Bücher.Example")
    assert one.address(TOKEN) == f"R+{TOKEN}.q@xn--bcher-kva.example"
    assert one.token(one.address(TOKEN)) == TOKEN
    assert one.token(one.address(TOKEN).swapcase()) == TOKEN


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=16, max_size=32))
def test_every_token_comes_back(token: str) -> None:
    one = ADDRESSES[0]
    assert one.token(one.address(token)) == token


@pytest.mark.parametrize(
    "token", ["", "short", "UPPERCASEUPPERCASE", "x" * 49, "abcdefgh ijklmnop", "abcdefgh@ijklmnop"]
)
def test_what_is_no_token_is_not_sent(token: str) -> None:
    with pytest.raises(InvalidField, match="not a token"):
        ADDRESSES[0].address(token)


@pytest.mark.parametrize(
    "template",
    [
        "r@hub.example",
        "{token}",
        "r@{token}.example",
        "{token}{token}@hub.example",
        "r {token}@hub.example",
        "r+{token}@hub",
    ],
)
def test_templates_that_cannot_work(template: str) -> None:
    with pytest.raises(InvalidField):
        ReceiptsAddress.of_template(template)


def test_covers_says_nothing_about_the_token() -> None:
    one = ADDRESSES[0]
    assert one.covers("r+x@hub.example")
    assert not one.covers("r+@hub.example")
    assert one.token("r+x@hub.example") is None
