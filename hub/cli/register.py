"""``fingerpost register ORG``: who is on an organisation's register."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from hub.cli.console import SettingsFile, note, say
from hub.cli.ledger import with_store
from hub.core.naming import moment, organisation_name, role_label
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.ports import Store
from hub.service.register import Listed, Registers
from hub.settings import Settings

WHY = {
    "renewed": "told anew", "expired": "its time was over", "back": "found, or back",
    "reported_in_error": "reported in error",
}  # fmt: skip


def register(
    organisation: Annotated[str, typer.Argument(metavar="ORG", help="Its code, for example E09000006.")],
    removed: Annotated[bool, typer.Option("--removed", help="Those taken off it instead, and why.")] = False,
    names: Annotated[
        bool,
        typer.Option(
            "--names",
            help="With the names that ORG itself may see; they are not for the operator, and the audit log says so.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """List who is on an organisation's register of missing children: since when, until when."""

    async def work(store: Store, settings: Settings) -> Sequence[Listed]:
        registers = Registers(store, SystemClock(), SystemIds())
        if names and not removed:
            return await registers.named(organisation, "operator")
        return await registers.of(organisation, removed=removed)

    found = with_store(settings_file, work)
    if as_json:
        typer.echo(json.dumps([_row(one) for one in found], indent=1, ensure_ascii=False))
        return
    for one in found:
        say(_line(one))
    say(f"{organisation_name(organisation)}: {len(found)} {'taken off' if removed else 'on the register'}.")
    if names and removed:
        note("A child who was taken off the register has no name on it any more.")


def _line(one: Listed) -> str:
    """An entry by itself: a table would break ids and names where the window is narrow."""
    marked = "" if one.status == "actual" else f" ({one.status})"
    born = f", born {one.date_of_birth.isoformat()}" if one.date_of_birth else ""
    who = f"{one.name}{born}: " if one.name is not None else ""
    if one.removed_at is not None and one.why_removed is not None:
        ends = f"taken off {moment(one.removed_at)} ({WHY[one.why_removed]})"
    else:
        ends = f"until {moment(one.remove_at)}"
    return f"{one.episode}{marked}  {who}{role_label(one.role)}, since {moment(one.received_at)}, {ends}"


def _row(one: Listed) -> dict[str, str | None]:
    row = {
        "episode": one.episode,
        "role": one.role,
        "category": one.category,
        "status": one.status,
        "received_at": one.received_at.isoformat(),
        "remove_at": one.remove_at.isoformat(),
        "removed_at": one.removed_at.isoformat() if one.removed_at else None,
        "why_removed": one.why_removed,
    }
    if one.name is not None:
        row["name"] = one.name
    if one.date_of_birth is not None:
        row["date_of_birth"] = one.date_of_birth.isoformat()
    return row
