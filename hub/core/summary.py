"""What the rules need to know of an episode besides the one at hand; also where the ledger's rows are not needed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

EpisodeState = Literal["awaited", "open", "found", "returned", "retracted"]
"""``awaited``: an event came for a reference that has not been reported yet, and is kept."""
MessageStatus = Literal["actual", "exercise", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeSummary:
    """An earlier or parallel episode of the same child, for counts and warnings."""

    id: str
    state: EpisodeState
    ever_missing: bool
    category: Literal["missing", "away"] | None
    status: MessageStatus
    since: datetime
