"""Asking providers that are away whether they are back, every few seconds, without using up anybody's try."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from adapters.port import Reachable, Transport
from hub.service.lanes import Lane
from hub.service.ports import Clock
from hub.service.recording import Log

EVERY: Final = 5.0
"""Seconds."""


async def knocking(
    lanes: Sequence[Lane], transports: Mapping[str, Transport], clock: Clock, nudge: Callable[[], None], log: Log
) -> None:
    """Until it is cancelled. Each lane's provider knows whether it is to be asked; ``nudge``: there is something due.

    Without it, what failed waits for its own next turn, which an outage of some minutes puts an hour away.
    """
    able: list[tuple[Lane, Reachable]] = []
    for lane in lanes:
        way: object = transports.get(lane.channel)
        if isinstance(way, Reachable):
            able.append((lane, way))
    while True:
        await clock.sleep(EVERY)
        for lane, provider in able:
            if lane.provider.silent(clock.now()) and await provider.reachable():
                lane.provider.there()
                log.info("delivery.provider_back", channel=lane.channel)
                nudge()
