"""A command as it is typed, in this process."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from typer.testing import CliRunner

from hub.cli import app
from hub.cli.output import ERR, OUT
from tests.kit.logs import logs_as_before


def run(env: Mapping[str, str], *arguments: str, columns: int = 200, given: str = "") -> tuple[int, str, str]:
    """Status, standard output, standard error. ``given``: standard input. In a thread, as each command has an event
    loop of its own."""
    OUT.width = ERR.width = columns  # what was in COLUMNS when they were imported would count for good
    with ThreadPoolExecutor(1) as thread, logs_as_before():
        result = thread.submit(
            CliRunner().invoke, app, list(arguments), input=given,
            env={**env, "COLUMNS": str(columns), "NO_COLOR": "1"},
        ).result()  # fmt: skip
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr
