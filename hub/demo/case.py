"""The case of the demo: made-up people, and who has to hear what.

What is expected is written down here by hand, from the protocols and the need-to-know table, and not worked out by
the hub's own routing: otherwise the demo would agree with whatever the hub does. The two councils are ones that only
the national rules and those for children's homes speak of.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from contacts.areas import load_areas
from contacts.directory import Directory
from contacts.model import Reached
from contacts.roles import HOME_OFFICE
from routing.decision import Kind

SOURCE = "urn:fingerpost:source:example-house"
SOURCE_NAME = "Example House, recording system"
EPISODE = "EH-EP-0042"
HOST = "E06000051"
"""Shropshire, where the children's home is."""
RESPONSIBLE = "E10000016"
"""Kent, which looks after the child."""
SCHOOL_URN = "900001"

CHILD = "Robin Example"
WITHHELD = "Sam Example"
TOLD_PARENT = "Pat Example"
SOCIAL_WORKER = "Jo Worker"
CARER = "Chris Carer"
OFFICER = "Alex Officer"
"""Who acknowledges for the police."""
MAILBOXES = {
    WITHHELD: "sam@family.example",
    TOLD_PARENT: "pat@family.example",
    SOCIAL_WORKER: "jo.worker@social-work.example",
    CARER: "chris.carer@example-house.example",
}

Chapter = Literal["report", "update", "return"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Somebody who has to be told: a role of an organisation, or a named person."""

    role: str
    organisation: str | None = None
    person: str | None = None

    def address(self, directory: Directory, at: datetime) -> str:
        """Their mailbox at that moment. Raises LookupError where the directory knows none."""
        if self.person is not None:
            return MAILBOXES[self.person]
        reached = directory.resolve(self.role, self.organisation, at)
        if not isinstance(reached, Reached):
            raise LookupError(f"the demo's directory has nobody for {self.role}: {reached.reason}")
        return reached.contacts[0].address


def _force(authority: str) -> str:
    return load_areas().authorities[authority].force


POLICE = Reader(role="police", organisation=_force(HOST))
POLICE_AT_HOME = Reader(role="police_responsible", organisation=_force(RESPONSIBLE))
RESPONSIBLE_AUTHORITY = Reader(role="responsible_authority", organisation=RESPONSIBLE)
HOST_AUTHORITY = Reader(role="host_authority", organisation=HOST)
WORKER = Reader(role="social_worker", person=SOCIAL_WORKER)
IRO = Reader(role="iro", organisation=RESPONSIBLE)
PARENT = Reader(role="parent", person=TOLD_PARENT)
WITHHELD_PARENT = Reader(role="parent", person=WITHHELD)
SCHOOL = Reader(role="school", organisation=f"school:{SCHOOL_URN}")
HOME_OFFICE_UNIT = Reader(role="home_office", organisation=HOME_OFFICE)
HOME_OFFICE_EVIDENCE = Reader(role="home_office_evidence", organisation=HOME_OFFICE)
HOME_OFFICE_ENFORCEMENT = Reader(role="home_office_immigration_enforcement", organisation=HOME_OFFICE)
BUREAU = Reader(role="missing_persons_bureau", organisation="missing-persons-bureau")
CARER_AT_HOME = Reader(role="carer", person=CARER)

FIRST_TOLD = (
    POLICE,
    POLICE_AT_HOME,
    RESPONSIBLE_AUTHORITY,
    HOST_AUTHORITY,
    WORKER,
    IRO,
    PARENT,
    SCHOOL,
    HOME_OFFICE_UNIT,
    HOME_OFFICE_EVIDENCE,
)
TOLD_WHEN_HIGH = (BUREAU,)


def _to_each(readers: Iterable[Reader], kind: Kind) -> Mapping[Reader, Kind]:
    return dict.fromkeys(readers, kind)


EXPECTED: Mapping[Chapter, Mapping[Reader, Kind]] = {
    "report": _to_each(FIRST_TOLD, "missing"),
    "update": {**_to_each(FIRST_TOLD, "update"), **_to_each(TOLD_WHEN_HIGH, "missing")},
    "return": _to_each((*FIRST_TOLD, *TOLD_WHEN_HIGH, CARER_AT_HOME, HOME_OFFICE_ENFORCEMENT), "returned"),
}
"""The mails of each chapter: one to each of these, of that kind, and none to anybody else."""
READERS = tuple(dict.fromkeys(reader for chapter in EXPECTED.values() for reader in chapter))


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A fact that only some may know."""

    name: str
    marker: str
    """Words that stand in the events nowhere else."""
    readers: frozenset[Reader]
    """Who may see it."""
    told_in: Kind
    """The kind of notice that must say it to all of them."""


_CASEWORK = frozenset({POLICE, POLICE_AT_HOME, RESPONSIBLE_AUTHORITY, HOST_AUTHORITY, WORKER})
_HOME_OFFICE = frozenset({HOME_OFFICE_UNIT, HOME_OFFICE_EVIDENCE, HOME_OFFICE_ENFORCEMENT})
_NATIONAL = frozenset({BUREAU})
_CARE = frozenset({CARER_AT_HOME})

HOME_OFFICE_REFERENCE = "HO-EX-4471902"
ADDRESS = "4 Example Lane"
LAST_SEEN = "Exampleton bus station"
CIRCUMSTANCES = "an argument over a phone"
MEDICAL = "Photosensitive epilepsy"
MEDICATION = "Levetiracetam twice a day"
MOBILE = "+447700900142"
CONCERNS = "has not eaten since yesterday"

SECRETS = (
    Secret(
        name="the Home Office reference",
        marker=HOME_OFFICE_REFERENCE,
        readers=_CASEWORK | _HOME_OFFICE,
        told_in="missing",
    ),
    Secret(name="the address of the home", marker=ADDRESS, readers=_CASEWORK | {IRO}, told_in="missing"),
    Secret(
        name="where the child was last seen",
        marker=LAST_SEEN,
        readers=_CASEWORK | {IRO} | _HOME_OFFICE | _NATIONAL | _CARE,
        told_in="missing",
    ),
    Secret(name="the circumstances", marker=CIRCUMSTANCES, readers=_CASEWORK | {IRO} | _NATIONAL, told_in="missing"),
    Secret(name="the medical condition", marker=MEDICAL, readers=_CASEWORK | _NATIONAL | _CARE, told_in="missing"),
    Secret(name="the medication", marker=MEDICATION, readers=_CASEWORK | {IRO} | _NATIONAL | _CARE, told_in="missing"),
    Secret(name="the child's own number", marker=MOBILE, readers=_CASEWORK | _NATIONAL, told_in="missing"),
    Secret(name="the parent who is not told", marker=WITHHELD, readers=_CASEWORK | _NATIONAL, told_in="missing"),
    Secret(name="concerns at the return", marker=CONCERNS, readers=_CASEWORK | {IRO}, told_in="returned"),
)

PERSONAL = (CHILD, "Robbie", "2011-08-17", ADDRESS, HOME_OFFICE_REFERENCE, MEDICAL, MOBILE, WITHHELD, TOLD_PARENT)
"""Values that must be readable nowhere outside the encryption."""
