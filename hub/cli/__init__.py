"""``fingerpost``: the command line. No traceback for a user's mistake, and never a child's data in one of ours.

Some are started without what the others import: ``simulate``, which is run thousands of times, and ``serve``, which
goes on for months and keeps what it has imported.
"""

import gc
import sys
from importlib import import_module
from typing import Any, Final

FAILED: Final = 1
"""What was asked for could not be done (hub/cli/console.py)."""
ALONE: Final = {"serve": "hub.cli.serving", "simulate": "hub.cli.simulate"}
"""Where the commands are that are started by themselves."""


def __getattr__(name: str) -> Any:
    """``app``, all the commands together, is imported when it is asked for."""
    if name == "app":
        return import_module("hub.cli.commands").app
    raise AttributeError(name)


def main() -> None:
    """The entry point. Anything unforeseen is told by its class and place: its text could quote a child's data."""
    gc.disable()  # what is imported stays, and to look through it as it comes in takes a tenth of the start
    try:
        name = sys.argv[1] if len(sys.argv) > 1 else ""
        app = import_module("hub.cli.alone").alone(name, ALONE[name]) if name in ALONE else __getattr__("app")
        gc.freeze()
        gc.enable()
        app()
    except Exception as error:
        place = import_module("hub.edge.telemetry").place(error)
        sys.stderr.write(f"Fingerpost failed: {type(error).__name__} at {place}\n")
        sys.exit(FAILED)
