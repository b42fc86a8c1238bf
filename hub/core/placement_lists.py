"""A list of placements, as an authority keeps it: JSON or CSV in, one made-up report of a missing child each out.

A placement has the keys of an event's ``data`` (events.md): ``child``, ``placement``, ``people``, ``school`` and, to
ask "what if", ``episode``; and a ``ref`` of its own. The child's name is not needed and not asked for.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.core.events import EpisodeEvent, Invalid, WireRules, parse

KEYS = ("ref", "child", "placement", "people", "school", "episode")
PEOPLE = ("parent", "carer", "social_worker", "supervising_social_worker", "iro")
PERSON_COLUMNS = ("name", "email", "phone", "decision", "reason", "decided_by")
WORDS = {"yes": True, "true": True, "no": False, "false": False}
DEEPEST = 16
"""Levels of a column; an event has no more."""
USUAL_AGE = 14
SOURCE = "urn:fingerpost:source:placements-check"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One placement as if its child went missing at the moment asked about."""

    ref: str
    event: EpisodeEvent = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing wrong with the list: ``placements[3].placement.type``, or ``line 4, placement.type``."""

    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementList:
    """What could be read, and everything that could not."""

    candidates: tuple[Candidate, ...]
    problems: tuple[Wrong, ...]


def read_placements(data: bytes, *, as_csv: bool, rules: WireRules, now: datetime) -> PlacementList:
    """Every placement of a list, checked as strictly as an event. ``now`` is when the children go missing."""
    problems: list[Wrong] = []
    candidates: list[Candidate] = []
    seen: set[str] = set()
    try:
        rows = list(_csv_rows(data) if as_csv else _json_rows(data))
    except BadList as error:
        return PlacementList(candidates=(), problems=(Wrong("", str(error)),))
    for number, (place, row, wrong) in enumerate(rows):
        ref = row.get("ref")
        if not isinstance(ref, str) or not ref.strip():
            wrong = [*wrong, ("ref", "is missing: a short name for the placement, no child's")]
        elif ref in seen:
            wrong = [*wrong, ("ref", "stands twice")]
        else:
            seen.add(ref)
        event, more = _event(row, number, rules, now)
        problems += [Wrong(f"{place}{path}", said) for path, said in (*wrong, *more)]
        if event is not None and not wrong:
            candidates.append(Candidate(ref=str(ref), event=event))
    return PlacementList(candidates=tuple(candidates), problems=tuple(problems))


class BadList(ValueError):
    """The file as a whole cannot be read as a list of placements."""


Row = tuple[str, Json, list[tuple[str, str]]]
"""Where it stands, the placement, what is wrong with its form."""


def _json_rows(data: bytes) -> Iterator[Row]:
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raise BadList("is not JSON") from None
    listed = raw.get("placements") if isinstance(raw, Mapping) else raw
    if not isinstance(listed, list) or not listed:
        raise BadList('must be a list of placements, or {"placements": [...]}, and not empty')
    for index, row in enumerate(listed):
        place = f"placements[{index}]."
        if not isinstance(row, dict):
            yield place, {}, [("", "must be an object")]
        else:
            yield place, row, [(_shown(key), "is not known") for key in row if key not in KEYS]


def _csv_rows(data: bytes) -> Iterator[Row]:
    try:
        table = list(csv.reader(io.StringIO(data.decode("utf-8-sig")), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise BadList("is not CSV in UTF-8") from None
    if len(table) < 2:
        raise BadList("must have a line of column names and at least one placement")
    header = [name.strip() for name in table[0]]
    if bad := [number for number, name in enumerate(header, 1) if not _column(name)]:
        raise BadList(f"has columns that are not known: number {', '.join(map(str, bad))}")
    parents = {name[:at] for name in header for at, sign in enumerate(name) if sign == "."}
    if both := [number for number, name in enumerate(header, 1) if name in parents]:
        raise BadList(f"has columns that others are a part of: number {', '.join(map(str, both))}")
    for number, cells in enumerate(table[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            yield f"line {number}, ", {}, [("", f"has {len(cells)} columns, not {len(header)}")]
            continue
        yield f"line {number}, ", _unfolded(dict(zip(header, cells, strict=True))), []


def _column(name: str) -> bool:
    head, _, rest = name.partition(".")
    if head in PEOPLE:
        return rest in PERSON_COLUMNS
    deep = rest.count(".") >= DEEPEST
    return name == "ref" or (head in ("child", "placement", "school", "episode") and bool(rest) and not deep)


def _shown(key: str) -> str:
    """A key that may be no text: JSON can spell half a character."""
    return key.encode("utf-8", "replace").decode()


def _unfolded(cells: Mapping[str, str]) -> Json:
    """``placement.type`` becomes a key in ``placement``, ``parent.name`` a person; empty cells are left out."""
    row: Json = {}
    people: dict[str, Json] = {}
    for name, cell in cells.items():
        text = cell.strip()
        if not text:
            continue
        head, *rest = name.split(".")
        if head in PEOPLE:
            _tell(people.setdefault(head, {"role": head}), rest[0], text)
            continue
        target, keys = row, [head, *rest]
        for key in keys[:-1]:
            target = target.setdefault(key, {})
        target[keys[-1]] = WORDS.get(text.lower(), text)
    return {**row, "people": list(people.values())} if people else row


def _tell(person: Json, column: str, text: str) -> None:
    if column in ("decision", "reason", "decided_by"):
        person.setdefault("notify", {})[column] = text
    else:
        person[column] = text


def _event(
    row: Mapping[str, Any], number: int, rules: WireRules, now: datetime
) -> tuple[EpisodeEvent | None, Sequence[tuple[str, str]]]:
    """The report that would come if this child went missing now; what nobody has to know yet is made up."""
    child, episode = row.get("child") or {}, row.get("episode") or {}
    if not isinstance(child, Mapping) or not isinstance(episode, Mapping):
        return None, [("child, episode", "must be objects")]
    born = now.replace(year=now.year - USUAL_AGE, month=1, day=1)
    data = {
        "episode": {"category": "missing", **episode, "ref": f"P-{number}"},
        "child": {
            "name": "Not given", "date_of_birth": f"{born:%Y-%m-%d}", **child, "ref": f"P-{number}",
        },
        **{key: row[key] for key in ("placement", "people", "school") if row.get(key) is not None},
    }  # fmt: skip
    envelope = {
        "specversion": "1.0",
        "id": f"P-{number}",
        "source": SOURCE,
        "type": "fingerpost.episode.reported.v1",
        "time": now.isoformat(),
        "data": data,
    }
    match parse(json.dumps(envelope).encode(), rules):
        case Invalid(problems=problems):
            return None, [(p.path.removeprefix("data."), p.message) for p in problems]
        case event:
            return event, ()
