"""What codes are called, for people: organisations, roles, moments. For the timeline and the picture of a run."""

from collections.abc import Iterable
from datetime import datetime

from contacts.areas import load_areas
from contacts.roles import NATIONAL, SCHOOL_PREFIX
from routing.calendar import LONDON

ACRONYMS = {"iro": "IRO", "ceop": "CEOP", "mash": "MASH", "mase": "MASE", "nrm": "NRM"}


def organisation_name(code: str | None) -> str:
    """``Bromley`` for ``E09000006``; a code that nobody knows is its own name, and none is empty."""
    if code is None:
        return ""
    areas = load_areas()
    if (authority := areas.authorities.get(code)) is not None:
        return authority.name
    if (force := areas.forces.get(code)) is not None:
        return force.name
    if code.startswith(SCHOOL_PREFIX):
        return f"URN {code.removeprefix(SCHOOL_PREFIX)}"
    return NATIONAL.get(code, code)


def role_label(role: str) -> str:
    """``youth_offending_service`` -> ``youth offending service``; ``mase_panel`` -> ``MASE panel``."""
    if role.startswith("circulation:"):
        return f"circulation, {role.removeprefix('circulation:').capitalize()}"
    return " ".join(ACRONYMS.get(word, word) for word in role.split("_"))


def roles_label(roles: Iterable[str]) -> str:
    """Several roles at one desk: ``responsible authority and host authority``."""
    *most, last = [role_label(role) for role in roles]
    return f"{', '.join(most)} and {last}" if most else last


def moment(at: datetime) -> str:
    """In London, as people write it: ``Sun 1 Mar 2026 19:30``."""
    local = at.astimezone(LONDON)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M}"


def day_and_time(at: datetime) -> tuple[str, str]:
    """The two lines of a label under an axis: ``1 Mar 2026`` and ``19:30``."""
    local = at.astimezone(LONDON)
    return f"{local.day} {local:%b %Y}", f"{local:%H:%M}"


def length(seconds: float) -> str:
    """A span in its coarsest fitting unit: ``40 min``, ``14 h``, ``3 days``, ``6 months``."""
    minutes = seconds / 60
    if minutes < 120:
        return f"{minutes:.0f} min"
    if minutes < 48 * 60:
        return f"{minutes / 60:.0f} h"
    days = minutes / 1440
    return f"{days:.0f} days" if days < 60 else f"{days / 30.4369:.0f} months"
