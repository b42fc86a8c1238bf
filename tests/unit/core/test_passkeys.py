"""Whom passkeys are made for, as browsers write it."""

import pytest

from hub.core.passkeys import origin_of, relying_party


@pytest.mark.parametrize(
    ("public_url", "host", "origin"),
    [
        ("https://hub.example", "hub.example", "https://hub.example"),
        ("https://Hub.EXAMPLE:443/missing", "hub.example", "https://hub.example"),
        ("https://hub.example:8443", "hub.example", "https://hub.example:8443"),
        ("http://localhost:80", "localhost", "http://localhost"),
        ("http://localhost:8080", "localhost", "http://localhost:8080"),
    ],
)
def test_the_origin_is_what_a_browser_says_however_the_setting_is_written(
    public_url: str, host: str, origin: str
) -> None:
    found = relying_party(public_url)
    assert found is not None and (found.id, found.origin) == (host, origin)


@pytest.mark.parametrize("public_url", ["http://hub.example", "https://192.0.2.7", "https://[2001:db8::7]"])
def test_no_browser_makes_passkeys_in_clear_or_for_a_number(public_url: str) -> None:
    assert relying_party(public_url) is None


def test_a_number_keeps_its_brackets() -> None:
    assert origin_of("https://[2001:DB8::7]:443") == "https://[2001:db8::7]"
