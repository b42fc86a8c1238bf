"""One-time codes of an authenticator app (RFC 6238: SHA-1, six digits, 30 seconds), each good once."""

import base64
import hmac
from datetime import datetime
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

SECRET_BYTES: Final = 20
"""RFC 4226, 4, R6: 160 bits."""
PERIOD: Final = 30
DIGITS: Final = 6
EITHER_SIDE: Final = 1
"""Steps by which the clock of a telephone may be off (RFC 6238, 5.2 allows for one)."""


def step_of(now: datetime) -> int:
    """The number of the step of time that ``now`` is in."""
    return int(now.timestamp()) // PERIOD


def code_at(secret: bytes, step: int) -> str:
    """The six digits of one step."""
    # SHA-1 is what authenticator apps compute; in an HMAC its collisions do not matter.
    return HOTP(secret, DIGITS, SHA1()).generate(step).decode("ascii")  # noqa: S303  # as RFC 6238 has it  # nosec B303


def used_step(secret: bytes, code: str, now: datetime, *, after: int) -> int | None:
    """The step whose code this is; None if it is of none near ``now``, or of one not later than ``after``.

    ``after`` is the newest step that was used: a code that somebody looked at is worth nothing once it has been used
    (RFC 6238, 5.2). All candidates are compared, in constant time each.
    """
    digits = "".join(code.split()).encode("utf-8", "replace")
    present = step_of(now)
    found: int | None = None
    for step in range(max(0, present - EITHER_SIDE), present + EITHER_SIDE + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), digits) and step > after:
            found = step
    return found


def shown_secret(secret: bytes) -> str:
    """The secret to be typed: base 32 in groups of four, without padding."""
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def app_uri(secret: bytes, *, issuer: str, account: str) -> str:
    """What the QR code holds: ``otpauth://totp/ISSUER:ACCOUNT?secret=…`` (Key URI Format)."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    key = base64.b32encode(secret).decode("ascii").rstrip("=")
    return f"otpauth://totp/{label}?secret={key}&issuer={quote(issuer, safe='')}&digits={DIGITS}&period={PERIOD}"
