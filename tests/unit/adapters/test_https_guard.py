"""Which addresses may be called: every special one is refused by its name, in every disguise."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.https.guard import NEVER, NotAllowed, Policy, endpoint, kind, refusal

STRICT = Policy()
TABLE = [
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "this network"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "shared"),
    ("100.127.255.255", "shared"),
    ("100.100.100.200", "metadata"),
    ("127.0.0.1", "loopback"),
    ("127.8.8.8", "loopback"),
    ("169.254.1.1", "link-local"),
    ("169.254.169.254", "metadata"),
    ("169.254.170.2", "metadata"),
    ("168.63.129.16", "metadata"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.1", "reserved"),
    ("192.0.0.192", "metadata"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "reserved"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::7f00:1", "reserved"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:10.1.2.3", "private"),
    ("::ffff:169.254.169.254", "metadata"),
    ("::ffff:0:127.0.0.1", "reserved"),
    ("64:ff9b::7f00:1", "loopback"),
    ("64:ff9b::10.1.2.3", "private"),
    ("64:ff9b::a9fe:a9fe", "metadata"),
    ("64:ff9b:1::1", "private"),
    ("100::1", "reserved"),
    ("2001::1", "reserved"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "loopback"),
    ("2002:a00:1::1", "private"),
    ("2002:a9fe:a9fe::", "metadata"),
    ("3fff::1", "documentation"),
    ("4000::1", "reserved"),
    ("5f00::1", "reserved"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "metadata"),
    ("fd20:ce::254", "metadata"),
    ("fd12:3456::1", "private"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("2a00:1450::1%eth0", "link-local"),
    ("fec0::1", "private"),
    ("ff02::1", "multicast"),
    ("2130706433", "unreadable"),
    ("127.1", "unreadable"),
    ("0x7f000001", "unreadable"),
    ("", "unreadable"),
    ("push.council.example", "unreadable"),
]
PUBLIC = [
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "223.255.255.255",
    "2a00:1450:4009::1",
    "2600::1",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
]


@pytest.mark.parametrize(("address", "what"), TABLE)
def test_special_addresses_are_refused_by_name(address: str, what: str) -> None:
    assert refusal(address, STRICT) == what


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_may_be_called(address: str) -> None:
    assert refusal(address, STRICT) is None


@pytest.mark.parametrize(
    ("network", "address", "allowed"),
    [
        ("10.20.0.0/16", "10.20.3.4", True),
        ("10.20.0.0/16", "10.21.0.1", False),
        ("10.20.0.0/16", "::ffff:10.20.3.4", True),
        ("10.20.0.0/16", "64:ff9b::10.20.3.4", True),
        ("10.20.0.0/16", "64:ff9b::10.21.3.4", False),
        ("fd12::/16", "fd12::1", True),
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "::1", False),
        ("0.0.0.0/0", "192.168.0.1", True),
        ("0.0.0.0/0", "169.254.169.254", False),
        ("0.0.0.0/0", "0.0.0.0", False),
        ("0.0.0.0/0", "224.0.0.1", False),
        ("0.0.0.0/0", "255.255.255.255", False),
        ("::/0", "::ffff:169.254.169.254", False),
        ("::/0", "fd00:ec2::254", False),
        ("::/0", "ff02::1", False),
    ],
)
def test_the_settings_allow_networks_and_never_what_gives_away_credentials(
    network: str, address: str, allowed: bool
) -> None:
    assert (refusal(address, Policy(networks=(ip_network(network),))) is None) is allowed


@given(st.ip_addresses())
def test_what_python_calls_private_is_never_public_here(address: IPv4Address | IPv6Address) -> None:
    if kind(address) is None:
        embedded = isinstance(address, IPv6Address) and any(
            address in ip_network(network) for network in ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16")
        )
        assert embedded or address.is_global
        assert not address.is_loopback and not address.is_link_local
        assert embedded or (not address.is_multicast and not address.is_reserved)


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_as_it_would_be_alone(address: IPv4Address) -> None:
    value = int(address)
    for disguise in (
        IPv6Address((0xFFFF << 32) | value),
        IPv6Address(int(IPv6Address("64:ff9b::")) | value),
        IPv6Address((0x2002 << 112) | (value << 80) | 1),
    ):
        assert kind(disguise) == kind(address)


@given(st.ip_addresses(), st.ip_addresses(v=4).map(lambda one: ip_network(f"{one}/8", strict=False)))
def test_no_setting_allows_the_never_allowed(address: IPv4Address | IPv6Address, network: object) -> None:
    everything = Policy(networks=(ip_network("0.0.0.0/0"), ip_network("::/0"), network))  # type: ignore[arg-type]  # v4
    what = kind(address)
    assert refusal(str(address), everything) == (what if what in NEVER else None)


@given(st.text(max_size=40))
def test_no_text_is_an_address_by_accident(text: str) -> None:
    if refusal(text, STRICT) is None:
        assert kind(ip_address(text)) is None


@pytest.mark.parametrize(
    ("url", "wire", "host", "port"),
    [
        ("https://push.council.example/n", "https://push.council.example/n", "push.council.example", 443),
        ("https://PUSH.Council.example", "https://push.council.example/", "push.council.example", 443),
        ("https://push.council.example:443/n?k=1", "https://push.council.example/n?k=1", "push.council.example", 443),
        ("https://push.council.example:8443/", "https://push.council.example:8443/", "push.council.example", 8443),
        ("https://bücher.example/n", "https://xn--bcher-kva.example/n", "xn--bcher-kva.example", 443),
        ("https://bücher.example:8443/n", "https://xn--bcher-kva.example:8443/n", "xn--bcher-kva.example", 8443),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
    ],
)
def test_an_endpoint_is_normalised(url: str, wire: str, host: str, port: int) -> None:
    found = endpoint(url, Policy(ports=frozenset({443, 8443})))
    assert (found.url, found.host, found.port, found.plain) == (wire, host, port, False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "push.council.example",
        "//push.council.example/",
        "http://push.council.example/",
        "http://localhost/",
        "ftp://push.council.example/",
        "file:///etc/passwd",
        "unix:///run/docker.sock",
        "gopher://push.council.example/",
        "https://user@push.council.example/",
        "https://user:pass@push.council.example/",
        "https://user@bücher.example/",
        "https://push.council.example@evil.example/",
        "https://push.council.example/#part",
        "https://push.council.example:8443/",
        "https://push.council.example:22/",
        "https://push.council.example:0/",
        "https://push.council.example:99999/",
        "https://push.council.example\\@evil.example/",
        "https://push.council.example/\r\nHost: evil.example",
        "https://push.council.example/a b",
        " https://push.council.example/",
        "\thttps://push.council.example/",
        "https://localhost/",
        "https://intranet/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://0x7f.0x1/",
        "https://017700000001/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[fe80::1%25eth0]/",
        "https://8.8.8.8/",
        "https://①②⑦.0.0.1/",
        "https://push.council。example@evil.example/",
        "https://-push.council.example/",
        "https://.council.example/",
        "https://push..council.example/",
        "https://ba\u200bd.example\u2044evil/",
        "https://" + "a" * 64 + ".example/",
        "https://push.council.example/" + "a" * 2100,
    ],
)
def test_what_is_not_called_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        endpoint(url, STRICT)
    assert str(refused.value).startswith("address: ")
    assert "push.council" not in str(refused.value) and "evil" not in str(refused.value)


@given(st.text(max_size=60), st.sampled_from(["", "https://", "http://", "https://a.example", "https://a.example:"]))
def test_no_url_gets_past_the_rules(text: str, start: str) -> None:
    try:
        found = endpoint(start + text, STRICT)
    except NotAllowed:
        return
    assert found.url.isascii() and found.url.startswith(f"https://{found.host}/")
    assert found.port == 443 and "." in found.host and not found.plain


def test_http_to_this_machine_only_by_its_switch() -> None:
    development = Policy(plain_loopback=True)
    found = endpoint("http://localhost:8080/n", development)
    assert (found.host, found.port, found.plain) == ("localhost", 8080, True)
    for url in (
        "http://push.council.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.2/",
        "http://10.0.0.1/",
        "http://a@localhost/",
        "http://localhost\\@evil.example/",
        "http://localhost@evil.example/",
        "https://localhost/",
    ):
        with pytest.raises(NotAllowed):
            endpoint(url, development)
