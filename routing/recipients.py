"""Who is entitled to the first notice: the union of the packs' tables, the strictest suppression (protocols.md)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from contacts.addresses import AddressProblem, parse_email, parse_phone
from contacts.areas import Areas
from contacts.roles import SCHOOL_PREFIX
from routing.conditions import Condition, Facts
from routing.decision import Kind, Recipient, Rule
from routing.facts import Doc, force_of, host, lead, looked_after, part, people, responsible
from routing.packs import LEAD, Pack, Packs

Category = Literal["missing", "away"]
Key = tuple[str, str | None, str | None]
"""role, organisation, person: one of the last two is what makes it the same recipient (readings.md A9)."""

UNNAMED_SCHOOL = "school"
"""The organisation of a school whose URN nobody gave: no directory holds it, only what the event says."""
NAMED = frozenset(("parent", "carer", "social_worker", "supervising_social_worker", "iro"))
"""Roles that a person of the event can hold."""
FAMILY = frozenset(("parent", "carer"))
"""Roles that only a person can hold: without an address they are a gap, no desk stands in (B20)."""
POLICE = frozenset(("police", "police_missing_from", "police_responsible", "police_senior_officer"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recipient's standing under the packs in force."""

    recipient: Recipient
    outcome: Literal["notify", "withhold", "hold", "suppress"]
    kind: Kind
    rules: tuple[Rule, ...]
    why: str

    @property
    def key(self) -> Key:
        return key_of(self.recipient)


@lru_cache(maxsize=256)
def in_words(role: str) -> str:
    """A role, to be read."""
    return f"the {role.replace(':', ' to ').replace('_', ' ')}"


def key_of(recipient: Recipient) -> Key:
    """What makes two recipients the same."""
    return (recipient.role, None if recipient.person else recipient.organisation, recipient.person)


def sender(doc: Doc) -> str | None:
    """The authority in whose name the notices go out (readings.md B23)."""
    return lead(doc)


def circulation_members(role: str, doc: Doc, areas: Areas) -> tuple[str, ...]:
    """The authorities a circulation goes to, the sender excepted (B23)."""
    everyone = areas.london() if role == "circulation:london" else areas.everywhere()
    return tuple(code for code in everyone if code != sender(doc))


def _side(doc: Doc, pack: Pack | None) -> str | None:
    """Whose desk holds a role that only a pack names (readings.md B46, C10)."""
    if pack is not None and not pack.covers(host(doc)) and pack.covers(responsible(doc)):
        return responsible(doc)
    return host(doc)


def _organisation(role: str, doc: Doc, areas: Areas, pack: Pack | None) -> str | None:
    match role:
        case "police":
            return force_of(areas, host(doc))
        case "police_missing_from":
            return force_of(areas, part(doc, "episode").get("missing_from_authority"))
        case "police_responsible":
            return force_of(areas, responsible(doc))
        case "police_senior_officer":
            return force_of(areas, _side(doc, pack))
        case "responsible_authority" | "social_worker" | "iro":
            return responsible(doc)
        case "host_authority":
            return host(doc)
        case "authority_missing_from":
            return part(doc, "episode").get("missing_from_authority")
        case "home_office" | "home_office_evidence" | "home_office_immigration_enforcement":
            return "home-office"
        case "missing_persons_bureau":
            return "missing-persons-bureau"
        case "ceop" | "regulator":
            return role
        case "trafficking_centre":
            return "trafficking-centre"
        case "school":
            urn = part(doc, "school").get("urn")
            return f"{SCHOOL_PREFIX}{urn}" if urn else UNNAMED_SCHOOL
        case "circulation:london" | "circulation:national":
            return None
        case _:
            return _side(doc, pack)


def has_address(person: Mapping[str, Any] | None) -> bool:
    """Whether a person of the event can be reached by what the event gave: an address nobody can use is none."""
    given = person or {}
    return _usable(parse_email, given.get("email")) or _usable(parse_phone, given.get("phone"))


def school_given(doc: Doc, organisation: str | None) -> Mapping[str, Any]:
    """The school as the events give it now, unless the child has changed to another one since."""
    given = part(doc, "school")
    same = organisation in (UNNAMED_SCHOOL, f"{SCHOOL_PREFIX}{given.get('urn')}")
    return given if same else {}


@lru_cache(maxsize=4096)
def _usable(parse: Callable[[str], str], text: str | None) -> bool:
    try:
        return bool(text) and bool(parse(text or ""))
    except AddressProblem:
        return False


def resolve(role: str, doc: Doc, areas: Areas, pack: Pack | None = None) -> tuple[Recipient, ...]:
    """Who holds a role in this episode. A named person without an address is kept for parent and carer (a gap) and
    left to the desk of the role otherwise (B20)."""
    if role == LEAD:
        role = "responsible_authority" if looked_after(doc) else "host_authority"
    if role in NAMED:
        named = [p for p in people(doc, role) if role in FAMILY or has_address(p)]
        if named or role in FAMILY:
            return tuple(Recipient(role=role, person=name) for name in dict.fromkeys(p["name"] for p in named))
    return (Recipient(role=role, organisation=_organisation(role, doc, areas, pack)),)


def _strictness(person: Mapping[str, Any]) -> int:
    """Of two entries for one name the stricter one counts: a mistake in a list must not tell an abductor."""
    if person.get("suspected_abductor"):
        return 0
    order = ("withhold", "undecided", "notify")
    return 1 + order.index(part(person, "notify").get("decision") or "undecided")


def parent_entry(doc: Doc, name: str, kind: Kind, told_rules: tuple[Rule, ...], packs: Packs) -> Entry | None:
    """A parent's standing: told by the recorded decision (B-15), held while nobody decided for a looked-after child,
    never told as a suspected abductor (B-140). None for one without parental responsibility (B18)."""
    person = min((p for p in people(doc, "parent") if p["name"] == name), key=_strictness)
    if person.get("parental_responsibility") is False:
        return None
    decision = part(person, "notify").get("decision") or "undecided"
    recipient = Recipient(role="parent", person=name)
    if person.get("suspected_abductor"):
        return Entry(recipient=recipient, outcome="withhold", kind=kind, rules=packs.cite_told("abductor"),
                     why="named as the suspected abductor: never told")  # fmt: skip
    if decision == "withhold":
        return Entry(recipient=recipient, outcome="withhold", kind=kind, rules=packs.cite_told("withhold"),
                     why="a recorded decision withholds the notice from this parent")  # fmt: skip
    if decision == "undecided" and looked_after(doc):
        return Entry(recipient=recipient, outcome="hold", kind=kind, rules=told_rules,
                     why="nobody has decided yet whether this parent of a looked-after child is told")  # fmt: skip
    why = "a recorded decision tells this parent" if decision == "notify" else "the child lives at home"
    return Entry(recipient=recipient, outcome="notify", kind=kind, rules=told_rules, why=why)


def first_kind(role: str, facts: Facts) -> Kind:
    """The kind of the first notice: the category, but ``concern`` to the police about an endangered child (C1)."""
    if facts["missing"]:
        return "missing"
    return "concern" if role == "police" and facts["endangered"] else "away"


_A_CHILD: Mapping[Category, str] = {"missing": "a missing child", "away": "an away child"}


def entitled(doc: Doc, facts: Facts, packs: Packs, areas: Areas) -> tuple[Entry, ...]:
    """Everybody who has to be told of an episode as it stands, with those who must not be, in the packs' order."""
    category: Category = "missing" if facts["missing"] else "away"
    kept_back = _suppressions(category, doc, facts, packs)
    found: dict[Key, Entry] = {}
    for pack, role, condition, rules in _rows(packs, category):
        if not condition.holds(facts):
            continue
        kind = first_kind(role, facts)
        for recipient in resolve(role, doc, areas, pack):
            if recipient.role == "parent":
                entry = parent_entry(doc, str(recipient.person), kind, rules, packs)
            else:
                why = f"{pack.name} tells {in_words(recipient.role)} of {_A_CHILD[category]}{condition.given}"
                entry = Entry(recipient=recipient, outcome="notify", kind=kind, rules=rules, why=why)
            if entry is not None:
                key = entry.key
                found[key] = _joined(found[key], entry) if key in found else entry
    return tuple(_suppressed(entry, kept_back) for entry in found.values())


@lru_cache(maxsize=256)
def _rows(packs: Packs, category: Category) -> tuple[tuple[Pack, str, Condition, tuple[Rule, ...]], ...]:
    """Whom the packs in force tell of a child of this category: pack, role, condition and rules of each row."""
    return tuple(
        (pack, row.role, condition, pack.cite(row.rules))
        for pack in packs.packs
        for row in pack.recipients
        if (condition := row.missing if category == "missing" else row.away) is not None
    )


def _joined(first: Entry, second: Entry) -> Entry:
    return Entry(recipient=first.recipient, outcome=first.outcome, kind=first.kind,
                 rules=(*first.rules, *second.rules), why=f"{first.why}; {second.why}")  # fmt: skip


def _suppressions(category: str, doc: Doc, facts: Facts, packs: Packs) -> dict[str, tuple[tuple[Rule, ...], str]]:
    """Roles that are not told, each with the rules and the reason of the first pack that says so."""
    found: dict[str, tuple[tuple[Rule, ...], str]] = {}
    for pack in packs.packs:
        if pack.applies.authorities and not pack.covers(host(doc)):
            continue
        for row in pack.suppressions:
            if row.on == category and not row.unless.holds(facts):
                why = f"{pack.name} does not tell {in_words(row.role)} that a child is {category}, unless "
                found.setdefault(row.role, (pack.cite(row.rules), why + row.unless.words))
    return found


def _suppressed(entry: Entry, kept_back: Mapping[str, tuple[tuple[Rule, ...], str]]) -> Entry:
    if entry.recipient.role not in kept_back:
        return entry
    rules, why = kept_back[entry.recipient.role]
    return Entry(recipient=entry.recipient, outcome="suppress", kind=entry.kind, rules=rules, why=why)


def entries_by_key(entries: Iterable[Entry]) -> dict[Key, Entry]:
    """Entries as a mapping, order kept."""
    return {entry.key: entry for entry in entries}
