"""``fingerpost channels``: the addresses that said they are gone, and letting notices go there again."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from hub.cli.console import OUT, SettingsFile, fail, note, say, table
from hub.cli.ledger import with_store
from hub.core.records import AuditLine, ClosedEndpoint
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.ports import Store, Unit
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Addresses that nothing more goes to: list, enable.")


@app.command(name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False, settings_file: SettingsFile = None
) -> None:
    """Contacts whose system answered that its address is gone for good (HTTP 410)."""

    async def work(store: Store, settings: Settings) -> Sequence[ClosedEndpoint]:
        return await store.read(lambda unit: unit.closed_endpoints())

    found = with_store(settings_file, work)
    if as_json:
        rows = [
            {"contact": one.contact, "channel": one.channel, "organisation": one.organisation,
             "closed_at": one.closed_at.isoformat()}
            for one in found
        ]  # fmt: skip
        say(json.dumps(rows))
        return
    shown = table("Contact", "Channel", "Organisation", "Closed (UTC)")
    for one in found:
        shown.add_row(one.contact, one.channel, one.organisation or "", f"{one.closed_at:%Y-%m-%d %H:%M}")
    OUT.print(shown)


@app.command()
def enable(
    contact: Annotated[str, typer.Argument(help="Its id in the directory.")], settings_file: SettingsFile = None
) -> None:
    """Let notices go to the address again, after its keeper said that it is right. Clears the alarm."""

    async def work(store: Store, settings: Settings) -> bool:
        now, ids = SystemClock().now(), SystemIds()

        def line(action: str, subject: str) -> AuditLine:
            return AuditLine(id=ids.new("au", now), at=now, actor="operator", action=action, subject=subject)

        async def write(unit: Unit) -> bool:
            if not await unit.open_endpoint(contact, [line("endpoint.opened", contact)]):
                return False
            for alarm in await unit.alarms():
                if alarm.kind == "endpoint_gone" and alarm.reason == contact:
                    await unit.clear_alarm(alarm.id, now, [line("alarm.cleared", alarm.id)])
            return True

        return await store.write(write)

    if not with_store(settings_file, work):
        fail(f"{contact} is not closed: see `fingerpost channels list`.")
    say(f"{contact} is used again.")
    note("What failed in the meantime stays failed: see `fingerpost outbox list --state failed`.")
