"""Which client certificate stands behind a request: the one of its TLS connection, or the one that a trusted proxy says
it has seen (RFC 9440). What a client writes into that header itself counts for nothing.
"""

import base64
import binascii
import hashlib
import re
import ssl
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Final

from aiohttp import web

HEADER: Final = "Client-Cert"
_VALUE: Final = re.compile(r":([A-Za-z0-9+/]{4,12000}={0,2}):", re.ASCII)
"""A byte sequence of structured fields (RFC 8941, 3.3.5)."""


class ClientCertificates:
    """``trusted``: networks of the proxies whose header is believed. They have verified what it holds."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        """Raises ValueError for what is no network."""
        self._trusted = [ip_network(one) for one in trusted]

    def of(self, request: web.Request) -> bytes | None:
        """SHA-256 of the certificate (DER), as tokens and sources are bound to it."""
        # Of a proxy's connection, the certificate would be the proxy's own.
        der = _said(request.headers.getall(HEADER, [])) if self._from_proxy(request) else self._shown(request)
        return None if der is None else hashlib.sha256(der).digest()

    @staticmethod
    def _shown(request: web.Request) -> bytes | None:
        found = request.get_extra_info("ssl_object")
        return found.getpeercert(binary_form=True) if isinstance(found, ssl.SSLObject) else None

    def _from_proxy(self, request: web.Request) -> bool:
        try:
            address = ip_address(request.remote or "")
        except ValueError:
            return False
        return any(address in network for network in self._trusted)


def _said(values: Sequence[str]) -> bytes | None:
    """Of one header and no more: two would leave open which of them the proxy wrote."""
    found = _VALUE.fullmatch(values[0].strip()) if len(values) == 1 else None
    if found is None:
        return None
    try:
        return base64.b64decode(found[1], validate=True)
    except binascii.Error:
        return None
