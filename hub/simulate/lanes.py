"""What a run's picture shows, before anything has a place on paper: lanes, bars, flags and the moments that matter."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contacts.roles import desk_of
from hub.core.events import instant
from hub.simulate.arrivals import arrivals
from hub.simulate.naming import moment, organisation_name, role_label, roles_label

Json = Mapping[str, Any]

Entry = tuple[str, str, str, str | None]
"""Of the register: episode, received, to be removed, removed."""

REMINDERS = ("duty_due", "duty_overdue")
MOST_ANCHORS = 48
MANY = 3
"""More holders than this of one role, with the same dates, are one row of the register."""
KIND_WORDS = {
    "duty_due": "reminder",
    "duty_overdue": "chase",
    "retraction": "retracted",
    "renotification": "re-notified",
}
OUTCOME_WORDS = {
    "notify": "told", "withhold": "withheld", "hold": "held", "gap": "gap: nobody to tell", "suppress": "not told",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One notice, or the decision not to give one."""

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
    flags: tuple[Flag, ...]
    lanes: tuple[Lane, ...]
    duties: tuple[Row, ...]
    register: tuple[Row, ...]
    episodes: tuple[Row, ...]
    end: datetime = field(repr=False)


def drawing_of(scenario: Json, answer: Json) -> Drawing:
    """``scenario`` as it was given to ``simulate``, ``answer`` as that gave it back."""
    flags = flags_of(scenario, answer)
    decided = [instant(d["at"]) for d in answer["decisions"]]
    until = [instant(scenario["until"])] if scenario.get("until") else []
    end = max([*(flag.at for flag in flags), *decided, *until])
    return Drawing(
        title=str(scenario.get("title") or "Simulation"),
        anchors=_anchors(flags, answer, end),
        flags=flags,
        lanes=_lanes(answer["decisions"]),
        duties=_duties(answer, end),
        register=_register(answer, end),
        episodes=_episodes(answer["episodes"], end),
        end=end,
    )


def flags_of(scenario: Json, answer: Json) -> tuple[Flag, ...]:
    """The events by arrival, with what they were and what they were answered."""
    flags: list[Flag] = []
    events = scenario["events"]
    for at, raw, said in zip(arrivals(events), events, answer["answers"], strict=True):
        what = event_words(str(raw.get("type")))
        refused = "" if said["status"] == 202 else f", {answered(said)}"
        flags.append(Flag(at=at, label=f"{said['event']} {what}{refused}", words=f"{moment(at)}: {what}{refused}"))
    return tuple(flags)


def event_words(type_: str) -> str:
    """``reported`` for ``fingerpost.episode.reported.v1``."""
    words = type_.removeprefix("fingerpost.").removesuffix(".v1").removeprefix("episode.")
    return words.replace(".", " ").replace("_", " ")


def answered(said: Json) -> str:
    """What an answer that is not a plain 202 comes to."""
    if said["duplicate"]:
        return "seen before (200)"
    return {202: "accepted", 409: "conflict (409)", 422: "refused (422)"}.get(said["status"], str(said["status"]))


def kind_words(kind: str) -> str:
    return KIND_WORDS.get(kind, kind)


def _anchors(flags: Sequence[Flag], answer: Json, end: datetime) -> tuple[datetime, ...]:
    firm = {end, *(flag.at for flag in flags)}
    firm.update(instant(e[key]) for e in answer["episodes"] for key in ("opened_at", "ended_at") if e[key])
    told = {instant(d["at"]) for d in answer["decisions"] if d["kind"] not in (*REMINDERS, "message")}
    clocks = {
        instant(duty[key])
        for duty in answer["duties"]
        if duty["occurrence"] == 1
        for key in ("opened_at", "due_at", "closed_at")
        if duty[key]
    }
    for found in (firm | told | clocks, firm | told, firm):
        within = sorted(at for at in found if at <= end)
        if len(within) <= MOST_ANCHORS:
            return tuple(within)
    share = len(within) / MOST_ANCHORS
    return tuple(dict.fromkeys([*(within[int(i * share)] for i in range(MOST_ANCHORS)), end]))


def _lanes(decisions: Iterable[Json]) -> tuple[Lane, ...]:
    marks: dict[tuple[str, str], list[Mark]] = {}
    roles: dict[tuple[str, str], dict[str, None]] = {}
    for decision in decisions:
        role = decision["roles"][0]
        holder = decision["person"] or decision["organisation"] or ""
        key = (role if decision["person"] else desk_of(role), holder) if holder else (role, "")
        roles.setdefault(key, {}).update(dict.fromkeys(decision["roles"]))
        marks.setdefault(key, []).append(_mark(decision))
    return tuple(
        Lane(title=roles_label(roles[key]), subtitle=_holder(key[1]), marks=tuple(found))
        for key, found in marks.items()
    )


def _holder(holder: str) -> str:
    return organisation_name(holder)


def _mark(decision: Json) -> Mark:
    at = instant(decision["at"])
    words = f"{moment(at)}: {kind_words(decision['kind'])}, {OUTCOME_WORDS[decision['outcome']]}"
    cause = str(decision["cause"])
    if cause.startswith("duty:"):
        words += f" ({role_label(cause.removeprefix('duty:'))})"
    if decision["outcome"] != "notify":
        words += f": {decision['why']}"
    return Mark(at=at, kind=decision["kind"], outcome=decision["outcome"], words=words)


def _duties(answer: Json, end: datetime) -> tuple[Row, ...]:
    rows: dict[tuple[str, str], list[Json]] = {}
    newest: dict[tuple[str, str, str], Json] = {}
    for duty in answer["duties"]:
        rows.setdefault((duty["code"], duty["owner"]), []).append(duty)
        newest[duty["episode"], duty["code"], duty["owner"]] = duty
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
    return "the hub itself" if owner == "hub" else role_label(owner)


def standing(duties: Sequence[Json]) -> str:
    """How one duty stands: ``done 1 Mar 2026 15:00``, or for a repeated one how often it ended how."""
    if len(duties) > 1:
        return ", ".join(f"{count} {state}" for state, count in Counter(d["state"] for d in duties).items())
    [duty] = duties
    due, closed = instant(duty["due_at"]), duty["closed_at"]
    if duty["state"] in ("done", "cancelled") and closed:
        late = " (late)" if duty["state"] == "done" and instant(closed) > due else ""
        return f"{duty['state']} {moment(instant(closed))}{late}"
    return f"{'overdue since' if duty['state'] == 'overdue' else 'open, due'} {moment(due)}"


def _duty_bar(duty: Json, *, last: bool, end: datetime) -> Bar:
    start, due = instant(duty["opened_at"]), instant(duty["due_at"])
    closed = instant(duty["closed_at"]) if duty["closed_at"] else end
    # The next occurrence opens when this one falls due, and is drawn behind it.
    stop = closed if last else min(closed, due)
    words = f"{duty['episode']} opened {moment(start)}, due {moment(due)}, {duty['state']}"
    if duty["closed_at"]:
        words += f" {moment(closed)} by {str(duty['closed_by']).replace(':', ' ')}"
    return Bar(start=start, end=max(start, stop), due=due, state=duty["state"], words=words, episode=duty["episode"])


def _register(answer: Json, end: datetime) -> tuple[Row, ...]:
    holders: dict[tuple[str, str], list[Json]] = {}
    for entry in answer["register"]:
        holders.setdefault((entry["role"], entry["organisation"]), []).append(entry)
    alike: dict[tuple[str, tuple[Entry, ...]], list[str]] = {}
    for (role, organisation), found in holders.items():
        dates = tuple((e["episode"], e["received_at"], e["remove_at"], e["removed_at"]) for e in found)
        alike.setdefault((role, dates), []).append(organisation)
    return tuple(
        _entries(role, group, dates, end)
        for (role, dates), organisations in alike.items()
        for group in ([organisations] if len(organisations) > MANY else [[one] for one in organisations])
    )


def _entries(role: str, organisations: Sequence[str], dates: Sequence[Entry], end: datetime) -> Row:
    who = f"{len(organisations)} organisations" if len(organisations) > 1 else organisation_name(organisations[0])
    bars = tuple(
        Bar(
            start=instant(received),
            end=min(instant(removed) if removed else end, end),
            state="removed" if removed else "held",
            words=f"{episode} received {moment(instant(received))}, to be removed {moment(instant(remove))}"
            + (f", removed {moment(instant(removed))}" if removed else ""),
            episode=episode,
        )
        for episode, received, remove, removed in dates
    )
    _, _, remove, removed = dates[-1]
    note = f"removed {moment(instant(removed))}" if removed else f"until {moment(instant(remove))}"
    return Row(title=role_label(role), subtitle=who, bars=bars, note=note)


def _episodes(episodes: Iterable[Json], end: datetime) -> tuple[Row, ...]:
    rows = []
    for episode in episodes:
        start = instant(episode["opened_at"])
        stop = instant(episode["ended_at"]) if episode["ended_at"] else end
        words = f"{episode['state']}, from {moment(start)}" + (f" to {moment(stop)}" if episode["ended_at"] else "")
        bar = Bar(start=start, end=max(start, stop), state=episode["state"], words=words)
        rows.append(Row(title=episode["ref"], subtitle=episode["category"], bars=(bar,), note=episode["state"]))
    return tuple(rows)
