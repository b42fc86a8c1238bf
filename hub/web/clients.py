"""Which client a request comes from, for limits by address: the proxy in front is everybody's, so it does not count."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from aiohttp import web

PREFIX: Final = 64
"""Of an IPv6 address: whoever has one has all of its network (RFC 6177)."""
UNKNOWN: Final = "unknown"
_PORT: Final = re.compile(r":[0-9]{1,5}\Z")


class Clients:
    """``trusted``: networks of the proxies whose ``X-Forwarded-For`` is believed."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """Raises ValueError for what is no network."""
        self._trusted = [ip_network(one) for one in trusted]

    def key(self, request: web.Request) -> str:
        """What the limits of this client are kept under."""
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        return self.key_of(request.remote, forwarded)

    def key_of(self, remote: str | None, forwarded: str) -> str:
        """The last address that no trusted proxy has: what stands before it, the client could have written itself."""
        found = UNKNOWN
        for text in [*forwarded.split(","), remote or ""][::-1]:
            address = _address(text)
            if address is None:
                break
            found = _key(address)
            if not any(address in network for network in self._trusted):
                break
        return found


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Some proxies write a port behind it: ``203.0.113.7:4711``, ``[2001:db8::7]:4711``."""
    plain = text.strip()
    if plain.startswith("[") or plain.count(":") == 1:
        plain = _PORT.sub("", plain)
    try:
        address = ip_address(plain.strip("[]"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _key(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((int(address) >> 128 - PREFIX << 128 - PREFIX, PREFIX)))
