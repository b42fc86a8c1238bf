"""What every command shares: the settings, the two consoles, and the ways out."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from hub.cli.output import BUSY, ERR, FAILED, OUT, USAGE, fail, note, say, table
from hub.settings import Settings, SettingsError, load

__all__ = [
    "BUSY",
    "ERR",
    "FAILED",
    "OUT",
    "USAGE",
    "SettingsFile",
    "fail",
    "note",
    "run",
    "say",
    "settings_or_exit",
    "table",
]

T = TypeVar("T")

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", "-s", help="TOML settings file; the environment wins over it.")
]


def settings_or_exit(file: Path | None) -> Settings:
    """The settings; every problem told at once if there are any."""
    try:
        return load(file)
    except SettingsError as error:
        for problem in error.problems:
            ERR.print(f"{problem.setting}: {problem.message}", style="red", markup=False)
        raise typer.Exit(USAGE) from None


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run one asynchronous command to its end."""
    return asyncio.run(main())
