"""Valid episode events, all made up, for everybody's tests.

Every builder gives a fresh JSON object (a CloudEvent as events.md fixes it) that `parse` accepts. Changes are given by
section and merged as JSON Merge Patch does, except that ``DROP`` takes a key away where null would be sent as null::

    reported()                                              # a missing, looked-after child, out of area
    reported(id="E2", episode={"risk": {"level": "high"}})  # deep merge
    reported(child={"gender": DROP})                        # the key is not sent at all
    raw(reported())                                         # the bytes a case system would post
"""

import copy
import json
from collections.abc import Mapping
from typing import Any, Final

from contacts.areas import load_areas
from hub.core.events import EpisodeEvent, WireRules, parse

SOURCE: Final = "urn:fingerpost:source:bromley-care"
EPISODE: Final = "BRM-EP-0001"
CHILD: Final = "BRM-C-0001"

BROMLEY: Final = "E09000006"
NORTH_LINCOLNSHIRE: Final = "E06000013"
LEEDS: Final = "E08000035"
"""Neither it nor its force is named by any pack but the national one."""

TINY_JPEG: Final = (
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////"
    "////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z"
)
"""One grey pixel."""


class _Drop:
    def __repr__(self) -> str:
        return "DROP"


DROP: Final = _Drop()
"""As a value: take this key away."""


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of ``base`` with ``changes`` laid over it: objects key by key, everything else replaced."""
    result = copy.deepcopy(dict(base))
    for key, value in changes.items():
        if value is DROP:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def event(
    kind: str,
    data: Mapping[str, Any],
    /,
    **envelope: Any,
) -> dict[str, Any]:
    """``kind`` without prefix and suffix, for example ``episode.found``. ``envelope`` adds or changes attributes."""
    built = {
        "specversion": "1.0",
        "id": "E1",
        "source": SOURCE,
        "type": f"fingerpost.{kind}.v1",
        "time": "2026-03-01T19:45:00Z",
        "data": data,
    }
    return merged(built, envelope)


_REPORT: Final[dict[str, Any]] = {
    "episode": {
        "ref": EPISODE,
        "category": "missing",
        "since": "2026-03-01T19:30:00Z",
        "last_seen": {"at": "2026-03-01T19:10:00Z", "place": "Example Street", "with": "a friend"},
        "missing_from": "placement",
        "circumstances": "Did not come back from the shop.",
        "clothing": "Blue coat",
        "risk": {"level": "medium", "assessed_by": "police", "basis": "First time missing"},
    },
    "child": {
        "ref": CHILD,
        "name": "Robin Example",
        "date_of_birth": "2011-08-17",
        "description": "Tall, brown hair",
        "medication": "Inhaler",
        "mobile": "+447700900123",
        "looked_after": True,
        "legal_status": "care_order",
        "known_to_childrens_services": True,
    },
    "placement": {
        "type": "childrens_home",
        "responsible_authority": BROMLEY,
        "host_authority": NORTH_LINCOLNSHIRE,
        "provider": "Example House",
        "address": "2 Example Road",
        "phone": "+447700900200",
    },
    "school": {"urn": "900001", "name": "Example School", "email": "office@school.example"},
    "people": [
        {
            "role": "parent",
            "name": "Sam Example",
            "parental_responsibility": True,
            "email": "sam@family.example",
            "phone": "+447700900111",
            "notify": {
                "decision": "withhold",
                "reason": "contact would put the child at risk",
                "decided_by": "Jo Worker, social worker",
                "decided_at": "2026-02-02T10:00:00Z",
            },
        },
        {
            "role": "parent",
            "name": "Pat Example",
            "parental_responsibility": True,
            "email": "pat@family.example",
            "notify": {"decision": "notify", "decided_by": "Jo Worker, social worker"},
        },
        {"role": "social_worker", "name": "Jo Worker", "email": "jo.worker@council.example"},
        {"role": "carer", "name": "Chris Carer", "phone": "+447700900100"},
    ],
}

_EVERYTHING: Final[dict[str, Any]] = {
    "episode": {
        "whereabouts_known": False,
        "at_risk": False,
        "status": "actual",
        "noticed_at": "2026-03-01T19:40:00Z",
        "missing_from_authority": LEEDS,
        "belongings": "A red rucksack",
        "companions": ["Alex Friend"],
        "vehicle": "A white van",
        "intentions": "Spoke of the seaside",
        "initial_checks": ["Searched the house", "Rang the mobile"],
        "police": {"reported_at": "2026-03-01T19:42:00Z", "incident_number": "HP-0042", "classification": "missing"},
        "risk": {"at": "2026-03-01T19:44:00Z"},
        "abduction_suspected": False,
        "sexual_exploitation_suspected": False,
        "criminal_exploitation_suspected": False,
        "trafficking_suspected": False,
        "radicalisation_suspected": False,
    },
    "child": {
        "other_names": ["Robbie Sample"],
        "gender": "female",
        "ethnicity": "Not stated",
        "preferred_language": "Welsh",
        "photo": {"media_type": "image/jpeg", "data_base64": TINY_JPEG},
        "medical": "Asthma",
        "disabilities": "None recorded",
        "care_leaver": False,
        "child_protection_plan": False,
        "section_47_enquiry": False,
        "early_help": False,
        "subject_to_immigration_restriction": True,
        "home_office_reference": "HO-7781234",
        "absconder": False,
        "previous_episodes": 1,
    },
    "placement": {"district": None, "starts_on": "2025-11-03"},
    "school": {"phone": "+441632960001"},
    "form": {"Risk of exploitation": "Yes", "Score": 7, "Known associates": ["Two older people"]},
}


def reported(**changes: Any) -> dict[str, Any]:
    """``episode.reported``: missing from a children's home out of area, looked after, one parent withheld and one told.

    ``episode``, ``child``, ``placement``, ``school``, ``people``, ``form`` change the data; ``id``, ``time``,
    ``source`` and anything else the envelope.
    """
    return _built("episode.reported", _REPORT, changes)


def reported_in_full(**changes: Any) -> dict[str, Any]:
    """The same with every field of events.md given."""
    return _built("episode.reported", merged(_REPORT, _EVERYTHING), changes)


def reported_at_home(**changes: Any) -> dict[str, Any]:
    """A child who lives with the family in Leeds, is not looked after, and is missing from home."""
    home = {
        "episode": {"ref": "LDS-EP-0001", "missing_from": "home"},
        "child": {"ref": "LDS-C-0001", "looked_after": False, "legal_status": DROP},
        "placement": {
            "type": "family_home",
            "responsible_authority": DROP,
            "host_authority": LEEDS,
            "provider": DROP,
        },
        "people": [
            {"role": "parent", "name": "Sam Example", "parental_responsibility": True, "email": "sam@family.example"}
        ],
    }
    return _built("episode.reported", merged(_REPORT, home), changes)


def away(**changes: Any) -> dict[str, Any]:
    """Away from placement without authorisation, whereabouts known."""
    return _built("episode.reported", merged(_REPORT, {"episode": {"category": "away"}}), changes)


def updated(**changes: Any) -> dict[str, Any]:
    """``episode.updated``: only the reference, and what is given."""
    return _built(
        "episode.updated", {"episode": {"ref": EPISODE}}, {"id": "U1", "time": "2026-03-01T21:00:00Z", **changes}
    )


def found(**changes: Any) -> dict[str, Any]:
    """``episode.found`` by the police, safe, the place not to be shared."""
    data = {
        "episode": {"ref": EPISODE},
        "found": {
            "at": "2026-03-02T08:00:00Z",
            "place": "Example Station",
            "by": "police",
            "safe": True,
            "location_may_be_shared": False,
        },
    }
    return _built("episode.found", data, {"id": "F1", "time": "2026-03-02T08:00:00Z", **changes})


def returned(**changes: Any) -> dict[str, Any]:
    """``episode.returned`` to the placement, brought by the carer."""
    data = {
        "episode": {"ref": EPISODE},
        "returned": {
            "at": "2026-03-02T10:00:00Z",
            "to": "placement",
            "brought_by": "carer",
            "harm_suspected": False,
            "crime_alleged": False,
            "concerns": "Tired and hungry",
        },
    }
    return _built("episode.returned", data, {"id": "R1", "time": "2026-03-02T10:00:00Z", **changes})


def retracted(**changes: Any) -> dict[str, Any]:
    """``episode.retracted``: it was never an episode."""
    data = {"episode": {"ref": EPISODE}, "reason": "The child was in the garden all along"}
    return _built("episode.retracted", data, {"id": "X1", "time": "2026-03-01T20:30:00Z", **changes})


def duty_completed(duty: str = "return_interview", outcome: str = "held", **changes: Any) -> dict[str, Any]:
    """``duty.completed``."""
    data = {
        "episode": {"ref": EPISODE},
        "duty": duty,
        "outcome": outcome,
        "at": "2026-03-03T15:00:00Z",
        "by": "Jo Worker",
    }
    return _built("duty.completed", data, {"id": "D1", "time": "2026-03-03T15:00:00Z", **changes})


_SECTIONS: Final = (
    "episode",
    "child",
    "placement",
    "school",
    "people",
    "form",
    "found",
    "returned",
    "reason",
    "duty",
    "outcome",
    "at",
    "by",
    "note",
    "circulate",
)


EVERY: Final = (reported, reported_in_full, reported_at_home, away, updated, found, returned, retracted, duty_completed)
"""What makes an event of each type, and a report in each of its shapes."""


def _built(kind: str, data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    inside = {key: value for key, value in changes.items() if key in _SECTIONS}
    return event(kind, merged(data, inside), **{key: value for key, value in changes.items() if key not in _SECTIONS})


def raw(event: Mapping[str, Any]) -> bytes:
    """The bytes a case system would post."""
    return json.dumps(event, ensure_ascii=False).encode()


def leaves(value: object) -> list[str]:
    """Every string below a JSON value, long enough to be searched for (four characters or more)."""
    match value:
        case str():
            return [value] if len(value) >= 4 else []
        case dict():
            return [leaf for item in value.values() for leaf in leaves(item)]
        case list():
            return [leaf for item in value for leaf in leaves(item)]
        case _:
            return []


DUTIES: Final = frozenset(
    {
        "parent_decision",
        "missing_from_care_meeting",
        "missing_from_care_review",
        "daily_contact",
        "home_office_contact",
        "nrm_referral",
        "safe_and_well_check",
        "return_interview_offer",
        "return_interview",
        "renotify",
        "adulthood",
        "regulator_decision",
        "strategy_discussion",
        "mash_notice",
        "review_discussion",
        "strategy_discussion_28d",
        "joint_review_28d",
        "senior_review",
        "party_return_decision",
        "away_report",
        "register_removal",
        "away_limit",
        "police_update",
        "risk_management_meeting",
        "social_worker_visit",
        "prevention_plan",
    }
)
"""The codes of protocols.md, for tests of the wire that load no packs."""


def wire_rules() -> WireRules:
    """The real areas, and every duty of protocols.md."""
    return WireRules(areas=load_areas(), duties=DUTIES)


def parsed(event: Mapping[str, Any]) -> EpisodeEvent:
    """The event as the hub reads it; fails the test if it is not valid."""
    result = parse(raw(event), wire_rules())
    assert isinstance(result, EpisodeEvent), result
    return result
