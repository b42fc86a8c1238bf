"""How much one sender may send: a token bucket each, driven by the injected clock."""

from collections import OrderedDict
from datetime import datetime

from hub.service.ports import Clock

MOST_BUCKETS = 10_000


class Buckets:
    """One bucket a key: ``burst`` at once, then ``per_second``. Bounded: the longest unused bucket is forgotten."""

    def __init__(self, *, per_second: float, burst: int, clock: Clock) -> None:
        self._rate = per_second
        self._burst = float(burst)
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one token. 0 if there was one, else the seconds until there will be."""
        now = self._clock.now()
        level, at = self._levels.pop(key, (self._burst, now))
        # A clock set back must neither drain nor fill a bucket.
        level = min(self._burst, level + max(0.0, (now - at).total_seconds()) * self._rate)
        granted = level >= 1.0
        self._levels[key] = (level - 1.0 if granted else level, now)
        if len(self._levels) > MOST_BUCKETS:
            self._levels.popitem(last=False)
        return 0.0 if granted else (1.0 - level) / self._rate

    def wait(self, key: str) -> float:
        """Seconds until there will be one to take; 0 if there is one. Takes none."""
        level, at = self._levels.get(key, (self._burst, self._clock.now()))
        level = min(self._burst, level + max(0.0, (self._clock.now() - at).total_seconds()) * self._rate)
        return 0.0 if level >= 1.0 else (1.0 - level) / self._rate
