"""Fetching what another hub says of itself: from an address that is judged as those of push are."""

import asyncio
import ssl
from typing import Final

import aiohttp

from adapters.https.client import AddressRefused, Client, Lookup, Timeouts, look_up
from adapters.https.guard import NotAllowed, Policy, endpoint
from hub.service.peers.ports import NotFetched

TIMEOUT: Final = 20.0
"""Seconds in all: somebody waits before a screen."""
_HEADERS: Final = {"Accept": "application/jose+json", "Accept-Encoding": "identity", "User-Agent": "Fingerpost"}


class PeerDocuments:
    """Implements ``hub.service.peers.ports.Fetch``. Each request has a connection of its own."""

    def __init__(self, *, tls_context: ssl.SSLContext, policy: Policy, lookup: Lookup = look_up) -> None:
        self._tls_context = tls_context
        self._policy = policy
        self._lookup = lookup

    async def __call__(self, url: str) -> bytes:
        """Raises NotFetched."""
        client = Client(tls_context=self._tls_context, policy=self._policy, timeouts=Timeouts(), lookup=self._lookup)
        try:
            place = endpoint(url, self._policy)
            async with asyncio.timeout(TIMEOUT):
                answer = await client.get(place, _HEADERS)
        except (NotAllowed, AddressRefused) as error:
            raise NotFetched(f"its address is not allowed ({error})") from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NotFetched(type(error).__name__) from error
        finally:
            await client.aclose()
        if answer.status != 200:
            raise NotFetched(f"it answered {answer.status}")
        if not answer.body:
            raise NotFetched("its answer was empty, compressed, too long or cut off")
        return answer.body
