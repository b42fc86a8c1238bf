"""One absence of one child: its facts, and how an event folds into them (events.md, Order; readings.md A3, A5, B44)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from hub.core.events import instant, instant_text
from hub.core.holds import Hold, pauses, still
from hub.core.search import words
from hub.core.summary import EpisodeState
from routing.decision import Duty, Recipient
from routing.duties import Happening, next_happening
from routing.facts import Doc, category, part
from routing.standing import Told

_KEPT_OF_A_PERSON = ("notify", "suspected_abductor", "parental_responsibility")
"""What an update that repeats a person without saying it again does not take back (readings.md A5; ADR 0003)."""
_NEVER_LATE = ("episode.category", "episode.whereabouts_known")
_IDENTITY = (("episode", "ref", None), ("episode", "status", "actual"), ("child", "ref", None))
"""What makes it this episode of this child: section, key, and what stands for null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry in the register of one organisation under one role (protocols.md, Six months)."""

    organisation: str
    role: str
    received_at: datetime
    remove_at: datetime
    removed_at: datetime | None = None
    removed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Of a case that another hub tells of: what this hub's own packs were asked (peer_packs.py)."""

    addressed: frozenset[tuple[str, str]] = frozenset()
    """Role and organisation of those whom the other hub told all that they may see."""
    said: frozenset[str] = frozenset()
    """What the packs said, so that they say it once."""
    news: frozenset[str] = frozenset()
    """Paths that have changed since."""
    at: datetime | None = None
    """When they are asked next."""

    def plain(self) -> Any:
        """As JSON has it."""
        return [sorted(self.addressed), sorted(self.said), sorted(self.news), _text(self.at)]

    @classmethod
    def of(cls, raw: Any) -> "Asked":
        """From :meth:`plain`."""
        addressed, said, news, at = raw
        return cls(
            addressed=frozenset((role, organisation) for role, organisation in addressed),
            said=frozenset(said),
            news=frozenset(news),
            at=_instant(at),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the fold has to remember besides facts, duties and register."""

    given: frozenset[str] = frozenset()
    """Paths that some event gave a value, or cleared: no longer empty for a late update (readings.md A3)."""
    newest_fact: datetime | None = None
    """Time of the newest report, update, found or returned applied."""
    newest_state: datetime | None = None
    """Time of the newest event that set the state: report, found, returned, retraction, change of category."""
    told: tuple[Told, ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    """Parent -> the outcome last decided."""
    persons: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """``role/name`` -> the person as last known, listed or not."""
    decided: Mapping[str, datetime] = field(default_factory=dict)
    """``role/name`` -> the time of the newest event that said whether they may be told."""
    clocks: Mapping[str, datetime] = field(default_factory=dict)
    fired: frozenset[str] = frozenset()
    """Thresholds reached (pack/id)."""
    recovered: bool = False
    """The first of found and returned has been applied."""
    heard: Mapping[str, datetime] = field(default_factory=dict)
    """Of a case that another hub tells of: path -> the time of the notice that said it last (peer_cases.py)."""
    deadlines: Mapping[str, datetime] = field(default_factory=dict)
    """Proposals (by id) that wait for an answer, and until when they were to have one (agreements.py)."""
    asked: Asked = field(default_factory=Asked)

    def dumps(self) -> bytes:
        """As JSON."""
        return json.dumps(
            {
                "given": sorted(self.given),
                "newest_fact": _text(self.newest_fact),
                "newest_state": _text(self.newest_state),
                "told": [
                    [t.recipient.role, t.recipient.organisation, t.recipient.person, *t.members] for t in self.told
                ],
                "parents": self.parents,
                "persons": self.persons,
                "decided": {one: _text(at) for one, at in self.decided.items()},
                "clocks": {row: _text(start) for row, start in self.clocks.items()},
                "fired": sorted(self.fired),
                "recovered": self.recovered,
                **({"heard": {path: _text(at) for path, at in self.heard.items()}} if self.heard else {}),
                **({"deadlines": {one: _text(at) for one, at in self.deadlines.items()}} if self.deadlines else {}),
                **({"asked": self.asked.plain()} if self.asked != Asked() else {}),
            },
            separators=(",", ":"),
        ).encode()

    @classmethod
    def loads(cls, text: bytes) -> "Memory":
        """From what :meth:`dumps` wrote."""
        raw = json.loads(text)
        return cls(
            given=frozenset(raw["given"]),
            newest_fact=_instant(raw["newest_fact"]),
            newest_state=_instant(raw["newest_state"]),
            told=tuple(
                Told(recipient=Recipient(role=role, organisation=organisation, person=person), members=tuple(members))
                for role, organisation, person, *members in raw["told"]
            ),
            parents=raw["parents"],
            persons=raw["persons"],
            decided={one: instant(at) for one, at in raw.get("decided", {}).items()},
            clocks={row: instant(start) for row, start in raw["clocks"].items()},
            fired=frozenset(raw["fired"]),
            recovered=raw["recovered"],
            heard={path: instant(at) for path, at in raw.get("heard", {}).items()},
            deadlines={one: instant(at) for one, at in raw.get("deadlines", {}).items()},
            asked=Asked.of(raw["asked"]) if "asked" in raw else Asked(),
        )


def _text(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


@dataclass(frozen=True, kw_only=True)
class Episode:
    """An episode as it stands. ``doc`` is empty and ``state`` is ``awaited`` before the report."""

    ref: str
    state: EpisodeState = "awaited"
    doc: Doc = field(default_factory=dict, repr=False)
    ever_missing: bool = False
    ended_at: datetime | None = None
    memory: Memory = field(default_factory=Memory, repr=False)
    duties: tuple[Duty, ...] = ()
    register: tuple[Entry, ...] = ()
    holds: tuple[Hold, ...] = ()
    """Of the police, that stood when it was read."""

    @property
    def out(self) -> bool:
        """The child is not back, as far as the hub knows."""
        return self.state in ("open", "found")

    @cached_property
    def next_happening(self) -> Happening | None:
        """The earliest thing a clock has to do; asked when the clocks are set, and again when they ring."""
        holds = still(self.holds, self.state)
        if not holds:
            return next_happening(self.duties)
        return next_happening(self.duties, lambda duty: pauses(holds, duty.code, duty.owner))


def leaves(value: Any, prefix: str = "") -> dict[str, Any]:
    """Leaf path -> value; lists and ``form`` count as one leaf, an empty object as none."""
    if not isinstance(value, dict) or prefix == "form":
        return {prefix: value}
    result: dict[str, Any] = {}
    for key, child in value.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(child, dict):
            result |= leaves(child, path)
        else:
            result[path] = child
    return result


def merge(target: Any, patch: Any) -> Any:
    """JSON Merge Patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def identity_problems(doc: Doc, data: Mapping[str, Any]) -> tuple[str, ...]:
    """Paths of an update that would turn the episode into another one (readings.md D4)."""
    return tuple(
        f"data.{section}.{key}"
        for section, key, default in _IDENTITY
        if key in (given := part(data, section)) and (given[key] or default) != part(doc, section).get(key, default)
    )


def report(ref: str, data: Mapping[str, Any], time: datetime) -> Episode:
    """A new episode out of its report."""
    doc = merge({}, data)
    doc["episode"].setdefault("since", instant_text(time))
    persons, doc = _remember_persons({}, doc)
    memory = Memory(given=_given(data), newest_fact=time, newest_state=time, persons=persons,
                    decided=_decided({}, data, time))  # fmt: skip
    return Episode(ref=ref, state="open", doc=doc, ever_missing=category(doc) == "missing", memory=memory)


def _given(data: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(path for path, value in leaves(data).items() if value is not None)


def _cleared(data: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(path for path, value in leaves(data).items() if value is None)


def _remember_persons(
    known: Mapping[str, Mapping[str, Any]], doc: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Complete the listed persons by what was last recorded of the same role and name, and remember them. Somebody not
    known, under a name that is only spelt otherwise than that of one who is listed no more, is that one (ADR 0003)."""
    persons = dict(known)
    listed = []
    named = {f"{person['role']}/{person['name']}" for person in doc.get("people") or ()}
    left = {_spelt(key): key for key in known if key not in named}
    for person in doc.get("people") or ():
        key = f"{person['role']}/{person['name']}"
        former = left.get(_spelt(key))
        said = {k for k in _KEPT_OF_A_PERSON if person.get(k) is not None}
        if not part(person, "notify").get("decision"):
            said -= {"notify"}
        last = persons.get(key) or known.get(former or key, {})
        kept = {k: v for k, v in last.items() if k in _KEPT_OF_A_PERSON and k not in said}
        listed.append({**person, **kept})
        persons[key] = listed[-1]
        if former is not None:  # who may have been told under that name
            persons[former] = {**persons[former], **{k: v for k, v in listed[-1].items() if k in _KEPT_OF_A_PERSON}}
    return persons, {**doc, "people": listed} if "people" in doc else doc


def _spelt(key: str) -> tuple[str, ...]:
    """Role and name whatever their case, accents, apostrophes and hyphens are."""
    role, _, name = key.partition("/")
    return (role, *(words(name) or [name]))


def _decided(known: Mapping[str, datetime], data: Mapping[str, Any], time: datetime) -> dict[str, datetime]:
    """When it was said last of each person whether they may be told."""
    said = {
        f"{person['role']}/{person['name']}": time
        for person in data.get("people") or ()
        if part(person, "notify").get("decision") or person.get("suspected_abductor") is not None
    }
    return {**known, **{key: max(at, known.get(key, at)) for key, at in said.items()}}


def _kept_late(episode: Episode, data: Mapping[str, Any], time: datetime) -> dict[str, Any]:
    """``role/name`` -> what keeps a late update's notices from them, unless something newer was said of that very
    person, however the name is spelt: nobody is told because two updates changed places (ADR 0003)."""
    memory, found = episode.memory, {}
    listed = [f"{person['role']}/{person['name']}" for person in episode.doc.get("people") or ()]
    spelt = {_spelt(key): key for key in listed}
    for person in data.get("people") or ():
        key = f"{person['role']}/{person['name']}"
        key = key if key in listed else spelt.get(_spelt(key), key)
        said = {"suspected_abductor": True} if person.get("suspected_abductor") else {}
        if part(person, "notify").get("decision") == "withhold":
            said["notify"] = person["notify"]
        same = {one for one in memory.decided if one not in listed and _spelt(one) == _spelt(key)} | {key}
        decided = [memory.decided[one] for one in same & memory.decided.keys()]
        if said and all(time >= at for at in decided):
            found[key] = {**memory.persons.get(key, person), **said}
    return found


def is_late(episode: Episode, time: datetime) -> bool:
    """Older than the newest facts known: it fills only what is empty."""
    newest = episode.memory.newest_fact
    return newest is not None and time < newest


def update(episode: Episode, data: Mapping[str, Any], time: datetime) -> Episode:
    """Merge an update. A late one withholds, and fills empty facts only, never category or whereabouts; after the
    return the category and whereabouts of the time away are history and stay (readings.md A3, A10)."""
    memory = episode.memory
    patch: Mapping[str, Any] = {key: value for key, value in data.items() if key != "episode"}
    patch = {**patch, "episode": {k: v for k, v in data["episode"].items() if k not in ("ref", "status")}}
    cleared, kept = _cleared(patch), dict[str, Any]()
    if is_late(episode, time):
        kept = _kept_late(episode, data, time)
        if _another_school(episode.doc, patch):
            patch = {key: value for key, value in patch.items() if key != "school"}
        patch = _only_empty(patch, memory.given)
    elif not episode.out:
        settled = {k: v for k, v in patch["episode"].items() if k not in ("category", "whereabouts_known")}
        patch, memory = {**patch, "episode": settled}, replace(memory, newest_fact=time)
    else:
        patch = _with_whereabouts(patch, episode.doc)
        changed = patch["episode"].get("category", category(episode.doc)) != category(episode.doc)
        newest_state = max(t for t in (memory.newest_state, time) if t) if changed else memory.newest_state
        memory = replace(memory, newest_fact=time, newest_state=newest_state)
    known, given = episode.doc, memory.given
    if _another_school(known, patch):
        known, given = {**known, "school": {}}, frozenset(path for path in given if not path.startswith("school."))
    doc = merge(known, patch)
    doc["episode"].setdefault("since", part(episode.doc, "episode")["since"])
    if kept and doc.get("people"):
        doc["people"] = [kept.get(f"{one['role']}/{one['name']}", one) for one in doc["people"]]
    persons, doc = _remember_persons({**memory.persons, **kept}, doc)
    memory = replace(memory, given=given | _given(patch) | cleared, persons=persons,
                     decided=_decided(memory.decided, data, time))  # fmt: skip
    return replace(episode, doc=doc, memory=memory, ever_missing=episode.ever_missing or category(doc) == "missing")


def _another_school(doc: Doc, patch: Mapping[str, Any]) -> bool:
    """Whether an update is about another school than the one known: that one's name and addresses are not the new
    one's, whose notice would go to where the child is no pupil any more."""
    known, named = part(doc, "school").get("urn"), part(patch, "school").get("urn")
    return bool(known and named and known != named)


def _with_whereabouts(patch: Mapping[str, Any], doc: Doc) -> Mapping[str, Any]:
    """A change of category without whereabouts sets them to the new category's default (readings.md B13)."""
    given = patch["episode"]
    if given.get("category") in (None, category(doc)) or "whereabouts_known" in given:
        return patch
    return {**patch, "episode": {**given, "whereabouts_known": None}}


def _only_empty(patch: Mapping[str, Any], given: frozenset[str]) -> dict[str, Any]:
    filled: dict[str, Any] = {"episode": {}}
    for path, value in leaves(patch).items():
        parents = {path.rsplit(".", n)[0] for n in range(path.count(".") + 1)}
        if value is None or path in _NEVER_LATE or parents & given:
            continue
        target = filled
        *sections, key = path.split(".") if path != "form" else ["form"]
        for section in sections:
            target = target.setdefault(section, {})
        target[key] = value
    return filled


def counts_late(episode: Episode, time: datetime) -> bool:
    """Whether a found, returned or retraction is older than an event that set the state since (readings.md A3)."""
    newest = episode.memory.newest_state
    return newest is not None and time < newest


def found(episode: Episode, data: Mapping[str, Any], time: datetime) -> Episode:
    """Whereabouts established."""
    doc = {**episode.doc, "found": dict(data["found"])}
    return replace(_state(episode, time), state="found", doc=doc)


def returned(episode: Episode, data: Mapping[str, Any], time: datetime, at: datetime) -> Episode:
    """Back, since ``at``."""
    doc = {**episode.doc, "returned": dict(data["returned"])}
    return replace(_state(episode, time), state="returned", doc=doc, ended_at=at)


def retracted(episode: Episode, data: Mapping[str, Any], time: datetime) -> Episode:
    """Never an episode."""
    doc = {**episode.doc, "retraction": {"reason": data.get("reason")}}
    memory = replace(episode.memory, newest_state=time)
    return replace(episode, state="retracted", doc=doc, ended_at=time, memory=memory)


def _state(episode: Episode, time: datetime) -> Episode:
    newest = max(t for t in (episode.memory.newest_fact, time) if t)
    return replace(episode, memory=replace(episode.memory, newest_state=time, newest_fact=newest))


def become_missing(episode: Episode) -> Episode:
    """The hub's own conversion at the away limit: no fact from a source, so it dates no state (readings.md A3)."""
    facts = {**part(episode.doc, "episode"), "category": "missing", "whereabouts_known": False}
    return replace(episode, doc={**episode.doc, "episode": facts}, ever_missing=True)
