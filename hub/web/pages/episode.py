"""One episode as a page shows it: the picture of its course, who was told and why, who was not and why not.

The wall's page and the demonstration's are the same but for ``persons``: whoever sees no child's details is told rules,
clauses, roles, organisations and times; the demonstration, where everybody is made up, also names and facts.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from markupsafe import Markup

from hub.core.naming import role_label
from hub.picture.sheet import inline
from hub.service.explaining import Explained
from hub.web.pages.course import course_of
from routing.decision import Decision, Kind, Outcome
from routing.explain import Reason, Untold

OUTCOMES: Final[dict[Outcome, str]] = {
    "notify": "told",
    "withhold": "not told: withheld by a recorded decision",
    "hold": "not told yet: waiting for a decision",
    "gap": "nobody to tell: a gap",
    "suppress": "not told: the protocol says so",
}
WHYS: Final[dict[Kind, str]] = {
    "update": "Told before, and something that this role may see has changed",
    "found": "Everybody who was told hears the end, and whom the protocols name besides",
    "returned": "Everybody who was told hears the end, and whom the protocols name besides",
    "retraction": "Everybody who was told hears that it was a mistake",
    "renotification": "Six months on, everybody on the list is told again",
    "threshold": "A count that the protocols name is reached",
    "conversation": "Somebody wrote a message that is for them",
    "verification": "The hub tries its own ways out",
}
"""Why somebody hears a notice of this kind, without a fact of the child."""
REASONS: Final[dict[Reason, str]] = {
    "not_so": "What the rule asks for is not so",
    "asleep": "An option that is not turned on",
    "kept_back": "A stricter rule keeps it from them",
    "withheld": "Withheld by a recorded decision",
    "held": "Waits for a decision",
    "nobody": "Nobody who may be told holds this role",
    "since": "Holds now, and did not when the others were told",
    "category": "The rule is about the other category of absence",
    "later": "Not yet",
}
MOMENTS: Final = {"found": "when the child is found", "returned": "when the child is back"}


def values(explained: Explained, now: datetime, called: Callable[[str], str], *, persons: bool) -> dict[str, Any]:
    """What ``episode_parts.html`` needs. ``called``: what an organisation is called, by its code."""
    timeline = explained.timeline if persons else explained.timeline.in_clear
    decided = [(at, tuple(items)) for at, items in groupby(timeline.decided, key=lambda one: one.record.decision.at)]
    # Made here, of text that was escaped when it was put in.
    picture = Markup(inline(course_of(timeline, now, called, persons=persons)))  # noqa: S704  # ElementTree's  # nosec B704
    return {
        "timeline": timeline,
        "groups": decided,
        "outcomes": OUTCOMES,
        "why": lambda decision: why(decision, persons=persons),
        "picture": picture,
        "untold": [(one, why_not(one, persons=persons)) for one in explained.untold if one.reason != "asleep"],
        "asleep": [one for one in explained.untold if one.reason == "asleep"],
        "packs": explained.packs,
        "persons": persons,
        "called": called,
    }


def why(decision: Decision, *, persons: bool) -> str:
    """Why somebody was told, or not, in a sentence; the rules that go with it say the rest."""
    if persons:
        return decision.why.replace("_", " ")
    if decision.outcome == "gap":
        return f"Nobody could be reached: {decision.gap.replace('_', ' ')}"
    if decision.outcome != "notify":
        return ""  # the outcome says it
    if decision.duty is not None:
        return f"About the duty {role_label(decision.duty)}"
    return WHYS.get(decision.kind, "The protocols tell this role")


def why_not(one: Untold, *, persons: bool) -> str:
    """Why nobody was told by a row, in a sentence."""
    words = REASONS[one.reason]
    if one.reason == "later":
        words += f": {_moment(one.moment)}"
    return f"{words}. It asks for: {one.asks}" if persons and one.asks else words


def _moment(code: str) -> str:
    if code in MOMENTS:
        return MOMENTS[code]
    when, _, duty = code.partition(" ")
    about = role_label(duty)
    return f"when the duty {about} falls due" if when == "due" else f"if the duty {about} is not done in time"
