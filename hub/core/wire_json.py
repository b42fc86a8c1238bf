"""JSON as it comes from outside: read strictly, with every fault and where it is; and its canonical bytes (RFC 8785).

Python's reader takes more than JSON allows (NaN, duplicate keys, lone surrogates) and hides what it lost. Two readers
of one event must not see two different children, so all of that is refused here.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import rfc8785

MAX_BYTES: Final = 1_048_576
"""1 MiB (events.md, Answers)."""
MAX_DEPTH: Final = 16
MAX_EXACT_INTEGER: Final = 2**53 - 1
"""Beyond it other systems read another number than was sent (RFC 7493, section 2.2)."""
MAX_KEY_SHOWN: Final = 64

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with an event. ``path`` says where; ``message`` whose fault it is and what to do.

    The message never repeats a value that was sent: it stands in answers, and answers are seen by many.
    """

    path: str
    """``data.people[0].notify.reason``; empty for the body as a whole."""
    message: str


class NotJson(ValueError):
    """The bytes are not JSON that two readers would understand alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read. ``fatal``: there is no value to look at any further."""

    value: Any
    problems: tuple[Problem, ...]
    fatal: bool = False


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys came twice."""

    repeated: frozenset[str] = frozenset()


class _Unreadable:
    """Stands for a number that has no value."""


_NAN = _Unreadable()
_HUGE = _Unreadable()
_TOO_LARGE: Final = "is a number too large to be read alike everywhere: send it as text"


def read(raw: bytes) -> Reading:
    """Reads one JSON object. Never raises; integral numbers come as int, so that 1 and 1.0 are the same."""
    value = _loaded(raw)
    if isinstance(value, str):
        return Reading(value=None, problems=(Problem(path="", message=value),), fatal=True)
    problems: list[Problem] = []
    return Reading(value=_cleaned(value, (), problems), problems=tuple(problems))


def _loaded(raw: bytes) -> "_Object | str":
    """The object as it stands there, or why there is none."""
    if len(raw) > MAX_BYTES:
        return "is larger than 1 MiB: the sender has to send less, for example a smaller photo"
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        return f"is not UTF-8 (byte {e.start}): the sender has to encode it as UTF-8"
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=lambda _: _NAN,
            parse_int=_integer,
        )
    except json.JSONDecodeError as e:
        return f"is not JSON (line {e.lineno}, column {e.colno}): the sender has to send one JSON object"
    except RecursionError:
        return f"is nested more than {MAX_DEPTH} levels deep: the sender has to send it flat"
    if not isinstance(value, _Object):
        return "is not a JSON object: the sender has to send one event as one object"
    return value


def canonical(event: bytes | Mapping[str, Any]) -> bytes:
    """The bytes that are equal for equal events (readings.md B31, D6): RFC 8785, without the ``arrives`` attribute.

    Raises NotJson for what ``read`` finds fault with.
    """
    value: Any
    if isinstance(event, bytes):
        reading = read(event)
        if reading.problems:
            raise NotJson("these bytes have no canonical form: refuse the event first, with every problem")
        value = reading.value
    else:
        value = event
    value = {key: part for key, part in value.items() if key != "arrives"}
    try:
        return _SAME.encode(value).encode() if _written_alike(value) else rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError):
        # Their texts repeat the value.
        raise NotJson("this object is not JSON: only text, numbers, booleans, null, lists and objects are") from None


_SAME: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _written_alike(value: Any) -> bool:
    """Whether Python's own writer makes RFC 8785 of this, in a tenth of the time: it writes fractions in another way,
    and sorts keys by code points rather than UTF-16."""
    if value is None or type(value) in (str, bool):
        return True
    if type(value) is int:
        return abs(value) <= MAX_EXACT_INTEGER
    if type(value) is dict:
        return all(type(key) is str and key.isascii() and _written_alike(part) for key, part in value.items())
    return type(value) is list and all(map(_written_alike, value))


def source_of(raw: bytes) -> str | None:
    """Who the event says it is from, before anything about it is trusted: to choose the keys to verify it with.

    None if the bytes are not JSON or name no source, or more than one.
    """
    event = _loaded(raw)
    if isinstance(event, str) or "source" in event.repeated:
        return None
    source = event.get("source")
    return source if isinstance(source, str) and not _SURROGATE.search(source) else None


def joined(path: str, key: str | int) -> str:
    """``path`` with one more step. A key that is no plain word is quoted and cut."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not _PLAIN_KEY.fullmatch(key) or len(key) > MAX_KEY_SHOWN:
        return f"{path}[{json.dumps(key[:MAX_KEY_SHOWN])}]"
    return f"{path}.{key}" if path else key


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    built = _Object(pairs)
    if len(built) != len(pairs):
        built.repeated = frozenset(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
    return built


def _integer(digits: str) -> int | _Unreadable:
    # int() takes quadratic time over thousands of digits.
    return int(digits) if len(digits) <= 20 else _HUGE


def _cleaned(value: Any, where: tuple[str | int, ...], problems: list[Problem]) -> Any:
    """A plain copy. What cannot be kept becomes None, with its problem."""
    if len(where) >= MAX_DEPTH:
        problems.append(_problem(where, f"is nested more than {MAX_DEPTH} levels deep: send it flat"))
        return None
    match value:
        case str():
            fault = (
                "holds half a character (a lone surrogate): encode the text anew" if _SURROGATE.search(value) else ""
            )
        case _Object():
            problems.extend(_about_keys(value, where))
            return {
                key: _cleaned(part, (*where, key), problems)
                for key, part in value.items()
                if not _SURROGATE.search(key)
            }
        case list():
            return [_cleaned(part, (*where, i), problems) for i, part in enumerate(value)]
        case float():
            fault = "" if math.isfinite(value) else "is a number too large to be kept: send it as text"
            if not fault and value.is_integer() and abs(value) <= MAX_EXACT_INTEGER:
                return int(value)
        case bool() | None:
            return value
        case int():
            fault = "" if abs(value) <= MAX_EXACT_INTEGER else _TOO_LARGE
        case _:
            fault = "is not a number: JSON has no NaN and no Infinity; send null" if value is _NAN else _TOO_LARGE
    if fault:
        problems.append(_problem(where, fault))
        return None
    return value


def _problem(where: tuple[str | int, ...], message: str) -> Problem:
    return Problem(path=reduce(joined, where, ""), message=message)


def _about_keys(value: _Object, where: tuple[str | int, ...]) -> Iterator[Problem]:
    for key in sorted(value.repeated):
        yield _problem((*where, key), "is given more than once: send it once")
    if any(_SURROGATE.search(key) for key in value):
        yield _problem(where, "has a key with half a character (a lone surrogate): encode the text anew")
