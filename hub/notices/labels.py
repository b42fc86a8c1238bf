"""The words for each fact of an episode: its group, its label, how its value is read, in the order they are printed."""

from dataclasses import dataclass, field
from typing import Literal

Reading = Literal["text", "instant", "date", "flag", "choice", "authority", "photo", "people", "form"]
Group = Literal[
    "The child",
    "What has happened",
    "Found",
    "Back",
    "Risk",
    "Police",
    "Health",
    "Legal position and plans",
    "Placement or home",
    "School",
    "People",
    "Recorded answers on the local form",
    "Other facts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    group: Group
    text: str
    reading: Reading = "text"
    choices: dict[str, str] = field(default_factory=dict)


def _group(group: Group, *rows: tuple[str, str] | tuple[str, str, Reading | dict[str, str]]) -> dict[str, Label]:
    labels: dict[str, Label] = {}
    for path, text, *rest in rows:
        reading = rest[0] if rest else "text"
        if isinstance(reading, dict):
            labels[path] = Label(group=group, text=text, reading="choice", choices=reading)
        else:
            labels[path] = Label(group=group, text=text, reading=reading)
    return labels


_WHO = {
    "police": "the police",
    "authority": "a local authority",
    "carer": "a carer",
    "parent": "a parent",
    "home_office": "the Home Office",
    "self": "the child",
    "other": "somebody else",
}

LABELS: dict[str, Label] = {
    **_group(
        "The child",
        ("child.name", "Name"),
        ("child.other_names", "Other names"),
        ("child.date_of_birth", "Date of birth", "date"),
        ("child.gender", "Gender"),
        ("child.ethnicity", "Ethnicity"),
        ("child.preferred_language", "Preferred language"),
        ("child.description", "Description"),
        ("child.photo", "Photo", "photo"),
        ("episode.clothing", "Clothing"),
        ("child.mobile", "Mobile"),
        ("child.ref", "Sender's reference for the child"),
    ),
    **_group(
        "What has happened",
        (
            "episode.category",
            "Category",
            {"missing": "Missing", "away": "Away from placement without authorisation"},
        ),
        ("episode.whereabouts_known", "Whereabouts known", "flag"),
        ("episode.since", "Since", "instant"),
        ("episode.noticed_at", "Noticed", "instant"),
        ("episode.last_seen.at", "Last seen, when", "instant"),
        ("episode.last_seen.place", "Last seen, where"),
        ("episode.last_seen.with", "Last seen, with"),
        (
            "episode.missing_from",
            "Missing from",
            {
                "placement": "the placement",
                "home": "home",
                "school": "school",
                "external_activity": "an outing or activity",
                "hospital": "hospital",
                "other": "another place",
            },
        ),
        ("episode.missing_from_authority", "Missing from the area of", "authority"),
        ("episode.companions", "Companions"),
        ("episode.circumstances", "Circumstances"),
        ("episode.intentions", "Intentions"),
        ("episode.belongings", "Belongings"),
        ("episode.vehicle", "Vehicle"),
        ("episode.initial_checks", "Checks already made"),
        ("episode.ref", "Sender's reference for the episode"),
        ("episode.status", "Status", {"actual": "actual", "exercise": "exercise", "test": "test"}),
        ("retraction.reason", "Why the report was withdrawn"),
    ),
    **_group(
        "Found",
        ("found.at", "Found, when", "instant"),
        ("found.place", "Found, where"),
        ("found.by", "Found by", _WHO),
        ("found.safe", "Safe", "flag"),
        ("found.location_may_be_shared", "The place may be shared", "flag"),
    ),
    **_group(
        "Back",
        ("returned.at", "Back since", "instant"),
        (
            "returned.to",
            "Back at",
            {"placement": "the placement", "home": "home", "other": "another agreed safe place"},
        ),
        ("returned.brought_by", "Brought back by", _WHO | {"self": "nobody: came back alone"}),
        ("returned.harm_suspected", "Harm suspected", "flag"),
        ("returned.crime_alleged", "Crime alleged", "flag"),
        ("returned.concerns", "Concerns"),
    ),
    **_group(
        "Risk",
        (
            "episode.risk.level",
            "Risk grade",
            {"high": "High", "medium": "Medium", "low": "Low", "none_apparent": "No apparent risk"},
        ),
        ("episode.risk.assessed_by", "Assessed by"),
        ("episode.risk.at", "Assessed", "instant"),
        ("episode.risk.basis", "Basis"),
        ("episode.at_risk", "Believed at risk of harm where they are", "flag"),
        ("episode.abduction_suspected", "Abduction suspected", "flag"),
        ("episode.sexual_exploitation_suspected", "Sexual exploitation suspected", "flag"),
        ("episode.criminal_exploitation_suspected", "Criminal exploitation suspected", "flag"),
        ("episode.trafficking_suspected", "Trafficking suspected", "flag"),
        ("episode.radicalisation_suspected", "Radicalisation suspected", "flag"),
    ),
    **_group(
        "Police",
        ("episode.police.incident_number", "Police incident number"),
        ("episode.police.reported_at", "Reported to the police", "instant"),
        (
            "episode.police.classification",
            "Police classification",
            {"missing": "Missing", "absent": "Absent", "no_apparent_risk": "No apparent risk"},
        ),
    ),
    **_group(
        "Health",
        ("child.medical", "Medical"),
        ("child.medication", "Medication"),
        ("child.medication_needed", "Medication needed urgently", "flag"),
        ("child.disabilities", "Disabilities"),
    ),
    **_group(
        "Legal position and plans",
        ("child.looked_after", "Looked after by a local authority", "flag"),
        (
            "child.legal_status",
            "Legal status",
            {
                "care_order": "Care order",
                "interim_care_order": "Interim care order",
                "section_20": "Accommodated under section 20, Children Act 1989",
                "remand": "Remand",
                "emergency_protection": "Emergency protection",
                "other": "Other",
            },
        ),
        ("child.care_leaver", "Care leaver", "flag"),
        ("child.child_protection_plan", "Child protection plan", "flag"),
        ("child.section_47_enquiry", "Section 47 enquiry", "flag"),
        ("child.absconder", "Subject to an order or requirement of the criminal justice process", "flag"),
        ("child.subject_to_immigration_restriction", "Subject to immigration restriction", "flag"),
        ("child.home_office_reference", "Home Office reference"),
        ("child.known_to_childrens_services", "Known to children's services", "flag"),
        ("child.early_help", "Open to early help", "flag"),
        ("child.previous_episodes", "Earlier episodes the sender knows of"),
    ),
    **_group(
        "Placement or home",
        (
            "placement.type",
            "Type",
            {
                "childrens_home": "Children's home",
                "foster_care": "Foster care",
                "independent_foster_care": "Independent foster care",
                "with_parents": "Placed with parents",
                "family_home": "Family home",
                "secure": "Secure accommodation",
                "supported_accommodation": "Supported accommodation",
                "other": "Other",
            },
        ),
        ("placement.provider", "Provider"),
        ("placement.address", "Address"),
        ("placement.phone", "Phone"),
        ("placement.responsible_authority", "Responsible authority", "authority"),
        ("placement.host_authority", "Authority of the area", "authority"),
        ("placement.district", "District"),
        ("placement.starts_on", "Since", "date"),
    ),
    **_group(
        "School",
        ("school.name", "Name"),
        ("school.urn", "URN"),
        ("school.phone", "Phone"),
        ("school.email", "E-mail"),
    ),
    **_group("People", ("people", "People", "people")),
    **_group("Recorded answers on the local form", ("form", "Local form", "form")),
}


def label(path: str) -> Label:
    """The words for a path. A path nobody foresaw is printed under its own name: nothing in a view is left out."""
    known = LABELS.get(path)
    return known if known is not None else Label(group="Other facts", text=path)


PEOPLE_ROLES = {
    "parent": "Parent",
    "carer": "Carer",
    "social_worker": "Social worker",
    "supervising_social_worker": "Supervising social worker",
    "iro": "Independent reviewing officer",
    "associate": "Associate",
    "reporter": "Reported by",
}
