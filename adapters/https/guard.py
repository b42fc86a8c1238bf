"""Which addresses may be called. Pure: what a name resolves to is asked elsewhere, and judged here.

An address of the directory must not become a way into the hub's own network (server-side request forgery). So only
https is spoken, to a host name and a known port, and every address that the name resolves to has to be one of the
public internet, or in a network that the settings allow: some councils are on a private one. Addresses are judged by
tables from the IANA special-purpose registries, not by ``ipaddress.is_global``, which changes with the Python version.
"""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import idna

from contacts.addresses import AddressProblem, parse_url

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})

NEVER: Final = frozenset({"unspecified", "multicast", "broadcast", "metadata"})
"""Kinds that no setting allows: nobody's hub answers there, and what answers gives away credentials."""

SPECIAL: Final[tuple[tuple[Network, str], ...]] = tuple(
    (ip_network(network), kind)
    for network, kind in (
        # What cloud providers answer with credentials or instance data at; the first match counts.
        ("169.254.169.254/32", "metadata"),
        ("169.254.170.2/32", "metadata"),
        ("100.100.100.200/32", "metadata"),
        ("168.63.129.16/32", "metadata"),
        ("192.0.0.192/32", "metadata"),
        ("fd00:ec2::254/128", "metadata"),
        ("fd20:ce::254/128", "metadata"),
        ("0.0.0.0/32", "unspecified"),
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "reserved"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("64:ff9b:1::/48", "private"),
        ("2001::/23", "reserved"),  # Teredo, benchmarking, ORCHID and other protocols' own
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "private"),
        ("ff00::/8", "multicast"),
    )
)
_UNICAST = IPv6Network("2000::/3")
"""All that IANA has given out for the public internet."""
_EMBEDDING: Final = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64 (RFC 6052)
    (IPv6Network("2002::/16"), 80),  # 6to4
)
"""IPv6 that leads to an IPv4 address, and by how many bits that stands from the right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the settings allow beyond the public internet on port 443."""

    networks: tuple[Network, ...] = ()
    """Special addresses that may be called nevertheless, such as the council's own ``10.20.0.0/16``."""
    ports: frozenset[int] = frozenset({443})
    plain_loopback: bool = False
    """http to this machine itself: for tests and development only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A URL that may be asked for, once its addresses were judged too."""

    url: str = field(repr=False)
    """Normalised: it is also the audience that content is signed for."""
    host: str = field(repr=False)
    port: int
    plain: bool = False


class NotAllowed(ValueError):
    """This URL is not called. The text says why, without the URL."""


def endpoint(url: str, policy: Policy) -> Endpoint:
    """The endpoint at ``url``: https, a full host name (an international one in A-labels), no user, no fragment.

    Raises NotAllowed. A host that is an IP address is refused, in every spelling: certificates are for names, and an
    address would be called without having been resolved, so without having been judged.
    """
    if not url.isprintable() or " " in url:
        raise NotAllowed("address: has a space or a control character")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise NotAllowed("address: not a well-formed URL") from None
    if parts.scheme == "http" and policy.plain_loopback and host in LOOPBACK_HOSTS and url.isascii():
        if "@" in parts.netloc or "#" in url or "\\" in url:
            raise NotAllowed("address: a URL here has no user, password or fragment")
        return Endpoint(url=url, host=host, port=port or 80, plain=True)
    try:
        wire = parse_url(url if host.isascii() else url.replace(parts.netloc, _a_labels(host, port, parts.netloc), 1))
    except AddressProblem as problem:
        raise NotAllowed(f"address: {problem}") from None
    parts = urlsplit(wire)
    host, port = parts.hostname or "", parts.port or 443
    if host.rpartition(".")[2].startswith("0x"):
        raise NotAllowed("address: an IP address in disguise")
    if port not in policy.ports:
        raise NotAllowed("address: this port is not allowed by the settings")
    return Endpoint(url=wire, host=host, port=port)


def refusal(address: str, policy: Policy) -> str | None:
    """Why the address (as a resolver gives it) must not be called; None if it may be. Never raises."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unreadable"
    if isinstance(found, IPv6Address) and found.scope_id is not None:
        return "link-local"
    what = kind(found)
    if what is None:
        return None
    embedded = _embedded(found)
    candidates = (found,) if embedded is None else (found, embedded)
    if what not in NEVER and any(one in network for one in candidates for network in policy.networks):
        return None
    return what


def kind(address: Address) -> str | None:
    """What is special about an address; None for one of the public internet. One that leads to an IPv4 address is
    judged by that."""
    embedded = _embedded(address)
    if embedded is not None:
        return kind(embedded)
    for network, what in SPECIAL:
        if address in network:
            return what
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return "reserved"
    return None


def _embedded(address: Address) -> IPv4Address | None:
    if isinstance(address, IPv6Address):
        for network, bits in _EMBEDDING:
            if address in network:
                return IPv4Address((int(address) >> bits) & 0xFFFFFFFF)
    return None


def _a_labels(host: str, port: int | None, netloc: str) -> str:
    """The authority of a URL with its host in A-labels (RFC 5890)."""
    if "@" in netloc:
        raise NotAllowed("address: a URL here has no user, password or fragment")
    try:
        wire = idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise NotAllowed("address: the domain is not usable") from None
    return wire if port is None else f"{wire}:{port}"
