"""What no single value of a pack can say alone: asked of the TOML as it was read, so that it is told together with
whatever else is wrong (protocols.md: every mistake at once)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contacts.areas import Areas
from routing.calendar import parse_period

SEALED_DUTY = "adulthood"
"""The code of the duty whose date is a birthday: the store keeps it, and only it, under seal."""
CODE = re.compile(r"[EWSN]([0-9]{8}|[0-9]{0,7}\*)", re.ASCII)
"""A GSS code, or the beginning of one and a ``*``."""
CITING = ("recipients", "suppressions", "later", "quiet", "told", "duties", "thresholds")
"""The tables whose rows rest on evidence; so does ``register``."""
SWITCHED = tuple(name for name in CITING if name != "told")
"""The tables whose rows may belong to an option."""

Problems = Iterator[tuple[str, str]]


def across(name: str, raw: Mapping[str, Any], areas: Areas) -> Problems:
    """Problems (path, message) of the pack in the file ``name``.toml. Looks only at what has the right type: the rest
    is for the models to say."""
    if isinstance(raw.get("name"), str) and raw["name"] != name:
        yield "name", f"is not the file's: it has to be {name}"
    yield from _uncited(raw)
    yield from _applies(raw.get("applies"), areas)
    for path, row in _rows(raw, "recipients"):
        if row.get("missing") is None and row.get("away") is None:
            yield path, "tells nobody: give a condition for missing or for away"
    for path, row in _rows(raw, "duties"):
        for key, problem in _unusable(row):
            yield f"{path}{key}", problem
    yield from _options(raw)
    seen: set[str] = set()
    for path, row in _rows(raw, "thresholds"):
        identity = str(row.get("id"))
        if identity in seen:
            yield f"{path}.id", "stands twice: each threshold needs an id of its own"
        seen.add(identity)


def _rows(raw: Mapping[str, Any], name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    rows = raw.get(name)
    for index, row in enumerate(rows if isinstance(rows, list) else ()):
        if isinstance(row, Mapping):
            yield f"{name}[{index}]", row


def _uncited(raw: Mapping[str, Any]) -> Problems:
    evidence = raw.get("evidence")
    known = evidence if isinstance(evidence, Mapping) else {}
    rows = [pair for name in CITING for pair in _rows(raw, name)]
    if isinstance(raw.get("register"), Mapping):
        rows.append(("register", raw["register"]))
    for path, row in rows:
        rules = row.get("rules")
        for rule in rules if isinstance(rules, list) else ():
            if isinstance(rule, str) and rule not in known:
                yield f"{path}.rules", f"{rule} has no evidence in this pack"


def _options(raw: Mapping[str, Any]) -> Problems:
    options = raw.get("options")
    declared = options if isinstance(options, Mapping) else {}
    used = set()
    for path, row in (pair for name in SWITCHED for pair in _rows(raw, name)):
        option = row.get("option")
        if isinstance(option, str) and option not in declared:
            yield f"{path}.option", f"{option} is not declared: give it a title in [options.{option}]"
        used.add(option)
    for name in declared:
        if name not in used:
            yield f"options.{name}", "has no rows: nothing would change if it were on"


def _applies(applies: object, areas: Areas) -> Problems:
    if not isinstance(applies, Mapping):
        return
    if not any(applies.get(key) for key in ("always", "placement_types", "authorities")):
        yield "applies", "applies to no placement: give always, placement_types or authorities"
    codes = applies.get("authorities")
    for index, code in enumerate(codes if isinstance(codes, list) else ()):
        if not isinstance(code, str) or not CODE.fullmatch(code):
            continue
        if code not in areas.authorities and not (
            code.endswith("*") and any(gss.startswith(code[:-1]) for gss in areas.authorities)
        ):
            yield f"applies.authorities[{index}]", f"{code} is not the code of an authority of today"


def _unusable(row: Mapping[str, Any]) -> Problems:
    """What the clocks could not run, or would show what nobody may see."""
    due, due_age, repeats = row.get("due"), row.get("due_age"), row.get("repeats")
    if (due is None) == (due_age is None):
        yield "", "needs either due or due_age"
    if due_age is not None and row.get("code") != SEALED_DUTY:
        yield ".due_age", f"is a birthday, which is kept under seal for the code {SEALED_DUTY} only"
    if repeats is not None and (due is None or _empty(repeats)):
        yield ".repeats", "needs a period longer than nothing, and due"
    if row.get("night") and (due is None or repeats is not None):
        yield ".night", "needs due, and does not repeat"
    follows = row.get("starts") == "completed"
    if follows != bool(row.get("after")) or follows != bool(row.get("outcomes")):
        yield ".starts", "a duty that starts when another is completed needs after and outcomes; no other has them"
    if (row.get("agreed") is None) != (not row.get("agreed_by")):
        yield ".agreed_by", "says who has to be of the agreement that agreed names: give both or none"
    if row.get("acts") is not None and row.get("owner") != "hub":
        yield ".owner", "a duty that acts is the hub's own"
    if row.get("owner") == "hub" and row.get("acts") is None:
        yield ".acts", "the hub's own duty needs to say what the hub does"
    if row.get("acts") == "tell" and not row.get("tells"):
        yield ".tells", "is missing: say who is told"


def _empty(period: object) -> bool:
    try:
        return parse_period(str(period)).empty
    except ValueError:
        return False
