"""``fingerpost directory coverage``: who can be reached now, in and out of hours, and what is missing."""

import csv
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from contacts.areas import load_areas
from contacts.assurance import STATES, Coverage, State, coverage, coverage_of, covered
from hub.app.domain import wire_rules
from hub.cli.console import FAILED, OUT, USAGE, SettingsFile, fail, say, settings_or_exit, table
from hub.cli.placements import directory_or_exit, moment_or_exit, placements_or_exit
from hub.cli.protocols import packs_or_exit
from hub.core.naming import organisation_name, role_label
from hub.service.assurance.coverage import needed

WORDS: Final[Mapping[State, str]] = {
    "on_duty": "on duty",
    "off_duty": "off duty",
    "no_organisation": "not in the directory",
    "no_desk": "no desk",
    "no_contact": "no contact",
}
COLUMNS: Final = ("organisation", "name", "role", "now", "by_day", "by_night", "second_channel")
Placements = Mapping[tuple[str, str], int]


def coverage_report(
    file: Annotated[
        Path | None,
        typer.Option("--placements", help="Only what this list of placements needs: JSON, or CSV (.csv)."),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Directory file (JSON, zip or folder) instead of the one in force.")
    ] = None,
    organisation: Annotated[str | None, typer.Option(help="Only the roles of this organisation (its code).")] = None,
    at: Annotated[str | None, typer.Option(help="When (RFC 3339, with an offset) instead of now: try a night.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="All rows, as CSV with codes.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also the roles that are covered.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Who can be reached now, at 11:00 and at 03:00 of a working Wednesday, of all authorities and forces or of a list
    of placements. Exits 1 if somebody cannot."""
    now, areas = moment_or_exit(at), load_areas()
    desk = directory_or_exit(directory, settings_file, areas, now)
    counts: Placements | None = None
    if file is None:
        found = coverage(desk, now, areas)
    else:
        packs = packs_or_exit(settings_or_exit(settings_file))
        listed = placements_or_exit(file, wire_rules(packs, areas), now)
        counts = needed(listed.candidates, packs, areas, desk, now)
        found = coverage_of(desk, now, counts)
    if organisation is not None:
        found = tuple(one for one in found if one.organisation == organisation)
        if not found:
            fail(f"No role of an organisation {organisation} is asked for: is the code right?", USAGE)
    if as_csv:
        _write(found, counts)
    else:
        _print(found, counts, every)
    raise typer.Exit(0 if all(one.always for one in found) else FAILED)


def _write(found: Sequence[Coverage], counts: Placements | None) -> None:
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow((*COLUMNS, *(() if counts is None else ("placements",))))
    for one in found:
        row = (one.organisation, organisation_name(one.organisation) or "", one.role, one.now, one.by_day, one.by_night,
               str(one.second_channel).lower())  # fmt: skip
        rows.writerow((*row, *(() if counts is None else (counts[one.organisation, one.role],))))


def _print(found: Sequence[Coverage], counts: Placements | None, every: bool) -> None:
    names = ("Organisation", "Role", "Now", "By day", "By night", *(() if counts is None else ("Placements",)))
    rows = table(*names, title="Who can be reached" if every else "Who cannot be reached at all times")
    shown = [one for one in found if every or not one.always]
    for one in shown:
        name = organisation_name(one.organisation)
        more = () if counts is None else (str(counts[one.organisation, one.role]),)
        states = (WORDS[one.now], WORDS[one.by_day], WORDS[one.by_night])
        rows.add_row(f"{name} ({one.organisation})" if name else one.organisation, role_label(one.role), *states, *more)
    if shown:
        OUT.print(rows)
    count = covered(found)
    for when, words in (("now", "now"), ("by_day", "by day"), ("by_night", "by night")):
        states_then = ", ".join(f"{count[when, s]} {WORDS[s]}" for s in STATES if count[when, s])
        say(f"{words}: {states_then or 'nobody is needed'}")
    alone = sum(one.complete and not one.second_channel for one in found)
    say(f"{alone} that are covered by day and by night have no second channel for serious notices.")
    lacking = Counter(one.organisation for one in found if not one.always)
    say(f"{len(found)} roles: {sum(one.always for one in found)} covered at all times; "
        f"{sum(lacking.values())} not, of {len(lacking)} organisations.")  # fmt: skip
