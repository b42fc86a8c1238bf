"""A command as it is typed, in this process."""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from typer.testing import CliRunner

from hub.cli import app
from hub.cli.output import ERR, OUT
from tests.kit.logs import logs_as_before


def run(env: Mapping[str, str], *arguments: str, columns: int = 200, given: str = "") -> tuple[int, str, str]:
    """Status, standard output, standard error. ``given``: standard input. In a thread, as each command has an event
    loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_invoked, env, arguments, columns, given).result()


def run_here(env: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
    """The same in this very thread, for ``serve``, which listens for signals, and where no event loop runs."""
    interval = sys.getswitchinterval()
    try:
        return _invoked(env, arguments, 200, "")
    finally:
        sys.setswitchinterval(interval)


def _invoked(env: Mapping[str, str], arguments: Sequence[str], columns: int, given: str) -> tuple[int, str, str]:
    OUT.width = ERR.width = columns  # what was in COLUMNS when they were imported would count for good
    with logs_as_before():
        result = CliRunner().invoke(
            app, list(arguments), input=given, env={**env, "COLUMNS": str(columns), "NO_COLOR": "1"}
        )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr
