"""What the page of the police's holds calls things."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from hub.core.holds import HELD_BACK, Act, Hold, HoldKind

CALLED: Final[Mapping[HoldKind, str]] = {
    "no_enquiries": "Make no enquiries",
    "no_questions": "Do not question the child",
}
HINTS: Final[Mapping[HoldKind, str]] = {
    "no_enquiries": "Nobody is reminded of the daily attempt to make contact, of visits to addresses, or of the record "
    "of searches.",
    "no_questions": "Nobody but the police is reminded of the return interview, or of the safe and well check.",
}


def held_view(holds: Iterable[Hold]) -> list[dict[str, Any]]:
    """What stands, as it is said to whoever was told."""
    return [{"since": one.since, "text": HELD_BACK[one.kind]} for one in holds]


def standing_view(holds: Iterable[Hold], organisation: str, called: Callable[[str], str]) -> list[dict[str, Any]]:
    """What stands, for the police: who holds on to it, and whether they do themselves."""
    return [
        {
            "kind": one.kind,
            "called": CALLED[one.kind],
            "since": one.since,
            "by": [_who(act, called) for act in one.by],
            "mine": one.of(organisation) is not None,
            "others": [_who(act, called) for act in one.by if act != one.of(organisation)],
        }
        for one in holds
    ]


def _who(act: Act, called: Callable[[str], str]) -> str:
    return called(act.organisation) + ("" if act.there is None else " (at the hub that sent this)")


def act_view(act: Act) -> dict[str, Any]:
    """One deed of the own force."""
    return {
        "at": act.at,
        "what": f"{'Set' if act.deed == 'set' else 'Lifted'}: {CALLED[act.kind].lower()}",
        "name": act.name,
        "reason": act.reason.split("\n") if act.reason else [],
        "review_at": act.review_at,
    }


def kinds(offered: Iterable[HoldKind], chosen: str) -> list[dict[str, Any]]:
    """Radios."""
    return [
        {"value": one, "text": CALLED[one], "hint": {"text": HINTS[one]}, "checked": one == chosen} for one in offered
    ]
