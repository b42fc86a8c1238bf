"""``fingerpost directory proofs``: which contacts have proved that they work, when, and which have not."""

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from hub.cli.console import FAILED, OUT, SettingsFile, say, table
from hub.cli.ledger import with_store
from hub.cli.wording import organisation, stamp, words
from hub.core.verification import State, Verification
from hub.edge.clock import SystemClock
from hub.service.ports import Store
from hub.settings import Settings

COLUMNS: Final = ("organisation", "contact", "channel", "state", "proved_at", "asked_at", "failed_at", "reason")
SAID: Final[dict[State, str]] = {
    "waiting": "not asked yet",
    "asking": "being asked",
    "asked": "asked",
    "proved": "proved",
    "failed": "FAILED",
}


def proofs(
    every: Annotated[bool, typer.Option("--all", help="Also those that have proved themselves.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="All rows, as CSV with codes.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Which contacts have confirmed that what is sent to them is read, how long ago, and which have not. Contacts with
    the same address and organisation are one row. Exits 1 if one has failed or is late."""
    now = SystemClock().now()

    async def work(store: Store, settings: Settings) -> tuple[Sequence[Verification], timedelta]:
        found = await store.read(lambda unit: unit.assurance.all_places())
        return found, timedelta(days=settings.verify_within_days)

    found, within = with_store(settings_file, work)
    bad = [one for one in found if one.state == "failed" or one.is_late(within, now)]
    if as_csv:
        rows = csv.writer(sys.stdout, lineterminator="\n")
        rows.writerow(COLUMNS)
        rows.writerows(
            (one.organisation, one.contact, one.channel, one.state, stamp(one.proved_at), stamp(one.asked_at),
             stamp(one.failed_at), one.reason)
            for one in found
        )  # fmt: skip
    else:
        _print([one for one in found if every or one.state != "proved"], now)
        count = Counter(one.state for one in found)
        said = ", ".join(f"{count[state]} {SAID[state].lower()}" for state in SAID if count[state])
        say(f"{len(found)} addresses: {said}; {len(bad)} failed or late." if found else "Nobody was asked yet.")
    raise typer.Exit(FAILED if bad else 0)


def _print(shown: Sequence[Verification], now: datetime) -> None:
    if not shown:
        return
    rows = table("Organisation", "Contact", "Channel", "State", "Proved", "Asked (UTC)", "Reason")
    for one in shown:
        rows.add_row(
            organisation(one.organisation),
            one.contact,
            one.channel,
            SAID[one.state],
            "never" if one.proved_at is None else f"{(now - one.proved_at).days} days ago",
            stamp(one.asked_at),
            words(one.reason),
        )
    OUT.print(rows)
