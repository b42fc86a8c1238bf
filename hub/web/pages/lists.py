"""Tables that sort, filter and turn their pages by links alone: a link says which column, which codes, which page.

So they work without scripts, and no address bears what somebody typed. What an address asks for that there is not is as
if it were not asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")
SORT: Final = "sort"
PAGE: Final = "page"
_DOWN: Final = "-"
"""Before the name of a column: from the greatest to the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[T]):
    """``key``: what the rows are sorted by; None where nobody would want that."""

    name: str
    heading: str
    key: Callable[[T], Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter(Generic[T]):
    """``of``: the code of a row; ``choices``: codes and their words, in the order in which they are offered."""

    name: str
    label: str
    of: Callable[[T], str]
    choices: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """``address``: sorts by it, or the other way round; None where it does not sort."""

    text: str
    address: str | None = None
    sorted: Literal["ascending", "descending", "none"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """``count``: rows there would be, where it is rows; ``chosen``: it is what is asked for."""

    text: str
    address: str
    count: int | None
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """A filter as it is shown."""

    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged(Generic[T]):
    """One page of a table. Addresses are paths of this site, without what stands before them; ``total``: rows on all
    pages."""

    rows: Sequence[T] = field(repr=False)
    headings: tuple[Heading, ...]
    filters: tuple[Choices, ...]
    number: int
    pages: int
    total: int
    earlier: str | None
    later: str | None


def arranged(
    rows: Sequence[T],
    asked: Mapping[str, str],
    path: str,
    *,
    columns: Sequence[Column[T]] = (),
    filters: Sequence[Filter[T]] = (),
    per: int = 50,
    keeping: Mapping[str, str] | None = None,
) -> Arranged[T]:
    """``rows`` as an address asks for them. ``asked``: its query; ``path``: the page's own; ``per``: rows of a page;
    ``keeping``: what else its addresses say."""
    picked = {f.name: asked[f.name] for f in filters if asked.get(f.name) in {code for code, _ in f.choices}}
    left = _left(rows, filters, picked)
    by, down = asked.get(SORT, "").removeprefix(_DOWN), asked.get(SORT, "").startswith(_DOWN)
    column = next((one for one in columns if one.name == by and one.key is not None), None)
    if column is not None and column.key is not None:
        left.sort(key=column.key, reverse=down)
    pages = max(1, -(-len(left) // per))
    number = min(_number(asked.get(PAGE, "")), pages)
    kept = {**(keeping or {}), **picked} | ({} if column is None else {SORT: asked[SORT]})

    def address(**changes: str | None) -> str:
        query = {name: value for name, value in {**kept, **changes}.items() if value}
        return f"{path}?{urlencode(query)}" if query else path

    offered = [_choices(one, rows, filters, picked, address) for one in filters]
    return Arranged(
        rows=left[(number - 1) * per : number * per],
        headings=tuple(_heading(one, one is column, down, address) for one in columns),
        filters=tuple(one for one in offered if len(one.choices) > 2 or not one.choices[0].chosen),
        number=number,
        pages=pages,
        total=len(left),
        earlier=address(page=str(number - 1)) if number > 1 else None,
        later=address(page=str(number + 1)) if number < pages else None,
    )


def chosen(
    label: str, name: str, choices: Sequence[tuple[str, str]], value: str, path: str, asked: Mapping[str, str]
) -> Choices:
    """What else a page may be asked for, of which always one is. ``asked``: all that its address says, by name."""
    return Choices(
        label=label,
        choices=tuple(
            Choice(
                text=words,
                address=f"{path}?{urlencode({**asked, name: code})}",
                count=None,
                chosen=code == value,
            )
            for code, words in choices
        ),
    )


def _heading(column: Column[T], sorts: bool, down: bool, address: Callable[..., str]) -> Heading:
    if column.key is None:
        return Heading(text=column.heading)
    turned = column.name if down or not sorts else f"{_DOWN}{column.name}"
    way: Literal["ascending", "descending", "none"] = "none"
    if sorts:
        way = "descending" if down else "ascending"
    return Heading(text=column.heading, address=address(sort=turned), sorted=way)


def _choices(
    one: Filter[T],
    rows: Sequence[T],
    filters: Sequence[Filter[T]],
    chosen: Mapping[str, str],
    address: Callable[..., str],
) -> Choices:
    others = {name: value for name, value in chosen.items() if name != one.name}
    found = Counter(map(one.of, _left(rows, filters, others)))
    every = Choice(text="All", address=address(**{one.name: None}), count=found.total(), chosen=one.name not in chosen)
    several = [
        Choice(
            text=words,
            address=address(**{one.name: code}),
            count=found[code],
            chosen=chosen.get(one.name) == code,
        )
        for code, words in one.choices
    ]
    return Choices(label=one.label, choices=(every, *(each for each in several if each.count or each.chosen)))


def _left(rows: Sequence[T], filters: Iterable[Filter[T]], chosen: Mapping[str, str]) -> list[T]:
    left = list(rows)
    for one in filters:
        if one.name in chosen:
            left = [row for row in left if one.of(row) == chosen[one.name]]
    return left


def _number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1
