"""Whether a clock has run evenly for a while: what cannot be taken back does not go by one look at a wrong one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

STEADY: Final = timedelta(hours=1)
"""So long a clock has to have run evenly: whoever sets it a year ahead for a minute, or starts a machine whose clock
is wrong and is then put right, ends and empties nothing."""
EVENLY: Final = timedelta(minutes=15)
"""The longest between two looks of a clock that nobody has set: a look at much takes a while."""


@dataclass(slots=True, kw_only=True)
class Steadiness:
    """One look's, from its start on."""

    _looked_at: datetime | None = None
    _even_since: datetime | None = None

    def steady(self, now: datetime) -> bool:
        """To be asked at every look, as what it goes by is what was said before."""
        before, self._looked_at = self._looked_at, now
        if before is None or self._even_since is None or not timedelta(0) <= now - before <= EVENLY:
            self._even_since = now
        return now - self._even_since >= STEADY
