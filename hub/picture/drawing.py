"""What a picture shows, before anything has a place on paper: lanes, bars, flags and the moments that matter."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

REMINDERS: Final = ("duty_due", "duty_overdue")
REPLIES: Final = ("receipt", "bounced", "accepted", "not_ours", "redirected")
"""Kinds of marks that came back from whom a notice went to."""
MOST_ANCHORS: Final = 48
KIND_WORDS: Final = {
    "duty_due": "reminder",
    "duty_overdue": "chase",
    "conversation": "message",
    "retraction": "retracted",
    "renotification": "re-notified",
    "bounced": "came back",
    "not_ours": "not ours",
}
OUTCOME_WORDS: Final = {
    "notify": "told", "withhold": "withheld", "hold": "held", "gap": "gap: nobody to tell", "suppress": "not told",
    "waiting": "not sent yet", "failed": "could not be told", "overtaken": "overtaken",
}  # fmt: skip
"""What was decided; and of what was to be told, that it has not gone out, could not, or need not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One notice, the decision not to give one, or what came back. ``outcome`` of what came back is ``notify``."""

    at: datetime
    kind: str
    outcome: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One recipient: a desk of an organisation, or a person."""

    title: str
    subtitle: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One span. ``due`` parts what was in time from what was late."""

    start: datetime
    end: datetime
    state: str
    """``open``, ``done``, ``cancelled``, ``overdue`` of a duty; ``held``, ``removed`` of a register entry; an
    episode's own."""
    words: str
    due: datetime | None = None
    episode: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    title: str
    subtitle: str
    bars: tuple[Bar, ...]
    note: str
    """How it stands at the end, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """An event that came."""

    at: datetime
    label: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    title: str
    anchors: tuple[datetime, ...]
    """At least one."""
    flags: tuple[Flag, ...]
    lanes: tuple[Lane, ...]
    duties: tuple[Row, ...]
    register: tuple[Row, ...]
    episodes: tuple[Row, ...]
    end: datetime = field(repr=False)
    now: datetime | None = None
    """What lies to the right of it has not happened yet; None where all of it has."""


def kind_words(kind: str) -> str:
    """``duty_due`` -> ``reminder``; most kinds are their own word."""
    return KIND_WORDS.get(kind, kind)


def event_words(type_: str) -> str:
    """``reported`` for ``fingerpost.episode.reported.v1``."""
    words = type_.removeprefix("fingerpost.").removesuffix(".v1").removeprefix("episode.")
    return words.replace(".", " ").replace("_", " ")


def anchors_of(
    firm: Iterable[datetime], told: Iterable[datetime], clocks: Iterable[datetime], end: datetime
) -> tuple[datetime, ...]:
    """The moments the axis is hung on, up to ``end``: all of them, or where those are too many only the ones of more
    weight, ``firm`` before ``told`` before ``clocks``."""
    heavy, lighter, lightest = {end, *firm}, set(told), set(clocks)
    for found in (heavy | lighter | lightest, heavy | lighter, heavy):
        within = sorted(at for at in found if at <= end)
        if len(within) <= MOST_ANCHORS:
            return tuple(within)
    return _thinned(within, end)


def _thinned(within: Sequence[datetime], end: datetime) -> tuple[datetime, ...]:
    share = len(within) / MOST_ANCHORS
    return tuple(dict.fromkeys([*(within[int(i * share)] for i in range(MOST_ANCHORS)), end]))
