"""``fingerpost receipts apart | show``: what came back and belongs to nothing, or was not believed."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Annotated, Final

import typer

from hub.cli.console import OUT, SettingsFile, fail, say, table
from hub.cli.ledger import with_store
from hub.cli.look import UNPRINTABLE
from hub.core.records import AuditLine, ReceiptRecord
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.ports import Store, Unit
from hub.settings import Settings

AT_A_TIME: Final = 50
LONGEST: Final = 3650
"""Days. What is older was emptied long before (docs/security/retention.md)."""
Days = Annotated[int, typer.Option(help="Look back so many days.", min=1, max=LONGEST)]


def apart(days: Days = 31, settings_file: SettingsFile = None) -> None:
    """Mail and messages that came back and are kept apart: when, how, why. Not what they say."""
    rows = table("Receipt", "Channel", "Came (UTC)", "Why", "Bytes")

    async def work(store: Store, settings: Settings) -> Sequence[tuple[str, ...]]:
        return await store.read(lambda unit: _rows(unit, days))

    for row in with_store(settings_file, work):
        rows.add_row(*row)
    OUT.print(rows)


def show(receipt: Annotated[str, typer.Argument(help="Its id.")], settings_file: SettingsFile = None) -> None:
    """One of them as it came. It may hold personal data: mind who sees your screen."""

    async def work(store: Store, settings: Settings) -> ReceiptRecord | None:
        return await store.write(lambda unit: _read(unit, receipt))

    found = with_store(settings_file, work)
    if found is None:
        fail(f"There is no {receipt} kept apart: see `fingerpost receipts apart`.")
    say(UNPRINTABLE.sub("�", found.raw.decode("utf-8", "replace")))


async def _apart(unit: Unit, days: int) -> AsyncIterator[ReceiptRecord]:
    """All of so many days, some at a time: each may be megabytes."""
    since, known, limit = SystemClock().now() - timedelta(days=days), set[str](), AT_A_TIME
    while True:
        page = await unit.receipts_apart(since, limit)
        found = [one for one in page if one.id not in known]
        for one in found:
            yield one
        if found:
            # Those that came at the very same instant are in the next look, too.
            since, known = found[-1].arrived_at, known | {one.id for one in found}
        elif len(page) < limit:
            return
        else:
            limit *= 2


async def _rows(unit: Unit, days: int) -> list[tuple[str, ...]]:
    return [
        (one.id, one.channel, f"{one.arrived_at:%Y-%m-%d %H:%M}", one.why, str(len(one.raw)))
        async for one in _apart(unit, days)
    ]


async def _read(unit: Unit, receipt: str) -> ReceiptRecord | None:
    """One of them, whoever reads it being written down."""
    found = await unit.receipt_apart(receipt)
    if found is not None:
        now, ids = SystemClock().now(), SystemIds()
        line = AuditLine(id=ids.new("au", now), at=now, actor="operator", action="receipt.read", subject=receipt)
        await unit.add_audit([line])
    return found
