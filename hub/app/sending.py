"""What sends, made from the settings: delivery over every way out, and the canary that shows that it works."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from adapters.port import Transport
from hub.app.foundations import Log
from hub.app.mail import crew
from hub.core.retry import RetryPolicy
from hub.notices.words import load_words
from hub.service.canary import Canary
from hub.service.delivery import Delivery
from hub.service.envelopes import Composer
from hub.service.lanes import Limits
from hub.service.live_directory import LiveDirectory
from hub.service.pickup.link import Unproven
from hub.service.ports import Clock, Ids, Store
from hub.service.recording import Meter
from hub.service.ways import Ways
from hub.settings import Settings

DRAIN_SHARE: Final = 0.45
"""Of the time there is to stop: for deliveries in flight and their records."""


def composer_of(settings: Settings, directory: LiveDirectory, secret: bytes) -> Composer:
    """What composes notices, to be sent or to be picked up."""
    # Read now: the first notice does not wait for it, and a hub that lacks its words does not start.
    load_words()
    return Composer(
        directory=directory,
        ack_secret=secret,
        public_url=settings.public_url,
        collect=_collect(settings),
        replies=settings.sms_replies,
        apart=frozenset({"email"}) if crew(settings).count else frozenset(),
    )


def delivery_of(
    settings: Settings,
    node: str,
    store: Store,
    ways: Mapping[str, Transport],
    directory: LiveDirectory,
    envelopes: Composer,
    clock: Clock,
    ids: Ids,
    meter: Meter,
    log: Log,
) -> Delivery:
    """The delivery service of this node."""
    return Delivery(
        store=store,
        transports=ways,
        envelopes=envelopes,
        clock=clock,
        ids=ids,
        node=node,
        policy=RetryPolicy(
            schedule=settings.retry_schedule,
            jitter=settings.retry_jitter,
            longest_retry_after=settings.retry_after_limit,
        ),
        limits=Limits(
            lease=settings.lease,
            longest_send=settings.longest_send,
            concurrency=settings.delivery_concurrency,
            reserve=settings.delivery_reserve,
            per_destination=settings.delivery_per_destination,
            poll=settings.delivery_poll,
            drain=settings.stop_within * DRAIN_SHARE,
        ),
        meter=meter,
        log=log,
        closed=directory.close,
        unproven=Unproven(
            directory=directory, channels=frozenset(ways), leads_to_pickup=envelopes.leads_to_pickup, ids=ids
        ),
    )


def _collect(settings: Settings) -> str:
    """How to get at a notice that could not be sealed, for those who get the content-free alert."""
    ask = f" ({settings.operator_address})" if settings.operator_address else ""
    return (
        "A notice for you could not be encrypted, because there is no usable certificate or key on file for this "
        f"address. The operator of this service{ask} has been told. Ring them or the sender, and give the reference."
    )


def canary_of(
    settings: Settings,
    store: Store,
    ways: Mapping[str, Transport],
    directory: LiveDirectory,
    secret: bytes,
    ids: Ids,
    nudge: Callable[[], None],
) -> Canary | None:
    """None where no address is given for one."""
    addresses = settings.canaries
    if not addresses:
        return None
    return Canary(
        store=store,
        ways=Ways(ids=ids, directory=directory, secret=secret, channels=frozenset(ways)),
        ids=ids,
        every=timedelta(seconds=settings.canary_every),
        addresses=addresses,
        receipts=settings.canary_receipts,
        nudge=nudge,
    )
