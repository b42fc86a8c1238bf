"""What each role may be sent (vocabulary.md, Need to know). The composer sees a View and nothing else.

The table stands here once: rows of paths (readings.md B27), columns of roles (B28), and the two rules that take
locations out again (B29, D3). A path without a row is shown to nobody (D10).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from routing.decision import Kind
from routing.facts import Doc, looked_after, part, people

_IDENTITY = ("child.name", "child.date_of_birth")
_TRACING = ("people", "child.mobile")
_LOCATIONS = (
    "episode.last_seen.place",
    "episode.missing_from",
    "episode.missing_from_authority",
    "placement.address",
    "placement.provider",
    "placement.phone",
    "placement.host_authority",
    "found.place",
)
"""What can give a place away (B29)."""

_ROWS: dict[str, tuple[str, ...]] = {
    "who": (*_IDENTITY, "child.other_names", "child.gender", "child.photo", "child.description", "episode.clothing"),
    "last_seen": (
        "episode.since", "episode.noticed_at", "episode.last_seen.at", "episode.last_seen.place",
        "episode.last_seen.with", "episode.missing_from", "episode.missing_from_authority", "episode.companions",
    ),
    "circumstances": (
        "episode.circumstances", "episode.belongings", "episode.vehicle", "episode.intentions",
        "episode.initial_checks",
    ),
    "incident": ("episode.police.incident_number",),
    "risk": (
        "episode.risk.level", "episode.risk.assessed_by", "episode.risk.basis", "episode.risk.at",
        "episode.police.reported_at", "episode.police.classification", "episode.at_risk",
        "episode.abduction_suspected", "episode.sexual_exploitation_suspected",
        "episode.criminal_exploitation_suspected", "episode.trafficking_suspected",
        "episode.radicalisation_suspected",
    ),
    "health": ("child.medical", "child.medication", "child.disabilities"),
    "status": (
        "child.looked_after", "child.care_leaver", "child.absconder", "child.legal_status",
        "child.child_protection_plan", "child.section_47_enquiry",
    ),
    "placement": (
        "placement.address", "placement.provider", "placement.type", "placement.phone",
        "placement.responsible_authority", "placement.host_authority",
    ),
    "tracing": _TRACING,
    "immigration": ("child.subject_to_immigration_restriction", "child.home_office_reference"),
    "found_place": ("found.place",),
    "origin": ("child.ethnicity", "child.preferred_language"),
    "form": ("form",),
    "return": ("returned.concerns", "returned.harm_suspected", "returned.crime_alleged", "retraction.reason"),
    "everybody": ("episode.category", "episode.whereabouts_known", "found.safe"),
}  # fmt: skip


def _rows(*names: str, **singles: str | tuple[str, ...]) -> frozenset[str]:
    paths = [path for name in (*names, "everybody", "incident") for path in _ROWS[name]]
    for value in singles.values():
        paths += [value] if isinstance(value, str) else value
    return frozenset(paths)


_AUTHORITY = "placement.responsible_authority"
_SHAREABLE = "found.place"
_ALL = frozenset(path for paths in _ROWS.values() for path in paths)
_CARE = _ALL - {*_TRACING, *_ROWS["immigration"], "child.medical", "child.disabilities"}
_HOME_OFFICE = _rows("who", "last_seen", "immigration", "origin",
                     risk="episode.trafficking_suspected", status="child.legal_status",
                     placement=_AUTHORITY, found=_SHAREABLE)  # fmt: skip
_CIRCULATED = _rows("who", "last_seen", "status", "origin",
                    circumstances="episode.circumstances", risk="episode.risk.level", health="child.medication",
                    placement=_AUTHORITY, parents="people")  # fmt: skip
_BUREAU = _rows("who", "last_seen", "circumstances", "risk", "health", "tracing", "origin", placement=_AUTHORITY)
_FAMILY = _rows("who", "last_seen", found=_SHAREABLE)

COLUMNS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("police", "police_missing_from", "police_responsible", "police_senior_officer",
         "responsible_authority", "host_authority", "social_worker"), _ALL),
    **dict.fromkeys(
        ("iro", "practice_supervisor", "missing_advocate", "supervising_social_worker", "quality_assurance",
         "group_manager", "assistant_director"), _CARE),
    **dict.fromkeys(
        ("home_office", "home_office_evidence", "home_office_immigration_enforcement", "trafficking_centre"),
        _HOME_OFFICE),
    **dict.fromkeys(
        ("circulation:london", "circulation:national", "mash", "mase_panel", "early_help",
         "youth_offending_service", "authority_missing_from"), _CIRCULATED),
    **dict.fromkeys(("missing_persons_bureau", "ceop"), _BUREAU),
    "designated_nurse": _rows("health", "status", who=_IDENTITY, risk="episode.risk.level", placement=_AUTHORITY),
    "regulator": _rows(who=_IDENTITY, when="episode.since", risk="episode.risk.level",
                       placement=("placement.type", "placement.provider", "placement.address", _AUTHORITY)),
    "school": _rows("who", when="episode.since", health="child.medication_needed"),
    "parent": _FAMILY,
    "carer": _FAMILY | frozenset(_ROWS["health"]),
    "operator": frozenset(),
}  # fmt: skip
"""Role -> the paths it may see, before the rules on locations."""

_LOCATION_ROLES = frozenset(
    ("police", "police_missing_from", "police_responsible", "responsible_authority", "host_authority",
     "social_worker", "home_office")
)  # fmt: skip
"""Who is sent a location where trafficking is suspected (G-05, B-31)."""

_FULL_SIGHT = frozenset(role for role, paths in COLUMNS.items() if paths == _ALL)
"""The roles of the first column: they see the place of the find whether it may be shared or not."""
_ENDED = frozenset((*_IDENTITY, *_ROWS["everybody"], *_ROWS["incident"], *_ROWS["return"], *_ROWS["placement"],
                    "child.other_names", "episode.since", "found.place"))  # fmt: skip
_REMINDER = frozenset((*_IDENTITY, *_ROWS["incident"], "episode.category", "episode.since"))
_SCOPE: dict[Kind, frozenset[str]] = {
    "found": _ENDED,
    "returned": _ENDED,
    "retraction": _ENDED,
    "duty_due": _REMINDER,
    "duty_overdue": _REMINDER,
    "message": _REMINDER,
    "conversation": _REMINDER,
}
"""The kinds that need only part of what their reader may see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An episode as one reader may see it: leaf path -> value, for example ``child.name`` -> ``"Robin Example"``.

    Paths are those of the event's data: ``episode.*``, ``child.*``, ``placement.*``, ``school.*``, ``found.*``,
    ``returned.*``; lists stand whole (``people``, ``form``, ``episode.companions``, ``episode.initial_checks``).
    ``child.photo`` stands whole (``{"media_type", "data_base64"}``). ``child.medication_needed`` is derived (yes or
    no). ``people`` holds only those persons, and only those keys of them, that the reader may see. Empty values
    (null, "", []) are left out. Booleans that are false are left out too, but ``found.safe``.
    """

    roles: tuple[str, ...]
    fields: Mapping[str, Any] = field(repr=False)

    def only(self, paths: Iterable[str]) -> "View":
        """The same view cut down to ``paths``."""
        kept = frozenset(paths)
        return View(roles=self.roles, fields={path: value for path, value in self.fields.items() if path in kept})


_EVERY = tuple(sorted(_ALL | {"child.medication_needed"}))
_KEYS = tuple(
    (section.split(".") if section else [], [(path, path.rpartition(".")[2]) for path in paths])
    for section, paths in groupby(_EVERY, key=lambda path: path.rpartition(".")[0])
)
"""Where the values stand: section by section, in the order of the paths."""


class _Places(NamedTuple):
    """What an episode says of showing places."""

    trafficking: bool
    in_care: bool
    shared: bool


def _places(doc: Doc) -> _Places:
    return _Places(
        bool(part(doc, "episode").get("trafficking_suspected")),
        looked_after(doc),
        bool(part(doc, "found").get("location_may_be_shared")),
    )


def permitted(role: str, doc: Doc) -> frozenset[str]:
    """The paths this role may see of this episode."""
    return _permitted(role, _places(doc))


def may_see_places(role: str, doc: Doc) -> bool:
    """Whether this role may know where the child is, was or may be: it sees where they were last seen, of this episode
    and as things stand."""
    return role in COLUMNS and "episode.last_seen.place" in permitted(role, doc)


def full_sight(role: str) -> bool:
    """Whether this role is told all there is: it works the episode, rather than hearing of it."""
    return role in _FULL_SIGHT


@lru_cache(maxsize=4096)
def _shown(roles: tuple[str, ...], kind: Kind, places: _Places) -> frozenset[str]:
    paths = frozenset[str]().union(*(_permitted(role, places) for role in roles))
    return paths & _SCOPE.get(kind, paths)


@lru_cache(maxsize=1024)
def _permitted(role: str, places: _Places) -> frozenset[str]:
    paths = COLUMNS[role]
    if places.trafficking and role not in _LOCATION_ROLES:
        paths = paths - frozenset(_LOCATIONS)
    if role == "parent" and places.in_care:
        paths = paths - (frozenset(_LOCATIONS) - {"found.place"})
    if not places.shared and role not in _FULL_SIGHT:
        paths = paths - {"found.place"}
    return paths


def _whereabouts(doc: Doc) -> bool:
    given = part(doc, "episode").get("whereabouts_known")
    return bool(given) if given is not None else part(doc, "episode").get("category") == "away"


_DERIVED: dict[str, Callable[[Doc], Any]] = {
    "child.medication_needed": lambda doc: bool(part(doc, "child").get("medication")),
    "episode.whereabouts_known": _whereabouts,
    "episode.missing_from": lambda doc: part(doc, "episode").get("missing_from") or None,
}


_PARENTS_ONLY = _CIRCULATED


def _people(roles: tuple[str, ...], listed: Any) -> Any:
    """Parents' names for those who may see no more of them; the whole list for the rest."""
    if any(COLUMNS[role] is not _PARENTS_ONLY and "people" in COLUMNS[role] for role in roles):
        return listed
    return [{"role": p["role"], "name": p["name"]} for p in listed if p["role"] == "parent"] or None


def present(doc: Doc) -> Mapping[str, Any]:
    """Every path anybody may see that has a value, derived ones included, in order: what views are cut from. Absent
    are null, what is empty, and what is false by default. Worked out once a document."""
    found: dict[str, Any] = {}
    for names, keys in _KEYS:
        section = doc
        for name in names:
            section = part(section, name)
        for path, key in keys:
            value = _DERIVED[path](doc) if path in _DERIVED else section.get(key)
            if value or (value is False and path == "found.safe"):
                found[path] = value
    return found


def view(doc: Doc, roles: Iterable[str], kind: Kind = "missing", *, known: Mapping[str, Any] | None = None) -> View:
    """What a desk that reads for all these ``roles`` may see in a notice of this kind: the union of their columns.
    ``known`` is ``present(doc)``, where the caller has it already."""
    named = tuple(roles)
    paths = _shown(named, kind, _places(doc))
    values = present(doc) if known is None else known
    fields = {path: value for path, value in values.items() if path in paths}
    if "people" in fields and (listed := _people(named, fields.pop("people"))) is not None:
        fields["people"] = listed
    return View(roles=named, fields=fields)


def shared_view(doc: Doc, reader: str, role: str, kind: Kind) -> View:
    """What both may see: the notice of a gap, read by the fallback desk (readings.md D11)."""
    return view(doc, [reader], kind).only(view(doc, [role], kind).fields)


def _substance(person: Mapping[str, Any]) -> tuple[str, str, bool, bool]:
    """Who somebody is: what is left of a person without contact details and decisions, defaults filled in."""
    responsibility = person.get("parental_responsibility")
    return (
        person["role"],
        person["name"],
        person["role"] == "parent" if responsibility is None else responsibility,
        bool(person.get("suspected_abductor")),
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """The paths whose value is another one now: news, if the reader may see them (readings.md B27). Contact details
    and decisions about persons are none. Both are what is ``present``."""
    found = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    if "people" in found and _people_of(before) == _people_of(after):
        found.remove("people")
    return frozenset(found)


def _people_of(values: Mapping[str, Any]) -> list[tuple[str, str, bool, bool]]:
    return sorted(map(_substance, values.get("people", ())))


def news(role: str, changed: frozenset[str], before: Doc, after: Doc) -> frozenset[str]:
    """Which of the changed paths this role hears of."""
    seen = changed & permitted(role, after)
    if "people" in seen and COLUMNS[role] is _PARENTS_ONLY:
        old, new = ({p["name"] for p in people(doc, "parent")} for doc in (before, after))
        seen = seen - {"people"} if old == new else seen
    return seen
