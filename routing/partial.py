"""What can be said of an episode of which only some is known. Pure.

A notice leaves out what is empty and what is false. So what its reader might have been told and was not is false, and
what its reader may not see is not known: neither true nor false, and a condition that hangs on it is not decided.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

from contacts.areas import Areas
from routing.conditions import Condition, Facts
from routing.facts import BOOLEANS, COUNTED, VALUES, WORDS, Doc, derive, part
from routing.needtoknow import permitted, present
from routing.packs import Pack, Packs

_GUARDED: Final[Doc] = {"episode": {"trafficking_suspected": True}, "child": {"looked_after": True}}
"""An episode of which the fewest places are shown."""
_BORN: Final = "2010-01-01"
"""Stands in for a date of birth that is not known, so that the rest can be derived; the age is not known then."""
_TRAFFICKING: Final = "episode.trafficking_suspected"
_RISK: Final = "episode.risk.level"
_PLACED: Final = ("child.looked_after", "placement.responsible_authority", "placement.host_authority")
_AWAY: Final = ("episode.category", "episode.whereabouts_known")
_UNSAID: Final = ("",)
"""Nothing that a notice says tells it."""
NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    **{name: (".".join(path),) for name, path in (*BOOLEANS.items(), *VALUES.items())},
    "missing": ("episode.category",),
    "away": ("episode.category",),
    "ever_missing": _UNSAID,
    "whereabouts_known": _AWAY,
    "missing_from": ("episode.missing_from",),
    "risk": (_RISK,),
    "high": (_RISK,),
    "ungraded": (_RISK,),
    "serious": (_RISK, "episode.abduction_suspected"),
    "endangered": (*_AWAY, _RISK, _TRAFFICKING, "episode.at_risk"),
    "limit_runs": _AWAY,
    "out_of_area": _PLACED,
    "another_force": _PLACED,
    "at_home": ("placement.type",),
    "has_school": _UNSAID,
    "elsewhere": ("episode.missing_from_authority", "placement.host_authority"),
    "police_told": _UNSAID,
    "police_class": ("episode.police.classification",),
    "has_incident_number": ("episode.police.incident_number",),
    "checks_made": ("episode.initial_checks",),
    "located": (),
    "found_unsafe": (),
    "age": ("child.date_of_birth", "episode.since"),
    "missing_28d": _UNSAID,
    "missing_ever": _UNSAID,
    "away_28d": _UNSAID,
}
"""Fact -> the paths without which it is not known."""
_OF_PACKS: Final = frozenset({"serious", "endangered", "limit_runs"})
"""Facts that the packs in force decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """An episode as far as it is known."""

    doc: Doc = field(repr=False)
    """With no more places to be seen than are surely to be seen."""
    facts: Facts
    """Those of :attr:`unknown` have some value, which says nothing."""
    unknown: frozenset[str]
    placed: bool
    """It is known which authorities it is about."""
    sure: Packs
    """The packs that apply to the placement."""
    unsure: Packs
    """Those of which it is not known whether they do."""

    def decides(self, condition: Condition) -> bool | None:
        """Whether it holds; None where that hangs on what is not known."""
        open_ = sorted(condition.names & self.unknown)
        if not open_:
            return condition.holds(self.facts)
        if any(name in COUNTED for name in open_):
            return None
        answers = {
            condition.holds({**self.facts, **dict(zip(open_, values, strict=True))})
            for values in product(*(_values(name) for name in open_))
        }
        return answers.pop() if len(answers) == 1 else None


def known_of(doc: Doc, roles: Iterable[str], packs: Packs, areas: Areas, *, ever_missing: bool) -> Partial:
    """What was told to these ``roles``, all that they may see of it, and nothing else."""
    seen = frozenset(present(doc)).union(*(permitted(role, _GUARDED) for role in roles))
    sure = Packs(tuple(pack for pack in packs.written if pack.fits(doc)), packs.on)
    unsure = Packs(tuple(pack for pack in packs.written if not pack.fits(doc) and _may_fit(pack, seen)), packs.on)
    whole = _with(doc, "child", "date_of_birth", part(doc, "child").get("date_of_birth") or _BORN)
    if part(doc, "episode").get("whereabouts_known") is None:  # left out where it is false, and not where it is unsaid
        whole = _with(whole, "episode", "whereabouts_known", False)
    facts = sure.settle(derive(whole, areas, ever_missing=ever_missing))
    unknown = {name for name, paths in NEEDS.items() if not seen.issuperset(paths)}
    if ever_missing or facts["missing"]:
        unknown.discard("ever_missing")
    if unsure.packs:
        unknown |= _OF_PACKS
    guarded = doc if _TRAFFICKING in seen else _with(doc, "episode", "trafficking_suspected", True)
    return Partial(doc=guarded, facts=facts, unknown=frozenset(unknown), placed=seen.issuperset(_PLACED),
                   sure=sure, unsure=unsure)  # fmt: skip


def _may_fit(pack: Pack, seen: frozenset[str]) -> bool:
    by_place = pack.applies.authorities and not seen.issuperset(_PLACED)
    return bool(by_place or (pack.applies.placement_types and "placement.type" not in seen))


def _with(doc: Doc, section: str, key: str, value: Any) -> Doc:
    return {**doc, section: {**part(doc, section), key: value}}


def _values(name: str) -> tuple[Any, ...]:
    return (*WORDS[name], None) if name in WORDS else (False, True)
