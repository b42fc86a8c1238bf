"""The two consoles, and the ways out. Without the settings, which not every command reads."""

from typing import Final, NoReturn

import typer
from rich.console import Console
from rich.table import Column, Table

OUT: Final = Console(highlight=False, soft_wrap=True)
ERR: Final = Console(stderr=True, highlight=False, soft_wrap=True)

FAILED: Final = 1
"""What was asked for could not be done, or was found wanting."""
USAGE: Final = 2
"""The settings or arguments are wrong."""
TYPED: Final = frozenset({"Alarm", "Quarantine", "Receipt", "Change", "Child", "Hold", "Id"})
"""Columns of ids that are copied into the next command."""

BUSY: Final = 75
"""The store cannot be used now: try again (EX_TEMPFAIL)."""


def fail(message: str, status: int = FAILED) -> NoReturn:
    """Say what is wrong on standard error, without markup or traceback, and end."""
    ERR.print(message, style="red", markup=False)
    raise typer.Exit(status)


def say(text: str) -> None:
    """A line of the answer, as it is."""
    OUT.print(text, markup=False)


def note(text: str) -> None:
    """Something to know that is not the answer: on standard error, so that pipes stay clean."""
    ERR.print(text, style="yellow", markup=False)


def table(*names: str, title: str | None = None, lines: bool = False) -> Table:
    """A table whose cells are folded, never cut: an id that is cut is no id. One that another command asks for stays on
    one line, so that it can be copied."""
    columns = (Column(name, overflow="fold", no_wrap=name in TYPED) for name in names)
    return Table(*columns, title=title, show_lines=lines)
