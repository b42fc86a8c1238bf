"""What an episode's end makes pointless to tell (readings.md D8)."""

from collections.abc import Mapping
from typing import Final

from hub.core.records import EpisodeState
from routing.decision import Kind

OVERTAKES: Final[Mapping[Kind, tuple[Kind, ...]]] = {
    "found": ("missing", "away", "concern", "update", "renotification", "message"),
    "returned": ("missing", "away", "concern", "update", "renotification", "message", "found"),
    "retraction": (
        "missing", "away", "concern", "update", "renotification", "message", "found", "returned", "threshold",
        "duty_due", "duty_overdue",
    ),
}  # fmt: skip
"""What an ending makes pointless to send, if it has not been sent yet."""
ENDINGS: Final[Mapping[EpisodeState, Kind]] = {"found": "found", "returned": "returned", "retracted": "retraction"}


def over(state: EpisodeState, kind: Kind) -> bool:
    """Whether the episode has ended in a way that makes a notice of this kind pointless."""
    ending = ENDINGS.get(state)
    return ending is not None and kind in OVERTAKES[ending]
