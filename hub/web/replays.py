"""What was put in quarantine not long ago: the same again is the same, not one more to look at.

A valid event that is sent again is told by its id in the ledger, on every node and for as long as the ledger keeps it
(hub/service/intake.py). What is put in quarantine may have no id, and whoever has seen one old request could send it
for ever: each would be kept, and raise an alarm. So each node remembers the newest that it has put there.
"""

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final

from hub.service.ports import Clock

MOST: Final = 10_000
LASTS: Final = timedelta(hours=1)


class Replays:
    """Bounded in number and in time: what is forgotten is put there once more."""

    def __init__(self, clock: Clock, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[bytes, tuple[str, datetime]] = OrderedDict()

    def known(self, source: str, body: bytes, why: str) -> str | None:
        """Under which id the same body of the same source is there for the same reason."""
        quarantine, at = self._kept.get(_digest(source, body, why), (None, self._clock.now()))
        return quarantine if abs(self._clock.now() - at) < LASTS else None

    def keep(self, source: str, body: bytes, why: str, quarantine: str) -> None:
        """It is there now."""
        self._kept[_digest(source, body, why)] = (quarantine, self._clock.now())
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _digest(source: str, body: bytes, why: str) -> bytes:
    return hashlib.sha256(f"{source}\0{why}\0".encode() + body).digest()
