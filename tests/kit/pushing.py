"""A push transport for tests, and what it delivers to :class:`tests.kit.receiver.PushServer`."""

from collections.abc import Mapping
from typing import Any

from adapters.https.client import Timeouts
from adapters.https.push import PushTransport
from adapters.https.seal import ContentSigner
from adapters.https.wire import TransportKey
from adapters.port import Attachment, Envelope, Result
from tests.kit.pki import curve_key
from tests.kit.receiver import PushServer, receiver_key
from tests.kit.smtp import client_context
from tests.kit.transport import NOW, content

RECEIVER = receiver_key()
SEED = bytes(range(32))
KEYS = (TransportKey(scheme="v1a", key=SEED),)
SIGNER = ContentSigner(key=curve_key("hub content"))
BIG = content(attachments=(Attachment(name="photo.jpg", media_type="image/jpeg", data=b"\xff" * 4_000_000),))
"""More than the buffers between two sockets hold."""
PATIENT = Timeouts(connect=5, answer=5, body=5, total=20, close=1)
HASTY = Timeouts(connect=2, answer=1, body=0.3, total=2, close=1)
"""For what never ends: long enough for a busy machine to get there, short enough to wait for."""
IMPATIENT = Timeouts(connect=0.2, answer=1, body=1, total=5, close=1)
"""For connections that never come about."""


def transport(server: PushServer, timeouts: Timeouts = PATIENT, **changes: Any) -> PushTransport:
    given: dict[str, Any] = {
        "issuer": "https://hub.example",
        "signer": SIGNER,
        "transport_keys": KEYS,
        "tls_context": client_context(),
        "policy": server.policy,
        "lookup": server.lookup,
        "timeouts": timeouts,
        **changes,
    }
    return PushTransport(**given)


def envelope(server: PushServer, **changes: Any) -> Envelope:
    given: dict[str, Any] = {
        "delivery": "dl-1",
        "reference": "FP-2345-6789",
        "address": server.url,
        "body": content(),
        "certificates": (RECEIVER.document,),
        "pinned": frozenset({RECEIVER.mark}),
        **changes,
    }
    return Envelope(**given)


async def delivered(
    server: PushServer, timeouts: Timeouts = PATIENT, *, given: Mapping[str, Any] | None = None, **changes: Any
) -> Result:
    push = transport(server, timeouts, **(given or {}))
    try:
        return await push.deliver(envelope(server, **changes), NOW)
    finally:
        await push.aclose()
