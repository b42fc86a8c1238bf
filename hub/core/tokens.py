"""Acknowledgement tokens: derived from the delivery's id under a secret of the hub, never stored.

Whoever holds the token may answer for the notice, so the ledger keeps only its SHA-256: a copy of the database lets
nobody answer, while the mail can be composed again, with the same link, on every try.
"""

import base64
import hashlib
import hmac

_LEAST_SECRET = 32


class WeakSecret(ValueError):
    """The acknowledgement secret is too short: give at least 32 random bytes (``fingerpost keys init`` makes them)."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def ack_token(secret: bytes, delivery_id: str) -> str:
    """The token of one delivery: 256 bits, 43 URL-safe characters. Raises WeakSecret."""
    if len(secret) < _LEAST_SECRET:
        raise WeakSecret
    mac = hmac.new(secret, b"ack\0" + delivery_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")


def token_digest(token: str) -> bytes:
    """What is stored of a token, and looked up by: its SHA-256 (32 bytes). Takes any text, also none of ours."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
