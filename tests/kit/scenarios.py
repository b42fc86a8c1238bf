"""Made-up scenarios for ``simulate``: small ones that show what its timeline and picture have to cope with."""

import copy
import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]

FILES = sorted((Path(__file__).parents[1] / "data" / "scenarios").glob("*.json"))


def scenario(file: Path) -> Json:
    """The scenario of one of the files in tests/data."""
    found: Json = json.loads(file.read_text("utf-8"))["scenario"]
    return found


def numbered(number: str) -> Json:
    """By its number, for example ``053``."""
    return copy.deepcopy(scenario(next(f for f in FILES if f.name.startswith(number))))
