"""What the wire's rules say about several values at once, and about codes: all of it found in one pass.

These checks look at data that may be malformed as well (every problem is reported together), so they ask for the type
of whatever they touch and leave wrong types to the models.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from contacts.areas import AreaProblem, Areas, Authority
from hub.core.wire_json import Problem, joined
from hub.core.wire_values import LINE_LENGTH, TEXT_LENGTH, one_line

MAX_ANSWERS: Final = 1000
DECIDES_TO_CIRCULATE: Final = frozenset({"strategy_discussion", "strategy_discussion_28d"})
"""readings.md B12."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRules:
    """What the wire has to be told from outside."""

    areas: Areas = field(repr=False)
    duties: frozenset[str]
    """Every duty code that any pack knows."""


def across(data: Mapping[str, Any], rules: WireRules) -> Iterator[Problem]:
    """Problems between the values of a report, an update or an episode's facts, as far as they are given."""
    episode = _object(data, "episode")
    if episode.get("category") == "missing" and episode.get("whereabouts_known") is True:
        yield Problem(
            path="data.episode.whereabouts_known",
            message="cannot be true for a missing child: send found, or category away (readings.md B14)",
        )
    yield from _codes(data, rules)
    yield from _people(data.get("people"))
    if isinstance(data.get("form"), Mapping):
        yield from _form(data["form"])


def whole(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Problems of a report, or of everything known of an episode: what must be there given the rest."""
    child, placement = _object(data, "child"), data.get("placement")
    if (
        child.get("looked_after") is True
        and isinstance(placement, Mapping)
        and placement.get("responsible_authority") is None
    ):
        yield Problem(
            path="data.placement.responsible_authority",
            message="is missing: a looked-after child has a responsible authority; send its GSS or DfE code",
        )


def duty(data: Mapping[str, Any], rules: WireRules) -> Iterator[Problem]:
    """Problems of ``duty.completed``."""
    code = data.get("duty")
    if isinstance(code, str) and code not in rules.duties:
        yield Problem(path="data.duty", message="is not a duty that any protocol here knows: correct the code")
    if not data.get("circulate"):
        return
    if isinstance(code, str) and code not in DECIDES_TO_CIRCULATE:
        yield Problem(
            path="data.circulate",
            message="only a strategy discussion may decide to circulate: leave it out, or correct the duty",
        )


def authority(code: object, district: object, rules: WireRules) -> Authority | None:
    """The authority of a valid code; None where ``code`` is none."""
    if not isinstance(code, str):
        return None
    try:
        return rules.areas.resolve(code.strip().upper(), _district(district))
    except AreaProblem:
        return None


def _district(value: object) -> str | None:
    return value.strip().upper() if isinstance(value, str) else None


def _codes(data: Mapping[str, Any], rules: WireRules) -> Iterator[Problem]:
    placement, episode = _object(data, "placement"), _object(data, "episode")
    district = _district(placement.get("district"))
    for path, code, near in (
        ("data.episode.missing_from_authority", episode.get("missing_from_authority"), None),
        ("data.placement.responsible_authority", placement.get("responsible_authority"), district),
        ("data.placement.host_authority", placement.get("host_authority"), district),
    ):
        if not isinstance(code, str):
            continue
        try:
            found = rules.areas.resolve(code.strip().upper(), near)
        except AreaProblem as e:
            if e.reason == "malformed":
                continue
            about_district = e.reason in {"unknown_district", "district_elsewhere"}
            yield Problem(path="data.placement.district" if about_district else path, message=str(e))
            continue
        if path == "data.placement.responsible_authority" and found.nation != "England":
            yield Problem(
                path=path,
                message="is outside England: only an English authority can be responsible here (readings.md B33)",
            )


def _people(people: object) -> Iterator[Problem]:
    if not isinstance(people, list):
        return
    known: dict[tuple[str, str], tuple[int, object]] = {}
    for i, person in enumerate(people):
        if not isinstance(person, Mapping):
            continue
        path = f"data.people[{i}]"
        notify = _object(person, "notify")
        if notify.get("decision") == "withhold":
            for key, what in (("reason", "the reason"), ("decided_by", "who decided it")):
                said = notify.get(key)
                if said is None or (isinstance(said, str) and not said.strip()):
                    yield Problem(
                        path=f"{path}.notify.{key}",
                        message=f"is missing: to withhold is a recorded decision; send {what}, or another decision",
                    )
        identity = identity_of(person)
        decided = (notify.get("decision"), person.get("suspected_abductor") is True)
        if identity is None:
            continue
        if identity in known and known[identity][1] != decided:
            yield Problem(
                path=path,
                message=f"has the role and name of people[{known[identity][0]}] but another decision: send one of them",
            )
        known.setdefault(identity, (i, decided))


def identity_of(person: Mapping[str, Any]) -> tuple[str, str] | None:
    """Role and name, by which a person is known again (readings.md A5)."""
    role, name = person.get("role"), person.get("name")
    if not isinstance(role, str) or not isinstance(name, str):
        return None
    return role, one_line(name)


def _form(form: Mapping[str, Any]) -> Iterator[Problem]:
    answers = 0
    waiting: list[tuple[str, Any]] = [("data.form", form)]
    while waiting:
        path, value = waiting.pop(0)
        answers += 1
        match value:
            case str() if len(value) > TEXT_LENGTH:
                yield Problem(path=path, message=f"is longer than {TEXT_LENGTH} characters: shorten it")
            case str() if "\x00" in value:
                yield Problem(path=path, message="holds a control character: only line breaks and tabs may be in it")
            case Mapping():
                if any(len(question) > LINE_LENGTH for question in value):
                    yield Problem(path=path, message=f"has a question longer than {LINE_LENGTH} characters: shorten it")
                waiting.extend((joined(path, question), part) for question, part in value.items())
            case list():
                waiting.extend((joined(path, i), part) for i, part in enumerate(value))
            case _:
                pass
    if answers > MAX_ANSWERS:
        yield Problem(path="data.form", message=f"has more than {MAX_ANSWERS} answers: send fewer")


def _object(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = data.get(key)
    return part if isinstance(part, Mapping) else {}
