"""Why somebody who could have been told was not: the rows of the protocols that tell others than those who were.

A row names a role and asks for something. Nobody hears by it where what it asks for is not so, where it is about the
other category or another moment, where an option of the pack is not turned on, where a stricter rule keeps the role
from being told, or where nobody holds the role.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from routing.conditions import Condition
from routing.decision import Rule
from routing.facts import looked_after
from routing.packs import LEAD, Pack
from routing.rows import OptionalRow
from routing.standing import Standing

Reason = Literal["not_so", "category", "later", "asleep", "kept_back", "withheld", "held", "nobody", "since"]
"""``not_so``: what the row asks for; ``category``: it is about a child who is away, not missing, or the other way
round; ``later``: it tells of something that has not happened; ``asleep``: its option is not turned on; ``kept_back``: a
stricter rule; ``withheld``, ``held``: a decision about the person; ``nobody``: there is no one who holds the role;
``since``: it holds now, and did not, or nobody knew, when the others were told."""
_OF_ENTRY: Final[Mapping[str, Reason]] = {
    "suppress": "kept_back",
    "withhold": "withheld",
    "hold": "held",
    "notify": "since",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """One row by which somebody could have been told, and was not."""

    role: str
    pack: str
    rules: tuple[Rule, ...]
    reason: Reason = "nobody"
    moment: str = ""
    """Of ``later``: what it waits for: ``found``, ``returned``, ``due CODE``, ``overdue CODE`` of a duty."""
    option: str = ""
    """Of ``asleep``: what turning it on does, in a sentence of the pack."""
    asks: str = field(default="", repr=False)
    """What the row asks for, in words: with ``reason`` it says something of the child. Empty for what always holds."""


def untold(standing: Standing, told: Iterable[str]) -> tuple[Untold, ...]:
    """The rows of the packs in force that tell roles not among ``told``, those of one role together, in the packs'
    order. ``told``: the roles that something was decided of, at whatever moment of the episode."""
    heard = frozenset(told)
    found: dict[str, dict[Untold, None]] = {}
    for written, held in zip(standing.packs.written, standing.packs.packs, strict=True):
        for one in (*_firsts(written, held, standing), *_laters(written, held, standing)):
            if one.role not in heard:
                found.setdefault(one.role, {})[one] = None
    return tuple(one for rows in found.values() for one in rows)


def _firsts(written: Pack, held: Pack, standing: Standing) -> Iterator[Untold]:
    """Rows of the first notice."""
    for row in written.recipients:
        asks: Condition | None = row.missing if standing.facts["missing"] else row.away
        one = _of(row.role, row.rules, held, standing, asks)
        if _asleep(row, held.recipients):
            yield _sleeping(one, row, written)
        elif asks is None:
            yield replace(one, reason="category")
        elif not asks.holds(standing.facts):
            yield replace(one, reason="not_so")
        else:
            yield _entitled(one, standing)


def _entitled(one: Untold, standing: Standing) -> Untold:
    """The row holds: what stands between it and whoever holds the role."""
    entries = [entry for entry in standing.entries if entry.recipient.role == one.role]
    if not entries:
        return one
    reason = _OF_ENTRY[entries[0].outcome]
    return replace(one, reason=reason, rules=entries[0].rules if reason == "kept_back" else one.rules)


def _laters(written: Pack, held: Pack, standing: Standing) -> Iterator[Untold]:
    """Rows about a later moment: the end, a count, a duty that falls due."""
    for late in written.later:
        one = _of(late.role, late.rules, held, standing, late.when)
        ahead = late.on not in standing.doc
        holds = ahead or late.when.holds(standing.facts)  # how it ends is known when it has
        waits = late.on if ahead else ""
        yield _sleeping(one, late, written) if _asleep(late, held.later) else _then(one, holds=holds, moment=waits)
    for count in written.thresholds:
        for role in count.tells:
            one = _of(role, count.rules, held, standing, count.when)
            holds = count.when.holds(standing.facts)
            yield _sleeping(one, count, written) if _asleep(count, held.thresholds) else _then(one, holds=holds)
    for duty in written.duties:
        for moment, roles in (("due", duty.tells), ("overdue", duty.overdue_tells)):
            for role in roles:
                one = _of(role, duty.rules, held, standing, duty.when)
                holds = duty.when.holds(standing.facts)
                yield (
                    _sleeping(one, duty, written)
                    if _asleep(duty, held.duties)
                    else _then(one, holds=holds, moment=f"{moment} {duty.code}")
                )


def _then(one: Untold, *, holds: bool, moment: str = "") -> Untold:
    if not holds:
        return replace(one, reason="not_so")
    return replace(one, reason="later", moment=moment) if moment else replace(one, reason="since")


def _of(role: str, rules: Iterable[str], held: Pack, standing: Standing, asks: Condition | None) -> Untold:
    if role == LEAD:
        role = "responsible_authority" if looked_after(standing.doc) else "host_authority"
    words = "" if asks is None or asks.text == "always" else asks.words
    return Untold(role=role, pack=held.name, rules=held.cite(rules), asks=words)


def _asleep(row: OptionalRow, held: Sequence[OptionalRow]) -> bool:
    return row.option is not None and not any(row is other for other in held)


def _sleeping(one: Untold, row: OptionalRow, written: Pack) -> Untold:
    return replace(one, reason="asleep", option=written.options[str(row.option)].title)
