"""The desk of signed-in recipients, made from the hub's own parts."""

from collections.abc import Callable

from contacts.directory import Directory
from hub.service.answers import Answers
from hub.service.desk.lists import Lists
from hub.service.desk.readers import Readers
from hub.service.desk.reading import Reading
from hub.service.desk.sights import Sights
from hub.service.envelopes import Composer
from hub.service.pickup.link import Keep
from hub.service.pickup.viewing import Meter
from hub.service.ports import Clock, Ids, Store
from hub.service.register import Registers
from hub.web.pages.desk.routes import DeskServices


def desk_of(
    store: Store,
    directory: Callable[[], Directory],
    keep: Keep,
    envelopes: Composer,
    answers: Answers,
    secret: bytes,
    clock: Clock,
    ids: Ids,
    meter: Meter,
) -> DeskServices:
    """``secret``: what the tokens of answers are derived from (hub/core/tokens.py)."""
    sights = Sights(store=store, directory=directory, clock=clock)
    return DeskServices(
        sights=sights,
        lists=Lists(store=store, sights=sights, clock=clock, ids=ids),
        reading=Reading(
            store=store,
            sights=sights,
            keep=keep,
            envelopes=envelopes,
            answers=answers,
            secret=secret,
            clock=clock,
            ids=ids,
            meter=meter,
        ),
        readers=Readers(store=store, directory=directory, clock=clock, ids=ids),
        registers=Registers(store, clock, ids),
    )
