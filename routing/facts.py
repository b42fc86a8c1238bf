"""What the packs may ask of an episode: plain values derived from its document (protocols.md, Facts)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from contacts.areas import Areas
from routing.calendar import age_on
from routing.conditions import Sort

Doc = Mapping[str, Any]
"""``{"episode", "child", "placement", "school", "people", "form", "found", "returned", "retraction"}`` as merged."""

BOOLEANS = {
    "looked_after": ("child", "looked_after"),
    "care_leaver": ("child", "care_leaver"),
    "protection_plan": ("child", "child_protection_plan"),
    "section_47": ("child", "section_47_enquiry"),
    "known_to_childrens_services": ("child", "known_to_childrens_services"),
    "open_to_early_help": ("child", "early_help"),
    "restricted": ("child", "subject_to_immigration_restriction"),
    "absconder": ("child", "absconder"),
    "at_risk": ("episode", "at_risk"),
    "abduction_suspected": ("episode", "abduction_suspected"),
    "sexual_exploitation_suspected": ("episode", "sexual_exploitation_suspected"),
    "criminal_exploitation_suspected": ("episode", "criminal_exploitation_suspected"),
    "trafficking_suspected": ("episode", "trafficking_suspected"),
    "radicalisation_suspected": ("episode", "radicalisation_suspected"),
    "crime_alleged": ("returned", "crime_alleged"),
    "harm_suspected": ("returned", "harm_suspected"),
}
VALUES = {
    "placement_type": ("placement", "type"),
    "legal_status": ("child", "legal_status"),
    "found_by": ("found", "by"),
    "brought_by": ("returned", "brought_by"),
}
_SECTIONS = frozenset(section for section, _ in (*BOOLEANS.values(), *VALUES.values()))
DERIVED = (
    "missing", "away", "ever_missing", "whereabouts_known", "missing_from", "risk", "high", "ungraded", "serious",
    "endangered", "out_of_area", "at_home", "has_school", "another_force", "elsewhere", "police_told",
    "police_class", "has_incident_number", "checks_made", "located",
    "age", "missing_28d", "missing_ever", "away_28d", "limit_runs", "found_unsafe",
)  # fmt: skip
COUNTED: tuple[str, ...] = ("age", "missing_28d", "missing_ever", "away_28d")
WORDS: Mapping[str, tuple[str, ...]] = {
    "placement_type": (
        "childrens_home", "foster_care", "independent_foster_care", "with_parents", "family_home", "secure",
        "supported_accommodation", "other",
    ),
    "legal_status": ("care_order", "interim_care_order", "section_20", "remand", "emergency_protection", "other"),
    "found_by": ("police", "authority", "carer", "parent", "home_office", "self", "other"),
    "brought_by": ("police", "carer", "parent", "self", "other"),
    "missing_from": ("placement", "home", "school", "external_activity", "hospital", "other"),
    "risk": ("high", "medium", "low", "none_apparent"),
    "police_class": ("missing", "absent", "no_apparent_risk"),
}  # fmt: skip
"""Facts that are one of several words, or not known (None): a pack that asks for another word has a mistake."""
KNOWN: Mapping[str, Sort] = {
    **dict.fromkeys((*BOOLEANS, *DERIVED), "yes_no"),
    **dict.fromkeys(COUNTED, "count"),
    **WORDS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Earlier episodes of the same child, this one not counted; retracted ones left out (readings.md B2, D17)."""

    missing_28d: int = 0
    away_28d: int = 0
    missing_ever: int = 0


def part(doc: Doc, name: str) -> Mapping[str, Any]:
    """A section of the document, empty where it is absent or null."""
    value = doc.get(name)
    return value if isinstance(value, dict) else {}  # plain JSON: the check for any Mapping costs ten times as much


def people(doc: Doc, role: str) -> Sequence[Mapping[str, Any]]:
    """The persons of one role, in the order given."""
    return [person for person in doc.get("people") or () if person["role"] == role]


def category(doc: Doc) -> str:
    """``missing`` or ``away``."""
    return str(part(doc, "episode").get("category") or "missing")


def whereabouts_known(doc: Doc) -> bool:
    """As given; by default false for missing, true for away."""
    given = part(doc, "episode").get("whereabouts_known")
    return given if given is not None else category(doc) == "away"


def host(doc: Doc) -> str | None:
    """GSS code of the area the placement or home is in."""
    return part(doc, "placement").get("host_authority")


def responsible(doc: Doc) -> str | None:
    """GSS code of the responsible authority."""
    return part(doc, "placement").get("responsible_authority")


def looked_after(doc: Doc) -> bool:
    """Looked after by a council."""
    return bool(part(doc, "child").get("looked_after"))


def lead(doc: Doc) -> str | None:
    """ "Responsible or area authority": the responsible one if looked after, else the host (readings.md B4)."""
    return responsible(doc) if looked_after(doc) else host(doc)


def force_of(areas: Areas, authority: str | None) -> str | None:
    """Code of the force that covers an authority."""
    known = areas.authorities.get(authority or "")
    return known.force if known else None


def born(doc: Doc) -> date:
    """The child's date of birth."""
    return date.fromisoformat(part(doc, "child")["date_of_birth"])


def since(doc: Doc) -> datetime:
    """When the child went missing or was last where expected; always present once reported."""
    return datetime.fromisoformat(part(doc, "episode")["since"])


def derive(
    doc: Doc,
    areas: Areas,
    *,
    ever_missing: bool,
    police_told: bool = False,
    counts: Counts | None = None,
) -> dict[str, Any]:
    """All facts but those that depend on the packs themselves (``serious``, ``endangered``: packs.py adds them)."""
    said = {section: part(doc, section) for section in _SECTIONS}
    episode = said["episode"]
    risk = part(episode, "risk").get("level")
    police = part(episode, "police")
    out_of_area = looked_after(doc) and responsible(doc) != host(doc)
    elsewhere = episode.get("missing_from_authority")
    facts: dict[str, Any] = {name: bool(said[section].get(key)) for name, (section, key) in BOOLEANS.items()}
    facts.update({name: said[section].get(key) for name, (section, key) in VALUES.items()})
    missing = category(doc) == "missing"
    facts.update(
        missing=missing,
        away=not missing,
        ever_missing=ever_missing or missing,
        whereabouts_known=whereabouts_known(doc),
        missing_from=episode.get("missing_from"),
        risk=risk,
        high=risk == "high",
        ungraded=risk is None,
        serious=False,
        endangered=False,
        limit_runs=False,
        out_of_area=out_of_area,
        at_home=facts["placement_type"] in ("family_home", "with_parents"),
        has_school=bool(part(doc, "school")),
        another_force=out_of_area and force_of(areas, responsible(doc)) != force_of(areas, host(doc)),
        elsewhere=elsewhere is not None and elsewhere != host(doc),
        police_told=police_told,
        police_class=police.get("classification"),
        has_incident_number=bool(police.get("incident_number")),
        checks_made=bool(episode.get("initial_checks")),
        located="found" in doc and "returned" not in doc,
        found_unsafe=part(doc, "found").get("safe") is False and "returned" not in doc,
        age=age_on(born(doc), since(doc)),
        missing_28d=0,
        missing_ever=0,
        away_28d=0,
    )
    if counts is not None:
        itself_missing, itself_away = int(facts["ever_missing"]), int(not facts["ever_missing"])
        facts["missing_28d"] = counts.missing_28d + itself_missing
        facts["away_28d"] = counts.away_28d + itself_away
        known_elsewhere = part(doc, "child").get("previous_episodes") or 0
        facts["missing_ever"] = counts.missing_ever + known_elsewhere + itself_missing
    return facts
