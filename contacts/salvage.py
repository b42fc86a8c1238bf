"""What can still be read of a directory that was whole when it was stored.

A newer list of authorities, or a hub of another version, may refuse a row that was right once. Nobody in the other rows
may go untold because of it.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from contacts.areas import Areas
from contacts.model import Problem
from contacts.tables import Loaded, load_json

_ROW = re.compile(r"([a-z]+)\[([0-9]+)\]")


def load_readable(data: bytes, areas: Areas, now: datetime) -> Loaded:
    """Like ``load_json``, without the rows that have problems and those that lean on them. ``problems`` are all that
    were met on the way; ``bundle`` is None only where nothing can be told apart."""
    loaded = load_json(data, areas, now)
    met: list[Problem] = []
    while loaded.bundle is None:
        met += loaded.problems
        rest = _without(data, loaded.problems)
        if rest is None:
            return Loaded(bundle=None, problems=tuple(met))
        data = rest
        loaded = load_json(data, areas, now)
    return Loaded(bundle=loaded.bundle, problems=tuple(met), warnings=loaded.warnings)


def _without(data: bytes, problems: Sequence[Problem]) -> bytes | None:
    """The document without what these problems are about; None if they name nothing that could be left out."""
    try:
        document: Any = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    bad: dict[str, set[int]] = {}
    unknown = set()
    for problem in problems:
        row = _ROW.match(problem.path)
        if row is not None:
            bad.setdefault(row[1], set()).add(int(row[2]))
        elif problem.path in document and problem.path != "format":
            unknown.add(problem.path)
    if not bad and not unknown:
        return None
    kept = {
        key: [one for number, one in enumerate(value) if number not in bad[key]] if key in bad else value
        for key, value in document.items()
        if key not in unknown
    }
    return json.dumps(kept).encode()
