"""What the demo prints, as it happens. Everything shown is made up; the hub itself never prints a name."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from contacts.directory import Directory
from hub.demo.case import Reader
from hub.demo.mailboxes import Opened, Unopened
from routing.decision import Decision, Recipient

LONDON = ZoneInfo("Europe/London")
TOLD = {"notify": ("told", "green"), "gap": ("nobody there", "red")}
NOT_TOLD = {"withhold": ("withheld", "red"), "hold": ("held", "yellow"), "suppress": ("not told", "yellow")}
EXCERPT = 22
"""Lines of a mail that are shown."""
WIDE = 100
"""From here on a line has room for figures that are nice to have."""


class Show:
    """Writes to a console. ``directory`` gives organisations their names."""

    def __init__(self, console: Console, directory: Directory) -> None:
        self._console = console
        self._directory = directory

    def title(self) -> None:
        self._console.print()
        self._console.print("[bold]Fingerpost[/]: a child is missing, and everyone who must know is told.")
        self._console.print("Every name, address and number is made up; the rules are the real ones.", style="dim")

    def chapter(self, number: int, title: str, words: str) -> None:
        self._console.print()
        self._console.rule(f"[bold]{number}  {escape(title)}[/]", align="left", style="cyan")
        self._console.print(Padding(escape(words), (0, 0, 0, 3)))

    def answered(self, at: datetime, status: int, body: Mapping[str, Any], seconds: float) -> None:
        """The hub's answer to an event."""
        figures = (
            f"{body.get('notices', 0)} notices, {body.get('withheld', 0)} withheld, {len(body.get('gaps', ()))} gaps"
        )
        self._step(
            f"{_clock(at)}  POST /v1/events, signed, answered [bold]{status}[/] in {seconds * 1000:.0f} ms: "
            f"on disk, {figures}"
        )
        for warning in body.get("warnings", ()):
            self._step(f"[yellow]warning[/] {escape(str(warning))}")

    def decisions(self, decisions: Sequence[Decision]) -> None:
        """Who is told and why, then who is not and why."""
        for heading, words in (("Who is told, and why", TOLD), ("Who is not told, and why", NOT_TOLD)):
            chosen = [decision for decision in decisions if decision.outcome in words]
            if chosen:
                self._step(f"[bold]{heading}[/]", space=1)
                self._console.print(Padding(self._table(chosen, words), (0, 0, 0, 3)))

    def _table(self, decisions: Sequence[Decision], words: Mapping[str, tuple[str, str]]) -> Table:
        """One row for all that share a kind and a reason."""
        rows: dict[tuple[str, str, str], list[str]] = {}
        for decision in decisions:
            first = decision.kind if decision.outcome == "notify" else words[decision.outcome][0]
            rows.setdefault((first, words[decision.outcome][1], _reason(decision)), []).extend(
                self.title_of(recipient) for recipient in decision.recipients
            )
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, expand=True)
        table.add_column(no_wrap=True, width=9)
        table.add_column(ratio=1)
        for (first, colour, reason), readers in rows.items():
            table.add_row(Text(first, style=colour), Text.assemble("; ".join(readers), "\n", (reason, "dim")))
        return table

    def heading(self, words: str) -> None:
        self._step(f"[bold]{escape(words)}[/]", space=1)

    def mail(self, mail: Opened, reader: Reader | None, sent_at: datetime) -> None:
        """One mail: when it came, and that openssl could open and verify it."""
        who = "somebody unknown" if reader is None else self.title_of(reader)
        arrived = (mail.mail.arrived_at - sent_at).total_seconds()
        opening = (mail.verified_at - mail.mail.arrived_at).total_seconds()
        room = min(56, self._console.width - 44)
        line = Text.assemble((f"   +{arrived:.2f} s  ", "dim"), (f"{who:<{room}.{room}} ", "" if reader else "red"))
        line.append(f"{mail.notice.get('kind', ''):<9}")
        line.append("opened, verified", "green")
        line.append(f" {opening:4.2f} s" if self._console.width >= WIDE else "", "dim")
        self._console.print(line, overflow="ellipsis", no_wrap=True)

    def unopened(self, mail: Unopened) -> None:
        self._step(f"[bold red]not opened[/] mail {mail.mail.number}: {escape(mail.why)}")

    def letter(self, mail: Opened, who: str) -> None:
        """What one of them reads: the envelope as the network sees it, and the first lines inside."""
        lines = [line.rstrip() for line in mail.text.strip().splitlines()]
        inside = "\n".join(lines[:EXCERPT]) + (f"\n… {len(lines) - EXCERPT} more lines" if len(lines) > EXCERPT else "")
        outside = (mail.mail.header("Subject"), "")
        body = Text.assemble(
            ("outside  ", "dim"), outside, ("\ninside   ", "dim"), (mail.subject, "bold"), "\n\n", inside
        )
        self._console.print()
        panel = Panel(body, title=f"What {escape(who)} reads", title_align="left", border_style="dim")
        self._console.print(Padding(panel, (0, 0, 0, 3)))

    def step(self, at: datetime, words: str) -> None:
        self._step(f"{_clock(at)}  {escape(words)}")

    def verdict(self, complaints: Sequence[str], mails: int, seconds: float) -> None:
        self._console.print()
        if complaints:
            self._console.print(f"[bold red]Not as it should be[/] ({len(complaints)}):")
            for complaint in complaints:
                self._console.print(f"   - {escape(complaint)}")
            return
        self._console.print(
            f"[bold green]Everything was as it should be[/]: {mails} mails in {seconds:.1f} s, each opened and "
            "verified by openssl, each with what its reader may know, none to anybody else."
        )

    def stays(self, url: str) -> None:
        self._console.print()
        self._console.print(f"The hub is still running. See the whole episode at [bold link={url}]{url}[/]")
        self._console.print("Ctrl-C stops it and removes everything it made.", style="dim")

    def title_of(self, reader: Reader | Recipient) -> str:
        """Name and role."""
        return f"{self.name(reader)}, {reader.role.replace('_', ' ')}"

    def name(self, reader: Reader | Recipient) -> str:
        """The person, or the organisation as the directory calls it."""
        if reader.person is not None:
            return reader.person
        if reader.role == "school":
            return "Example School"
        organisation = self._directory.organisation(reader.organisation) if reader.organisation else None
        return reader.role.replace("_", " ") if organisation is None else organisation.name

    def _step(self, markup: str, space: int = 0) -> None:
        self._console.print(Padding(Text.from_markup(markup), (space, 0, 0, 3)))


def _reason(decision: Decision) -> str:
    """Why, with the rule that says so."""
    rule = f" ({decision.rules[0].rule}: “{decision.rules[0].quote}”)" if decision.rules else ""
    return f"{decision.why}{rule}"


def _clock(at: datetime) -> str:
    return at.astimezone(LONDON).strftime("%H:%M:%S")
