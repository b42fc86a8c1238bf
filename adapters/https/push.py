"""HTTPS push as a transport: sealed to the receiver's key, posted to their own system, once a call.

What is needed: the hub's keys for content (``ContentSigner``) and for requests (``TransportKey``); and of each receiver
a URL, and one or more JWKs in ``Envelope.certificates`` with their thumbprints in ``Envelope.pinned`` (keys.py).
docs/receiving.md tells receivers what arrives and how to answer.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import aiohttp

from adapters.https import wire
from adapters.https.answer import Answer, proof
from adapters.https.client import AddressRefused, Client, Lookup, Progress, Timeouts, look_up
from adapters.https.codes import classify
from adapters.https.guard import Endpoint, NotAllowed, Policy, endpoint
from adapters.https.keys import Refusal, encryption_key
from adapters.https.seal import ContentSigner, seal
from adapters.port import (
    UNTOUCHED,
    Accepted,
    Alert,
    Content,
    Deferred,
    Envelope,
    Rejected,
    Result,
    Unconfirmed,
    Unwritten,
    written,
)

CHANNEL: Final = "push"
_IN_A_THREAD = 64 * 1024
"""Bytes of content from which sealing would hold the event loop for longer than a thread costs (measured: 1 ms for a
small notice, 3 ms for this, 80 ms for three megabytes, as base64 is wrapped in base64)."""
_POLICY = Policy()
_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """Ready to be posted: sealed, or content-free."""

    endpoint: Endpoint
    media_type: str
    body: bytes = field(repr=False)
    certificate: str | None


class PushTransport:
    """:class:`adapters.port.Transport` for HTTPS push. No settings and no environment are read here."""

    def __init__(
        self,
        *,
        issuer: str,
        signer: ContentSigner,
        transport_keys: Sequence[wire.TransportKey],
        shared_secrets: Mapping[str, Sequence[wire.TransportKey]] | None = None,
        tls_context: ssl.SSLContext | None = None,
        policy: Policy = _POLICY,
        timeouts: Timeouts = _TIMEOUTS,
        size_limit: int = 25 * 1024 * 1024,
        connections: int = 100,
        connections_per_host: int = 4,
        lookup: Lookup = look_up,
    ) -> None:
        """``issuer``: what the hub is called in ``iss``, its public URL. ``transport_keys``: sign every request; the
        hub's own (``v1a``), two while they are rotated. ``shared_secrets``: by normalised URL, further keys for that
        receiver (``v1``); looked at on each try, so a live mapping may be given. ``tls_context``: the system's
        authorities if there is none. ``size_limit``: bytes of a whole request body. ``lookup``: resolves names.

        Raises ValueError for settings that cannot work or would not be safe.
        """
        if not issuer:
            raise ValueError("push: the hub needs a name that receivers can check (issuer)")
        if len(transport_keys) > wire.MAX_SIGNATURES:
            raise ValueError(f"push: at most {wire.MAX_SIGNATURES} transport keys")
        self._issuer = issuer
        self._signer = signer
        self._transport_keys = tuple(transport_keys)
        self._shared_secrets = {} if shared_secrets is None else shared_secrets
        self._policy = policy
        self._timeouts = timeouts
        self._size_limit = size_limit
        self._client = Client(
            tls_context=tls_context or _tls(),
            policy=policy,
            timeouts=timeouts,
            lookup=lookup,
            connections=connections,
            connections_per_host=connections_per_host,
        )

    @property
    def channel(self) -> str:
        return CHANNEL

    @property
    def longest_send(self) -> float:
        """Seconds that one ``deliver`` may take at most on the network; a lease must outlast it."""
        return self._timeouts.total

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        """Try once. An address or a key that is refused costs no connection; raises only CancelledError."""
        progress = Progress()
        try:
            request = await self._prepare(envelope, now)
            if isinstance(request, Rejected):
                return request
            if self._client.closed:
                return Deferred(reason="provider_unavailable", detail="closed")
            headers = self._headers(envelope, request, now)
            async with asyncio.timeout(self._timeouts.total):
                answer = await self._client.post(request.endpoint, request.body, headers, progress)
            return _result(answer, request, envelope, now, progress)
        except asyncio.CancelledError:
            if progress.content_out:
                raise
            raise asyncio.CancelledError(UNTOUCHED) from None
        except (wire.InvalidField, NotAllowed) as problem:
            # A wrong address is the directory's fault, the rest the hub's own.
            return Rejected(
                reason="misconfigured", detail=str(problem), technical=isinstance(problem, wire.InvalidField)
            )
        except AddressRefused as refused:
            return Rejected(reason="misconfigured", detail=f"resolves to a {refused} address", technical=True)
        except (aiohttp.ClientError, OSError, TimeoutError) as exc:
            return _broken(exc, progress)
        except Exception as exc:
            # A fault of ours must not stop the worker; its class is told, as its text could quote what it choked on.
            if progress.content_out:
                return Unconfirmed(reason="unknown", detail=type(exc).__name__)
            return Rejected(reason="unknown", detail=type(exc).__name__, technical=True)

    async def aclose(self) -> None:
        """Close what is open in ``timeouts.close`` seconds at most."""
        await self._client.aclose()

    async def _prepare(self, envelope: Envelope, now: datetime) -> _Request | Rejected:
        if _weight(envelope) < _IN_A_THREAD:
            return self._request(envelope, now)
        return await asyncio.to_thread(self._request, envelope, now)

    def _request(self, envelope: Envelope, now: datetime) -> _Request | Rejected:
        target = endpoint(envelope.address, self._policy)
        wire.check(envelope)
        certificate: str | None = None
        match envelope.body:
            case Alert():
                media_type, body = wire.ALERT_TYPE, wire.alert(envelope, envelope.body)
            case Content() | Unwritten() as content:
                key = encryption_key(envelope.certificates, now, envelope.pinned)
                if isinstance(key, Refusal):
                    return Rejected(reason=key.reason)
                claims = wire.claims(envelope, written(content), issuer=self._issuer, audience=target.url, now=now)
                media_type, body, certificate = wire.SEALED_TYPE, seal(claims, self._signer, key), key.thumbprint
        if len(body) > self._size_limit:
            return Rejected(reason="too_large", detail="over the size limit of the settings")
        return _Request(endpoint=target, media_type=media_type, body=body, certificate=certificate)

    def _headers(self, envelope: Envelope, request: _Request, now: datetime) -> Mapping[str, str]:
        keys = (*self._transport_keys, *self._shared_secrets.get(request.endpoint.url, ()))
        named = {wire.ISSUER_HEADER: self._issuer}
        return named | wire.headers(envelope, request.body, media_type=request.media_type, keys=keys, now=now)


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _result(answer: Answer, request: _Request, envelope: Envelope, now: datetime, progress: Progress) -> Result:
    if not 200 <= answer.status <= 299:
        return classify(answer.status, answer.retry_after, now)
    if not progress.content_out:
        # Whoever agrees before the end has not taken it: the end is what makes it readable.
        return Deferred(reason="connection_failed", detail=f"{answer.status} before the content was out")
    found = proof(answer, envelope, CHANNEL, now)
    return Accepted(
        provider_reference=None if found is None else found.provider_reference,
        digest=hashlib.sha256(request.body).hexdigest(),
        certificate=request.certificate,
        receipt=None if found is None else found.receipt,
        answer=b"" if found is None else answer.body,
    )


def _broken(exc: Exception, progress: Progress) -> Result:
    detail = type(exc).__name__
    if progress.content_out:
        # An answer that is no HTTP is told apart: somebody has to look at it.
        garbage = isinstance(exc, aiohttp.ClientResponseError)
        return Unconfirmed(reason="unknown" if garbage else "provider_timeout", detail=detail)
    if isinstance(exc, aiohttp.ClientSSLError):
        return Deferred(reason="tls_failed", detail=detail)
    if isinstance(exc, TimeoutError):
        return Deferred(reason="provider_unavailable", detail=detail)
    return Deferred(reason="connection_failed", detail=detail)


def _weight(envelope: Envelope) -> int:
    body = envelope.body
    if not isinstance(body, Content):
        return 0
    return len(body.text) + len(body.html) + sum(len(attachment.data) for attachment in body.attachments)
