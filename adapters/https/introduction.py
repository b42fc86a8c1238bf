"""How a hub introduces itself: one document, signed by every content key it holds (RFC 7515 7.2.1, JWS JSON).

Signed by all of them, as that is how another hub that knows an old key learns the new one.
"""

import json
from collections.abc import Sequence
from typing import Final

from adapters.https.keys import ReceiverKey, b64url
from adapters.https.receive import verified
from adapters.https.seal import ContentSigner

INTRODUCTION_TYP: Final = "fingerpost-hub+jwt"
LARGEST: Final = 64 * 1024
MAX_SIGNATURES: Final = 16


class NotReadable(ValueError):
    """Not a signed document of this shape."""


def signed(payload: bytes, signers: Sequence[ContentSigner]) -> bytes:
    """The document with a signature of each: JSON, in ASCII."""
    signatures = []
    for signer in signers[-MAX_SIGNATURES:]:
        protected, _, signature = signer.sign(payload, INTRODUCTION_TYP).split(".")
        signatures.append({"protected": protected, "signature": signature})
    return json.dumps({"payload": b64url(payload), "signatures": signatures}).encode("ascii")


def said_by(document: bytes, keys: Sequence[ReceiverKey]) -> bytes | None:
    """What it says, if one of ``keys`` signed it. Raises NotReadable."""
    for compact in _compact(document):
        found = verified(compact, keys, INTRODUCTION_TYP)
        if found is not None:
            return found
    return None


def _compact(document: bytes) -> list[bytes]:
    """Each signature as if it stood alone."""
    if len(document) > LARGEST:
        raise NotReadable("too long")
    try:
        read = json.loads(document)
        payload, signatures = str(read["payload"]), list(read["signatures"])
        if not 0 < len(signatures) <= MAX_SIGNATURES:
            raise NotReadable(f"it has to bear 1 to {MAX_SIGNATURES} signatures")
        return [f"{one['protected']}.{payload}.{one['signature']}".encode("ascii") for one in signatures]
    except NotReadable:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotReadable("not a signed document") from None
