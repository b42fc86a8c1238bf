"""Made-up packs of a few clocks, and the pure clocks run without an episode around them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from routing.decision import Duty
from routing.duties import Running, chased, next_happening, open_duty, overtaken, reminded, rows_of, turned
from routing.packs import Pack, Packs, parse_pack

DOC: Mapping[str, Any] = {
    "episode": {"ref": "E", "category": "missing", "since": "2026-01-31T10:00:00Z"},
    "child": {"ref": "C", "name": "Robin Example", "date_of_birth": "2011-08-17", "looked_after": True},
    "placement": {"type": "foster_care", "responsible_authority": "E09000006", "host_authority": "E06000013"},
    "people": [],
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def toml(name: str, *rows: str, head: str = "") -> str:
    """A pack that always applies; each row is what stands under ``[[duties]]`` but its rules."""
    duties = "".join(f'[[duties]]\n{row}\nrules = ["X-1"]\n' for row in rows)
    return f"""name = "{name}"
title = "Made up"
version = "1"
{head}
[applies]
always = true
[evidence.X-1]
source = "000"
section = "1"
quote = "…"
{duties}"""


def pack(*rows: str, name: str = "made-up", head: str = "") -> Pack:
    return parse_pack(name, toml(name, *rows, head=head))


def row(text: str, *, head: str = "") -> Running:
    """One row, on its own."""
    return rows_of(Packs((pack(text, head=head),)))[0]


def opened(running: Running, start: datetime, now: datetime | None = None, before: tuple[Duty, ...] = ()) -> Duty:
    """A duty of this row; fails the test where it does not open."""
    duty = open_duty(running, start, now or start, DOC, rules=(), before=before)
    assert duty is not None
    return duty


def run(
    duties: tuple[Duty, ...], running: Running, until: datetime, *, tick: datetime | None = None
) -> tuple[tuple[Duty, ...], list[tuple[str, int, datetime]]]:
    """Let the clocks run to ``until``: what is left, and (what, occurrence, when) of all that somebody hears.

    Everything happens at its own instant, or, where the clocks stood still, at ``tick``.
    """
    heard: list[tuple[str, int, datetime]] = []
    while (happening := next_happening(duties)) is not None and happening.at <= until:
        duty, now = happening.duty, tick or happening.at
        match happening.what:
            case "remind":
                duties = tuple(reminded(d) if d is duty else d for d in duties)
                said = duty.due_at > now
            case "chase":
                said = not overtaken(duties, duty, now)
                duties = tuple(chased(d, now, running.pack.reminders) if d is duty else d for d in duties)
            case "turn":
                duties = turned(duties, duty, running, now, DOC)
                said = True
        if said:
            heard.append((happening.what, duty.occurrence, now))
    return duties, heard
