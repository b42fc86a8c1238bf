"""Made-up packs of a row or two, and what the routing engine says of one change: no episode around it."""

from collections.abc import Mapping
from typing import Any

from contacts.areas import load_areas
from routing.decision import Recipient, Rule
from routing.packs import Pack, Packs, parse_pack
from routing.standing import Draft, Standing, Told, stand
from tests.kit.events import LEEDS, merged

AREAS = load_areas()
FORCE = str(AREAS.authorities[LEEDS].force)
DOC: dict[str, Any] = {
    "episode": {"ref": "E", "category": "missing", "since": "2026-03-01T10:00:00Z"},
    "child": {"ref": "C", "name": "Robin Example", "date_of_birth": "2011-08-17", "looked_after": True},
    "placement": {"type": "foster_care", "responsible_authority": LEEDS, "host_authority": LEEDS},
    "people": [],
}
RULE = Rule(pack="made-up", rule="X-1", source="000, 1", quote="…", version="1")
AWAY = {"episode": {"category": "away", "whereabouts_known": True}}
UNSAFE = {"found": {"at": "2026-03-02T08:00:00Z", "by": "police", "safe": False}}


def pack(*rows: str, name: str = "made-up") -> Pack:
    """A pack that always applies; each row is its table and what stands in it, divided by a colon."""
    tables = "".join(
        f'[[{table}]]\n{text}\nrules = ["X-1"]\n' for table, _, text in (row.partition(": ") for row in rows)
    )
    return parse_pack(
        name,
        f'name = "{name}"\ntitle = "Made up"\nversion = "1"\n[applies]\nalways = true\n'
        f'[evidence.X-1]\nsource = "000"\nsection = "1"\nquote = "…"\n{tables}',
    )


def person(role: str, name: str, decision: str | None = None, **more: Any) -> dict[str, Any]:
    notify = {"notify": {"decision": decision}} if decision else {}
    return {"role": role, "name": name, "phone": "+447700900001", **notify, **more}


def standing(packs: Packs | Pack, *changes: Mapping[str, Any], **more: Any) -> Standing:
    doc = DOC
    for change in changes:
        doc = merged(doc, change)
    packs = packs if isinstance(packs, Packs) else Packs((packs,))
    return stand(doc, packs, AREAS, ever_missing=doc["episode"]["category"] == "missing", **more)


def desk(role: str, organisation: str = LEEDS) -> Told:
    return Told(recipient=Recipient(role=role, organisation=organisation))


def parent(name: str = "Sam Example", role: str = "parent") -> Told:
    return Told(recipient=Recipient(role=role, person=name))


def said(drafts: list[Draft]) -> list[tuple[str, str, str]]:
    """(role or name, outcome, kind) of each."""
    return [(d.recipient.person or d.recipient.role, d.outcome, d.kind) for d in drafts]


TELLS = 'recipients: role = "mash"\nmissing = "always"\naway = "always"'
POLICE = 'recipients: role = "police"\nmissing = "always"\naway = "always"'
FAMILY = 'recipients: role = "parent"\nmissing = "always"\naway = "always"'
NOT_MASH = 'suppressions: role = "mash"\non = "missing"\nunless = "care_leaver"'
