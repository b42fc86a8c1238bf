"""What the pick-up pages say where no code goes out, and the answers in the words of a parent or carer."""

from collections.abc import Mapping
from typing import Final

from hub.core.pickup import Refusal
from hub.service.answers import AnswerCode

FAMILY_CHOICES: Final[tuple[tuple[AnswerCode, str], ...]] = (
    ("accepted", "I have read this"),
    ("not_ours", "This is not about my child, or not meant for me"),
    ("redirected", "Somebody else should be told"),
)
"""In the words of a parent or carer."""
HEADINGS: Final[Mapping[Refusal, str]] = {
    "moment": "A code was sent a moment ago",
    "hour": "Too many codes have been asked for",
    "ever": "Too many codes have been asked for",
    "no_channel": "We cannot send you a code",
    "not_sent": "The code could not be sent",
}
LINES: Final[Mapping[Refusal, tuple[str, ...]]] = {
    "moment": ("It can take a minute to arrive. If it does not come, go back and ask for another one.",),
    "hour": ("Wait for an hour and try again. If you cannot wait, ring.",),
    "ever": ("No more codes are sent for this notice. Please ring instead.",),
    "no_channel": ("We hold no other telephone or mailbox of yours that a code could go to. Please ring instead.",),
    "not_sent": ("The fault is not yours. Go back and try again. If that does not work, please ring.",),
}
STATUS: Final[Mapping[Refusal, int]] = {"moment": 429, "hour": 429, "ever": 429, "no_channel": 409, "not_sent": 503}
AGAIN: Final[frozenset[Refusal]] = frozenset({"moment", "hour", "not_sent"})
"""Where it is worth while to try again."""
