"""What the picture of a run shows: the answer of ``simulate`` as a drawing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from contacts.roles import desk_of
from hub.core.events import instant
from hub.core.naming import moment, organisation_name, role_label, roles_label
from hub.picture.drawing import (
    OUTCOME_WORDS,
    REMINDERS,
    Drawing,
    Flag,
    Lane,
    Mark,
    anchors_of,
    event_words,
    kind_words,
)
from hub.picture.rows import Absence, Held, Obligation, duty_rows, episode_rows, register_rows
from hub.simulate.arrivals import arrivals

Json = Mapping[str, Any]


def drawing_of(scenario: Json, answer: Json) -> Drawing:
    """``scenario`` as it was given to ``simulate``, ``answer`` as that gave it back."""
    flags = flags_of(scenario, answer)
    decided = [instant(d["at"]) for d in answer["decisions"]]
    until = [instant(scenario["until"])] if scenario.get("until") else []
    end = max([*(flag.at for flag in flags), *decided, *until])
    duties, episodes = obligations(answer["duties"]), [_absence(one) for one in answer["episodes"]]
    return Drawing(
        title=str(scenario.get("title") or "Simulation"),
        anchors=_anchors(flags, answer, duties, episodes, end),
        flags=flags,
        lanes=_lanes(answer["decisions"]),
        duties=duty_rows(duties, end),
        register=register_rows([_held(one) for one in answer["register"]], end, organisation_name),
        episodes=episode_rows(episodes, end),
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


def answered(said: Json) -> str:
    """What an answer that is not a plain 202 comes to."""
    if said["duplicate"]:
        return "seen before (200)"
    return {202: "accepted", 409: "conflict (409)", 422: "refused (422)"}.get(said["status"], str(said["status"]))


def obligations(duties: Iterable[Json]) -> tuple[Obligation, ...]:
    """The duties of an answer."""
    return tuple(
        Obligation(
            episode=duty["episode"],
            code=duty["code"],
            owner=duty["owner"],
            opened_at=instant(duty["opened_at"]),
            due_at=instant(duty["due_at"]),
            state=duty["state"],
            occurrence=duty["occurrence"],
            closed_at=_instant(duty["closed_at"]),
            closed_by=str(duty["closed_by"] or "").replace(":", " "),
        )
        for duty in duties
    )


def _held(entry: Json) -> Held:
    return Held(
        episode=entry["episode"],
        role=entry["role"],
        organisation=entry["organisation"],
        received_at=instant(entry["received_at"]),
        remove_at=instant(entry["remove_at"]),
        removed_at=_instant(entry["removed_at"]),
    )


def _absence(episode: Json) -> Absence:
    return Absence(
        name=episode["ref"],
        category=episode["category"],
        state=episode["state"],
        began=instant(episode["opened_at"]),
        ended=_instant(episode["ended_at"]),
    )


def _instant(text: str | None) -> datetime | None:
    return instant(text) if text else None


def _anchors(
    flags: Sequence[Flag], answer: Json, duties: Sequence[Obligation], episodes: Sequence[Absence], end: datetime
) -> tuple[datetime, ...]:
    ends = (at for one in episodes for at in (one.began, one.ended) if at)
    told = (instant(d["at"]) for d in answer["decisions"] if d["kind"] not in (*REMINDERS, "message"))
    clocks = (
        at for duty in duties if duty.occurrence == 1 for at in (duty.opened_at, duty.due_at, duty.closed_at) if at
    )
    return anchors_of([*(flag.at for flag in flags), *ends], told, clocks, end)


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
        Lane(title=roles_label(roles[key]), subtitle=organisation_name(key[1]), marks=tuple(found))
        for key, found in marks.items()
    )


def _mark(decision: Json) -> Mark:
    at = instant(decision["at"])
    words = f"{moment(at)}: {kind_words(decision['kind'])}, {OUTCOME_WORDS[decision['outcome']]}"
    cause = str(decision["cause"])
    if cause.startswith("duty:"):
        words += f" ({role_label(cause.removeprefix('duty:'))})"
    if decision["outcome"] != "notify":
        words += f": {decision['why']}"
    return Mark(at=at, kind=decision["kind"], outcome=decision["outcome"], words=words)
