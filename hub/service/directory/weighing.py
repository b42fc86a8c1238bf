"""What a change to the directory would come to: its differences, why it takes two, what stands in its way. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contacts.areas import Areas
from contacts.changes import Change, Conflict, applied, checked, difference, merged
from contacts.export import ordered
from contacts.model import Bundle, Problem
from contacts.scope import beyond, concerned, with_part
from contacts.sensitive import reasons
from contacts.tables import beyond_reading
from hub.core.drafts import About, Author, Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants. ``asked``: changes of single entries, or a whole directory (already checked), of one
    organisation alone where ``part`` names it."""

    by: Author
    asked: Sequence[Change] | Bundle = field(repr=False)
    part: str | None
    strict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What it comes to. ``after``: the whole directory with it, or as it is where there are problems or conflicts."""

    after: Bundle = field(repr=False)
    judged: tuple[Judged, ...] = ()
    concerned: tuple[frozenset[str], ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def weigh(asking: Asked, base: Bundle, present: Bundle, areas: Areas, now: datetime) -> Weighed:
    """``base``: the directory that the person looked at; ``present``: the one in force."""
    warnings: tuple[Problem, ...] = ()
    if isinstance(asking.asked, Bundle):
        whole = asking.asked if asking.part is None else with_part(base, asking.part, asking.asked)
        target = ordered(whole)
        outside = _outside(asking.asked, asking.part)
        if outside:
            return Weighed(after=present, problems=outside)
    else:
        loaded = applied(base, asking.asked, areas, now, strict=asking.strict)
        if loaded.bundle is None:
            return Weighed(after=present, problems=loaded.problems)
        target, warnings = loaded.bundle, loaded.warnings
    after = target
    if base != present:
        done = merged(present, difference(base, target))
        if done.conflicts:
            return Weighed(after=present, conflicts=done.conflicts, warnings=warnings)
        after = done.bundle
    found = difference(present, after)
    whose = concerned(present, after, found)
    problems = (*(checked(after) if base != present else ()), *beyond_reading(after))
    if asking.by.organisation is not None:
        problems += beyond(asking.by.organisation, present, found, whose)
    judged = tuple(
        Judged(difference=one, reasons=why) for one, why in zip(found, reasons(present, after, found, now), strict=True)
    )
    return Weighed(
        after=present if problems else after,
        judged=judged,
        concerned=whose,
        problems=problems,
        warnings=warnings,
    )


def weigh_again(about: About, present: Bundle, organisation: str | None) -> Weighed:
    """A change that waited, on the directory as it is now. ``organisation``: whose entries the one who agrees may
    change; None for the operator."""
    found = [one.difference for one in about.judged]
    done = merged(present, found)
    if done.conflicts:
        return Weighed(after=present, conflicts=done.conflicts)
    problems = (*checked(done.bundle), *beyond_reading(done.bundle))
    if organisation is not None:
        problems += beyond(organisation, present, found, concerned(present, done.bundle, found))
    after = present if problems else done.bundle
    return Weighed(after=after, judged=about.judged, concerned=about.concerned, problems=problems)


def _outside(part: Bundle, organisation: str | None) -> tuple[Problem, ...]:
    """What does not belong into the directory of one organisation. Said apart from what may not be changed: an entry of
    another organisation that is left as it is would pass there."""
    if organisation is None:
        return ()
    others = {o.code for o in part.organisations}
    others |= {d.organisation for d in part.desks} | {c.organisation for c in part.contacts}
    return tuple(
        Problem(f"organisations[{code}]", f"this is the directory of {organisation} alone")
        for code in sorted(others - {organisation})
    )
