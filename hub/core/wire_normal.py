"""The one form of what was sent, and what was odd about it but no reason to refuse a report of a missing child."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from contacts.addresses import AddressProblem, parse_email, parse_phone
from hub.core.wire_checks import WireRules, authority, identity_of
from hub.core.wire_models import Envelope
from hub.core.wire_values import instant, photo_starts_as

ADULT: Final = 18

_CONTACTS: Final[Mapping[str, Callable[[str], str]]] = {
    "email": parse_email,
    "phone": parse_phone,
    "mobile": parse_phone,
}


def normalised(data: Mapping[str, Any], rules: WireRules) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Valid ``data`` with today's GSS codes and normal addresses, and the warnings about what was left as it was."""
    normal = dict(data)
    warnings: list[str] = []
    for key in ("child", "placement", "school"):
        if isinstance(normal.get(key), dict):
            normal[key] = _reachable(normal[key], f"data.{key}", warnings)
    if normal.get("people"):
        normal["people"] = [_reachable(p, f"data.people[{i}]", warnings) for i, p in enumerate(normal["people"])]
    if isinstance(normal.get("placement"), dict):
        placement = normal["placement"]
        near = placement.get("district")
        for key in ("responsible_authority", "host_authority"):
            found = authority(placement.get(key), near, rules)
            if found is not None:
                placement = {**placement, key: found.gss}
        normal["placement"] = placement
        warnings.extend(_about_district(placement, rules))
    elsewhere = authority(normal["episode"].get("missing_from_authority"), None, rules)
    if elsewhere is not None:
        normal["episode"] = {**normal["episode"], "missing_from_authority": elsewhere.gss}
    return normal, tuple(warnings)


def _reachable(section: Mapping[str, Any], path: str, warnings: list[str]) -> dict[str, Any]:
    normal = dict(section)
    for key, parse in _CONTACTS.items():
        value = normal.get(key)
        if not value:
            continue
        try:
            normal[key] = parse(value)
        except AddressProblem as e:
            warnings.append(f"{path}.{key} cannot be used to reach anybody ({e}): it is kept as it was sent")
    return normal


def _about_district(placement: Mapping[str, Any], rules: WireRules) -> Iterator[str]:
    district, host = placement.get("district"), placement.get("host_authority")
    if not district or not host:
        return
    found = authority(district, None, rules)
    if found is None:
        yield "data.placement.district is not a district that is known: it was not needed"
    elif found.gss != host:
        yield "data.placement.district is not in the area of data.placement.host_authority: check both"


def warnings_of(envelope: Envelope, data: Mapping[str, Any]) -> Iterator[str]:
    """What a sender should look at. Never a value that was sent."""
    episode, child = data["episode"], data.get("child") or {}
    time = instant(envelope.time)
    if envelope.subject is not None and envelope.subject != episode["ref"]:
        yield "subject is not the episode's reference: never let it identify a child"
    if episode.get("since") and instant(episode["since"]) > time:
        yield "data.episode.since is later than the event's time"
    if child.get("date_of_birth"):
        yield from _about_age(date.fromisoformat(child["date_of_birth"]), time.date())
    if envelope.type == "fingerpost.episode.reported.v1":
        for key in ("looked_after", "known_to_childrens_services"):
            if child.get(key) is None:
                yield f"data.child.{key} is not given and counts as false"
    photo = child.get("photo")
    if photo and not photo_starts_as(photo["media_type"], photo["data_base64"]):
        yield "data.child.photo does not look like its media_type: readers may be unable to open it"
    yield from _about_people(data.get("people") or ())


def _about_age(born: date, on: date) -> Iterator[str]:
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    if age < 0:
        yield "data.child.date_of_birth is later than the event's time: correct it by an update"
    elif age >= ADULT:
        yield "data.child.date_of_birth makes this person 18 or older: correct it by an update if it is wrong"


def _about_people(people: Any) -> Iterator[str]:
    known = set()
    for i, person in enumerate(people):
        identity = identity_of(person)
        if identity in known:
            yield f"data.people[{i}] has the role and name of another entry: they count as one person"
        known.add(identity)
        decision = (person.get("notify") or {}).get("decision")
        if person.get("suspected_abductor") is True and decision == "notify":
            yield f"data.people[{i}] is named as the suspected abductor and is not told, whatever was decided"
