"""How many processors this process may use."""

import os
from pathlib import Path
from typing import Final

_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
"""What a container is given of them, in microseconds of so many: ``150000 100000`` or ``max 100000``."""


def processors(quota: Path = _QUOTA) -> int:
    """Whole ones, at least one."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        given, of = quota.read_text(encoding="ascii").split()
        return max(1, min(own, int(given) // int(of)))
    except (OSError, ValueError, ZeroDivisionError):  # there is no such limit
        return own
