"""The pick-up of notices that could not be sealed, made from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from adapters.port import Transport
from hub.core.pickup import Limits
from hub.service.answers import Answers
from hub.service.envelopes import Composer
from hub.service.live_directory import LiveDirectory
from hub.service.pickup.codes import Codes
from hub.service.pickup.link import Keep, Links
from hub.service.pickup.viewing import Meter, Viewing
from hub.service.ports import Clock, Ids, Store
from hub.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Pickup:
    """Lets readers in, and shows them what waits."""

    codes: Codes
    viewing: Viewing


def pickup_of(
    settings: Settings,
    store: Store,
    ways: Mapping[str, Transport],
    directory: LiveDirectory,
    keep: Keep,
    envelopes: Composer,
    answers: Answers,
    secret: bytes,
    clock: Clock,
    ids: Ids,
    meter: Meter,
) -> Pickup:
    """Codes go over the hub's own transports."""
    links = Links(
        directory=directory,
        channels=frozenset(ways),
        keep=keep,
        limits=Limits(openings=settings.pickup_openings, life=timedelta(days=settings.pickup_days)),
    )
    return Pickup(
        codes=Codes(
            store=store, transports=ways, links=links, envelopes=envelopes, secret=secret, clock=clock, ids=ids
        ),
        viewing=Viewing(
            store=store,
            links=links,
            envelopes=envelopes,
            answers=answers,
            secret=secret,
            clock=clock,
            ids=ids,
            meter=meter,
        ),
    )
