"""What one browser is given to hand back within a while: it bears its end and a MAC over what it is for.

Nothing of it is stored, so that no visitor can fill a table; only what was handed back rightly is kept until its end,
so that it counts once.
"""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

_END_BYTES: Final = 8
_MAC_BYTES: Final = 32


class NotOurs(ValueError):
    """It was not given to this browser for this purpose, or is over."""


def given(secret: bytes, purpose: bytes, browser: str, content: bytes, ends: datetime) -> bytes:
    """``content`` for the browser with this cookie, to the second of ``ends``. ``purpose`` tells apart what must not be
    taken for one another."""
    head = int(ends.timestamp()).to_bytes(_END_BYTES) + content
    return head + _mac(secret, purpose, browser, head)


def handed_back(
    secret: bytes, purpose: bytes, browser: str, given: bytes, *, lives: timedelta, now: datetime
) -> tuple[bytes, datetime]:
    """The content, and when it ends. ``lives``: how long it is good for, by whatever clock. Raises NotOurs."""
    head, mac = given[:-_MAC_BYTES], given[-_MAC_BYTES:]
    if len(head) < _END_BYTES or not hmac.compare_digest(mac, _mac(secret, purpose, browser, head)):
        raise NotOurs
    ends = datetime.fromtimestamp(int.from_bytes(head[:_END_BYTES]), UTC)
    if not ends - lives - timedelta(seconds=1) <= now < ends:
        raise NotOurs
    return head[_END_BYTES:], ends


def _mac(secret: bytes, purpose: bytes, browser: str, head: bytes) -> bytes:
    cookie = hashlib.sha256(browser.encode("utf-8", "replace")).digest()
    return hmac.digest(secret, purpose + b"\0" + cookie + head, hashlib.sha256)
