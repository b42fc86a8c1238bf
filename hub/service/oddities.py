"""What an event says that can hardly be so. It is taken as the specification has it, with a warning; but a warning is
read by a program, so that the operator has an alarm and rings the sender."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contacts.roles import OPERATOR
from hub.core.episode import Episode
from hub.core.events import CLOCKS_APART, EpisodeEvent, instant
from hub.core.records import AlarmRecord
from hub.core.summary import EpisodeState
from hub.service.alarms import seen_to
from hub.service.ledger import REPORT_AWAITED
from hub.service.ports import Ids, Unit

ENDS: Final[Mapping[str, EpisodeState]] = {
    "episode.found": "found",
    "episode.returned": "returned",
    "episode.retracted": "retracted",
}
"""What an episode is after them, where they count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddities:
    """Of one event, and of those that were kept for it, from one source."""

    unit: Unit
    ids: Ids
    source: str
    now: datetime

    async def see_to(self, event: EpisodeEvent, episode: str, after: Episode) -> None:
        """Raise what is odd about it."""
        for kind in _odd(event, after, self.now):
            alarm = AlarmRecord(id=self.ids.new("al", self.now), kind=kind, owner=OPERATOR, episode=episode,
                                reason=self.source, raised_at=self.now)  # fmt: skip
            await self.unit.add_alarm(alarm, ())

    async def report_came(self, episode: str) -> None:
        """Clear what stood while events waited for it."""
        for alarm in await self.unit.alarms():
            if (alarm.kind, alarm.episode) == (REPORT_AWAITED, episode):
                await seen_to(self.unit, alarm.id, f"source:{self.source}", self.ids, self.now)


def _odd(event: EpisodeEvent, after: Episode, now: datetime) -> Iterator[str]:
    if event.kind == "episode.reported" and instant(after.doc["episode"]["since"]) > now + CLOCKS_APART:
        yield "since_ahead"  # it counts all the same (readings.md C17), and nothing later moves its clocks (A7)
    if after.state in ("open", "found") and ENDS.get(event.kind, after.state) != after.state:
        yield "end_passed_over"  # it is older than what is known (A3), or its year is mistyped and the child is back
