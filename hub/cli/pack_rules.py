"""``fingerpost protocols coverage`` and ``section``: what the packs rest on, rule by rule, and its words."""

import json
from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from hub.cli.console import OUT, USAGE, SettingsFile, fail, say, settings_or_exit
from hub.cli.protocols import packs_or_exit
from routing.coverage import Status, coverage, where_or_why
from routing.sections import quoted

STATES: Final = {"in_force": "in force", "option": "option, off", "not": "NOT in force"}


def of_the_evidence(
    group: Annotated[str | None, typer.Option(help="Only one group of the evidence: A to H.")] = None,
    not_in_force: Annotated[bool, typer.Option("--not-in-force", help="Only what is not in force, and why.")] = False,
    tests: Annotated[
        bool, typer.Option("--tests", help="With the tests that fail if what holds in the code does not hold.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """For every rule found in the protocols: where it is in force, which option would put it in force, or why it is
    not."""
    wanted = (group or "").upper()
    if wanted and wanted not in "ABCDEFGH":
        fail("A group is one letter, A to H.", USAGE)
    found = [
        status
        for status in coverage(packs_or_exit(settings_or_exit(settings_file)))
        if status.rule.id.startswith(wanted) and not (not_in_force and status.in_force)
    ]
    if as_json:
        typer.echo(json.dumps([_status(status) for status in found], indent=1, ensure_ascii=False))
        return
    for status in found:
        say(f"{status.rule.id}  {STATES[status.state]}  {status.rule.summary}")
        say(f"      {where_or_why(status)}")
        for test in status.tests if tests else ():
            say(f"      shown by {test}")
    count = Counter(status.state for status in found)
    say(f"{count['in_force']} in force, {count['option']} by options that are off, {count['not']} not.")


def _status(status: Status) -> dict[str, Any]:
    row = {key: value for key, value in asdict(status).items() if key != "rule" and value}
    return {**asdict(status.rule), "in_force": status.in_force, "state": status.state, **row}


def section(
    rule: Annotated[str, typer.Argument(help="A rule that a delivered pack cites, for example B-13.")],
) -> None:
    """The whole section of each document that a rule quotes, with its place in the document."""
    found = quoted(rule.upper())
    if not found:
        fail(f"No delivered pack quotes a rule {rule}: protocols show lists those of a pack.", USAGE)
    for number, (document, one) in enumerate(found):
        if number:
            say("")
        OUT.print(f"{document.document[:3]}, {one.title}", style="bold", markup=False)
        say(f"bytes {one.offset} to {one.offset + one.length} of {document.document}, SHA-256 {document.sha256}")
        say("")
        say(one.text)
