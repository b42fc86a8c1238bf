"""Duties, register entries and episodes as rows of bars."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from hub.core.naming import moment, role_label
from hub.picture.drawing import Bar, Row

Dates: TypeAlias = tuple[str, datetime, datetime, datetime | None]
"""Of a register entry: episode, received, to be removed, removed."""
MANY: Final = 3
"""More holders than this of one role, with the same dates, are one row of the register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """One occurrence of a duty."""

    episode: str
    code: str
    owner: str
    """A role, or ``hub``."""
    opened_at: datetime
    due_at: datetime
    state: str
    occurrence: int = 1
    closed_at: datetime | None = None
    closed_by: str = ""
    """In words; empty where it is not said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One entry of a register."""

    episode: str
    role: str
    organisation: str
    received_at: datetime
    remove_at: datetime
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """One episode. ``began``: None before it is reported."""

    name: str
    category: str
    state: str
    began: datetime | None
    ended: datetime | None


def duty_rows(duties: Sequence[Obligation], end: datetime) -> tuple[Row, ...]:
    """A row for each duty of each owner, its occurrences behind each other. What is open at ``end`` reaches to
    when it is due."""
    rows: dict[tuple[str, str], list[Obligation]] = {}
    newest: dict[tuple[str, str, str], Obligation] = {}
    for duty in duties:
        rows.setdefault((duty.code, duty.owner), []).append(duty)
        newest[duty.episode, duty.code, duty.owner] = duty
    last = {id(duty) for duty in newest.values()}
    return tuple(
        Row(
            title=role_label(code),
            subtitle=owner_words(owner),
            bars=tuple(_duty_bar(duty, last=id(duty) in last, end=end) for duty in found),
            note=standing(found),
        )
        for (code, owner), found in rows.items()
    )


def owner_words(owner: str) -> str:
    """``hub`` is nobody's role."""
    return "the hub itself" if owner == "hub" else role_label(owner)


def standing(duties: Sequence[Obligation]) -> str:
    """How one duty stands: ``done 1 Mar 2026 15:00``, or for a repeated one how often it ended how."""
    if len(duties) > 1:
        return ", ".join(f"{count} {state}" for state, count in Counter(d.state for d in duties).items())
    [duty] = duties
    if duty.state in ("done", "cancelled") and duty.closed_at:
        late = " (late)" if duty.state == "done" and duty.closed_at > duty.due_at else ""
        return f"{duty.state} {moment(duty.closed_at)}{late}"
    return f"{'overdue since' if duty.state == 'overdue' else 'open, due'} {moment(duty.due_at)}"


def _duty_bar(duty: Obligation, *, last: bool, end: datetime) -> Bar:
    start, due = duty.opened_at, duty.due_at
    closed = duty.closed_at or (max(end, due) if duty.state == "open" else end)
    # The next occurrence opens when this one falls due, and is drawn behind it.
    stop = closed if last else min(closed, due)
    words = f"{duty.episode} opened {moment(start)}, due {moment(due)}, {duty.state}".strip()
    if duty.closed_at:
        words += f" {moment(duty.closed_at)}" + (f" by {duty.closed_by}" if duty.closed_by else "")
    return Bar(start=start, end=max(start, stop), due=due, state=duty.state, words=words, episode=duty.episode)


def register_rows(entries: Iterable[Held], end: datetime, called: Callable[[str], str]) -> tuple[Row, ...]:
    """A row for each holder; many of one role with the same dates together. ``called``: an organisation's name."""
    holders: dict[tuple[str, str], list[Held]] = {}
    for entry in entries:
        holders.setdefault((entry.role, entry.organisation), []).append(entry)
    alike: dict[tuple[str, tuple[Dates, ...]], list[str]] = {}
    for (role, organisation), found in holders.items():
        dates = tuple((e.episode, e.received_at, e.remove_at, e.removed_at) for e in found)
        alike.setdefault((role, dates), []).append(organisation)
    return tuple(
        _entries(role, group, dates, end, called)
        for (role, dates), organisations in alike.items()
        for group in ([organisations] if len(organisations) > MANY else [[one] for one in organisations])
    )


def _entries(
    role: str, organisations: Sequence[str], dates: Sequence[Dates], end: datetime, called: Callable[[str], str]
) -> Row:
    who = f"{len(organisations)} organisations" if len(organisations) > 1 else called(organisations[0])
    bars = tuple(
        Bar(
            start=received,
            end=max(received, min(removed or end, end)),
            state="removed" if removed else "held",
            words=f"{episode} received {moment(received)}, to be removed {moment(remove)}".strip()
            + (f", removed {moment(removed)}" if removed else ""),
            episode=episode,
        )
        for episode, received, remove, removed in dates
    )
    _, _, remove, removed = dates[-1]
    note = f"removed {moment(removed)}" if removed else f"until {moment(remove)}"
    return Row(title=role_label(role), subtitle=who, bars=bars, note=note)


def episode_rows(episodes: Iterable[Absence], end: datetime) -> tuple[Row, ...]:
    """A row for each episode that has been reported."""
    rows = []
    for episode in episodes:
        if episode.began is None:
            continue
        stop = episode.ended or end
        words = f"{episode.state}, from {moment(episode.began)}"
        words += f" to {moment(episode.ended)}" if episode.ended else ""
        bar = Bar(start=episode.began, end=max(episode.began, stop), state=episode.state, words=words)
        rows.append(Row(title=episode.name, subtitle=episode.category, bars=(bar,), note=episode.state))
    return tuple(rows)
