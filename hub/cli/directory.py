"""``fingerpost directory``: who can be reached, in and out."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from contacts.areas import load_areas
from contacts.assurance import coverage, expiring, without_certificate
from contacts.directory import Directory
from contacts.fictional import fictional_bundle
from contacts.tables import Loaded, dumps, dumps_csv, load, load_csv
from hub.cli.console import ERR, FAILED, OUT, USAGE, SettingsFile, fail, note, say, table
from hub.cli.ledger import with_store
from hub.core.records import AuditLine
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.ports import Store
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Who can be reached: import, export, check.")


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A JSON file, a zip of the CSV tables, or a folder of them.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Check a directory and put it in force, whole or not at all. Every problem is told with its place."""
    loaded = loaded_file(file)
    for warning in loaded.warnings:
        note(f"{warning.path}: {warning.message}")
    if loaded.bundle is None:
        for problem in loaded.problems:
            ERR.print(f"{problem.path}: {problem.message}", style="red", markup=False)
        fail(f"{len(loaded.problems)} problems: nothing was imported.")
    bundle = loaded.bundle
    size = f"{len(bundle.organisations)} organisations, {len(bundle.desks)} desks, {len(bundle.contacts)} contacts"
    if dry_run:
        say(f"{size}: no problems. Nothing was imported (--dry-run).")
        return
    data = dumps(bundle)

    async def work(store: Store, settings: Settings) -> int:
        now, ids = SystemClock().now(), SystemIds()
        line = AuditLine(id=ids.new("au", now), at=now, actor="operator", action="directory.imported")
        return await store.write(lambda unit: unit.put_directory(data, now, [line]))

    say(f"{size}: in force as version {with_store(settings_file, work)}.")


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
