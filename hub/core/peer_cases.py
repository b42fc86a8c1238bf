"""What another hub's notices come to here: one case for each of its episodes, whatever order they come in. Pure.

Whom the other hub tells it has decided, and it said what each of them may see. So a notice is carried further to the
desk that it was for, and nobody else is told: the family, the police and all others hear from the hub that knows the
child. No clock of ours is started either. Of an episode that has ended nothing is told that the end overtook, so nobody
hears missing after returned; the same notice again, by another way or for the second time, is no second one.
"""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from hub.core.course import Outcome
from hub.core.endings import over
from hub.core.episode import Entry, Episode, Memory, leaves
from hub.core.events import instant
from hub.core.peer_messages import MESSAGE, NOTICE
from hub.core.peer_packs import WHOLE, noted
from hub.core.summary import EpisodeState, MessageStatus
from hub.core.wire_json import read
from hub.core.wire_values import PHOTO_BYTES, photo_starts_as
from routing.decision import Decision, Kind, Priority, Recipient, Rule
from routing.needtoknow import COLUMNS

FORMAT: Final = "fingerpost.notice.v1"
PHOTO: Final = "child.photo"
LATEST: Final = timedelta(days=1)
"""How far a notice may be of a time to come."""
LONGEST: Final = timedelta(days=366)
"""How long after its notice a child may be on a register, or a duty be due."""
LONGEST_FACT: Final = 20_000
"""Characters of one fact, as JSON."""
SUPPRESSED: Final = "what was heard of this episode before has overtaken it"
WHY: Final = "another hub tells this desk"
_DERIVED: Final = frozenset({"child.medication_needed"})
"""Shown, and no fact of its own."""
_PATHS: Final = frozenset().union(*COLUMNS.values())
_LISTS: Final = frozenset({"episode.companions", "episode.initial_checks", "child.other_names"})
_FLAGS: Final = frozenset(
    {
        "episode.whereabouts_known", "episode.at_risk", "episode.abduction_suspected",
        "episode.sexual_exploitation_suspected", "episode.criminal_exploitation_suspected",
        "episode.trafficking_suspected", "episode.radicalisation_suspected", "child.looked_after", "child.care_leaver",
        "child.child_protection_plan", "child.section_47_enquiry", "child.subject_to_immigration_restriction",
        "child.absconder", "found.safe", "returned.harm_suspected", "returned.crime_alleged",
    }
)  # fmt: skip
_INSTANTS: Final = frozenset(
    {"episode.since", "episode.noticed_at", "episode.last_seen.at", "episode.risk.at", "episode.police.reported_at"}
)
_FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(3000, 1, 1, tzinfo=UTC)
_STATES: Final[Mapping[str, EpisodeState]] = {"found": "found", "returned": "returned", "retraction": "retracted"}
_ORDER: Final[Sequence[EpisodeState]] = ("awaited", "open", "found", "returned", "retracted")
"""A state is never left for one before it: a child who goes missing again is another episode."""


def _in_utc(at: datetime) -> datetime:
    """In UTC, and far enough from what a datetime can hold to be shown and reckoned with anywhere: a page that fails on
    it would be shut by whoever sent it."""
    try:
        there = at.astimezone(UTC)
    except OverflowError:
        there = None
    if there is None or not _FIRST <= there < _LAST:
        raise ValueError("is no instant that anybody means")
    return there


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
_Text = Annotated[str, Field(max_length=2_000)]
_Organisation = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$")]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class NotUnderstood(ValueError):
    """This message cannot become a part of a case; says why, and repeats nothing of it."""


class _Rule(BaseModel):
    pack: _Text
    version: _Text = ""
    rule: _Text
    source: _Text
    quote: Annotated[str, Field(max_length=20_000)]


class _Duty(BaseModel):
    code: _Text
    due_at: Instant | None = None


class _Notice(BaseModel):
    """What is used of ``notice.json``; whatever else is there is left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal["fingerpost.notice.v1"]
    reference: Annotated[str, Field(pattern=r"^FP-[0-9A-Z]{4}-[0-9A-Z]{4}$")]
    episode: _Id
    child: _Id
    kind: Kind
    priority: Priority
    status: MessageStatus
    issued_at: Instant
    organisation_code: _Organisation
    roles: Annotated[tuple[str, ...], Field(min_length=1, max_length=20)]
    gap_role: _Text | None = None
    rules: Annotated[tuple[_Rule, ...], Field(max_length=200)] = ()
    why: _Text = ""
    changed: Annotated[tuple[_Text, ...], Field(max_length=200)] = ()
    remove_at: Instant | None = None
    remove_now: bool = False
    duty: _Duty | None = None
    in_person: Annotated[tuple[_Text, ...], Field(max_length=50)] = ()
    fields: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A notice of another hub."""

    said: _Notice = field(repr=False)
    facts: Mapping[str, Any] = field(repr=False)
    """Leaf path -> value, the photo with its bytes."""

    @property
    def cause(self) -> str:
        """What a decision about it stands under."""
        return f"peer:{self.said.reference}"


def received(claims: Mapping[str, Any], ours: Collection[str], now: datetime) -> Received:
    """The notice in a message, for a desk of one of ``ours``: the organisations that this peer may address here.

    Raises NotUnderstood: for what is no notice, for one to anybody else, and for a kind that is not carried yet.
    """
    attached = attachments(claims)
    reading = read(attached.get(NOTICE, b""))
    try:
        said = _Notice.model_validate(None if reading.problems else reading.value)
    except ValidationError:
        raise NotUnderstood("holds no notice.json that can be read") from None
    if said.organisation_code not in ours:
        raise NotUnderstood("is for an organisation that this hub does not take notices for")
    if not set(said.roles) <= COLUMNS.keys():
        raise NotUnderstood("is for a role that this hub does not know")
    if said.kind == "verification" or (said.kind == "conversation") != (MESSAGE in attached):
        raise NotUnderstood("is of a kind that this hub does not take from another, or not so")
    if said.issued_at - now > LATEST:
        raise NotUnderstood("is of a time to come: is a clock wrong?")
    ends = (said.remove_at, None if said.duty is None else said.duty.due_at)
    if any(one is not None and one - now > LATEST + LONGEST for one in ends):
        raise NotUnderstood(f"names a day more than {LONGEST.days} days ahead")
    facts: dict[str, JsonValue] = {
        path: value for path, value in said.fields.items() if path in _PATHS and path not in _DERIVED
    }
    photo = _photo(facts.pop(PHOTO, None), attached)
    if not all(_fits(path, value) for path, value in facts.items()) or not (photo is None or _is_picture(photo)):
        raise NotUnderstood("has a fact that is of another kind than it has to be")
    if any(len(json.dumps(value)) > LONGEST_FACT for value in facts.values()):
        raise NotUnderstood(f"has a fact of more than {LONGEST_FACT} characters")
    if photo is not None:
        facts[PHOTO] = {**photo}
    return Received(said=said, facts=facts)


def fold(case: Episode, notice: Received, known: Collection[str], now: datetime) -> Outcome:
    """What the notice does to its case: ``awaited`` before the first. ``known``: causes of what was decided before.
    What tells of a message decides nothing here: who joins its conversation does."""
    said, memory = notice.said, case.memory
    tells = said.kind != "conversation" and notice.cause not in known
    doc, heard = _merged(case, notice)
    state = max(case.state, _STATES.get(said.kind, "open"), key=_ORDER.index)
    late = over(case.state, said.kind)
    episode = replace(
        case,
        state=state,
        doc=doc,
        ever_missing=case.ever_missing or said.kind == "missing",
        ended_at=_ended(case, said, state),
        memory=replace(memory, heard=heard),
        register=_register(case.register, notice, now, late=late) if tells else case.register,
    )
    whole = said.roles if said.kind in WHOLE and said.gap_role is None else ()
    asked = noted(case, episode, whole, said.organisation_code, now)
    episode = replace(episode, memory=replace(episode.memory, asked=asked))
    if not tells:
        return Outcome(episode=episode)
    advanced = said.kind in _STATES and state != case.state
    return Outcome(
        episode=episode,
        decisions=(_decision(notice, now, late=late),),
        ending=said.kind if advanced else None,
    )


def _ended(case: Episode, said: _Notice, state: EpisodeState) -> datetime | None:
    """When it ended so: as the first of those who were told of it was."""
    if state not in ("returned", "retracted") or _STATES.get(said.kind) != state:
        return case.ended_at
    return said.issued_at if case.state != state or case.ended_at is None else min(case.ended_at, said.issued_at)


def _decision(notice: Received, now: datetime, *, late: bool) -> Decision:
    said = notice.said
    return Decision(
        at=now,
        cause=notice.cause,
        outcome="suppress" if late else "notify",
        kind=said.kind,
        priority=said.priority,
        recipients=tuple(Recipient(role=role, organisation=said.organisation_code) for role in said.roles),
        fields=tuple(notice.facts),
        rules=tuple(Rule(pack=one.pack, rule=one.rule, source=one.source, quote=one.quote, version=one.version)
                    for one in said.rules),
        why=SUPPRESSED if late else said.why or WHY,
        changed=said.changed,
        duty=None if said.duty is None else said.duty.code,
        due_at=None if said.duty is None else said.duty.due_at,
        remove_at=said.remove_at,
        in_person=said.in_person,
    )  # fmt: skip


def _register(entries: tuple[Entry, ...], notice: Received, now: datetime, *, late: bool) -> tuple[Entry, ...]:
    """The entry of whom it is for, in the place of their last: as long as the notice says, and off at the end."""
    said = notice.said
    if said.remove_now:
        return tuple(
            replace(one, removed_at=now, removed_by=notice.cause)
            if one.organisation == said.organisation_code and one.removed_at is None
            else one
            for one in entries
        )
    if said.remove_at is None or late or said.remove_at <= now:
        return entries
    entry = Entry(organisation=said.organisation_code, role=said.roles[0], received_at=now, remove_at=said.remove_at)
    last = [one for one in entries if _of_one(one, entry)]
    if any(one.remove_at >= entry.remove_at for one in last):  # what came late says less than what is known
        return entries
    return (
        *(replace(one, removed_at=now, removed_by=notice.cause) if one in last else one for one in entries),
        entry,
    )


def _of_one(entry: Entry, new: Entry) -> bool:
    """Whether an entry that stands is of the same desk."""
    return entry.removed_at is None and (entry.organisation, entry.role) == (new.organisation, new.role)


def _merged(case: Episode, notice: Received) -> tuple[dict[str, Any], dict[str, datetime]]:
    """The facts, each as the newest notice that spoke of it says, and when that was: whatever order they come in."""
    said, merged, heard = notice.said, _facts(case.doc), dict(case.memory.heard)
    told = {**notice.facts, "child.ref": said.child}
    if said.kind in (*WHOLE, *_STATES):
        told.setdefault(
            "episode.whereabouts_known", False
        )  # left out where it is false; unsaid, it would be true of away
    cleared = [path for path in said.changed if path in _PATHS and path not in told]
    for path in (*told, *(cleared if said.kind == "update" else ())):
        if path not in heard or heard[path] <= said.issued_at:
            heard[path] = said.issued_at
            merged.pop(path, None)
            if path in told:
                merged[path] = told[path]
    if merged.get("episode.since") is None or "episode.since" not in heard:
        first = merged.get("episode.since")
        merged["episode.since"] = min(said.issued_at, said.issued_at if first is None else instant(first)).isoformat()
    merged["episode.ref"] = said.episode
    merged.setdefault("episode.status", said.status)  # an exercise stays one
    merged.setdefault("episode.category", "missing")
    result: dict[str, Any] = {}
    for path, value in merged.items():
        *sections, last = path.split(".")
        part = result
        for section in sections:
            part = part.setdefault(section, {})
        part[last] = value
    return result, heard


def _photo(said: JsonValue, attached: Mapping[str, bytes]) -> dict[str, str] | None:
    """As a fact. None where it could not be attached: that does not clear one that came before."""
    match said:
        case {"attachment": str(name), "media_type": "image/jpeg" | "image/png" as media_type} if name in attached:
            data = base64.b64encode(attached[name]).decode("ascii")
            return {"media_type": media_type, "data_base64": data}
        case _:
            return None


def _is_picture(photo: Mapping[str, str]) -> bool:
    """Whether it is one, and no larger than one that a case system may send: else it would keep the mail from going."""
    data = photo["data_base64"]
    return len(data) <= -(-PHOTO_BYTES // 3) * 4 and photo_starts_as(photo["media_type"], data)


def _facts(doc: Mapping[str, Any]) -> dict[str, Any]:
    """Leaf path -> value, the photo whole."""
    found = {path: value for path, value in leaves(dict(doc)).items() if not path.startswith(f"{PHOTO}.")}
    photo = doc.get("child", {}).get("photo")
    return found if photo is None else {**found, PHOTO: photo}


def _read_instant(text: str) -> datetime:
    return _in_utc(instant(text))


def _fits(path: str, value: JsonValue) -> bool:
    """Whether a fact is of the kind that all who read it later take it for."""
    match value:
        case None:
            return True
        case list() if path == "people":
            return all(isinstance(one, dict) and _is_person(one) for one in value)
        case list():
            return path in _LISTS and all(isinstance(one, str) for one in value)
        case dict():
            return path == "form" and all(not isinstance(one, dict) for one in value.values())
        case str() if path in _INSTANTS:
            return _reads(_read_instant, value)
        case str() if path == "child.date_of_birth":
            return _reads(date.fromisoformat, value)
        case bool():
            return path in _FLAGS
        case str():
            return path not in _LISTS | _FLAGS | {"people", "form"}
        case _:
            return False


def _is_person(one: Mapping[str, JsonValue]) -> bool:
    named = all(isinstance(one.get(key), str) for key in ("role", "name"))
    return named and all(
        value is None or isinstance(value, dict if key == "notify" else str | bool) for key, value in one.items()
    )


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def attachments(claims: Mapping[str, Any]) -> dict[str, bytes]:
    """What is attached to a message, by name. Raises NotUnderstood."""
    found: dict[str, bytes] = {}
    given = claims.get("attachments")
    for one in given if isinstance(given, list) else []:
        try:
            found[str(one["name"])] = base64.b64decode(one["data"], validate=True)
        except (TypeError, KeyError, ValueError, binascii.Error):
            raise NotUnderstood("has an attachment that cannot be read") from None
    return found


def awaited(notice: Received, hub: str, via: Sequence[str]) -> Episode:
    """The case before its first notice. That it came from ``hub`` is one of its facts, which no notice can be told of:
    what is told of it goes to no other hub (hub/core/peers.py ``came_from``). ``via``: the hubs that the message says
    it came through; they are kept beside it, for what would go on all the same (``came_through``)."""
    through = [*(one for one in via if one != hub), hub]
    return Episode(ref=notice.said.episode, doc={"episode": {"hub": hub, "via": through}}, memory=Memory())
