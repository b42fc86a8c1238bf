"""What a process sets up for all of itself, taken back where it was done in this one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from hub.edge.telemetry import ForeignHandler


@contextmanager
def logs_as_before() -> Iterator[None]:
    """Whatever sets up logs inside, to a file that it closes at its end, leaves nobody else without."""
    root = logging.getLogger()
    level = root.level
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.setLevel(level)
        for handler in [one for one in root.handlers if isinstance(one, ForeignHandler)]:
            root.removeHandler(handler)
