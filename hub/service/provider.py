"""The one system that takes everything of a channel: whether it is away, and that it is back. No I/O."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.port import Deferred, Reason
from hub.core.verdict import Tried
from hub.service.signs import FAILURES, OUTAGE, asked, later, sign_of, spoken

NO_CONNECTION: Final[frozenset[Reason]] = frozenset({"connection_failed", "tls_failed"})
"""Of what is deferred by a provider: it was the provider itself that could not be reached. Everything else it may have
said of one recipient."""

KNOCK_AFTER: Final = 10.0
"""Seconds without anything but failures, after which it is asked whether it is there. Where it was there and took
nothing all the same, four times as long each time: else the tries of a notice would be used up in a minute."""


@dataclass(slots=True, kw_only=True)
class Provider:
    """The one that takes everything of a channel: after an outage of its own nobody waits for his next turn."""

    failures: int = 0
    """In a row."""
    since: datetime | None = None
    """When the first of them was."""
    asked_until: datetime | None = None
    """Until then it asked to be left alone (Retry-After), by somebody's delivery."""
    back: bool = False
    """What waits on the channel is due now."""
    knocks: int = 0
    """How often it was there when it was asked, since it last took anything."""

    def silent(self, now: datetime) -> bool:
        """Nothing but failures to reach it, for so long that it is asked. (A clock may have been set back.)"""
        wait = timedelta(seconds=KNOCK_AFTER * 4 ** min(self.knocks, 10))
        return self.since is not None and abs(now - self.since) >= wait and not later(self.asked_until, now)

    def there(self) -> None:
        """It was asked, and it is there: nobody waits for his own next turn, which may be hours away."""
        self.back, self.failures, self.since = True, 0, None
        self.knocks += 1

    def learn(self, tried: Tried) -> None:
        """What a try says of the provider."""
        self.asked_until = asked(tried, self.asked_until)
        match spoken(tried):
            case Deferred(reason=reason) if reason in NO_CONNECTION:
                self.failures += 1
                self.since = self.since or tried.finished_at
            case result if sign_of(result) == "answers":
                away = self.since is not None and tried.finished_at - self.since >= OUTAGE
                if away and self.failures >= FAILURES and not later(self.asked_until, tried.finished_at):
                    self.back = True
                self.failures, self.since, self.knocks = 0, None, 0
