"""``fingerpost explain``: who would be told what, and why. Reads files, sends nothing, stores nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from contacts.areas import Areas, load_areas
from contacts.directory import Directory
from contacts.fictional import fictional_directory
from contacts.tables import load
from hub.app.domain import wire_rules
from hub.app.own_packs import packs_of
from hub.cli.console import ERR, OUT, USAGE, SettingsFile, fail, note, say, settings_or_exit, table
from hub.core.course import Context, Outcome, Refused
from hub.core.episode import Episode
from hub.core.events import EpisodeEvent, Invalid, parse, validate_document
from hub.core.plan import react
from hub.edge.clock import SystemClock
from hub.service.ledger import reach
from hub.settings import Settings, SettingsError
from routing.decision import Decision

OUTCOMES = {
    "notify": "[green]told[/]",
    "withhold": "[yellow]withheld[/]",
    "hold": "[yellow]held[/]",
    "gap": "[red]GAP[/]",
    "suppress": "[yellow]not told[/]",
}


def explain(
    files: Annotated[
        list[Path], typer.Argument(help="Event files (JSON), the report first, in the order they would arrive.")
    ],
    directory: Annotated[
        Path | None, typer.Option(help="Directory file (JSON or zip); default a made-up one that reaches everybody.")
    ] = None,
    fields: Annotated[bool, typer.Option("--fields", help="Also what each reader would be shown.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Print the decisions that events lead to, with the clause behind each. Sends nothing."""
    settings = settings_or_exit(settings_file)
    areas = load_areas()
    desk = _directory(directory, areas)
    worlds = _World(settings, areas, desk)
    episode: Episode | None = None
    kept: list[EpisodeEvent] = []
    for file in files:
        event = worlds.read(file)
        if episode is None:
            episode = Episode(ref=event.ref)
        outcomes = worlds.react(file, episode, event, kept)
        kept = [*kept, event] if outcomes[0].episode.state == "awaited" else []
        episode = outcomes[-1].episode
        say(f"{file.name}: {event.kind}")
        for outcome in outcomes:
            _print(outcome, desk, fields=fields)


class _World:
    """What deciding needs, built once."""

    def __init__(self, settings: Settings, areas: Areas, directory: Directory) -> None:
        try:
            self._packs = packs_of(settings)
        except SettingsError as error:
            for problem in error.problems:
                ERR.print(f"{problem.setting}: {problem.message}", style="red", markup=False)
            fail("The protocol packs are not in order.", USAGE)
        self._areas = areas
        self._rules = wire_rules(self._packs, areas)
        self._directory = directory

    def read(self, file: Path) -> EpisodeEvent:
        """One event, or the end with every problem."""
        try:
            raw = file.read_bytes()
        except OSError as error:
            fail(f"cannot read {file}: {error.strerror}", USAGE)
        match parse(raw, self._rules):
            case Invalid(problems=problems):
                for problem in problems:
                    ERR.print(f"{problem.path}: {problem.message}", style="red", markup=False)
                fail(f"{file} is not a valid event; the hub would answer 422.")
            case event:
                return event

    def react(
        self, file: Path, episode: Episode, event: EpisodeEvent, kept: Sequence[EpisodeEvent]
    ) -> tuple[Outcome, ...]:
        """What the event does, decided as at its own time."""
        now = event.arrives or event.time
        doc = event.data if event.kind == "episode.reported" else episode.doc
        context = Context(
            packs=self._packs,
            areas=self._areas,
            reach=reach(self._directory, now, doc),
            now=now,
            check=lambda merged: [(p.path, p.message) for p in validate_document(merged, self._rules)],
        )
        outcome = react(episode, event, context, kept)
        if isinstance(outcome, Refused):
            for path, message in outcome.problems:
                ERR.print(f"{path}: {message}", style="red", markup=False)
            fail(f"{file} is not valid for this episode; the hub would answer 422.")
        return outcome


def _directory(file: Path | None, areas: Areas) -> Directory:
    if file is None:
        return fictional_directory()
    try:
        loaded = load(file.read_bytes(), areas, SystemClock().now())
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", USAGE)
    if loaded.bundle is None:
        fail(f"{file} has {len(loaded.problems)} problems: see `fingerpost directory import --dry-run`.")
    return Directory.of(loaded.bundle)


def _print(outcome: Outcome, directory: Directory, *, fields: bool) -> None:
    rows = table("Outcome", "Who", "What", "Why", lines=True)
    for decision in outcome.decisions:
        rows.add_row(OUTCOMES[decision.outcome], _who(decision, directory), _what(decision), _why(decision, fields))
    if outcome.decisions:
        OUT.print(rows)
    else:
        say("Nobody is told anything.")
    for duty in outcome.episode.duties:
        if duty.live:
            say(f"duty {duty.code} of {duty.owner}: due {duty.due_at:%Y-%m-%d %H:%M} UTC")
    for warning in outcome.warnings:
        note(f"warning: {warning}")


def _who(decision: Decision, directory: Directory) -> str:
    lines: list[str] = []
    for recipient in decision.recipients:
        known = directory.organisation(recipient.organisation) if recipient.organisation else None
        name = recipient.person or (known.name if known else recipient.organisation) or ""
        lines.append(escape(f"{recipient.role.replace('_', ' ')}: {name}" if name else recipient.role))
    return "\n".join(lines)


def _what(decision: Decision) -> str:
    words = [decision.kind.replace("_", " "), decision.priority]
    if decision.gap:
        words.append(decision.gap.replace("_", " "))
    if decision.first:
        words.append("first")
    return "\n".join(words)


def _why(decision: Decision, fields: bool) -> str:
    lines = [escape(decision.why)]
    lines += [f"[dim]{escape(f'{r.pack} {r.rule}: “{r.quote}” ({r.source})')}[/]" for r in decision.rules]
    if fields:
        lines.append(escape(f"shown: {', '.join(decision.fields) or 'nothing'}"))
    return "\n".join(lines)
