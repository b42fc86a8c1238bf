"""What an episode's end makes pointless to tell (readings.md D8)."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from hub.core.summary import EpisodeState
from routing.decision import Kind

if TYPE_CHECKING:  # the clocks, which a simulation runs too, need no rows of the ledger
    from hub.core.records import EpisodeRecord, NoticeRecord

OVERTAKES: Final[Mapping[Kind, tuple[Kind, ...]]] = {
    "found": ("missing", "away", "concern", "update", "renotification", "message"),
    "returned": ("missing", "away", "concern", "update", "renotification", "message", "found"),
    "retraction": (
        "missing", "away", "concern", "update", "renotification", "message", "found", "returned", "threshold",
        "duty_due", "duty_overdue",
    ),
}  # fmt: skip
"""What an ending makes pointless to send, if it has not been sent yet."""
LIVING: Final[tuple[EpisodeState, ...]] = ("open", "found")
"""Episodes that go on."""
ENDINGS: Final[Mapping[EpisodeState, Kind]] = {"found": "found", "returned": "returned", "retracted": "retraction"}


def overtaken(episode: "EpisodeRecord", notice: "NoticeRecord", others: "Iterable[NoticeRecord]") -> bool:
    """Whether the episode has ended since in a way that makes this notice pointless. What was decided with the ending
    or after it (the crime that a returned child tells of) is as good as any other news. ``others``: of the episode; by
    them only where the episode ended before it was kept with which revision, as it may be that nobody is told."""
    if not over(episode.state, notice.kind):
        return False
    if episode.ended_revision is not None:
        return notice.revision < episode.ended_revision
    ended = [other.revision for other in others if other.kind == ENDINGS[episode.state]]
    return notice.revision < min(ended, default=notice.revision + 1)


def over(state: EpisodeState, kind: Kind) -> bool:
    """Whether the episode has ended in a way that makes a notice of this kind pointless."""
    ending = ENDINGS.get(state)
    return ending is not None and kind in OVERTAKES[ending]
