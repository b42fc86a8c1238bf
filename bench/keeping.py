"""Results that are kept: one JSON file a measurement and day, with what is needed to judge it."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.table import Ratio

FOLDER: Final = Path(__file__).resolve().parent / "results"


def keep(name: str, load: float, ratios: Sequence[Ratio], **more: Any) -> Path:
    """Write ``results/DAY-NAME.json``. ``load``: the load average before the start."""
    now = datetime.now(UTC)
    path = FOLDER / f"{now.date().isoformat()}-{name}.json"
    path.parent.mkdir(exist_ok=True)
    whole: Mapping[str, Any] = {
        "measured_at": now.isoformat(timespec="seconds"),
        "revision": _revision(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_average": {"before": round(load, 2), "after": round(os.getloadavg()[0], 2)},
        "ratios": [one.fields() for one in ratios],
        **more,
    }
    path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    return path


def _revision() -> str | None:
    """The commit that was measured; None where this is no work tree."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=FOLDER.parent, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or None
