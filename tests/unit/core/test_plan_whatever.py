"""Whatever comes in whatever order: who is told of it, and the state of an episode after it (readings.md A3, A4)."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.course import Outcome
from hub.core.events import instant, instant_text
from routing.decision import Recipient
from routing.needtoknow import COLUMNS
from routing.recipients import key_of
from routing.standing import desk_key
from tests.kit.engine import REMINDERS, Engine
from tests.kit.events import (
    BROMLEY,
    DROP,
    LEEDS,
    NORTH_LINCOLNSHIRE,
    duty_completed,
    found,
    merged,
    reported,
    retracted,
    returned,
    updated,
)

START = instant("2026-03-01T12:00:00Z")
PLACES = st.sampled_from([LEEDS, BROMLEY, NORTH_LINCOLNSHIRE, "E10000012", "E09000007"])
TYPES = st.sampled_from(["foster_care", "family_home", "childrens_home"])
DECISIONS = st.sampled_from(["notify", "withhold", "undecided", None])
FLAGS = st.booleans()
WITHHELD = {"reason": "risk", "decided_by": "Jo Worker"}


@st.composite
def persons(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One or two parents, perhaps suspected, perhaps without address; a carer who may bear a parent's name."""
    listed: list[dict[str, Any]] = []
    for name in draw(st.lists(st.sampled_from(["Sam Example", "Pat Example"]), unique=True, max_size=2)):
        person: dict[str, Any] = {"role": "parent", "name": name}
        if draw(FLAGS):
            person["email"] = "parent@family.example"
        if (decision := draw(DECISIONS)) is not None:
            person["notify"] = {"decision": decision, **WITHHELD}
        if draw(st.integers(0, 5)) == 0:
            person["suspected_abductor"] = True
        listed.append(person)
    if draw(FLAGS):
        carer = draw(st.sampled_from(["Chris Carer", "Sam Example"]))
        listed.append({"role": "carer", "name": carer, "phone": "+447700900100"})
    return listed


@st.composite
def episodes_facts(draw: st.DrawFn) -> dict[str, Any]:
    """Some facts of the kind that make people entitled."""
    facts: dict[str, Any] = {}
    if draw(FLAGS):
        facts["risk"] = {"level": draw(st.sampled_from(["high", "medium", None]))}
    for flag in ("at_risk", "trafficking_suspected", "abduction_suspected"):
        if draw(st.integers(0, 3)) == 0:
            facts[flag] = draw(FLAGS)
    if draw(FLAGS):
        facts["last_seen"] = {"place": draw(st.sampled_from(["Example Street", "Example Lane"]))}
    return facts


@st.composite
def reports(draw: st.DrawFn) -> dict[str, Any]:
    category = draw(st.sampled_from(["missing", "away"]))
    known = {"whereabouts_known": False} if draw(FLAGS) else {}
    flags = ("looked_after", "child_protection_plan", "care_leaver", "subject_to_immigration_restriction")
    child: dict[str, Any] = {**{flag: draw(FLAGS) for flag in flags}, "previous_episodes": draw(st.integers(0, 2))}
    place = {"type": draw(TYPES), "host_authority": draw(PLACES), "responsible_authority": draw(PLACES)}
    episode = {"category": category, "since": instant_text(START), "risk": DROP, **known, **draw(episodes_facts())}
    return reported(id="E", episode=episode, child=child, placement=place, people=draw(persons()))


@st.composite
def updates(draw: st.DrawFn) -> dict[str, Any]:
    changes: dict[str, Any] = {"episode": draw(episodes_facts())}
    if draw(st.integers(0, 2)) == 0:
        changes["episode"]["category"] = draw(st.sampled_from(["missing", "away"]))
    if draw(st.integers(0, 2)) == 0:
        changes["episode"]["whereabouts_known"] = draw(FLAGS)
    if changes["episode"].get("category") == "missing":
        changes["episode"].pop("whereabouts_known", None)
    if draw(FLAGS):
        changes["people"] = draw(persons())
    if draw(st.integers(0, 2)) == 0:
        changes["placement"] = {"host_authority": draw(PLACES), "type": draw(TYPES)}
    if draw(st.integers(0, 2)) == 0:
        changes["child"] = {"looked_after": draw(FLAGS), "child_protection_plan": draw(FLAGS)}
    return updated(**changes)


@st.composite
def ends(draw: st.DrawFn) -> dict[str, Any]:
    match draw(st.integers(0, 4)):
        case 0 | 1:
            return found(found={"safe": draw(FLAGS), "location_may_be_shared": draw(FLAGS), "at": DROP})
        case 2 | 3:
            by = draw(st.sampled_from(["police", "carer", "self"]))
            return returned(returned={"brought_by": by, "harm_suspected": draw(FLAGS), "at": DROP})
        case _:
            return retracted()


def completions() -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(["strategy_discussion", "daily_contact", "return_interview"]).map(
        lambda code: duty_completed(code, at=DROP, **({"circulate": ["london"]} if "strategy" in code else {}))
    )


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[dict[str, Any], int]]:
    """Events with the minutes they happened at, in the order of their arrival, some of them twice."""
    others = draw(st.lists(st.one_of(updates(), updates(), ends(), completions()), max_size=7))
    minutes = draw(st.lists(st.integers(-30, 4000), min_size=len(others), max_size=len(others)))
    numbered = [(merged(e, {"id": f"N{i}"}), m) for i, (e, m) in enumerate(zip(others, minutes, strict=True))]
    history = draw(st.permutations([(draw(reports()), 0), *numbered]))
    again = draw(st.lists(st.sampled_from(history), max_size=2))
    return [(merged(event, {"time": _at(minute)}), minute) for event, minute in [*history, *again]]


def _at(minute: int) -> str:
    return instant_text(START + timedelta(minutes=minute))


def _played(history: list[tuple[dict[str, Any], int]]) -> Engine:
    engine = Engine()
    for event, minute in history:
        engine.post(event, at=_at(max(minute, 0)))
    engine.run(_at(10 * 24 * 60))
    return engine


@settings(max_examples=40)
@given(histories())
def test_whatever_comes_in_whatever_order(history: list[tuple[dict[str, Any], int]]) -> None:
    engine = _played(history)
    told: dict[Any, Recipient] = {}
    over = False
    for index, outcome in enumerate(engine.outcomes):
        _nobody_hears_missing_after_the_end(outcome, engine.outcomes[index + 1 :], over)
        _nobody_withheld_is_told(outcome)
        _nobody_sees_more_than_they_may(outcome)
        _everyone_told_hears_the_end(outcome, told)
        for decision in outcome.decisions:
            assert decision.rules and decision.why
            assert not any(name in decision.why for name in ("Sam", "Pat", "Chris", "Robin", "Example"))
            if decision.outcome in ("notify", "gap") and decision.kind not in REMINDERS:
                told |= {key_of(recipient): recipient for recipient in decision.recipients}
        over = over or outcome.episode.state in ("returned", "retracted")
    assert _played(history).decisions == engine.decisions


def _nobody_hears_missing_after_the_end(outcome: Outcome, following: list[Outcome], over: bool) -> None:
    missing = [d for d in outcome.decisions if d.kind == "missing" and d.outcome in ("notify", "gap")]
    assert not (missing and (over or outcome.episode.state != "open"))
    if missing and outcome.event is not None and outcome.event.kind == "episode.reported":
        at = missing[0].at
        together = [o for o in following if o.event is not None and all(d.at == at for d in o.decisions)]
        kept = [o for o in together if o.ending in ("returned", "retraction") and o.decisions]
        assert all(o.event is not None and o.event.time >= outcome.event.time for o in kept)


def _nobody_withheld_is_told(outcome: Outcome) -> None:
    people = outcome.episode.memory.persons.values()
    kept_from = {
        p["name"] for p in people if p["role"] == "parent"
        and (p.get("suspected_abductor") or (p.get("notify") or {}).get("decision") == "withhold")
    }  # fmt: skip
    for decision in outcome.decisions:
        if decision.outcome in ("notify", "gap"):
            assert not {r.person for r in decision.recipients if r.role in ("parent", "carer")} & kept_from


LOCATIONS = {"episode.last_seen.place", "episode.missing_from", "episode.missing_from_authority", "placement.address",
             "placement.provider", "placement.phone", "placement.host_authority", "found.place"}  # fmt: skip
LOCATION_ROLES = {"police", "police_missing_from", "police_responsible", "responsible_authority", "host_authority",
                  "social_worker", "home_office"}  # fmt: skip


def _nobody_sees_more_than_they_may(outcome: Outcome) -> None:
    facts = outcome.episode.doc.get("episode", {})
    for decision in outcome.decisions:
        allowed = frozenset[str]().union(*(COLUMNS[role] for role in decision.roles))
        assert set(decision.fields) <= allowed
        if facts.get("trafficking_suspected") and not LOCATION_ROLES & set(decision.roles):
            assert not LOCATIONS & set(decision.fields)
        if decision.outcome not in ("notify", "gap"):
            assert decision.fields == ()


def _everyone_told_hears_the_end(outcome: Outcome, told: dict[Any, Recipient]) -> None:
    if outcome.ending is None:
        return
    heard = {key_of(r) for d in outcome.decisions if d.kind == outcome.ending for r in d.recipients}
    named = {key_of(r) for d in outcome.decisions for r in d.recipients}
    held_back = ("hold", "withhold")
    for key, recipient in told.items():
        if key in heard:
            continue
        if recipient.role == "parent":
            assert _outcome_of(outcome, str(recipient.person)) in held_back
        else:
            assert outcome.ending == "returned" and _brought_back_by(outcome, recipient), (key, named)


def _outcome_of(outcome: Outcome, name: str) -> str:
    """What the last word about a parent means now, worked out without the engine."""
    person = outcome.episode.memory.persons[f"parent/{name}"]
    decision = (person.get("notify") or {}).get("decision") or "undecided"
    if person.get("suspected_abductor") or decision == "withhold":
        return "withhold"
    looked_after = outcome.episode.doc["child"].get("looked_after")
    return "hold" if decision == "undecided" and looked_after else "notify"


def _brought_back_by(outcome: Outcome, recipient: Recipient) -> bool:
    if outcome.episode.doc["returned"].get("brought_by") != "police":
        return False
    forces = [d.recipients[0] for d in outcome.decisions if "police" in d.roles and d.kind == "returned"]
    return "police" in recipient.role and desk_key(recipient) not in map(desk_key, forces)


@st.composite
def natural(draw: st.DrawFn) -> tuple[list[dict[str, Any]], str]:
    """Report, updates, found, then returned or retracted, each later than the last, in any order of arrival."""
    changes = [{"category": "away"}, {"category": "missing"}, {"clothing": "Red"}, {"risk": {"level": "high"}}]
    middle = draw(st.lists(st.sampled_from(changes).map(lambda c: updated(episode=c)), max_size=3))
    finds = [found()] if draw(FLAGS) else []
    last = (
        draw(st.sampled_from([returned(), retracted(), None]))
        if finds
        else draw(st.sampled_from([returned(), retracted()]))
    )
    events = [reported(), *middle, *finds, *([last] if last else [])]
    dated = [merged(e, {"id": f"N{i}", "time": _at(10 * i)}) for i, e in enumerate(events)]
    state = (last or finds[0])["type"].split(".")[2]
    return draw(st.permutations(dated)), state


@settings(max_examples=30)
@given(natural())
def test_the_state_of_a_natural_history_does_not_depend_on_the_order_of_arrival(
    case: tuple[list[dict[str, Any]], str],
) -> None:
    events, state = case
    engine = Engine()
    for event in events:
        engine.post(event, at="2026-03-02T12:00:00Z")
    assert engine.episode().state == state
    assert not engine.refused
