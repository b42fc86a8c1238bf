"""``fingerpost directory changes`` and ``history``: what waits for a second person, and what was changed by whom."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar, get_args

import typer
from rich.markup import escape

from contacts.changes import EntryKey, Table, tables
from hub.app.directory import directory_at_the_machine
from hub.cli.console import ERR, OUT, USAGE, SettingsFile, fail, say, table
from hub.cli.directory_wording import REFUSED, conflict_line, difference_line, draft_lines, state_words
from hub.cli.ledger import with_store
from hub.cli.wording import stamp
from hub.core.drafts import About, Author, Draft, Listing, State, Version
from hub.core.lines import one_line
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.directory.changing import Changing
from hub.service.directory.outcome import Outcome
from hub.service.directory.versions import DirectoryUnreadable
from hub.service.ports import Store
from hub.settings import Settings
from hub.web.api.directory_bodies import about_body, draft_body, version_body

T = TypeVar("T")

MACHINE = Author(actor="operator", name="the operator", organisation=None)
"""Whoever holds the machine and its keys."""
app = typer.Typer(no_args_is_help=True, help="Changes to the directory that wait for a second person, and all others.")

Id = Annotated[str, typer.Argument(metavar="CHANGE", help="Its id, ch_….")]
Name = Annotated[str, typer.Option("--name", help="Your name: it stands in the history beside the proposer's.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


def machine(store: Store) -> Changing:
    """The service, for a command."""
    return directory_at_the_machine(store, SystemClock(), SystemIds())


@app.command(name="list")
def list_(
    state: Annotated[str | None, typer.Option(help=f"One of {', '.join(get_args(State))}.")] = "waiting",
    organisation: Annotated[str | None, typer.Option(help="Whose entries it concerns (its code).")] = None,
    every: Annotated[bool, typer.Option("--all", help="Whatever their state.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 50,
    as_json: Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Changes, newest first: those that wait, unless others are asked for."""
    known = next((one for one in get_args(State) if one == state), None)
    if known is None and not every:
        fail(f"--state is one of {', '.join(get_args(State))}.", USAGE)
    listing = Listing(organisation=organisation, state=None if every else known, limit=limit)

    async def work(store: Store, settings: Settings) -> list[Draft]:
        return list(await machine(store).versions.listed(listing, MACHINE))

    found = with_store(settings_file, work)
    if as_json:
        typer.echo(json.dumps({"changes": [draft_body(one) for one in found]}, indent=2))
        return
    rows = table("Change", "Organisation", "Entries", "Proposed", "By", "State")
    for one in found:
        rows.add_row(
            one.id,
            one.organisation,
            str(one.entries),
            stamp(one.proposed_at),
            escape(one.proposed_name),
            state_words(one),
        )
    OUT.print(rows)


@app.command()
def show(change: Id, as_json: Json = False, settings_file: SettingsFile = None) -> None:
    """One change: every entry, before and after, and who had a part in it."""

    async def work(store: Store, settings: Settings) -> About | None:
        return await machine(store).versions.change(change, MACHINE)

    about = with_store(settings_file, work)
    if about is None:
        fail(f"{REFUSED['unknown'].capitalize()}.")
    if as_json:
        typer.echo(json.dumps(about_body(about), indent=2, ensure_ascii=False))
        return
    _told(about)


@app.command()
def approve(change: Id, name: Name, settings_file: SettingsFile = None) -> None:
    """Agree to a change that somebody else proposed: it takes effect, all of it."""
    by = _named(name)

    async def work(store: Store, settings: Settings) -> Outcome:
        return await machine(store).approve(by, change)

    done = _done(readable(settings_file, work))
    said = "the directory is so already" if done.version is None else f"in force as version {done.version}"
    say(f"{done.id} is approved: {said}.")


@app.command()
def reject(
    change: Id,
    name: Name,
    why: Annotated[str, typer.Option(help="What whoever proposed it should know.")] = "",
    settings_file: SettingsFile = None,
) -> None:
    """Decline a change that somebody else proposed: nothing of it takes effect."""
    by = _named(name)

    async def work(store: Store, settings: Settings) -> Outcome:
        return await machine(store).reject(by, change, why)

    say(f"{_done(readable(settings_file, work)).id} is rejected.")


def history(
    entry: Annotated[
        str | None, typer.Argument(help="One entry, as it is shown in changes: contacts[bromley-front-door-1].")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 50,
    as_json: Json = False,
    settings_file: SettingsFile = None,
) -> None:
    """Every version of the directory with who changed it and who agreed; or what became of one entry."""
    if entry is None:
        _versions(limit, settings_file, as_json=as_json)
        return
    place = _entry(entry)

    async def work(store: Store, settings: Settings) -> list[About]:
        return list(await machine(store).versions.history(*place, MACHINE, limit=limit))

    found = with_store(settings_file, work)
    if as_json:
        typer.echo(json.dumps({"changes": [about_body(one) for one in found]}, indent=2, ensure_ascii=False))
        return
    if not found:
        say("No change of this entry is on record.")
    for about in found:
        _told(about)


def _versions(limit: int, settings_file: Path | None, *, as_json: bool) -> None:
    async def work(store: Store, settings: Settings) -> list[Version]:
        return list(await machine(store).versions.versions(limit=limit))

    found = with_store(settings_file, work)
    if as_json:
        typer.echo(json.dumps({"versions": [version_body(one) for one in found]}, indent=2))
        return
    rows = table("Version", "Since", "Entries", "Proposed by", "Decided by", "How", "Change")
    for one in found:
        draft = one.draft
        if draft is None:
            rows.add_row(str(one.number), stamp(one.since), "", "", "", "before changes were kept", "")
            continue
        rows.add_row(
            str(one.number), stamp(one.since), str(draft.entries), escape(draft.proposed_name),
            escape(draft.decided_name or ""), state_words(draft), draft.id,
        )  # fmt: skip
    OUT.print(rows)


def readable(settings_file: Path | None, work: Callable[[Store, Settings], Awaitable[T]]) -> T:
    """Do ``work``; the end of the command where the present directory cannot be read."""
    try:
        return with_store(settings_file, work)
    except DirectoryUnreadable as error:
        for problem in error.problems[:20]:
            ERR.print(f"{problem.path}: {problem.message}", style="red", markup=False)
        fail(f"{str(error).capitalize()}.")


def _done(outcome: Outcome) -> Draft:
    for problem in outcome.problems:
        ERR.print(f"{problem.path}: {problem.message}", style="red", markup=False)
    for conflict in outcome.conflicts:
        ERR.print(conflict_line(conflict), style="red", markup=False)
    if outcome.refusal is not None:
        fail(f"Nothing was done: {REFUSED[outcome.refusal]}.")
    if outcome.draft is None:
        fail("Nothing was done.")
    if outcome.result == "refused":
        fail("Nothing was done: the directory is not what it was when this was proposed. Have it proposed anew.")
    return outcome.draft


def _named(name: str) -> Author:
    line = one_line(name)
    if not line or len(line) > 120 or not any(c.isalpha() for c in line):
        fail("--name is your own name, on one line.", USAGE)
    return Author(actor=MACHINE.actor, name=line, organisation=None, decides=True)


def _entry(text: str) -> tuple[Table, EntryKey]:
    name, opened, rest = text.partition("[")
    found = next((one for one in tables() if one == name), None)
    if found is None or not opened or not rest.endswith("]") or found == "certificates":
        fail(
            "An entry is shown as contacts[ID], desks[ORGANISATION/FUNCTION], organisations[CODE] or hours[NAME].",
            USAGE,
        )
    return found, tuple(rest[:-1].split("/"))


def _told(about: About) -> None:
    for line in draft_lines(about.draft):
        say(line)
    for one in about.judged:
        say(f"  {difference_line(one)}")
