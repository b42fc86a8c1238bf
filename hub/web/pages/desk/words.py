"""What the pages of the desk call things."""

from collections.abc import Mapping
from typing import Any, Final

from contacts.roles import desk_of
from hub.core.desk import EVERY_DESK, Filed, Standing, Which
from hub.core.records import EpisodeState
from hub.service.answers import AnswerCode
from hub.service.desk.lists import MANY, Row
from hub.service.desk.readers import Choice
from hub.web.pages.acknowledge import KINDS
from hub.web.pages.directory.words import desk_words
from routing.recipients import in_words

TABS: Final[Mapping[Which, str]] = {"new": "New", "unanswered": "Not answered yet", "all": "All"}
EMPTY: Final[Mapping[Which, str]] = {
    "new": "Nothing new: somebody has opened every notice to your desks of the last month.",
    "unanswered": "Every notice to your desks has been answered, of the last month and of every child still missing.",
    "all": "No notice has been sent to your desks yet. They appear here as soon as they are made.",
}
STANDINGS: Final[Mapping[Standing, tuple[str, str]]] = {
    "new": ("New", "govuk-tag--blue"),
    "opened": ("Not answered", "govuk-tag--yellow"),
    "accepted": ("Accepted", "govuk-tag--green"),
    "declined": ("Not accepted", "govuk-tag--orange"),
    "over": ("Not current", "govuk-tag--grey"),
}
"""Words and colour of a tag."""
EPISODES: Final[Mapping[EpisodeState, str]] = {
    "awaited": "The report has not come yet.",
    "open": "The child has not been found yet.",
    "found": "The child has been found.",
    "returned": "The child is back.",
    "retracted": "The report was taken back: there was no such absence.",
}
ANSWERS: Final[Mapping[AnswerCode, str]] = {
    "accepted": "Accepted",
    "not_ours": "Not for us",
    "redirected": "Passed on",
}
ACCEPTING: Final[tuple[AnswerCode, str]] = ("accepted", "We are acting on it")
DECLINING: Final[tuple[tuple[AnswerCode, str], ...]] = (
    ("not_ours", "This is not for us"),
    ("redirected", "I passed it on to somebody else"),
)
URGENT: Final = frozenset({"immediate", "high"})


def counted(number: int) -> str:
    """``7``, ``99+``."""
    return str(number) if number < MANY else f"{MANY - 1}+"


def row_view(row: Row) -> dict[str, Any]:
    """One line of a list."""
    return {**filed_view(row.filed), "child": row.child}


def filed_view(filed: Filed) -> dict[str, Any]:
    """One notice, without what it says."""
    notice = filed.notice
    words, tag = STANDINGS[filed.standing]
    return {
        "id": notice.id,
        "kind": KINDS[notice.kind],
        "reference": notice.reference,
        "at": notice.created_at,
        "desk": _desk(filed),
        "urgent": notice.priority in URGENT and filed.standing in ("new", "opened"),
        "status": notice.status,
        "state": words,
        "tag": tag,
    }


def _desk(filed: Filed) -> str:
    """A gap's notice is read by the fallback desk, in the place of whom nobody could reach."""
    notice = filed.notice
    if notice.gap_role is not None:
        return f"In place of {in_words(notice.gap_role)}"
    return desk_words(desk_of(notice.roles[0]))


def desk_choices(choice: Choice) -> list[dict[str, Any]]:
    """Tick boxes: every desk, or some."""
    found: list[dict[str, Any]] = [
        {
            "value": EVERY_DESK,
            "text": "Every desk",
            "hint": {"text": "Those of today, and any that are added later."},
            "checked": EVERY_DESK in choice.desks,
        }
    ]
    if choice.offered:
        found.append({"divider": "or"})
    found += [{"value": one, "text": desk_words(one), "checked": one in choice.desks} for one in choice.offered]
    return found
