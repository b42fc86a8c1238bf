"""Tokens of a delivery, for its answer, its receipts and its pick-up: derived from its id under a secret of the hub,
not stored.

Whoever holds the token may answer for the notice, so the ledger keeps only its SHA-256: a copy of the database lets
nobody answer, while the mail can be composed again, with the same link, on every try.
"""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit

_LEAST_SECRET = 32
_REPLY_ALPHABET = "23456789CDFGHJKMNPQRTVWXY"
"""That of references (``hub/edge/ids.py``): nothing is read as something else."""
_REPLY_LETTERS = 6


class WeakSecret(ValueError):
    """The secret of the tokens is too short: give at least 32 random bytes (``fingerpost keys init`` makes them)."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def ack_token(secret: bytes, delivery_id: str) -> str:
    """The token of one delivery: 256 bits, 43 URL-safe characters. Raises WeakSecret."""
    return base64.urlsafe_b64encode(_mac(secret, b"ack", delivery_id)).rstrip(b"=").decode("ascii")


def receipt_token(secret: bytes, delivery_id: str) -> str:
    """What receipts of one delivery come back under: 160 bits, 32 lower-case letters and digits, as mail systems fold
    the case of a local part. It proves nothing about who read the notice. Raises WeakSecret."""
    return base64.b32encode(_mac(secret, b"receipt", delivery_id)[:20]).decode("ascii").lower()


def pickup_token(secret: bytes, delivery_id: str) -> str:
    """What the pick-up page of one delivery is found under: 256 bits, 43 URL-safe characters. It travels in clear, so
    it opens nothing by itself (hub/core/pickup.py), and answers nothing. Raises WeakSecret."""
    return base64.urlsafe_b64encode(_mac(secret, b"pickup", delivery_id)).rstrip(b"=").decode("ascii")


def verify_token(secret: bytes, verification: str) -> str:
    """What a contact proves itself with: 256 bits, 43 URL-safe characters. Raises WeakSecret."""
    return base64.urlsafe_b64encode(_mac(secret, b"verify", verification)).rstrip(b"=").decode("ascii")


def change_token(secret: bytes, news: str) -> str:
    """What an address agrees to a change of the directory with: 256 bits, 43 URL-safe characters. Raises WeakSecret."""
    return base64.urlsafe_b64encode(_mac(secret, b"change", news)).rstrip(b"=").decode("ascii")


def place_of(secret: bytes, channel: str, address: str) -> bytes:
    """What is kept of an address to know it again, and says nothing of it."""
    return _mac(secret, b"place\0" + channel.encode(), address)[:16]


def pickup_code_digest(secret: bytes, visit: str, code: str) -> bytes:
    """What is kept of a one-time code: of so few digits a plain digest would give the code away. Raises WeakSecret."""
    return _mac(secret, b"pickup code\0" + code.encode(), visit)


def shown_digest(secret: bytes, delivery_id: str, text: str) -> str:
    """What shows later which text was shown to somebody, in hex: keyed, as what stands in a notice could be guessed and
    tried against a plain digest after it was erased. Raises WeakSecret."""
    return _mac(secret, b"shown\0" + text.encode(), delivery_id).hex()


def line_of(secret: bytes, episode: str, address: str) -> bytes:
    """What the deliveries of one episode to one address have in common, and says nothing of either."""
    return _mac(secret, b"line\0" + episode.encode(), address.lower())[:16]


def destination_of(secret: bytes, channel: str, address: str) -> bytes:
    """What deliveries have in common that go to one mail domain or host; empty for channels that have none."""
    match channel:
        case "email":
            place = address.rpartition("@")[2]
        case "push":
            place = urlsplit(address).netloc
        case _:
            return b""
    return _mac(secret, b"destination\0" + channel.encode(), place.lower())[:16]


def reply_code(secret: bytes, delivery_id: str) -> str:
    """What a text message sent back quotes: 6 characters of the alphabet of references, 2.4e8 of them. Short enough to
    be typed, so it counts only from the number that the alert went to, and proves no more than that the alert was seen
    there. Raises WeakSecret."""
    number = int.from_bytes(_mac(secret, b"reply", delivery_id))
    letters: list[str] = []
    for _ in range(_REPLY_LETTERS):
        number, letter = divmod(number, len(_REPLY_ALPHABET))
        letters.append(_REPLY_ALPHABET[letter])
    return "".join(letters)


def reply_digest(secret: bytes, number: str, code: str) -> bytes:
    """What a delivery is found by when its code comes back from the number (E.164) that its alert went to; it says
    nothing of either."""
    return _mac(secret, b"reply digest\0" + code.encode(), number)[:16]


def _mac(secret: bytes, purpose: bytes, about: str) -> bytes:
    if len(secret) < _LEAST_SECRET:
        raise WeakSecret
    return hmac.digest(secret, purpose + b"\0" + about.encode(), "sha256")


def token_digest(token: str) -> bytes:
    """What is stored of a token, and looked up by: its SHA-256 (32 bytes). Takes any text, also none of ours."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
