"""Who is told what of one change: drafts from the packs, each with its reasons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from contacts.areas import Areas
from routing.decision import Kind, Priority, Recipient, Rule
from routing.facts import Doc, lead, looked_after, part, people
from routing.needtoknow import changes, news
from routing.recipients import FAMILY, Entry, Key, circulation_members, in_words, key_of, resolve
from routing.standing import Draft, Standing, Told, desk_key, draft_key, kept_from, may_hear, parent_outcome


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
        if e.outcome in ("withhold", "hold")  # which only a parent's ever is
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
        drafts = _newly_entitled(before, after, known, areas)
    desks = {draft.desk for draft in drafts if draft.outcome == "notify"}
    told_rest = [t for t in told if desk_key(t.recipient) not in desks]
    return [*drafts, *told_updates(before, after, told_rest)]


def _newly_entitled(before: Standing, after: Standing, known: Mapping[str, str], areas: Areas) -> list[Draft]:
    had = {key for key, entry in before.by_key.items() if entry.outcome == "notify"}
    endangered = after.facts["endangered"] and before.facts["away"] and not before.facts["endangered"]
    drafts = []
    for entry in after.entries:
        if entry.outcome == "notify" and entry.key not in had:
            drafts.append(_first(entry, after.doc, areas))
        elif entry.outcome == "notify" and endangered and entry.recipient.role == "police":
            drafts.append(_first(entry, after.doc, areas))
        elif entry.outcome == "suppress":
            old = before.by_key.get(entry.key)
            if old is None or old.outcome != "suppress":  # told before or not: what changed is said (B48)
                drafts.append(_first(entry, after.doc, areas))
    return [*drafts, *parent_changes(after, known)]


def told_updates(before: Standing, after: Standing, told: Sequence[Told]) -> list[Draft]:
    """``update`` to everyone told who may see something that has changed."""
    changed = changes(before.present, after.present)
    if not changed:
        return []
    drafts = []
    for t in told:
        fresh = news(t.recipient.role, changed, before.doc, after.doc)
        if fresh and may_hear(t, after):
            drafts.append(
                Draft(recipient=t.recipient, kind="update", rules=after.packs.cite_told("update"), changed=fresh,
                      members=t.members, why="told before, and something this role may see has changed")
            )  # fmt: skip
    return drafts


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
                              why=f"{pack.name} tells {in_words(recipient.role)} too{row.when.given}")  # fmt: skip
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
    held = [d for d in drafts if d.recipient.role in FAMILY and not kept_from(standing, d.recipient)]
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
    whom: Recipient | None = None,
) -> list[Draft]:
    """A reminder to whoever holds the owner's role now, unless the duty is somebody's whoever holds it (``whom``); a
    carer nobody named is a gap (readings.md C11)."""
    recipients = (whom,) if whom else resolve(owner, standing.doc, areas, pack) or (Recipient(role=owner),)
    return [
        Draft(
            recipient=r,
            kind=kind,
            rules=rules,
            why=f"owns {duty.replace('_', ' ')}",
            duty=duty,
            due_at=due_at,
            priority="low",
        )
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
            if may_hear(Told(recipient=recipient), standing) and _has_responsibility(recipient, standing):
                drafts.append(
                    Draft(recipient=recipient, kind=kind, rules=rules, duty=duty, due_at=due_at, priority=priority,
                          why=f"told when {duty.replace('_', ' ')} is due")
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
                                  why=f"a count of {pack.name} is reached: {row.when.words}")  # fmt: skip
                    old = drafts.get(draft.desk)
                    drafts[draft.desk] = (
                        draft if old is None
                        else replace(old, rules=(*old.rules, *draft.rules), why=f"{old.why}; {draft.why}")
                    )  # fmt: skip
    return list(drafts.values()), frozenset(reached)
