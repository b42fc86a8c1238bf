"""Stories of one episode, for tests of what holds whatever happens: valid events, each with its arrival."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.kit.events import (
    BROMLEY,
    DROP,
    LEEDS,
    NORTH_LINCOLNSHIRE,
    duty_completed,
    found,
    reported,
    retracted,
    returned,
    updated,
)

AUTHORITIES = st.sampled_from([BROMLEY, NORTH_LINCOLNSHIRE, LEEDS, "E10000012", "E06000065", "E09000007"])
PARENT = {"role": "parent", "name": "Sam Example", "email": "sam@family.example"}
DECISIONS: dict[str, dict[str, Any]] = {
    "notify": {"decision": "notify"},
    "undecided": {"decision": "undecided"},
    "withhold": {"decision": "withhold", "reason": "unsafe", "decided_by": "Jo Worker"},
}
PEOPLE = st.sampled_from([[], *([{**PARENT, "notify": decision}] for decision in DECISIONS.values())])
CODES = st.sampled_from(
    ["daily_contact", "police_update", "strategy_discussion", "return_interview", "safe_and_well_check", "mash_notice",
     "missing_from_care_review", "return_interview_offer", "review_discussion"]
)  # fmt: skip
STARTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))
STEPS = st.one_of(st.timedeltas(timedelta(), timedelta(hours=30)), st.timedeltas(timedelta(), timedelta(days=40)))
DELAYS = st.one_of(st.just(timedelta()), st.timedeltas(timedelta(), timedelta(days=9)))
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "episode": st.fixed_dictionaries(
            {},
            optional={
                "trafficking_suspected": st.booleans(),
                "at_risk": st.booleans(),
                "risk": st.fixed_dictionaries({"level": st.sampled_from(["high", "low", None])}),
            },
        ),
        "child": st.fixed_dictionaries(
            {},
            optional={
                "child_protection_plan": st.booleans(),
                "subject_to_immigration_restriction": st.booleans(),
                "medical": st.sampled_from(["Asthma", None]),
            },
        ),
        "placement": st.fixed_dictionaries(
            {},
            optional={
                "host_authority": AUTHORITIES,
                "responsible_authority": AUTHORITIES,
                "type": st.sampled_from(["childrens_home", "foster_care", "with_parents"]),
            },
        ),
        "people": PEOPLE,
    },
)
CATEGORIES = st.sampled_from(
    [
        {},
        {"category": "missing", "whereabouts_known": False},
        {"category": "away", "whereabouts_known": True},
        {"category": "away", "whereabouts_known": False},
    ]
)


@st.composite
def events(draw: st.DrawFn) -> list[tuple[dict[str, Any], datetime]]:
    """A report and what follows it, each with its arrival; times go on, arrivals are late now and then."""
    time = draw(STARTS)

    def envelope(identity: str) -> dict[str, Any]:
        return {"id": identity, "time": time.isoformat()}

    placement = {"host_authority": draw(AUTHORITIES), "responsible_authority": draw(AUTHORITIES)}
    born = draw(st.dates(datetime(2007, 6, 1).date(), datetime(2024, 1, 1).date())).isoformat()
    category = draw(CATEGORIES)
    since = (time - draw(st.timedeltas(timedelta(), timedelta(hours=20)))).isoformat()
    first = reported(
        **envelope("E0"),
        placement=placement,
        people=draw(PEOPLE),
        child={"date_of_birth": born, "looked_after": draw(st.booleans())},
        episode={"since": since, **category},
    )
    result = [(first, time + draw(DELAYS))]
    for n in range(draw(st.integers(0, 5))):
        time += draw(STEPS)
        match draw(
            st.sampled_from(["update", "update", "flip", "done", "circulate", "found", "returned", "retracted"])
        ):
            case "update":
                event = updated(**envelope(f"U{n}"), **draw(CHANGES))
            case "flip":
                event = updated(**envelope(f"U{n}"), episode=draw(CATEGORIES))
            case "done":
                outcome = draw(st.sampled_from(["held", "declined", "done", "not_required"]))
                event = duty_completed(draw(CODES), outcome, **envelope(f"D{n}"), at=DROP)
            case "circulate":
                event = duty_completed("strategy_discussion", circulate=["london"], **envelope(f"D{n}"), at=DROP)
            case "found":
                event = found(**envelope(f"F{n}"), found={"at": DROP})
            case "returned":
                event = returned(**envelope(f"R{n}"), returned={"at": DROP})
            case _:
                event = retracted(**envelope(f"X{n}"))
        result.append((event, max(result[-1][1], time) + draw(DELAYS)))
    return result
