"""Which client a request comes from."""

import pytest

from hub.settings import SettingsError, load
from hub.web.clients import UNKNOWN, Clients

PROXY = Clients(["127.0.0.0/8", "::1/128", "10.20.0.0/16"])


@pytest.mark.parametrize(
    ("remote", "forwarded", "key"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # no proxy of ours: it may write what it likes
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 10.20.3.4", "203.0.113.7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "10.20.3.4", "10.20.3.4"),
        ("127.0.0.1", "made up, 10.20.3.4", "10.20.3.4"),
        ("127.0.0.1", "made up", "127.0.0.1"),
        ("::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("127.0.0.1", "203.0.113.7:4711, 10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("::1", "[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("127.0.0.1", "203.0.113.7:made-up", "127.0.0.1"),
        ("::ffff:203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("::ffff:127.0.0.1", "203.0.113.7", "203.0.113.7"),
        (None, "203.0.113.7", UNKNOWN),
    ],
)
def test_the_last_address_that_no_proxy_of_ours_has(remote: str | None, forwarded: str, key: str) -> None:
    assert PROXY.key_of(remote, forwarded) == key


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="network"):
        Clients(["10.20.0.0/16", "proxy.example"])


def test_the_setting_takes_networks_and_says_what_is_none() -> None:
    given = load(environment={"FINGERPOST_TRUSTED_PROXIES": "10.20.0.0/16, ::1/128"})
    assert given.trusted_proxies == ("10.20.0.0/16", "::1/128")
    with pytest.raises(SettingsError, match=r"TRUSTED_PROXIES: must be networks such as"):
        load(environment={"FINGERPOST_TRUSTED_PROXIES": "10.20.0.0/16,proxy.example"})
