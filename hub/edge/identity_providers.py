"""The way to identity providers: their documents, their keys and their tokens, over HTTPS and judged addresses.

What is fetched comes from addresses that an operator, or the provider's own document, names. So each is judged like
those that notices are pushed to (adapters/https/guard.py): none leads into the hub's own network, no redirect is
followed, and size and time are bounded.
"""

import asyncio
import base64
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import aiohttp
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from yarl import URL

from adapters.https.client import AddressRefused, JudgedResolver, Lookup, look_up
from adapters.https.guard import NotAllowed, Policy, endpoint
from hub.core.oidc import Metadata, Provider, metadata_of
from hub.service.accounts.provider_ports import CodeRefused, ProviderAway
from hub.service.ports import Clock

KEPT: Final = timedelta(hours=1)
"""How long documents and keys are used."""
AGAIN: Final = timedelta(minutes=1)
"""How soon keys are fetched anew for one that is not among them."""
AWAY: Final = timedelta(seconds=10)
"""How long a provider that did not answer is not asked again: anybody may press the button."""
LARGEST: Final = 256 * 1024
TIMEOUT: Final = 10.0
"""Seconds for one request in all."""
MOST: Final = 1000
"""Providers that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetched:
    at: datetime
    document: Mapping[str, Any] | None
    """None: it could not be fetched."""


class IdentityProviders:
    """Implements ``hub.service.accounts.provider_ports.Reached``. Each request has a connection of its own."""

    def __init__(self, *, clock: Clock, policy: Policy, tls: ssl.SSLContext, lookup: Lookup = look_up) -> None:
        self._clock = clock
        self._policy = policy
        self._tls = tls
        self._lookup = lookup
        self._fetched: dict[str, _Fetched] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def metadata(self, issuer: str) -> Metadata:
        """Raises ProviderAway."""
        document = await self._kept(f"{issuer.rstrip('/')}/.well-known/openid-configuration", KEPT)
        try:
            found = metadata_of(document, issuer)
            endpoint(found.authorization_endpoint, self._policy)
        except (ValueError, TypeError) as error:
            raise ProviderAway("its document cannot be used") from error
        return found

    async def keys(self, metadata: Metadata, key_id: str | None) -> KeySet:
        """Raises ProviderAway."""
        found = _key_set(await self._kept(metadata.jwks_uri, KEPT))
        if key_id is not None and all(key.kid != key_id for key in found.keys):
            found = _key_set(await self._kept(metadata.jwks_uri, AGAIN))
        return found

    async def redeem(self, provider: Provider, metadata: Metadata, fields: Mapping[str, str]) -> str:
        """Raises ProviderAway, CodeRefused."""
        form, headers = dict(fields), {"Content-Type": "application/x-www-form-urlencoded"}
        if metadata.basic:
            # RFC 6749, 2.3.1: each is form-encoded first.
            login = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode('ascii')}"
        else:
            form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
        token = (await self._ask("POST", metadata.token_endpoint, urlencode(form).encode(), headers)).get("id_token")
        if not isinstance(token, str):
            raise ProviderAway("it gave no ID token")
        return token

    async def _kept(self, url: str, long: timedelta) -> Mapping[str, Any]:
        async with self._locks.setdefault(url, asyncio.Lock()):
            now, kept = self._clock.now(), self._fetched.get(url)
            if kept is not None and abs(now - kept.at) < (AWAY if kept.document is None else long):
                if kept.document is None:
                    raise ProviderAway("it did not answer just now")
                return kept.document
            if len(self._fetched) >= MOST:
                self._fetched.clear()
            try:
                document = await self._ask("GET", url, None, {})
            except ProviderAway:
                # What was known of it before is still used until then: an outage of its keys is none of its tokens.
                if kept is None or kept.document is None or abs(now - kept.at) >= KEPT:
                    self._fetched[url] = _Fetched(at=now, document=None)
                raise
            self._fetched[url] = _Fetched(at=now, document=document)
            return document

    async def _ask(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            place = endpoint(url, self._policy)
            async with asyncio.timeout(TIMEOUT), self._session() as session:
                request = session.request(
                    method,
                    URL(place.url, encoded=True),
                    data=body,
                    headers={"Accept": "application/json", "Accept-Encoding": "identity", **headers},
                    allow_redirects=False,
                )
                async with request as response:
                    if response.status != 200:
                        refused = CodeRefused if method == "POST" and response.status in (400, 401) else ProviderAway
                        raise refused(f"it answered {response.status}")
                    return _read(await _bounded(response))
        except NotAllowed as error:
            raise ProviderAway("its address is not allowed") from error
        except (AddressRefused, aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ProviderAway(type(error).__name__) from error

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=JudgedResolver(self._lookup, self._policy),
                use_dns_cache=False,
                ssl=self._tls,
                force_close=True,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    read = bytearray()
    async for chunk in response.content.iter_any():
        read += chunk
        if len(read) > LARGEST:
            raise ProviderAway("it answered too much")
    return bytes(read)


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProviderAway("it answered no JSON") from error
    if not isinstance(found, dict):
        raise ProviderAway("it answered no JSON object")
    return found


def _key_set(document: Mapping[str, Any]) -> KeySet:
    """Those of the keys that can be read: a provider may publish some of a kind that nobody knows yet."""
    keys = document.get("keys")
    readable = []
    for one in keys if isinstance(keys, list) else []:
        try:
            readable += KeySet.import_key_set({"keys": [one]}).keys
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    if not readable:
        raise ProviderAway("it has no keys")
    return KeySet(readable)
