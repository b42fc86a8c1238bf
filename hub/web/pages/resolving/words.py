"""What the pages of resolutions call things."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from hub.core.naming import role_label
from hub.core.resolution import Problem, Resolution, State, Step, StepKind

Called = Callable[[str], str]
"""What an organisation is called, by its code."""
STATES: Final[Mapping[State, tuple[str, str]]] = {
    "open": ("Somebody has to choose", "govuk-tag--red"),
    "asked": ("Waiting for an answer", "govuk-tag--yellow"),
    "settled": ("Somebody has accepted", "govuk-tag--green"),
    "ended": ("Over", "govuk-tag--grey"),
}
"""Words, and how the tag looks."""
_DEEDS: Final[Mapping[StepKind, str]] = {
    "said": "said that it is not theirs",
    "asked": "was asked",
    "sent_back": "was asked again",
    "moved": "is who the case system names now",
    "accepted": "accepted",
    "released": "is not chased any more about this notice",
    "late": "let the time to choose pass, and was told again",
    "looped": "It goes round in a circle: the leads of all who said that it is not theirs, and whoever runs this hub,"
    " were told",
    "ended": "The report was retracted, or the record erased",
}
PROBLEMS: Final[Mapping[Problem, str]] = {
    "over": "Nothing is left to choose: see below what has happened",
    "organisation": "Choose an organisation from the list",
    "waiting": "They have been asked and have not answered: choose another, or wait",
}


def resolution_view(one: Resolution, called: Called, now: datetime) -> dict[str, Any]:
    """One in a list, or at the head of its page; no names."""
    words, look = STATES[one.state]
    return {
        "id": one.id,
        "roles": " and ".join(role_label(role) for role in one.roles),
        "state": words,
        "look": look,
        "owner": called(one.organisation),
        "said": [called(code) for code in one.said],
        "waiting": [called(code) for code in one.outstanding],
        "settled_by": None if one.settled_by is None else called(one.settled_by),
        "loop": [called(code) for code in one.looping],
        "opened_at": one.opened_at,
        "due_at": one.due_at,
        "late": one.late > 0 or (one.due_at is not None and one.due_at <= now),
    }


def step_view(step: Step, called: Called) -> dict[str, Any]:
    """One thing that happened; ``name`` and ``text`` are personal, and None for whoever may not see them."""
    who = "" if step.organisation is None else called(step.organisation)
    passed = step.answer == "redirected"
    return {
        "at": step.at,
        "words": f"{who} {_DEEDS[step.kind]}".strip() + (", and that they passed it on" if passed else ""),
        "name": step.name,
        "text": step.text,
        "typed": passed,
    }


def offered_view(codes: Iterable[str], said: Iterable[str], called: Called, chosen: str) -> list[dict[str, Any]]:
    """Options by name, those that have said that it is not theirs marked."""
    back = frozenset(said)
    named = sorted((called(code), code) for code in codes)
    items = [
        {
            "value": code,
            "text": f"{name} (said that it is not theirs: send it back)" if code in back else name,
            "selected": code == chosen,
        }
        for name, code in named
    ]
    return [{"value": "", "text": "Choose", "selected": not chosen}, *items]
