"""Who is told what of one change: drafts from the packs, merged by desk into decisions with their reasons."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from contacts.areas import Areas
from contacts.roles import desk_of
from routing.conditions import Facts
from routing.decision import Decision, Kind, Outcome, Priority, Recipient, Rule
from routing.facts import Counts, Doc, derive, lead, looked_after, part, people
from routing.needtoknow import changes, news, shared_view, view
from routing.packs import LEAD, Packs
from routing.recipients import (
    FAMILY,
    POLICE,
    Entry,
    Key,
    circulation_members,
    entitled,
    entries_by_key,
    first_kind,
    key_of,
    parent_entry,
    resolve,
)

Reach = Callable[[Recipient, Mapping[str, Any] | None], str]
"""Asked with a recipient and, for a named person, what is known of them: ``""`` if they can be reached, else why not
(``no_desk``, ``no_contact``, ``no_address``, ``no_organisation``)."""

_RANK: dict[Priority, int] = {"immediate": 0, "high": 1, "normal": 2, "low": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Somebody who had a decision to tell them (or a gap) in this episode, reminders aside (readings.md A9)."""

    recipient: Recipient
    members: tuple[str, ...] = ()
    """Of a circulation: the organisations it went to."""

    @property
    def key(self) -> Key:
        return key_of(self.recipient)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An episode at one moment, as the rules see it."""

    doc: Doc
    facts: Facts
    packs: Packs
    areas: Areas = field(repr=False)
    persons: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """Everybody the episode ever named: ``role/name`` -> as last given."""

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Everybody's entitlement. A reminder, by far the most frequent of what the clocks do, does not ask."""
        return entitled(self.doc, self.facts, self.packs, self.areas)

    @property
    def by_key(self) -> dict[Key, Entry]:
        return entries_by_key(self.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What every decision of one instant and cause shares."""

    now: datetime
    cause: str
    areas: Areas
    reach: Reach
    persons: Mapping[str, Mapping[str, Any]]
    """Everybody the episode ever named: ``role/name`` -> as last given. A person no longer listed is still told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One recipient's part of a decision, before desks are merged."""

    recipient: Recipient
    kind: Kind
    rules: tuple[Rule, ...]
    why: str
    outcome: Outcome = "notify"
    priority: Priority | None = None
    changed: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()
    in_person: tuple[str, ...] = ()
    duty: str | None = None
    due_at: datetime | None = None

    @property
    def desk(self) -> tuple[str, ...]:
        """What the recipient shares with others of the same desk (readings.md B21)."""
        return desk_key(self.recipient)


def desk_key(recipient: Recipient) -> tuple[str, ...]:
    """Equal for two recipients whom one notice reaches."""
    if recipient.person is not None:
        return ("person", recipient.role, recipient.person)
    if recipient.organisation is None:
        return ("role", recipient.role)
    return ("desk", desk_of(recipient.role), recipient.organisation)


def stand(
    doc: Doc,
    packs: Packs,
    areas: Areas,
    *,
    ever_missing: bool,
    police_told: bool = False,
    counts: Counts | None = None,
    persons: Mapping[str, Mapping[str, Any]] | None = None,
) -> Standing:
    """Facts, packs in force and everybody's entitlement, for an episode as it is."""
    selected = packs.select(doc)
    facts = selected.settle(derive(doc, areas, ever_missing=ever_missing, police_told=police_told, counts=counts))
    return Standing(doc=doc, facts=facts, packs=selected, areas=areas, persons=persons or {})


def first_notices(standing: Standing, areas: Areas) -> list[Draft]:
    """The full pass of a report, or of the change to missing: every outcome (readings.md B48)."""
    return [_first(entry, standing.doc, areas) for entry in standing.entries]


def _first(entry: Entry, doc: Doc, areas: Areas) -> Draft:
    members: tuple[str, ...] = ()
    if entry.recipient.role.startswith("circulation:"):
        members = circulation_members(entry.recipient.role, doc, areas)
    return Draft(recipient=entry.recipient, outcome=entry.outcome, kind=entry.kind, rules=entry.rules, why=entry.why,
                 members=members)  # fmt: skip


def parent_changes(standing: Standing, known: Mapping[str, str], only: frozenset[Key] | None = None) -> list[Draft]:
    """Parents (all, or ``only`` these) whose standing became withheld or held: the row, once (readings.md B19, B48,
    C5)."""
    return [
        Draft(recipient=e.recipient, outcome=e.outcome, kind=e.kind, rules=e.rules, why=e.why)
        for e in standing.entries
        if e.recipient.role == "parent"
        and e.outcome in ("withhold", "hold")
        and known.get(str(e.recipient.person)) != e.outcome
        and (only is None or e.key in only)
    ]


def update_notices(
    before: Standing, after: Standing, told: Sequence[Told], known: Mapping[str, str], areas: Areas
) -> list[Draft]:
    """An update of an open episode: the newly entitled get the first notice's kind, the others told an ``update`` of
    what they may see (readings.md A9, B13, B15, B43, C8)."""
    if after.facts["missing"] and not before.facts["missing"]:
        drafts = first_notices(after, areas)
    else:
        drafts = _newly_entitled(before, after, told, known, areas)
    reached = {draft_key(draft) for draft in drafts if draft.outcome == "notify"}
    desks = {draft.desk for draft in drafts if draft.outcome == "notify"}
    told_rest = [t for t in told if t.key not in reached and desk_key(t.recipient) not in desks]
    return [*drafts, *told_updates(before, after, told_rest)]


def _newly_entitled(
    before: Standing, after: Standing, told: Sequence[Told], known: Mapping[str, str], areas: Areas
) -> list[Draft]:
    had = {key for key, entry in before.by_key.items() if entry.outcome == "notify"}
    known_keys = {t.key for t in told}
    endangered = after.facts["endangered"] and before.facts["away"] and not before.facts["endangered"]
    drafts = []
    for entry in after.entries:
        if entry.outcome == "notify" and entry.key not in had:
            drafts.append(_first(entry, after.doc, areas))
        elif entry.outcome == "notify" and endangered and entry.recipient.role == "police":
            drafts.append(_first(entry, after.doc, areas))
        elif entry.outcome == "suppress":
            old = before.by_key.get(entry.key)
            if (old is None or old.outcome != "suppress") and entry.key not in known_keys:
                drafts.append(_first(entry, after.doc, areas))
    return [*drafts, *parent_changes(after, known)]


def told_updates(before: Standing, after: Standing, told: Sequence[Told]) -> list[Draft]:
    """``update`` to everyone told who may see something that has changed."""
    changed = changes(before.doc, after.doc)
    if not changed:
        return []
    drafts = []
    for t in told:
        fresh = news(t.recipient.role, changed, before.doc, after.doc)
        if fresh and _may_hear(t, after):
            drafts.append(
                Draft(recipient=t.recipient, kind="update", rules=after.packs.cite_told("update"), changed=fresh,
                      members=t.members, why="told before, and something this role may see has changed")
            )  # fmt: skip
    return drafts


def draft_key(draft: Draft) -> Key:
    """The recipient's identity."""
    return key_of(draft.recipient)


def _may_hear(told: Told, standing: Standing) -> bool:
    """Parents who are withheld, held or suspected now are taken out whatever they had before (A9, C5); while an
    unsafe find has to be told in person, no message goes to parents and carers (D2)."""
    if told.recipient.role not in FAMILY:
        return True
    if standing.facts["found_unsafe"]:
        return False
    return told.recipient.role == "carer" or parent_outcome(standing, str(told.recipient.person)) == "notify"


def parent_outcome(standing: Standing, name: str) -> str | None:
    """How a parent who was told, withheld or held before stands now: by what was last said of them, listed or not, and
    even if they turned out to have no parental responsibility. None for a name that never was a parent's."""
    listed = [person for person in people(standing.doc, "parent") if person["name"] == name]
    remembered = standing.persons.get(f"parent/{name}")
    persons = listed or ([remembered] if remembered else [])
    if not persons:
        return None
    doc = {**standing.doc, "people": [{**person, "parental_responsibility": True} for person in persons]}
    entry = parent_entry(doc, name, "update", (), standing.packs)
    return entry.outcome if entry else None


def _kept_from(standing: Standing, recipient: Recipient) -> bool:
    """Whether a notice to this person would reach somebody it is withheld from: named as the suspected abductor or
    withheld as a parent or carer, under either role. A notice to someone withheld is never sent, whatever the event."""
    listed = [person for role in FAMILY for person in people(standing.doc, role)]
    said = {f"{person['role']}/{person['name']}": person for person in listed}
    if recipient.role == "parent":
        return parent_outcome(standing, str(recipient.person)) == "withhold"
    return recipient.role == "carer" and any(
        person["name"] == recipient.person
        and bool(person.get("suspected_abductor") or part(person, "notify").get("decision") == "withhold")
        for person in {**standing.persons, **said}.values()
        if person["role"] in FAMILY
    )


def ending_notices(
    standing: Standing, kind: Kind, told: Sequence[Told], areas: Areas, *, waiting: Iterable[str] = ()
) -> list[Draft]:
    """``found``, ``returned`` or ``retraction``: everyone told, whoever the packs add, but not the police about a
    child they brought back themselves (readings.md A9, B16, B17, D2). ``waiting`` are parents whom an unsafe find kept
    from hearing of it, though a decision tells them."""
    packs, facts, doc = standing.packs, standing.facts, standing.doc
    drafts: dict[Key, Draft] = {}
    for t in told:
        drafts[t.key] = Draft(recipient=t.recipient, kind=kind, rules=packs.cite_told(kind), members=t.members,
                              why="everyone told hears the end")  # fmt: skip
    for name in waiting:
        parent = Recipient(role="parent", person=name)
        draft = Draft(recipient=parent, kind=kind, rules=packs.cite_told(kind), why="was to be told in person")
        drafts.setdefault(draft_key(draft), draft)
    extra: list[Draft] = []
    for pack in packs.packs:
        for row in pack.later:
            if row.on != kind or not row.when.holds(facts):
                continue
            for recipient in resolve(row.role, doc, areas, pack):
                draft = Draft(recipient=recipient, kind=row.kind, rules=pack.cite(row.rules),
                              why=f"{pack.name} tells {recipient.role} too ({row.when.text})")  # fmt: skip
                if row.kind == kind:
                    drafts.setdefault(key_of(recipient), draft)
                else:
                    extra.append(replace(draft, priority="immediate"))
    quiet = {
        desk_key(recipient)
        for pack in packs.packs
        for row in pack.quiet
        if row.on == kind and row.when.holds(facts)
        for recipient in resolve(row.role, doc, areas, pack)
    }
    heard = [d for d in drafts.values() if d.desk not in quiet]
    heard = [
        d
        for d in heard
        if d.recipient.role != "parent" or parent_outcome(standing, str(d.recipient.person)) == "notify"
    ]
    if kind == "found" and facts["found_unsafe"]:
        heard = _in_person(heard, standing)
    return [*heard, *extra]


def _in_person(drafts: list[Draft], standing: Standing) -> list[Draft]:
    """Found, and not safe: no message may be how a parent or carer learns it. Whoever has to tell them hears it, told
    before or not (readings.md D2)."""
    rules = standing.packs.cite_told("in_person")
    held = [d for d in drafts if d.recipient.role in FAMILY and not _kept_from(standing, d.recipient)]
    waiting = tuple(dict.fromkeys(str(d.recipient.person) for d in held))
    role = "responsible_authority" if looked_after(standing.doc) else "host_authority"
    teller = Recipient(role=role, organisation=lead(standing.doc))
    if waiting and all(d.recipient != teller for d in drafts):
        drafts = [*drafts, Draft(recipient=teller, kind="found", rules=(), why="has to tell the family in person")]
    result = []
    for draft in drafts:
        if draft in held:
            draft = replace(draft, outcome="hold", rules=rules, why="to be told in person")
        elif draft.recipient == teller:
            draft = replace(draft, priority="immediate", in_person=waiting, rules=(*draft.rules, *rules))
        result.append(draft)
    return result


WAITING = "waiting"
"""Of a parent in ``known``: a decision tells them, but they have to hear of an unsafe find in person first."""


def late_parents(before: Standing, after: Standing, kind: Kind, known: Mapping[str, str]) -> list[Draft]:
    """After found or returned: a parent whose decision has become ``notify`` hears how things stand (readings.md A10);
    in person, while an unsafe find is not (D2). One who could have been told all along is not such a parent (A4)."""
    drafts = []
    for entry in after.entries:
        name = str(entry.recipient.person)
        if entry.recipient.role != "parent" or entry.outcome != "notify" or known.get(name) in ("notify", WAITING):
            continue
        decided = any(
            p["name"] == name and part(p, "notify").get("decision") == "notify" for p in people(after.doc, "parent")
        )
        if not decided or parent_outcome(before, name) == "notify":
            continue
        draft = Draft(recipient=entry.recipient, kind=kind, rules=entry.rules, why=entry.why)
        if after.facts["found_unsafe"]:
            draft = replace(draft, outcome="hold", rules=after.packs.cite_told("in_person"), why="to be told in person")
        drafts.append(draft)
    return drafts


def owner_notices(
    standing: Standing,
    owner: str,
    kind: Kind,
    rules: tuple[Rule, ...],
    areas: Areas,
    *,
    duty: str,
    due_at: datetime,
    pack: Any = None,
) -> list[Draft]:
    """A reminder to whoever holds the owner's role now; a carer nobody named is a gap (readings.md C11)."""
    recipients = resolve(owner, standing.doc, areas, pack) or (Recipient(role=owner),)
    return [
        Draft(recipient=r, kind=kind, rules=rules, why=f"owner of {duty}", duty=duty, due_at=due_at, priority="low")
        for r in recipients
    ]


def also_told(
    standing: Standing,
    roles: Iterable[str],
    kind: Kind,
    rules: tuple[Rule, ...],
    areas: Areas,
    *,
    duty: str,
    due_at: datetime,
    pack: Any = None,
    priority: Priority | None = None,
) -> list[Draft]:
    """Whom a pack tells besides the owner: parents by their decision, without new rows of hold (readings.md B6)."""
    drafts = []
    for role in roles:
        for recipient in resolve(role, standing.doc, areas, pack):
            if _may_hear(Told(recipient=recipient), standing) and _has_responsibility(recipient, standing):
                drafts.append(
                    Draft(recipient=recipient, kind=kind, rules=rules, duty=duty, due_at=due_at, priority=priority,
                          why=f"told when {duty} is due")
                )  # fmt: skip
    return drafts


def _has_responsibility(recipient: Recipient, standing: Standing) -> bool:
    return recipient.role != "parent" or any(
        person["name"] == recipient.person and person.get("parental_responsibility") is not False
        for person in people(standing.doc, "parent")
    )


def renotifications(standing: Standing, roles: Iterable[str], told: Sequence[Told], areas: Areas) -> list[Draft]:
    """Six months on: every agency of the list that is entitled today, and each circulation already made."""
    listed = frozenset(roles)
    drafts = [
        replace(_first(e, standing.doc, areas), kind="renotification")
        for e in standing.entries
        if e.outcome == "notify" and e.recipient.role in listed
    ]
    rules = standing.packs.cite_told("circulation")
    drafts += [
        Draft(recipient=t.recipient, kind="renotification", rules=rules, why="a circulation already made",
              members=circulation_members(t.recipient.role, standing.doc, areas))
        for t in told
        if t.recipient.role.startswith("circulation:")
    ]  # fmt: skip
    return drafts


def thresholds(standing: Standing, at: str, fired: frozenset[str], areas: Areas) -> tuple[list[Draft], frozenset[str]]:
    """Counts reached by now, each row once an episode; two rows for one role are one notice (readings.md B1, C9)."""
    drafts: dict[tuple[str, ...], Draft] = {}
    reached = set()
    for pack in standing.packs.packs:
        for row in pack.thresholds:
            name = f"{pack.name}/{row.id}"
            if row.at != at or name in fired or not row.when.holds(standing.facts):
                continue
            reached.add(name)
            for role in row.tells:
                for recipient in resolve(role, standing.doc, areas, pack):
                    draft = Draft(recipient=recipient, kind="threshold", rules=pack.cite(row.rules),
                                  why=f"{pack.name}: {row.when.text}")  # fmt: skip
                    old = drafts.get(draft.desk)
                    drafts[draft.desk] = (
                        draft if old is None
                        else replace(old, rules=(*old.rules, *draft.rules), why=f"{old.why}; {draft.why}")
                    )  # fmt: skip
    return list(drafts.values()), frozenset(reached)


def settle(drafts: Sequence[Draft], standing: Standing, scene: Scene) -> list[Decision]:
    """Drafts -> decisions: who cannot be reached becomes a gap, who shares a desk one notice, police come first."""
    groups: dict[tuple[object, ...], list[Draft]] = {}
    gaps: dict[int, str] = {}
    for draft in drafts:
        if draft.outcome == "notify" and _kept_from(standing, draft.recipient):
            why = "a recorded decision, or a suspicion of abduction, keeps this from the person"
            draft = replace(draft, outcome="withhold", rules=standing.packs.cite_told("withhold"), why=why)
        if draft.outcome == "notify" and (gap := _gap(draft, scene)):
            draft = replace(draft, outcome="gap")
            gaps[id(draft)] = gap
        groups.setdefault((draft.desk, draft.outcome, draft.kind, draft.duty), []).append(draft)
    decisions = [_decision(group, standing, scene, gaps.get(id(group[0]), "")) for group in groups.values()]
    if standing.facts["serious"]:
        decisions.sort(key=lambda d: 0 if "police" in d.roles else 1 if POLICE & set(d.roles) else 2)
        return [replace(d, first=bool(POLICE & set(d.roles))) for d in decisions]
    return decisions


def _gap(draft: Draft, scene: Scene) -> str:
    recipient = draft.recipient
    person = scene.persons.get(f"{recipient.role}/{recipient.person}") if recipient.person else None
    return scene.reach(recipient, person)


def _decision(group: Sequence[Draft], standing: Standing, scene: Scene, gap: str) -> Decision:
    first = group[0]
    recipients = tuple(dict.fromkeys(d.recipient for d in group))
    roles = tuple(dict.fromkeys(r.role for r in recipients))
    if first.outcome == "gap":
        reader = "responsible_authority" if looked_after(standing.doc) else "host_authority"
        fields = tuple(shared_view(standing.doc, reader, roles[0], first.kind).fields)
    elif first.outcome == "notify":
        fields = tuple(view(standing.doc, roles, first.kind).fields)
    else:
        fields = ()
    return Decision(
        at=scene.now,
        cause=scene.cause,
        outcome=first.outcome,
        kind=first.kind,
        priority=min((_priority(d, standing.facts) for d in group), key=_RANK.__getitem__),
        recipients=recipients,
        fields=fields,
        rules=tuple(dict.fromkeys(rule for d in group for rule in d.rules)),
        why="; ".join(dict.fromkeys(d.why for d in group)),
        changed=tuple(sorted(frozenset().union(*(d.changed for d in group)))),
        duty=first.duty,
        due_at=first.due_at,
        members=first.members,
        in_person=tuple(dict.fromkeys(name for d in group for name in d.in_person)),
        gap=gap,
    )


def _priority(draft: Draft, facts: Facts) -> Priority:
    """readings.md B36, D16: reminders low; police with abduction suspected immediate; a concern at least high."""
    if draft.kind in ("duty_due", "duty_overdue"):
        return "low"
    if draft.recipient.role in POLICE and facts["abduction_suspected"]:
        return "immediate"
    if draft.priority is not None:
        return draft.priority
    return "high" if facts["serious"] or draft.kind == "concern" else "normal"


__all__ = [
    "LEAD",
    "WAITING",
    "Draft",
    "Reach",
    "Scene",
    "Standing",
    "Told",
    "also_told",
    "desk_key",
    "ending_notices",
    "first_kind",
    "first_notices",
    "late_parents",
    "owner_notices",
    "parent_changes",
    "parent_outcome",
    "renotifications",
    "settle",
    "stand",
    "thresholds",
    "told_updates",
    "update_notices",
]
