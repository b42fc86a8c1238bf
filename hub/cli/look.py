"""``fingerpost alarms | quarantine``: what needs a human."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.console import OUT, SettingsFile, fail, note, say, table
from hub.cli.ledger import with_store
from hub.core.peer_messages import readable
from hub.core.peers import hub_of
from hub.core.records import AlarmRecord, AuditLine, QuarantineRecord
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.alarms import seen_to
from hub.service.ports import Store, Unit
from hub.settings import Settings

alarms = typer.Typer(no_args_is_help=True, help="What a human has to look at: list, clear.")
quarantine = typer.Typer(no_args_is_help=True, help="Authenticated bodies that could not be accepted: list, show.")

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What could make a terminal do or show something else than what was sent."""


@alarms.command(name="list")
def list_alarms(
    every: Annotated[bool, typer.Option("--all", help="Cleared ones too.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Open alarms, with their owners."""

    async def work(store: Store, settings: Settings) -> Sequence[AlarmRecord]:
        return await store.read(lambda unit: unit.alarms(open_only=not every))

    rows = table("Alarm", "Kind", "Owner", "Reason", "Episode", "Raised (UTC)", "Cleared")
    for alarm in with_store(settings_file, work):
        cleared = f"{alarm.cleared_at:%Y-%m-%d %H:%M}" if alarm.cleared_at else ""
        rows.add_row(
            alarm.id,
            alarm.kind,
            alarm.owner,
            alarm.reason if alarm.contact is None else f"{alarm.reason} ({alarm.contact})",
            alarm.episode or "",
            f"{alarm.raised_at:%Y-%m-%d %H:%M}",
            cleared,
        )
    OUT.print(rows)


@alarms.command()
def clear(alarm: Annotated[str, typer.Argument(help="Its id.")], settings_file: SettingsFile = None) -> None:
    """Say that an alarm has been dealt with."""

    async def work(store: Store, settings: Settings) -> bool:
        now, ids = SystemClock().now(), SystemIds()
        return await store.write(lambda unit: seen_to(unit, alarm, "operator", ids, now))

    if not with_store(settings_file, work):
        fail(f"There is no open alarm {alarm}: see `fingerpost alarms list`.")
    say(f"{alarm} is cleared.")


@quarantine.command(name="list")
def list_quarantine(
    every: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Bodies in quarantine: when, from whom, why. Not what they say."""
    rows = table("Quarantine", "Source", "Received (UTC)", "Reason", "Problems")
    for record in _quarantined(settings_file, every=every):
        received = f"{record.received_at:%Y-%m-%d %H:%M}"
        rows.add_row(record.id, record.source, received, record.reason, str(len(record.problems)))
    OUT.print(rows)


@quarantine.command()
def show(record: Annotated[str, typer.Argument(help="Its id.")], settings_file: SettingsFile = None) -> None:
    """One body as it came (of a hub: what is signed), with every problem. Personal: mind who sees your screen."""

    async def work(store: Store, settings: Settings) -> QuarantineRecord | None:
        return await store.write(lambda unit: _read(unit, record, SystemClock().now()))

    found = with_store(settings_file, work)
    if found is None:
        fail(f"There is no {record} in quarantine: see `fingerpost quarantine list`.")
    for problem in found.problems:
        note(f"{problem['path']}: {problem['message']}")
    body = readable(found.body) if hub_of(found.source) else found.body.decode("utf-8", "replace")
    say(UNPRINTABLE.sub("�", body))


async def _read(unit: Unit, record: str, now: datetime) -> QuarantineRecord | None:
    """One of them, whoever reads it being written down."""
    found = next((one for one in await unit.quarantine(unresolved_only=False) if one.id == record), None)
    if found is not None:
        line = AuditLine(id=SystemIds().new("au", now), at=now, actor="operator", action="quarantine.read",
                         subject=record)  # fmt: skip
        await unit.add_audit([line])
    return found


def _quarantined(settings_file: Path | None, *, every: bool) -> Sequence[QuarantineRecord]:
    async def work(store: Store, settings: Settings) -> Sequence[QuarantineRecord]:
        return await store.read(lambda unit: unit.quarantine(unresolved_only=not every))

    return with_store(settings_file, work)
