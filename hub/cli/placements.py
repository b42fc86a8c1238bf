"""``fingerpost placements check``: before anything happens, who would be told, and where nobody would."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from contacts.areas import Areas, load_areas
from contacts.directory import Directory
from contacts.tables import load
from hub.app.domain import wire_rules
from hub.cli.console import ERR, FAILED, USAGE, SettingsFile, fail, note, say, settings_or_exit
from hub.cli.directory import loaded_file, stored_directory
from hub.cli.protocols import packs_or_exit
from hub.core.events import WireRules
from hub.core.naming import moment, organisation_name, role_label, roles_label
from hub.core.placement_lists import PlacementList, read_placements
from hub.edge.clock import SystemClock
from hub.service.readiness import Finding, Reader, Readiness, most_needed, readiness

app = typer.Typer(no_args_is_help=True, help="Placements: would everyone be told?")

WORDS = {"gap": "GAP", "undecided": "UNDECIDED", "off_duty": "off duty"}
REASONS = {
    "no_organisation": "the directory does not hold the organisation",
    "no_desk": "the directory holds no desk for it",
    "no_contact": "the desk has no contact",
    "no_address": "neither e-mail nor phone is known",
    "no_decision": "nobody has recorded whether to tell them; they would be held, and a duty to decide would run",
    "off_duty": "nobody is on duty then; it would wait until somebody is back",
}


@app.callback()
def _placements() -> None:
    """Placements."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A list of placements: JSON, or CSV if its name ends in .csv.")],
    directory: Annotated[
        Path | None, typer.Option(help="Directory file (JSON, zip or folder) instead of the one in force.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="When (RFC 3339, with an offset) instead of now: try a night.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """For each placement: who would be told if the child went missing now, and every gap. Exits 1 if there are gaps."""
    now, areas = moment_or_exit(at), load_areas()
    packs = packs_or_exit(settings_or_exit(settings_file))
    listed = placements_or_exit(file, wire_rules(packs, areas), now)
    desk = directory_or_exit(directory, settings_file, areas, now)
    found = [readiness(candidate, packs, areas, desk, now) for candidate in listed.candidates]
    if as_json:
        typer.echo(json.dumps({"at": now.isoformat(), "placements": [_row(one) for one in found]}, indent=1))
    else:
        _print(found)
    raise typer.Exit(0 if all(one.ready for one in found) else FAILED)


def moment_or_exit(at: str | None) -> datetime:
    """What was given as ``--at``, or now."""
    if at is None:
        return SystemClock().now()
    try:
        when = datetime.fromisoformat(at)
    except ValueError:
        fail("--at is not a moment such as 2026-12-25T03:00:00+00:00.", USAGE)
    if when.tzinfo is None:
        fail("--at needs an offset, such as +00:00.", USAGE)
    return when


def placements_or_exit(file: Path, rules: WireRules, now: datetime) -> PlacementList:
    """The list; every problem told at once if there are any."""
    try:
        data = file.read_bytes()
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", USAGE)
    listed = read_placements(data, as_csv=file.suffix.lower() == ".csv", rules=rules, now=now)
    for problem in listed.problems:
        ERR.print(f"{problem.path}: {problem.message}" if problem.path else problem.message, style="red", markup=False)
    if listed.problems:
        fail(f"{file}: {len(listed.problems)} problems; nothing was checked.", USAGE)
    return listed


def directory_or_exit(file: Path | None, settings_file: Path | None, areas: Areas, now: datetime) -> Directory:
    """The one in the file, or the one in force."""
    loaded = loaded_file(file) if file is not None else load(stored_directory(settings_file), areas, now)
    if loaded.bundle is None:
        fail(f"The directory has {len(loaded.problems)} problems: see `fingerpost directory import --dry-run`.", USAGE)
    return Directory.of(loaded.bundle)


def _print(found: Sequence[Readiness]) -> None:
    for one in found:
        say(f"{one.ref}: {'ready' if one.ready else 'NOT READY'}  ({', '.join(one.packs)})")
        say(f"  told: {'; '.join(_who(reader) for reader in one.told) or 'nobody'}")
        if one.not_told:
            say(f"  not told, as decided: {'; '.join(_who(reader) for reader in one.not_told)}")
        for finding in one.findings:
            say(f"  {_said(finding)}")
        clocks = "; ".join(f"{role_label(c.code)} ({role_label(c.owner)}) {moment(c.due_at)}" for c in one.clocks[:4])
        say(f"  first clocks: {clocks or 'none'}")
        for warning in one.warnings:
            note(f"  warning: {warning}")
    needed = most_needed(found)
    if needed:
        say("")
        say("To put right:")
    for finding, many in needed:
        say(f"  {many} placement{'s' if many > 1 else ''}: {_said(finding)}")
    ready = sum(one.ready for one in found)
    say(f"{len(found)} placements: {ready} ready, {len(found) - ready} not.")


def _said(finding: Finding) -> str:
    return f"{WORDS[finding.kind]} {_who(finding.reader)}: {REASONS.get(finding.reason, finding.reason)}"


def _who(reader: Reader) -> str:
    name = organisation_name(reader.organisation)
    return f"{roles_label(reader.roles)} ({name})" if name else roles_label(reader.roles)


def _row(one: Readiness) -> dict[str, Any]:
    return {
        "ref": one.ref,
        "ready": one.ready,
        "packs": list(one.packs),
        "told": [_reader(reader) for reader in one.told],
        "not_told": [_reader(reader) for reader in one.not_told],
        "findings": [
            {"kind": f.kind, **_reader(f.reader), "reason": f.reason, "rules": list(f.rules)} for f in one.findings
        ],
        "duties": [{"code": c.code, "owner": c.owner, "due_at": c.due_at.isoformat()} for c in one.clocks],
        "warnings": list(one.warnings),
    }


def _reader(reader: Reader) -> dict[str, Any]:
    return {"roles": list(reader.roles), "organisation": reader.organisation}
