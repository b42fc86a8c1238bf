"""One HTTPS request, on aiohttp with everything taken away that a webhook has no use for.

A connection serves one request. On a kept one, a receiver that hangs up while it lies idle cannot be told from one that
hangs up over our notice: the second may have been taken. And each request resolves its host anew and goes to an address
that was judged for it, so that a name cannot be one thing when judged and another when called (DNS rebinding).
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, AbstractStreamWriter, ResolveResult
from yarl import URL

from adapters.https.answer import LARGEST, Answer
from adapters.https.guard import LOOPBACK_HOSTS, Endpoint, Policy, refusal

Lookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to IP addresses, as text. Raises OSError where there are none."""

_CHUNK: Final = 64 * 1024
_LINE: Final = 8190
"""Bytes of a status line or of one header of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds: to get a connection (name, TCP and TLS), to begin an answer once all is sent, to read its body, in all,
    to close."""

    connect: float = 10.0
    answer: float = 30.0
    body: float = 5.0
    total: float = 60.0
    close: float = 5.0


@dataclass(slots=True)
class Progress:
    """What whoever is interrupted has to know."""

    content_out: bool = False
    """The last of the message went out. Until then nobody could have opened it: the end is its authentication tag."""


class AddressRefused(Exception):
    """The name resolved to an address that must not be called; the text says of which kind, without the address."""


async def look_up(host: str, port: int) -> Sequence[str]:
    """The system's resolver, in a thread."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class JudgedResolver(AbstractResolver):
    """Resolves, and lets no address through unless all that came are allowed: one bad address among good ones is no
    slip of somebody's pen."""

    def __init__(self, lookup: Lookup, policy: Policy) -> None:
        self._lookup = lookup
        self._policy = policy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._lookup(host, port)
        if not addresses:
            raise OSError("the name has no address")
        for address in addresses:
            # Of a name, only "localhost" gets here without https, and it is only ever this machine (guard.py).
            why = refusal(address, self._policy)
            if why is not None and not (why == "loopback" and host in LOOPBACK_HOSTS and self._policy.plain_loopback):
                raise AddressRefused(why)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Holds nothing."""


class _Body(aiohttp.Payload):
    """The message in pieces, so that a slow receiver holds up nobody else, and its end is known when it goes out."""

    def __init__(self, data: bytes, progress: Progress) -> None:
        super().__init__(data)
        self._data = data
        self._size = len(data)
        self._progress = progress

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._data.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        for start in range(0, len(self._data), _CHUNK):
            if start + _CHUNK >= len(self._data):
                self._progress.content_out = True
            await writer.write(self._data[start : start + _CHUNK])


class Client:
    """Posts. It opens nothing before it is used, and needs a running event loop only then."""

    def __init__(
        self,
        *,
        tls_context: ssl.SSLContext,
        policy: Policy,
        timeouts: Timeouts,
        lookup: Lookup = look_up,
        connections: int = 100,
        connections_per_host: int = 4,
    ) -> None:
        """Raises ValueError for a TLS context that would not know whom it speaks to."""
        if tls_context.verify_mode != ssl.CERT_REQUIRED or not tls_context.check_hostname:
            raise ValueError("push: the TLS context must verify certificates and host names")
        if tls_context.minimum_version < ssl.TLSVersion.TLSv1_2:
            raise ValueError("push: the TLS context must ask for TLS 1.2 at least")
        if connections < 1 or connections_per_host < 1:
            raise ValueError("push: give at least one connection")
        self._tls_context = tls_context
        self._resolver = JudgedResolver(lookup, policy)
        self._timeouts = timeouts
        self._connections = connections
        self._connections_per_host = connections_per_host
        self._session: aiohttp.ClientSession | None = None
        self.closed = False

    async def post(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str], progress: Progress) -> Answer:
        """One request, no redirects. Raises AddressRefused, what aiohttp raises, and TimeoutError."""
        response = await self._open().post(
            URL(endpoint.url, encoded=True),
            data=_Body(body, progress),
            headers=headers,
            allow_redirects=False,
        )
        return await self._answer(response)

    async def get(self, endpoint: Endpoint, headers: Mapping[str, str]) -> Answer:
        """Likewise, with nothing to send."""
        url = URL(endpoint.url, encoded=True)
        return await self._answer(await self._open().get(url, headers=headers, allow_redirects=False))

    async def _answer(self, response: aiohttp.ClientResponse) -> Answer:
        try:
            return Answer(
                status=response.status,
                media_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
                retry_after=response.headers.get("Retry-After"),
                body=await self._read(response),
            )
        finally:
            # Not release(): that would wait for a message that the receiver may never read to its end.
            response.close()

    async def aclose(self) -> None:
        """Hang up, in bounded time."""
        self.closed = True
        session, self._session = self._session, None
        if session is not None:
            try:
                async with asyncio.timeout(self._timeouts.close):
                    await session.close()
            except TimeoutError:
                pass

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The body, or nothing: the status was the answer, and stands whatever becomes of the rest."""
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            return b""
        read = bytearray()
        try:
            async with asyncio.timeout(self._timeouts.body):
                while chunk := await response.content.read(LARGEST + 1 - len(read)):
                    read += chunk
                    if len(read) > LARGEST:
                        return b""
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return b""
        return bytes(read)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._resolver,
                    use_dns_cache=False,
                    ssl=self._tls_context,
                    force_close=True,
                    limit=self._connections,
                    limit_per_host=self._connections_per_host,
                ),
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=self._timeouts.connect, sock_read=self._timeouts.answer
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                max_line_size=_LINE,
                max_field_size=_LINE,
            )
        return self._session
