"""The directory's services, for a running hub and for a command beside it."""

from collections.abc import Callable, Mapping, Sequence

from adapters.port import Transport
from contacts.areas import Areas, load_areas
from contacts.model import Bundle
from hub.app.foundations import Log
from hub.service.directory.changing import Changing, Loud
from hub.service.directory.versions import Versions
from hub.service.directory.warning import Warner
from hub.service.live_directory import LiveDirectory
from hub.service.ports import Clock, Ids, Store


def directory_of(
    store: Store,
    areas: Areas,
    live: LiveDirectory,
    ways: Mapping[str, Transport],
    clock: Clock,
    ids: Ids,
    log: Log,
) -> Changing:
    """Changes go to use on this node at once, and an override is told to whom it concerns."""
    warner = Warner(transports=ways, clock=clock, ids=ids, log=log)
    return _changing(store, areas, clock, ids, live.take, warner)


def directory_at_the_machine(store: Store, clock: Clock, ids: Ids) -> Changing:
    """For a command: a running hub takes its changes over at its next refresh. It overrides nothing."""
    return _changing(store, load_areas(), clock, ids, lambda version, bundle: None, _nobody)


def _changing(
    store: Store,
    areas: Areas,
    clock: Clock,
    ids: Ids,
    adopt: Callable[[int, Bundle], None],
    loud: Loud,
) -> Changing:
    versions = Versions(store=store, areas=areas, clock=clock)
    return Changing(store=store, clock=clock, ids=ids, areas=areas, versions=versions, adopt=adopt, loud=loud)


async def _nobody(organisations: Sequence[str], before: Bundle, after: Bundle) -> None:
    return None
