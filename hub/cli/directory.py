"""``fingerpost directory``: who can be reached, in and out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.markup import escape

from contacts.areas import load_areas
from contacts.assurance import coverage, expiring, without_certificate
from contacts.directory import Directory
from contacts.fictional import fictional_bundle
from contacts.model import Problem
from contacts.tables import Loaded, dumps, dumps_csv, load, load_csv
from hub.app.ledger import has_ledger
from hub.cli import directory_changes
from hub.cli.console import ERR, FAILED, OUT, USAGE, SettingsFile, fail, note, say, settings_or_exit, table
from hub.cli.directory_changes import MACHINE, machine, readable
from hub.cli.directory_wording import difference_line
from hub.cli.ledger import with_store
from hub.cli.wording import stamp
from hub.core.drafts import Author
from hub.edge.clock import SystemClock
from hub.service.directory.outcome import Outcome
from hub.service.directory.versions import AsOf
from hub.service.ports import Store
from hub.settings import Settings

FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%MZ", "%Y-%m-%dT%H:%M:%SZ"]
app = typer.Typer(no_args_is_help=True, help="Who can be reached: import, export, check, history, changes.")


app.add_typer(directory_changes.app, name="changes")
app.command()(directory_changes.history)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A JSON file, a zip of the CSV tables, or a folder of them.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every problem and every difference; change nothing.")
    ] = False,
    organisation: Annotated[
        str | None, typer.Option(help="The file is the directory of this organisation alone (its code).")
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Check a directory and put it in force, whole or not at all. Every problem is told with its place.

    Whoever holds the machine asks nobody: the history says that it was imported so.
    """
    loaded = loaded_file(file)
    for warning in loaded.warnings:
        note(f"{warning.path}: {warning.message}")
    if loaded.bundle is None:
        _refused(loaded.problems)
    bundle = loaded.bundle
    size = f"{len(bundle.organisations)} organisations, {len(bundle.desks)} desks, {len(bundle.contacts)} contacts"
    if dry_run and not has_ledger(settings_or_exit(settings_file)):
        say(f"{size}: no problems. There is no directory here to compare it with. Nothing was imported (--dry-run).")
        return

    async def work(store: Store, settings: Settings) -> Outcome:
        return await machine(store).propose(
            MACHINE, bundle, part=organisation, confirm=not dry_run, at_the_machine=True
        )

    outcome = with_store(settings_file, work)
    if outcome.problems:
        _refused(outcome.problems)
    if dry_run:
        for one in outcome.judged:
            say(difference_line(one))
        two = sum(bool(one.reasons) for one in outcome.judged)
        say(
            f"{size}: no problems, {len(outcome.judged)} differences, {two} of which take two persons elsewhere. "
            "Nothing was imported (--dry-run)."
        )
    elif outcome.draft is None or outcome.draft.version is None:
        say(f"{size}: the directory is so already.")
    else:
        say(f"{size}: {outcome.draft.entries} differences, in force as version {outcome.draft.version}.")


@app.command()
def show(
    at: Annotated[
        datetime | None, typer.Option(formats=FORMATS, help="A date or an instant in UTC; default now.")
    ] = None,
    organisation: Annotated[str | None, typer.Option(help="Of this organisation alone (its code).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The entries in force then, as an export.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Who could be reached at a moment: the version in force then, and the entries of it that stood then."""
    instant = SystemClock().now() if at is None else at.replace(tzinfo=UTC)
    by = Author(actor="operator", name="the operator", organisation=organisation)

    async def work(store: Store, settings: Settings) -> AsOf:
        return await machine(store).versions.at(instant, by)

    found = readable(settings_file, work)
    if as_json:
        typer.echo(dumps(found.entries), nl=False)
        return
    if found.version is None:
        fail(f"There was no directory at {stamp(instant)}.")
    rows = table("Organisation", "Desk", "Contact", "Channel", "Address", "Order", "Hours")
    for one in sorted(found.entries.contacts, key=lambda c: (c.organisation, c.desk, c.order, c.id)):
        rows.add_row(
            one.organisation, one.desk, one.id, one.channel, escape(one.address), str(one.order), one.hours or "always"
        )
    OUT.print(rows)
    say(f"At {stamp(instant)}: version {found.version.number}, in force since {stamp(found.version.since)}.")


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; default standard output (JSON).")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="FILE is a folder for the CSV tables.")] = False,
    fictional: Annotated[
        bool, typer.Option("--fictional", help="The made-up directory for trying things out.")
    ] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Write the directory in force (or a made-up one); it imports back byte for byte."""
    data = dumps(fictional_bundle()) if fictional else stored_directory(settings_file)
    if not csv:
        if file is None:
            typer.echo(data, nl=False)
        else:
            _write(file, data)
        return
    if file is None:
        fail("--csv needs a folder to write to.", USAGE)
    bundle = load(data, load_areas(), SystemClock().now()).bundle
    if bundle is None:
        fail("The stored directory cannot be read by this version.")
    file.mkdir(parents=True, exist_ok=True)
    for name, text in dumps_csv(bundle).items():
        _write(file / name, text)


@app.command()
def check(
    days: Annotated[int, typer.Option(help="Tell certificates that end within so many days.", min=0)] = 30,
    settings_file: SettingsFile = None,
) -> None:
    """What the directory in force lacks: roles nobody answers for, missing and ending certificates."""
    now, areas = SystemClock().now(), load_areas()
    bundle = load(stored_directory(settings_file), areas, now).bundle
    if bundle is None:
        fail("The stored directory cannot be read by this version.")
    directory = Directory.of(bundle)
    gaps = [row for row in coverage(directory, now, areas) if not row.complete]
    rows = table("Organisation", "Role", "By day", "By night", title="Nobody to tell")
    for row in gaps:
        rows.add_row(row.organisation, row.role, row.by_day.replace("_", " "), row.by_night.replace("_", " "))
    OUT.print(rows)
    bare = without_certificate(directory, now)
    say(f"{len(gaps)} gaps; {len(bare)} e-mail and push contacts without a certificate or key in force.")
    for one in expiring(directory, now, timedelta(days=days)):
        note(f"{one.contact.address}: its certificate or key ends {one.until:%Y-%m-%d}")
    raise typer.Exit(FAILED if gaps else 0)


def _refused(problems: Sequence[Problem]) -> NoReturn:
    for problem in problems:
        ERR.print(f"{problem.path}: {problem.message}", style="red", markup=False)
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    fail(f"{count}: nothing was imported.")


def stored_directory(settings_file: Path | None) -> bytes:
    """The canonical JSON of the directory in force; the end of the command if there is none."""

    async def work(store: Store, settings: Settings) -> tuple[int, bytes] | None:
        return await store.read(lambda unit: unit.directory_bundle())

    stored = with_store(settings_file, work)
    if stored is None:
        fail("No directory was imported yet.")
    return stored[1]


def loaded_file(path: Path) -> Loaded:
    """A directory out of a JSON file, a zip or a folder of CSV tables."""
    areas, now = load_areas(), SystemClock().now()
    try:
        if path.is_dir():
            return load_csv({file.name: file.read_bytes() for file in sorted(path.glob("*.csv"))}, areas, now)
        return load(path.read_bytes(), areas, now)
    except OSError as error:
        fail(f"cannot read {path}: {error.strerror}", USAGE)


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")
