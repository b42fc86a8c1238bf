"""What asking for a change, or deciding about one, came to."""

from dataclasses import dataclass
from typing import Final, Literal

from contacts.changes import Conflict
from contacts.model import Problem
from hub.core.drafts import Draft, Judged, Refusal
from hub.service.directory.weighing import Weighed

NO_REASON: Final = Problem("why", "say why it cannot wait, as plain text on one line, 10 to 500 characters")
NO_REMARK: Final = Problem("why", "plain text on one line, at most 500 characters")
NO_VERSION: Final = Problem("seen", "the directory has no such version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a change came to. Nothing has changed where it is ``refused`` (problems, conflicts or a refusal say why),
    ``unchanged`` or a ``preview``; ``waiting``, ``in_force``, ``rejected`` and ``withdrawn`` are on record."""

    result: Literal["refused", "unchanged", "preview", "waiting", "in_force", "rejected", "withdrawn"]
    judged: tuple[Judged, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    refusal: Refusal | None = None
    draft: Draft | None = None

    @property
    def takes_two(self) -> bool:
        """Whether any of it alters where notices go."""
        return any(one.reasons for one in self.judged)


def previewed(weighed: Weighed, *, torn: bool = False) -> Outcome:
    """Before anything is written. ``torn``: what it would replace cannot be read whole, so it changes something even
    where it is the same as what can be read."""
    result: Literal["refused", "unchanged", "preview"] = "preview" if weighed.judged or torn else "unchanged"
    if weighed.problems or weighed.conflicts:
        result = "refused"
    return Outcome(
        result=result,
        judged=weighed.judged,
        problems=weighed.problems,
        warnings=weighed.warnings,
        conflicts=weighed.conflicts,
    )
