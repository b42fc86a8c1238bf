"""The directory's services, for a running hub and for a command beside it."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from adapters.port import Transport
from contacts.areas import Areas, load_areas
from contacts.model import Bundle
from hub.app.foundations import Log
from hub.service.alarming import WORDS
from hub.service.directory.changing import Changing
from hub.service.directory.telling import Telling
from hub.service.directory.versions import Versions
from hub.service.live_directory import LiveDirectory
from hub.service.ports import Clock, Ids, Store
from hub.settings import Settings


def directory_of(
    store: Store,
    areas: Areas,
    live: LiveDirectory,
    ways: Mapping[str, Transport],
    clock: Clock,
    ids: Ids,
    trips: bytes | None,
) -> Changing:
    """Changes go to use on this node at once. ``trips``: the secret of the links by which addresses agree to a change,
    None where they may not."""
    return _changing(store, areas, clock, ids, live.take, frozenset(WORDS) & ways.keys(), trips)


def telling_of(
    settings: Settings,
    store: Store,
    live: LiveDirectory,
    ways: Mapping[str, Transport],
    secret: bytes,
    ids: Ids,
    log: Log,
) -> Telling:
    """What tells people of changes, and lets those lapse that nobody decides."""
    return Telling(
        store=store,
        transports=ways,
        directory=live,
        life=timedelta(days=settings.directory_change_days),
        public_url=settings.public_url,
        secret=secret,
        ids=ids,
        log=log,
    )


def directory_at_the_machine(store: Store, clock: Clock, ids: Ids) -> Changing:
    """For a command: a running hub takes its changes over at its next refresh. It overrides nothing."""
    return _changing(store, load_areas(), clock, ids, lambda version, bundle: None, frozenset())


def _changing(
    store: Store,
    areas: Areas,
    clock: Clock,
    ids: Ids,
    adopt: Callable[[int, Bundle], None],
    channels: Collection[str],
    trips: bytes | None = None,
) -> Changing:
    versions = Versions(store=store, areas=areas, clock=clock)
    return Changing(
        store=store,
        clock=clock,
        ids=ids,
        areas=areas,
        versions=versions,
        adopt=adopt,
        channels=channels,
        trips=trips,
    )
