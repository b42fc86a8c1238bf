"""``fingerpost``: the command line. No traceback for a user's mistake, and never a child's data in one of ours.

A command that needs no server, store or mail is started without them: ``simulate`` is run thousands of times.
"""

import gc
import sys
from importlib import import_module
from typing import Any, Final

FAILED: Final = 1
"""What was asked for could not be done (hub/cli/console.py)."""
ALONE: Final = "simulate"


def __getattr__(name: str) -> Any:
    """``app``, all the commands together, is imported when it is asked for."""
    if name == "app":
        return import_module("hub.cli.commands").app
    raise AttributeError(name)


def main() -> None:
    """The entry point. Anything unforeseen is told by its class and place: its text could quote a child's data."""
    gc.disable()  # what is imported stays, and to look through it as it comes in takes a tenth of the start
    try:
        app = import_module("hub.cli.alone" if sys.argv[1:2] == [ALONE] else "hub.cli.commands").app
        gc.freeze()
        gc.enable()
        app()
    except Exception as error:
        place = import_module("hub.edge.telemetry").place(error)
        sys.stderr.write(f"Fingerpost failed: {type(error).__name__} at {place}\n")
        sys.exit(FAILED)
