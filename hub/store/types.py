"""Column types that mean the same on SQLite and PostgreSQL."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, get_args

from sqlalchemy import BigInteger, Dialect, SmallInteger, Text
from sqlalchemy.types import TypeDecorator

from routing.decision import Priority, Rule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_URGENCY: tuple[Priority, ...] = get_args(Priority)


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly. Raises ValueError for a datetime without an offset."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    return (instant - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The inverse of :func:`to_micros`; aware, in UTC."""
    return _EPOCH + micros * _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """A moment as microseconds since 1970 in UTC, in a BIGINT.

    SQLite has no type for time and PostgreSQL's drivers answer in the session's zone; an integer compares, sorts and
    indexes the same on both and never loses the microsecond.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class Urgency(TypeDecorator[Priority]):
    """A priority as its place in the order (0 ``immediate`` … 3 ``low``), so that an index can sort by it."""

    impl = SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Priority | None, dialect: Dialect) -> int | None:
        return None if value is None else _URGENCY.index(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Priority | None:
        return None if value is None else _URGENCY[value]


class Strings(TypeDecorator[tuple[str, ...]]):
    """A tuple of codes as a JSON array in a TEXT."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else _written_strings(tuple(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else _read_strings(value)


@lru_cache(maxsize=1_000)  # the same few roles, again and again
def _written_strings(value: tuple[str, ...]) -> str:
    return json.dumps(list(value))


@lru_cache(maxsize=1_000)
def _read_strings(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


_CODES: Final = json.JSONEncoder(sort_keys=True)
"""Made once: making it takes as long as using it."""


class Codes(TypeDecorator[Any]):
    """A small JSON value without personal data in a TEXT, keys sorted."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | list[Any] | None, dialect: Dialect) -> str | None:
        return None if value is None else _CODES.encode(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Rules(TypeDecorator[tuple[Rule, ...]]):
    """The rules behind a row, as a JSON array of (pack, rule, source, quote, version) in a TEXT."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[Rule, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else _written_rules(tuple(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[Rule, ...] | None:
        return None if value is None else _read_rules(value)


@lru_cache(maxsize=1_000)  # all rows of one duty say the same, and an episode has hundreds
def _written_rules(value: tuple[Rule, ...]) -> str:
    return json.dumps(rules_to_json(value))


@lru_cache(maxsize=1_000)
def _read_rules(text: str) -> tuple[Rule, ...]:
    return rules_from_json(json.loads(text))


def rules_to_json(rules: Iterable[Rule]) -> list[Any]:
    """Rules as rows: pack, rule, source, quote, version."""
    return [[rule.pack, rule.rule, rule.source, rule.quote, rule.version] for rule in rules]


def rules_from_json(rows: Iterable[list[str]]) -> tuple[Rule, ...]:
    """The inverse of :func:`rules_to_json`."""
    return tuple(_rule(*row) for row in rows)


@lru_cache(maxsize=4_000)  # those of the packs, which stand in every decision
def _rule(pack: str, rule: str, source: str, quote: str, version: str) -> Rule:
    return Rule(pack=pack, rule=rule, source=source, quote=quote, version=version)
