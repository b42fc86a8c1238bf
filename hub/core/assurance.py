"""When somebody is warned that a certificate or key ends: 60, 30, 14, 7 and 1 days before, and at the end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

STEPS: Final = (60, 30, 14, 7, 1, 0)
"""Days before the end; 0 is the end itself."""
WITHIN: Final = timedelta(days=STEPS[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A certificate or key that ends soon, or has ended. Nothing personal: ids, codes, a digest, an instant."""

    subject: str
    """The contact's id in the directory, or ``hub:signer`` and such for the hub's own."""
    owner: str
    """Who has to see to it: an organisation, or ``operator``."""
    fingerprint: str
    """SHA-256 or thumbprint, lower-case hex."""
    until: datetime

    @property
    def key(self) -> tuple[str, str]:
        return self.subject, self.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """One step that was taken, by one node."""

    subject: str
    fingerprint: str
    step: int
    """One of STEPS."""
    owner: str
    warned_at: datetime
    alarm: str
    """AlarmRecord.id"""

    @property
    def key(self) -> tuple[str, str]:
        return self.subject, self.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a look came to."""

    new: tuple[tuple[Ending, int], ...]
    """Whom to warn, and which step it is."""
    passed: tuple[Warned, ...]
    """Steps whose alarm a later one takes the place of; they are not taken again."""
    over: tuple[Warned, ...]
    """Steps about what ends no more, as a longer one is on file or the contact has gone; forgotten."""


def step(until: datetime, now: datetime) -> int | None:
    """The step that is reached at ``now``: the last of those whose day has come; None before the first."""
    left = until - now
    return min((days for days in STEPS if left <= timedelta(days=days)), default=None)


def days_left(until: datetime, now: datetime) -> int:
    """Whole days until then; negative once it is past."""
    return (until - now) // timedelta(days=1)


def steps(endings: Iterable[Ending], warned: Sequence[Warned], now: datetime) -> Steps:
    """Who is to be warned now. A hub that was away for a month takes the step that is reached, not those between."""
    present: dict[tuple[str, str], tuple[Ending, int]] = {}
    for ending in endings:
        reached = step(ending.until, now)
        if reached is not None:
            present[ending.key] = ending, reached
    taken = {(*one.key, one.step) for one in warned}
    return Steps(
        new=tuple(found for key, found in present.items() if (*key, found[1]) not in taken),
        passed=tuple(one for one in warned if one.key in present and one.step > present[one.key][1]),
        over=tuple(one for one in warned if one.key not in present),
    )


def in_words(ending: Ending, reached: int) -> str:
    """The alarm's reason: what ends and when. The digest tells two keys of one contact apart."""
    what = f"{ending.subject} {ending.fingerprint[:8]}"
    if reached == 0:
        return f"{what} ended {ending.until:%Y-%m-%d}"
    return f"{what} ends {ending.until:%Y-%m-%d} ({reached} days)"
