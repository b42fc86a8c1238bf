"""The facts of a view as labelled lines, grouped; and what changed since the reader's last view."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from contacts.areas import load_areas
from hub.notices import times
from hub.notices.clean import Line, line, lines
from hub.notices.document import Changes, Facts
from hub.notices.labels import LABELS, PEOPLE_ROLES, Label, label
from hub.notices.photo import Photo

Rows = list[tuple[Line, tuple[Line, ...]]]

_PLACE = {path: place for place, path in enumerate(LABELS)}
_NOT_GIVEN = (Line("not given"),)
_GONE = (Line("no longer given"),)
_LONGEST_CHANGE = 1_000


def groups(fields: Mapping[str, Any], issued_at: datetime, photo: Photo | None) -> tuple[Facts, ...]:
    """Every field of a view, none left out, as one table a group."""
    rows: dict[str, Rows] = {}
    for path in sorted(fields, key=lambda p: (_PLACE.get(p, len(_PLACE)), p)):
        words = label(path)
        rows.setdefault(words.group, []).extend(_rows(words, fields[path], issued_at, photo))
    return tuple(Facts(caption=Line(group), rows=tuple(printed), common=True) for group, printed in rows.items())


def changes(
    changed: Sequence[str], previous: Mapping[str, Any], fields: Mapping[str, Any], issued_at: datetime
) -> Changes | None:
    """Before and now of each path that is news to the reader; None if none is."""
    rows: list[tuple[Line, tuple[Line, ...], tuple[Line, ...]]] = []
    for path in sorted(dict.fromkeys(changed), key=lambda p: (_PLACE.get(p, len(_PLACE)), p)):
        words = label(path)
        if words.reading == "form":
            rows.extend(_form_changes(words, previous.get(path), fields.get(path)))
            continue
        before, now = previous.get(path), fields.get(path)
        rows.append(
            (
                _path_label(path, words),
                _brief(words, before, issued_at) if before is not None else _absent(words, _NOT_GIVEN),
                _brief(words, now, issued_at) if now is not None else _absent(words, _GONE),
            )
        )
    return Changes(rows=tuple(rows)) if rows else None


def _path_label(path: str, words: Label) -> Line:
    """Outside its table a label needs the group it stands in, where others bear the same name."""
    if path.startswith(("placement.", "school.")):
        return Line(f"{words.group}: {words.text.lower() if words.text != 'URN' else words.text}")
    return line(words.text)


def _absent(words: Label, otherwise: tuple[Line, ...]) -> tuple[Line, ...]:
    # A view leaves out what is false, so a flag that is not there says no.
    return (Line("No"),) if words.reading == "flag" else otherwise


def _brief(words: Label, value: Any, issued_at: datetime) -> tuple[Line, ...]:
    match words.reading:
        case "photo":
            return (Line("a photo"),)
        case "people":
            return tuple(Line("; ".join((role, *said))) for role, said in _people(value))
        case _:
            return _value(words, value, issued_at, limit=_LONGEST_CHANGE)


def _form_changes(words: Label, before: Any, now: Any) -> Iterable[tuple[Line, tuple[Line, ...], tuple[Line, ...]]]:
    old, new = dict(_flat(before)), dict(_flat(now))
    for question in dict.fromkeys((*old, *new)):
        if old.get(question) != new.get(question):
            where = Line(f"{words.text}: {question}") if question else Line(words.text)
            yield where, old.get(question, _NOT_GIVEN), new.get(question, _GONE)


def _rows(words: Label, value: Any, issued_at: datetime, photo: Photo | None) -> Rows:
    match words.reading:
        case "photo":
            return [(line(words.text), (_photo(photo),))]
        case "people":
            return _people(value)
        case "form":
            return [(question or line(words.text), answer) for question, answer in _flat(value)]
        case _:
            return [(line(words.text), _value(words, value, issued_at))]


def _photo(photo: Photo | None) -> Line:
    if photo is None:
        return Line("There is a photo, but it could not be attached. Ask the sender for it.")
    return Line("See above") if photo.on_page else Line(f"Attached: {photo.name}")


def _value(words: Label, value: Any, issued_at: datetime, limit: int | None = None) -> tuple[Line, ...]:
    if isinstance(value, str):
        match words.reading:
            case "instant":
                return (_instant(value),)
            case "date":
                return (_date(value, issued_at if words.text == "Date of birth" else None),)
            case "choice":
                return (line(words.choices.get(value, value)),)
            case "authority":
                return (_authority(value),)
            case _:
                pass
    return _any(value) if limit is None else _any(value, limit)


def _instant(value: str) -> Line:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return line(value)
    return Line(times.instant(moment)) if moment.utcoffset() is not None else line(value)


def _date(value: str, issued_at: datetime | None) -> Line:
    try:
        when = date.fromisoformat(value)
    except ValueError:
        return line(value)
    years = times.age(when, issued_at) if issued_at is not None else None
    return Line(times.day(when) if years is None else f"{times.day(when)} (aged {years})")


def _authority(code: str) -> Line:
    authority = load_areas().authorities.get(code)
    return line(f"{authority.official_name} ({code})" if authority else code)


def _any(value: Any, limit: int = 10_000) -> tuple[Line, ...]:
    """Any JSON value, as lines; a list a line an item, a mapping a line a key."""
    match value:
        case str():
            return lines(value, limit)
        case bool():
            return (Line("Yes" if value else "No"),)
        case None:
            return (Line("not given"),)
        case Mapping():
            return tuple(
                Line(f"{line(str(key))}: {part}" if part else line(str(key)))
                for key, inner in value.items()
                for part in (_any(inner, limit) or (Line(""),))
            )
        case Sequence():
            return tuple(part for inner in value for part in _any(inner, limit))
        case _:
            return (line(str(value)),)


def _flat(value: Any, above: str = "") -> Iterable[tuple[Line, tuple[Line, ...]]]:
    """The answers of a form, with the headings above a question before it."""
    if isinstance(value, Mapping) and (value or not above):
        for key, inner in value.items():
            yield from _flat(inner, f"{above} – {line(str(key))}" if above else line(str(key)))
    elif above or value is not None:
        yield Line(above), _any(value) or _NOT_GIVEN


def _people(people: Any) -> Rows:
    if not isinstance(people, Sequence) or isinstance(people, str):
        return [(Line("People"), _any(people))]
    return [_person(entry) if isinstance(entry, Mapping) else (Line("Person"), _any(entry)) for entry in people]


def _person(entry: Mapping[str, Any]) -> tuple[Line, tuple[Line, ...]]:
    rest = dict(entry)
    role = rest.pop("role", None)
    said: list[Line] = []
    for key, words in (("name", ""), ("phone", "Phone: "), ("email", "E-mail: "), ("address", "Address: ")):
        if rest.get(key):
            said.append(Line(words + " ".join(_any(rest[key]))))
        rest.pop(key, None)
    responsible = rest.pop("parental_responsibility", None)
    if responsible is not None:
        said.append(Line("Has parental responsibility" if responsible else "Has no parental responsibility"))
    if rest.pop("suspected_abductor", None):
        said.append(Line("Suspected abductor: must not be told"))
    notify = rest.pop("notify", None)
    said.extend(_decision(notify) if isinstance(notify, Mapping) else _any(notify) if notify else ())
    said.extend(_any(rest))
    return line(PEOPLE_ROLES.get(str(role), str(role)) if role else "Person"), tuple(said)


def _decision(notify: Mapping[str, Any]) -> Iterable[Line]:
    """The recorded decision whether a parent is told."""
    rest = dict(notify)
    match rest.pop("decision", None):
        case "withhold":
            yield Line("MUST NOT BE TOLD, by a recorded decision")
        case "notify":
            yield Line("May be told, by a recorded decision")
        case "undecided":
            yield Line("Not decided yet whether to tell")
        case None:
            pass
        case other:
            yield line(f"Decision: {other}")
    for key, words in (("reason", "Reason"), ("decided_by", "Decided by")):
        if rest.get(key):
            yield Line(f"{words}: {' '.join(_any(rest[key]))}")
        rest.pop(key, None)
    decided_at = rest.pop("decided_at", None)
    if decided_at:
        yield Line(f"Decided: {_instant(str(decided_at))}")
    yield from _any(rest)
