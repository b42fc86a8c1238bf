"""Which desk of an organisation answers for which role: the one table, for routing, resolution and the directory."""

from collections.abc import Mapping
from types import MappingProxyType

HOME_OFFICE = "home-office"
BUREAU = "missing-persons-bureau"
CEOP = "ceop"
REGULATOR = "regulator"
TRAFFICKING_CENTRE = "trafficking-centre"
OPERATOR = "operator"
NATIONAL: Mapping[str, str] = MappingProxyType(
    {
        HOME_OFFICE: "Home Office",
        BUREAU: "UK Missing Persons Bureau",
        CEOP: "Child Exploitation and Online Protection command",
        REGULATOR: "The regulator of children's homes",
        TRAFFICKING_CENTRE: "UK Human Trafficking Centre",
        OPERATOR: "The hub's operator",
    }
)
"""What the organisations of which there is only one are called."""
SCHOOL_PREFIX = "school:"
"""A school's organisation code is this and its URN."""
ANY_SCHOOL = f"{SCHOOL_PREFIX}*"
"""Stands for every school that has no entry of its own."""

EMERGENCY_DUTY_TEAM = "emergency_duty_team"
FOSTERING_OUT_OF_HOURS = "fostering_out_of_hours"
DUTY_MANAGER = "duty_manager"
FALLBACK = "fallback"

DESKS: Mapping[str, str] = MappingProxyType(
    {
        "police": "missing_persons_unit",
        "police_missing_from": "missing_persons_unit",
        "police_responsible": "missing_persons_unit",
        "police_senior_officer": "missing_persons_unit",
        "responsible_authority": "front_door",
        "host_authority": "front_door",
        "authority_missing_from": "missing_children",
        "social_worker": "social_work_team",
        "supervising_social_worker": "fostering_team",
        "iro": "iro_service",
        "quality_assurance": "quality_assurance",
        "designated_nurse": "designated_nurse",
        "mash": "mash",
        "mase_panel": "mase_panel",
        "missing_advocate": "missing_advocate",
        "practice_supervisor": "practice_supervisor",
        "early_help": "early_help",
        "youth_offending_service": "youth_offending_service",
        "group_manager": "group_manager",
        "assistant_director": "assistant_director",
        "circulation:london": "missing_children",
        "circulation:national": "missing_children",
        "school": "school_office",
        "home_office": "command_and_control",
        "home_office_evidence": "evidence_and_enquiry",
        "home_office_immigration_enforcement": "immigration_enforcement",
        "missing_persons_bureau": "bureau",
        "ceop": "ceop",
        "regulator": "regulator",
        "trafficking_centre": "trafficking_centre",
        "operator": "operator",
    }
)
"""Role to desk function. Police roles of one force share a desk, and so do the two authority roles of one council;
nothing else merges (readings.md B21). ``parent`` and ``carer`` are people, not desks."""

COVER_DESKS = (EMERGENCY_DUTY_TEAM, FOSTERING_OUT_OF_HOURS, DUTY_MANAGER, FALLBACK)
"""Desks that no role names: they stand in for others, or are handed what nobody answers."""

DESK_FUNCTIONS = frozenset((*DESKS.values(), *COVER_DESKS))
"""All desk functions a directory may hold."""

POLICE_ROLES = ("police", "police_missing_from", "police_responsible", "police_senior_officer")

FOSTERING_ROLES = frozenset({"responsible_authority", "social_worker", "supervising_social_worker"})
"""Whom the fostering out-of-hours desk stands in for when an in-house foster child is missing (B-70). The host
authority of a child placed elsewhere is not among them: its fostering desk does not know the child."""

ORGANISATION_OF: Mapping[str, str] = MappingProxyType(
    {
        "home_office": HOME_OFFICE,
        "home_office_evidence": HOME_OFFICE,
        "home_office_immigration_enforcement": HOME_OFFICE,
        "missing_persons_bureau": BUREAU,
        "ceop": CEOP,
        "regulator": REGULATOR,
        "trafficking_centre": TRAFFICKING_CENTRE,
        "operator": OPERATOR,
    }
)
"""The roles that only one organisation ever holds."""

BY_OPTION = frozenset({"authority_missing_from", "regulator", "trafficking_centre"})
"""The roles that only options of packs tell: a directory without them lacks nothing until one is turned on."""

AUTHORITY_ROLES = tuple(role for role in DESKS if role not in (*POLICE_ROLES, *ORGANISATION_OF, "school"))
"""The roles that a council answers for."""


def desk_of(role: str) -> str:
    """The desk function that answers for ``role``.

    Two roles of one organisation share a desk when this is equal. (The two circulations use the same desk of each
    member, but are decisions of their own, without an organisation: B23.) A role that no desk answers for, such as
    ``parent`` or a misspelt one, is its own name, which no directory holds: it resolves to a gap, never to a wrong
    desk.
    """
    return DESKS.get(role, role)
