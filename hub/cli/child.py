"""``fingerpost child find``: which episodes are those of a child, by the search index; no name is opened for it."""

import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

import typer

from hub.cli.console import USAGE, SettingsFile, fail, note, say
from hub.cli.ledger import with_store
from hub.core.naming import moment, organisation_name
from hub.core.search import Asked
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.ports import Store
from hub.service.search import MOST, Finding
from hub.service.search_ports import FoundEpisode
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Find a child.")


@app.callback()
def _child() -> None:
    """Find a child by what is known of them: the hub shows ids, and no name."""


@app.command()
def find(
    ref: Annotated[str | None, typer.Option("--ref", help="The source's reference of the child; - reads it.")] = None,
    name: Annotated[str | None, typer.Option("--name", help="The whole name, in any order; - reads it.")] = None,
    born: Annotated[datetime | None, typer.Option("--born", formats=["%Y-%m-%d"], help="Date of birth.")] = None,
    organisation: Annotated[
        str | None, typer.Option("--organisation", metavar="ORG", help="Only among what it was told of.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """List the episodes of children of whom all that is given is so. The audit log says that somebody searched.

    What is typed here stands in the list of processes and in the shell's history: give - and type it afterwards."""
    ref, name = _read(ref), _read(name)
    asked = Asked(ref=ref, name=name, born=None if born is None else date(born.year, born.month, born.day))
    if not asked.marks():
        fail("Say whom to look for: --ref, --name, --born.", USAGE)

    async def work(store: Store, settings: Settings) -> tuple[Sequence[FoundEpisode], bool]:
        finding = Finding(store, SystemClock(), SystemIds())
        return await finding.find(asked, actor="operator", organisation=organisation)

    found, complete = with_store(settings_file, work)
    if not complete:
        note(
            "Episodes from before the upgrade are not all in the index yet: search again when the hub has run a while."
        )
    if as_json:
        typer.echo(json.dumps([_row(one) for one in found], indent=1))
        return
    for one in found:
        marked = "" if one.status == "actual" else f" ({one.status})"
        whose = "" if one.organisation is None else f", {organisation_name(one.organisation)}"
        since = "" if one.since is None else f", since {moment(one.since)}"
        say(f"{one.child}  {one.episode}{marked}  {one.state}{whose}{since}")
    if len(found) == MOST:
        note(f"These are the newest {MOST}; there may be others.")
    children = len({one.child for one in found})
    say(f"{len(found)} episode{'' if len(found) == 1 else 's'} of {children} child{'' if children == 1 else 'ren'}.")


def _read(given: str | None) -> str | None:
    """A line of standard input for each ``-``, in the order of the options."""
    return sys.stdin.readline() if given == "-" else given


def _row(one: FoundEpisode) -> dict[str, str | None]:
    return {
        "child": one.child,
        "episode": one.episode,
        "source": one.source,
        "organisation": one.organisation,
        "state": one.state,
        "status": one.status,
        "since": None if one.since is None else one.since.isoformat(),
    }
