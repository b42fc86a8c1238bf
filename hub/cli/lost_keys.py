"""``fingerpost keys lost``: children whose data keys no backup of the key store has."""

from collections.abc import Sequence
from typing import Annotated

import typer

from hub.cli.console import SettingsFile, note, say
from hub.cli.ledger import Stores, with_store
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.retention.losing import Losing
from hub.settings import Settings


def lost(
    for_good: Annotated[
        bool, typer.Option("--for-good", help="Give them up: they are erased, and met as new.")
    ] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Which children have no data key any more, as after an old backup of the key store was restored."""
    now = SystemClock().now()

    async def work(store: Stores, settings: Settings) -> tuple[Sequence[str], int]:
        losing = Losing(store=store, keys=store.keys, ids=SystemIds())
        found = await losing.missing()
        if for_good and found[0]:
            await losing.give_up(found[0], now, by="operator")
        return found

    children, of = with_store(settings_file, work, without_children=True)
    for child in children:
        say(child)
    note(f"Of {of} children {len(children)} have no data key.")
    if not for_good and children:
        note(
            "A newer backup of the key store may have them. Where there is none, --for-good gives them up: nothing of "
            "them can be read again, also if a key is found later, and an event about one is taken as for a new child."
        )
