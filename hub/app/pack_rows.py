"""The rows of a pack side by side: what one has and the other has not. For ``protocols show`` and ``diff``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from routing.calendar import Period
from routing.conditions import Condition
from routing.packs import Pack

TABLES = ("recipients", "suppressions", "later", "quiet", "told", "duties", "thresholds")
HEAD = (
    "title",
    "version",
    "applies",
    "ungraded_is_high",
    "night_from",
    "night_to",
    "reminders",
    "escalation",
    "register_",
    "turns_on",
)
IDENTITY: Mapping[str, tuple[str, ...]] = {
    "recipients": ("role",),
    "suppressions": ("role", "on"),
    "later": ("on", "role", "kind"),
    "quiet": ("on", "role"),
    "told": ("on",),
    "duties": ("code", "owner"),
    "thresholds": ("id",),
}
"""What makes two rows the same row, changed."""
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One row, or one key of the head, that differs. ``before`` or ``after`` is None where it is only in one."""

    table: str
    name: str
    before: Row | None
    after: Row | None

    @property
    def changed(self) -> tuple[str, ...]:
        """The keys whose values differ, of a row in both."""
        if self.before is None or self.after is None:
            return ()
        return tuple(k for k in {**self.before, **self.after} if self.before.get(k) != self.after.get(k))


def rows_of(pack: Pack) -> dict[tuple[str, str], Row]:
    """Every row by its table and name, and the head; values as people write them, what is not set left out. An option
    (``options``, by its name) stands with its rows behind all others, on or off."""
    found: dict[tuple[str, str], Row] = {("pack", pack.name): {key: _text(getattr(pack, key)) for key in HEAD}}
    for table in TABLES:
        for row in getattr(pack, table):
            if getattr(row, "option", None) is None:
                found[table, _name(row, table, table, found)] = _values(row)
    for option, said in pack.options.items():
        found["options", option] = _values(said)
        for table, row in pack.optional(option):
            found["options", _name(row, table, "options", found, f"{option}: {table} ")] = _values(row)
    for rule, evidence in pack.evidence.items():
        found["evidence", rule] = {key: str(value) for key, value in evidence.model_dump().items()}
    return found


def _name(row: Any, table: str, place: str, taken: Mapping[tuple[str, str], Row], prefix: str = "") -> str:
    """What a row is called among those of one place: one that is there already gets a number."""
    base = prefix + " ".join(_text(getattr(row, key)) for key in IDENTITY[table])
    name, number = base, 2
    while (place, name) in taken:
        name, number = f"{base} ({number})", number + 1
    return name


def differences(before: Pack, after: Pack) -> tuple[Difference, ...]:
    """What ``after`` changes, in the order of the rows of both."""
    old, new = rows_of(before), rows_of(after)
    if before.name != after.name:
        old[("pack", after.name)] = old.pop(("pack", before.name))
    return tuple(
        Difference(table=table, name=name, before=old.get((table, name)), after=new.get((table, name)))
        for table, name in dict.fromkeys((*old, *new))
        if old.get((table, name)) != new.get((table, name))
    )


def _values(row: Any) -> Row:
    defaults = {name: field.default for name, field in type(row).model_fields.items()}
    return dict(_set(row, defaults))


def _set(row: Any, defaults: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, default in defaults.items():
        value = getattr(row, key)
        if value != default:
            yield key, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, Condition):
        return value.text
    if isinstance(value, Period):
        return _span(value)
    if isinstance(value, BaseModel):
        return ", ".join(f"{key} {text}" for key, text in _values(value).items())
    if isinstance(value, tuple):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _span(period: Period) -> str:
    """``6 months``, ``72 hours``, ``at once``."""
    parts = ((period.months, "month"), (period.days, "day"), (period.seconds // 3600, "hour"))
    words = [f"{many} {unit}{'s' if many > 1 else ''}" for many, unit in parts if many]
    if rest := period.seconds % 3600:
        words.append(f"{rest // 60} minutes" if rest % 60 == 0 else f"{rest} seconds")
    return " and ".join(words) or "at once"
