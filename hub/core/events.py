"""An event off the wire: checked completely, and turned into the one form the rest of the hub reads (events.md).

Parsing is strict and says everything that is wrong at once. It changes nothing that was said: only codes of areas
become today's GSS codes, instants UTC, phone numbers and e-mail addresses their normal form where they have one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hub.core.wire_checks import WireRules, across, duty, whole
from hub.core.wire_errors import unknown_key, validated
from hub.core.wire_json import NotJson, Problem, canonical, joined, read, source_of
from hub.core.wire_models import DATA_MODELS, Envelope, ReportedData, UpdatedData
from hub.core.wire_normal import normalised, warnings_of
from hub.core.wire_values import instant, instant_text

__all__ = [
    "DOCUMENT_KEYS",
    "EpisodeEvent",
    "Invalid",
    "NotJson",
    "Problem",
    "WireRules",
    "canonical",
    "instant",
    "instant_text",
    "parse",
    "source_of",
    "validate_document",
]

DOCUMENT_KEYS: Final = ("episode", "child", "placement", "school", "people", "form")
"""The parts of an episode's facts."""
MAX_PROBLEMS: Final = 200
MAX_EXTENSIONS: Final = 32
CLOCKS_APART: Final = timedelta(minutes=15)
"""The furthest that a sender's clock may be off where a hub is set to take it (``signature_tolerance``)."""

_EXTENSION = re.compile(r"[a-z0-9]{1,20}", re.ASCII)
_CLOUD_EVENT_TYPE = re.compile(r"fingerpost\.([a-z]+\.[a-z]+)\.v(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeEvent:
    """A valid event. ``id``, ``subject`` and ``data`` are the sender's words, and personal."""

    id: str = field(repr=False)
    source: str
    type: str
    """``fingerpost.episode.reported.v1``"""
    time: datetime
    """When it happened in the world; UTC."""
    subject: str | None = field(default=None, repr=False)
    arrives: datetime | None = None
    """The extension ``simulate`` reads; UTC."""
    data: Mapping[str, Any] = field(repr=False)
    """As sent, normalised: only the keys that were given, nulls kept (in an update null clears)."""
    sent: Mapping[str, Any] = field(repr=False)
    """All of it as it was read, before anything was made of it: what it is known again by (:func:`canonical`)."""
    warnings: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The type as events.md writes it: ``episode.reported``."""
        return self.type.removeprefix("fingerpost.").removesuffix(".v1")

    @property
    def ref(self) -> str:
        """The source's reference of the episode; personal."""
        ref: str = self.data["episode"]["ref"]
        return ref

    def arrived(self, at: datetime) -> "EpisodeEvent":
        """Nothing happens after it was heard of: a time that lies further ahead than clocks are apart is a mistake, and
        the arrival counts instead. Else all that comes in the years until then would be taken for older news, also that
        the child is back (readings.md A3)."""
        if self.time <= at + CLOCKS_APART:
            return self
        said = "time lies in the future: the time of arrival counts instead"
        return replace(self, time=at, warnings=(*self.warnings, said))


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """Everything that is wrong with the bytes, never empty."""

    problems: tuple[Problem, ...]


def parse(raw: bytes, rules: WireRules) -> EpisodeEvent | Invalid:
    """Reads and checks one event. Never raises, whatever the bytes."""
    reading = read(raw)
    if reading.fatal:
        return Invalid(problems=reading.problems)
    attributes = {key: value for key, value in reading.value.items() if key != "data"}
    envelope, found = _envelope(attributes)
    problems = [*reading.problems, *_unless_under(reading.problems, found)]
    data: Mapping[str, Any] = {}
    if "data" not in reading.value:
        problems.append(Problem(path="data", message="is missing: the sending system must give it"))
    elif isinstance(kind := attributes.get("type"), str) and kind in DATA_MODELS:
        data, found = _data(kind, reading.value["data"], rules)
        problems.extend(_unless_under(reading.problems, found))
    if problems or envelope is None:
        return Invalid(problems=tuple(dict.fromkeys(problems))[:MAX_PROBLEMS])
    normal, warnings = normalised(data, rules)
    time = instant(envelope.time)
    return EpisodeEvent(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        time=time,
        subject=envelope.subject,
        arrives=instant(envelope.arrives) if envelope.arrives else None,
        data=normal,
        sent=reading.value,
        warnings=(*warnings, *warnings_of(envelope, normal)),
    )


def validate_document(doc: Mapping[str, Any], rules: WireRules) -> tuple[Problem, ...]:
    """Everything that is wrong with the facts of an episode, after an update was merged into them.

    ``doc`` has the keys of a report's ``data``; others are not looked at. Paths are those of an event (``data.…``).
    """
    facts = {key: doc[key] for key in DOCUMENT_KEYS if key in doc}
    _, problems = validated(ReportedData, facts, "data")
    return tuple(dict.fromkeys([*problems, *across(facts, rules), *whole(facts)]))


def _envelope(attributes: Mapping[str, Any]) -> tuple[Envelope | None, Sequence[Problem]]:
    envelope, found = validated(Envelope, attributes, "")
    problems = [*found, *_extensions(attributes)]
    kind = attributes.get("type")
    if isinstance(kind, str) and kind not in DATA_MODELS:
        problems.append(Problem(path="type", message=_about_type(kind)))
    return envelope, problems


def _about_type(kind: str) -> str:
    match = _CLOUD_EVENT_TYPE.fullmatch(kind)
    if match and f"fingerpost.{match[1]}.v1" in DATA_MODELS:
        return "is of a version this hub does not know: send version 1"
    return f"is not a type of event this hub knows: send one of {', '.join(DATA_MODELS)}"


def _extensions(attributes: Mapping[str, Any]) -> Iterator[Problem]:
    """CloudEvents 1.0, section 3.1: other attributes are allowed if their names are, and are not looked at."""
    others = [key for key in attributes if key not in Envelope.model_fields]
    if len(others) > MAX_EXTENSIONS:
        yield Problem(path="", message=f"has more than {MAX_EXTENSIONS} extension attributes: send fewer")
    for key in others:
        path, value = joined("", key), attributes[key]
        if key == "data_base64":
            yield Problem(path=path, message="is not taken: send the event as an object in data")
        elif not _EXTENSION.fullmatch(key):
            yield Problem(path=path, message=unknown_key(key))
        elif isinstance(value, dict | list | float) or (isinstance(value, str) and len(value) > 1024):
            yield Problem(path=path, message="is not an extension attribute's value: send short text, or leave it out")


def _data(kind: str, value: Any, rules: WireRules) -> tuple[Mapping[str, Any], Sequence[Problem]]:
    model = DATA_MODELS[kind]
    parsed, problems = validated(model, value, "data")
    if not isinstance(value, Mapping):
        return {}, problems
    more: list[Problem] = []
    if model in (ReportedData, UpdatedData):
        more += across(value, rules)
    if model is ReportedData:
        more += whole(value)
    if kind == "fingerpost.duty.completed.v1":
        more += duty(value, rules)
    data = parsed.model_dump(exclude_unset=True, by_alias=True) if parsed else {}
    return data, [*problems, *_unless_under(problems, more)]


def _unless_under(known: Sequence[Problem], found: Sequence[Problem]) -> Iterator[Problem]:
    """One mistake, one problem: nothing more about a value that could not be read."""
    for problem in found:
        if not any(problem.path == k.path for k in known if k.path):
            yield problem
