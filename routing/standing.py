"""An episode as the rules see it at one moment, and the drafts of what is to be said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from contacts.areas import Areas
from contacts.roles import desk_of
from routing.conditions import Facts
from routing.decision import Kind, Outcome, Priority, Recipient, Rule
from routing.facts import Counts, Doc, derive, part, people
from routing.needtoknow import present
from routing.packs import Packs
from routing.recipients import FAMILY, Entry, Key, entitled, entries_by_key, key_of, parent_entry

Reach = Callable[[Recipient, Mapping[str, Any] | None], str]
"""Asked with a recipient and, for a named person or a school, what is known of them: ``""`` if they can be reached,
else why not (``no_desk``, ``no_contact``, ``no_address``, ``no_organisation``)."""


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

    @cached_property
    def present(self) -> Mapping[str, Any]:
        """What there is to be seen, by whoever may."""
        return present(self.doc)

    @cached_property
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


def draft_key(draft: Draft) -> Key:
    """The recipient's identity."""
    return key_of(draft.recipient)


def may_hear(told: Told, standing: Standing) -> bool:
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


def kept_from(standing: Standing, recipient: Recipient) -> bool:
    """Whether a notice to this person would reach somebody it is withheld from: named as the suspected abductor or
    withheld as a parent or carer, under either role. A notice to someone withheld is never sent, whatever the event."""
    if recipient.person is None:
        return False
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
