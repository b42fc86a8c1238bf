"""Everything that is held about one child, for whoever has the right to ask for it (UK GDPR article 15).

The parts that speak of others are taken out and listed apart (hub/core/third_parties.py): somebody has to decide on
each before anything is given out.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from hub.core.audit import line_content
from hub.core.bundles import packed
from hub.core.evidence import json_bytes
from hub.core.peer_messages import readable
from hub.core.peers import hub_of
from hub.core.records import AuditLine
from hub.core.retention import Hold
from hub.core.third_parties import Review, child_of
from hub.core.wire_values import instant_text
from hub.service.evidence.bundle import record_json
from hub.service.evidence.gathering import Gathered, gathered
from hub.service.evidence.making import Asked
from hub.service.evidence.page import Part, html, text
from hub.service.evidence.words import course, headline
from hub.service.ports import Clock, Ids, Store, Unit

LIST: Final = "to-review/list.json"
_READ: Final = ("read", "seen", "listed", "shown", "viewed", "opened", "made")
"""Ends of the names of actions by which somebody was shown something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An export, and how much there is to decide on."""

    data: bytes = field(repr=False)
    child: str
    episodes: int
    to_review: int
    erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _All:
    child: str
    episodes: Sequence[Gathered]
    quarantined: Sequence[Mapping[str, Any]] = field(repr=False)
    holds: Sequence[Hold]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectAccess:
    """Makes them. Nobody has one without the line of the audit log that says so."""

    store: Store
    clock: Clock
    ids: Ids

    async def by_reference(self, source: str, ref: str, asked: Asked) -> Held | None:
        """Of the child that a source (Source.id) calls so; None, and no line, if the hub knows none."""
        child = await self.store.read(lambda unit: unit.evidence.child(source, ref))
        return None if child is None else await self.of(child, asked, ref=ref)

    async def of(self, child: str, asked: Asked, *, ref: str | None = None) -> Held | None:
        """Of a child by the hub's id; None, and no line, if there is no episode of it. ``ref``: what its source calls
        it, by which quarantine is looked through; else as the facts have it. Raises StoreUnavailable."""
        now = self.clock.now()

        episodes = await self.store.read(lambda unit: unit.evidence.episodes_of(child))
        if not episodes:
            return None

        async def say_so(unit: Unit) -> None:
            await unit.add_audit([self._line(await _organisation(unit, one), one, child, asked, now)
                                  for one in episodes])  # fmt: skip

        await self.store.write(say_so)

        async def look(unit: Unit) -> _All:
            found = [await gathered(unit, one, proof=False) for one in episodes]
            there = [one for one in found if one is not None]
            own = child_of(record for one in there for record in one.records)
            return _All(
                child=child,
                episodes=there,
                quarantined=await _quarantined(unit, there, ref or own.get("ref")),
                holds=[one for one in await unit.retention.holds(lifted=True) if one.child == child],
            )

        return _made(await self.store.read(look), now)

    def _line(self, organisation: str | None, episode: str, child: str, asked: Asked, now: datetime) -> AuditLine:
        return AuditLine(id=self.ids.new("au", now), at=now, actor=asked.actor, action="subject_access.made",
                         organisation=organisation, episode=episode, subject=child, detail=asked.detail)  # fmt: skip


async def _organisation(unit: Unit, episode: str) -> str | None:
    subject = await unit.evidence.subject(episode)
    return None if subject is None else subject.organisation


async def _quarantined(unit: Unit, episodes: Sequence[Gathered], ref: str | None) -> Sequence[Mapping[str, Any]]:
    """Bodies that could not be accepted and speak of this child, or of one of the episodes, of the same source."""
    refs = {one for one in (ref, *(found.subject.ref for found in episodes)) if one}
    sources = {found.subject.source for found in episodes}
    kept = []
    for one in await unit.quarantine(unresolved_only=False):
        said = readable(one.body) if hub_of(one.source) else one.body.decode("utf-8", "replace")
        if one.source in sources and any(json.dumps(ref) in said for ref in refs):
            kept.append({"id": one.id, "received_at": instant_text(one.received_at), "reason": one.reason,
                         "body": said})  # fmt: skip
    return kept


def _made(held: _All, now: datetime) -> Held:
    review = Review(record for one in held.episodes for record in one.records)
    shown = [replace(one, records=tuple(review.of(record) for record in one.records)) for one in held.episodes]
    quarantined = [{**one, "body": review.document({"note": one["body"]}, f"quarantine/{one['id']}")["note"]}
                   for one in held.quarantined]  # fmt: skip
    holds = [{**_hold(one), "reason": review.document({"note": one.reason}, f"hold/{one.id}")["note"]}
             for one in held.holds]  # fmt: skip
    erased = any(record.erased for one in held.episodes for record in one.records)
    title = f"What is held about {held.child}"
    rest = Part(
        title="Besides the episodes",
        head=("What", "Since", "Why", "What it says"),
        rows=[
            *(("Could not be accepted", one["received_at"], one["reason"], one["body"]) for one in quarantined),
            *(("Kept from erasure", one["since"], one["code"], one["reason"]) for one in holds),
        ],
    )
    parts = [_about(held, len(review.marks), now, erased=erased), *(_episode(one) for one in shown), rest]
    files = {
        "README.txt": text(title, parts[:1]),
        "held.html": html(title, parts),
        "held.json": json_bytes(
            {
                "child": held.child,
                "made_at": instant_text(now),
                "episodes": [_json(one) for one in shown],
                "quarantine": quarantined,
                "holds": holds,
            }
        ),
        LIST: json_bytes(
            [{"number": one.number, "why": one.why, "value": one.value, "where": one.where} for one in review.marks]
        ),
        "to-review/list.html": html(
            f"To be decided on: {held.child}",
            [
                Part(
                    title="Nothing of this has been given out",
                    paragraphs=("Decide on each. What may be given is put in the place of its mark; then this folder "
                                "is taken out.",),
                    head=("Number", "Why it is here", "What it is", "Where it stands"),
                    rows=[(str(one.number), one.why, _said(one.value), ", ".join(one.where)) for one in review.marks],
                )
            ],
        ),
    }  # fmt: skip
    return Held(
        data=packed(files),
        child=held.child,
        episodes=len(held.episodes),
        to_review=len(review.marks),
        erased=erased,
    )


def _hold(one: Hold) -> dict[str, str | None]:
    lifted = None if one.lifted_at is None else instant_text(one.lifted_at)
    return {"id": one.id, "code": one.code, "since": instant_text(one.since), "by": one.by, "lifted_at": lifted}


def _said(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json(one: Gathered) -> dict[str, Any]:
    about = one.subject
    return {
        "episode": about.id,
        "ref": about.ref,
        "source": about.source,
        "organisation": about.organisation,
        "state": about.state,
        "category": about.category,
        "status": about.status,
        "since": None if about.since is None else instant_text(about.since),
        "ended_at": None if about.ended_at is None else instant_text(about.ended_at),
        "records": [{name: value for name, value in record_json(record).items() if name != "salt"}
                    for record in one.records],
        "log": [line_content(line.line) for line in one.lines],
        "pickup": [
            {
                "delivery": visit.delivery,
                "asked_at": instant_text(visit.asked_at),
                "viewed_at": None if visit.viewed_at is None else instant_text(visit.viewed_at),
            }
            for visit in one.visits
        ],
    }  # fmt: skip


def _about(held: _All, marks: int, now: datetime, *, erased: bool) -> Part:
    said = [
        f"Made {instant_text(now)}. {len(held.episodes)} episodes, {len(held.quarantined)} reports that could not be "
        "accepted. held.html is to be read, held.json has the same and more for a program.",
        f"BEFORE ANYTHING IS GIVEN OUT: {marks} parts that may be about somebody else, or harm if they are read, have "
        "been taken out and are in to-review/. A mark with a number stands in the place of each. Somebody has to "
        "decide on every one.",
        "Not in here: reports from other systems that nobody could match to a notice; what users and organisations "
        "wrote about themselves; names in free text that stand nowhere else are not recognised, which is why all free "
        "text is to be reviewed.",
    ]
    if erased:
        said.append("Some of it has been erased since, and is marked so: the hub no longer has it.")
    return Part(title="What this is", paragraphs=said)


def _episode(one: Gathered) -> Part:
    told = [(sentence.when, sentence.text) for sentence in course(one)]
    seen = [
        (instant_text(line.line.at), f"{line.line.actor}: {line.line.action}")
        for line in one.lines
        if line.line.action.rpartition(".")[2].rpartition("_")[2] in _READ
    ]
    facts = [("Facts", _facts(record.sealed)) for record in one.of("revision")[-1:]]
    return Part(
        title=headline(one),
        paragraphs=("What happened, who was told and when, the facts as they stood last, and who was shown them.",),
        head=("When", "What"),
        rows=[*told, *facts, *seen],
    )


def _facts(sealed: Mapping[str, bytes] | None) -> str:
    if sealed is None:
        return "[erased]"
    return _without_photo(json.loads(sealed["doc"]))


def _without_photo(document: Any) -> str:
    child = document.get("child") if isinstance(document, dict) else None
    if isinstance(child, dict) and child.get("photo"):
        document = {**document, "child": {**child, "photo": "[a photograph: see held.json]"}}
    return json.dumps(document, ensure_ascii=False, indent=1)
