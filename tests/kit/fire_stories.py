"""What the load runs post, and who must be told: the mailboxes are written down here by hand, from protocols.md.

Every child has a name of its own, which every reader may see, so that a mail that was opened tells whose it is. All of
it is made up.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from tests.kit.events import LEEDS, away, found, merged, raw, reported, reported_at_home, returned, updated

Shape = Literal["out_of_area", "at_home", "away"]
SHAPES: tuple[Shape, ...] = ("out_of_area", "at_home", "away")

BROMLEY = "e09000006.council.example"
NORTH_LINCOLNSHIRE = "e06000013.council.example"
LEEDS_COUNCIL = f"{LEEDS.lower()}.council.example"
METROPOLITAN, HUMBERSIDE, WEST_YORKSHIRE = (
    f"missing-persons-unit@{code}.police.example" for code in ("e23000001", "e23000012", "e23000010")
)
SCHOOL = "school-office@school.example"
PAT, SAM, JO = "pat@family.example", "sam@family.example", "jo.worker@council.example"
CARER = "chris.carer@house.example"

TOLD: Mapping[Shape, frozenset[str]] = {
    "out_of_area": frozenset(
        {
            HUMBERSIDE,
            METROPOLITAN,
            f"front-door@{BROMLEY}",
            f"front-door@{NORTH_LINCOLNSHIRE}",
            JO,
            f"iro-service@{BROMLEY}",
            PAT,
            SCHOOL,
            f"missing-advocate@{NORTH_LINCOLNSHIRE}",
            f"practice-supervisor@{NORTH_LINCOLNSHIRE}",
        }
    ),
    "at_home": frozenset({WEST_YORKSHIRE, f"front-door@{LEEDS_COUNCIL}", SAM, SCHOOL}),
    "away": frozenset({f"front-door@{BROMLEY}", f"front-door@{NORTH_LINCOLNSHIRE}", JO, f"iro-service@{BROMLEY}", PAT}),
}
"""Who hears of the report, and so of every later event; Sam, whose notice is withheld in two of them, only at home."""
CARERS: Mapping[Shape, frozenset[str]] = {
    "out_of_area": frozenset({CARER}),
    "at_home": frozenset(),
    "away": frozenset({CARER}),
}
"""Who hears of found and returned besides."""
FIRST: Mapping[Shape, str] = {"out_of_area": "missing", "at_home": "missing", "away": "away"}
MAILBOXES = frozenset().union(*TOLD.values(), *CARERS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One event and the mails it has to lead to."""

    id: str
    body: bytes = field(repr=False)
    kind: str
    """Of the notices."""
    told: frozenset[str]
    facts: Mapping[str, Any] = field(repr=False)
    """The event's data merged with what came before it: what a notice may say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The events of one episode, in order."""

    child: str
    """The name, unique in the run."""
    source: str
    steps: tuple[Step, ...] = field(repr=False)


def story(number: int, source: str, now: datetime, *, length: int = 3) -> Story:
    """Story ``number``: a report, an update, and the child is back; or its first ``length`` events.

    ``now``: the instant the run starts; the child went missing ten minutes before, so that no duty falls due meanwhile.
    """
    shape = SHAPES[number % len(SHAPES)]
    name = f"Robin Example {number:05d}"
    ref = f"EP-{number:05d}"
    said: dict[str, Any] = {}
    steps = []
    for ordinal, (kind, event) in enumerate(_events(shape, name, ref, number, now)[:length]):
        id = f"EV-{number:05d}-{ordinal}"
        whole = merged(event, {"id": id, "source": source})
        said = merged(said, whole["data"])
        steps.append(
            Step(
                id=id,
                body=raw(whole),
                kind=kind,
                told=TOLD[shape] | (CARERS[shape] if kind in ("found", "returned") else frozenset()),
                facts=said,
            )
        )
    return Story(child=name, source=source, steps=tuple(steps))


def _events(shape: Shape, name: str, ref: str, number: int, now: datetime) -> Sequence[tuple[str, dict[str, Any]]]:
    builder = {"out_of_area": reported, "at_home": reported_at_home, "away": away}[shape]
    went = now - timedelta(minutes=10)
    report = builder(
        time=_text(now - timedelta(minutes=8)),
        episode={
            "ref": ref,
            "since": _text(went),
            "whereabouts_known": shape == "away",
            "last_seen": {"at": _text(went), "place": f"Example Street {number}"},
        },
        child={"ref": f"C-{number:05d}", "name": name, "date_of_birth": f"{now.year - 14}-08-17"},
    )
    for person in report["data"]["people"]:
        if person["role"] == "carer":
            person["email"] = CARER
    update = updated(
        time=_text(now - timedelta(minutes=6)), episode={"ref": ref, "clothing": f"Green coat number {number}"}
    )
    at = {"at": _text(now - timedelta(minutes=4))}
    if shape == "away":
        end = found(time=at["at"], episode={"ref": ref}, found=at)
    else:
        end = returned(time=at["at"], episode={"ref": ref}, returned=at)
    return ((FIRST[shape], report), ("update", update), ("found" if shape == "away" else "returned", end))


def _text(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat()


def event_of(step: Step) -> Mapping[str, Any]:
    """The event as JSON."""
    event: Mapping[str, Any] = json.loads(step.body)
    return event
