"""Whose a child is, once somebody has said that it is not theirs: every step from every state, every short course."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, get_args

import pytest

from hub.core.escalation import LONGEST_PAUSE, MOST_REPEATS
from hub.core.records import NoticeRecord, NoticeState
from hub.core.resolution import (
    ASKED,
    NOT_ABOUT_IT,
    STATES,
    STEPS,
    Resolution,
    State,
    Step,
    StepKind,
    accepts,
    asking,
    belongs,
    choice_problem,
    moved_to,
    opens,
    owner,
    released,
    stepped,
)
from routing.decision import Kind
from tests.kit.clock import START

A, B, C = "E09000006", "E09000008", "E10000016"
WAIT = timedelta(minutes=30)
ROLE = "host_authority"


def notice(**more: Any) -> NoticeRecord:
    values: dict[str, Any] = {
        "id": "nt_1", "reference": "FP-AAAA-BBBB", "decision": "dc_1", "episode": "ep_1", "revision": 1,
        "kind": "missing", "priority": "high", "roles": (ROLE,), "organisation": A, "state": "unresolved",
        "created_at": START, "state_at": START, "chase_at": START,
    }  # fmt: skip
    return NoticeRecord(**values | more)


def fresh(**more: Any) -> Resolution:
    values: dict[str, Any] = {
        "id": "rs_1", "episode": "ep_1", "roles": (ROLE,), "organisation": C, "desk": "front_door",
        "opened_at": START, "revision": 1,
    }  # fmt: skip
    return Resolution(**values | more)


def course(*steps: tuple[StepKind, str | None], start: Resolution | None = None) -> Resolution:
    found = start or fresh()
    for number, (kind, organisation) in enumerate(steps):
        at = START + timedelta(minutes=number)
        step = Step(id=f"rp_{len(found.steps)}", at=at, kind=kind, organisation=organisation)
        found = stepped(found, step, wait=WAIT)
    return found


IN: dict[State, Resolution] = {
    "open": course(("said", A)),
    "asked": course(("said", A), ("asked", B)),
    "settled": course(("said", A), ("asked", B), ("accepted", B)),
    "ended": course(("said", A), ("ended", None)),
}
AFTER: dict[State, dict[StepKind, State]] = {
    "open": {"asked": "asked", "sent_back": "asked", "moved": "asked", "accepted": "settled", "ended": "ended"},
    "asked": {"said": "open", "accepted": "settled", "ended": "ended"},
    "settled": {"said": "open", "ended": "ended"},
    "ended": {},
}
"""Where a step of B's leads; where it stands in no row it changes nothing."""


@pytest.mark.parametrize(("state", "kind"), list(product(STATES, STEPS)))
def test_every_step_from_every_state(state: State, kind: StepKind) -> None:
    before = IN[state]
    assert before.state == state
    after = course((kind, B), start=before)
    assert after.state == AFTER[state].get(kind, state)
    assert after.steps[:-1] == before.steps, "what happened stays"


def test_every_course_of_four_steps_keeps_what_must_hold() -> None:
    moves: list[tuple[StepKind, str | None]] = [("ended", None), ("late", None), ("looped", None)]
    moves += list(product(("said", "asked", "sent_back", "moved", "accepted"), (A, B)))
    for some in product(moves, repeat=4):
        found = course(("said", A), *some)
        ended = ("ended", None) in some
        assert (found.state == "ended") == ended, some
        assert (found.due_at is not None) == (found.state == "open"), some
        assert (found.settled_by is not None) == (found.state == "settled") or ended, some
        if not ended:
            assert (found.state == "settled") == bool(found.holders), some
            assert found.settled_by in (*found.holders[:1], None), some
        if found.state == "open" and not ended:
            assert not found.outstanding or "accepted" in [kind for kind, _ in some], some
        assert A in found.parties and A in found.said


def test_whoever_waits_for_two_is_not_asked_again_when_one_declines() -> None:
    both = course(("said", A), ("asked", B), ("asked", C))
    assert both.outstanding == (B, C)
    assert course(("said", B), start=both).state == "asked"
    assert course(("said", B), ("said", C), start=both).state == "open"


def test_a_second_who_accepts_takes_it_from_nobody_and_what_others_say_then_reopens_nothing() -> None:
    settled = course(("said", A), ("asked", B), ("asked", C), ("accepted", B), ("accepted", C))
    assert (settled.state, settled.settled_by) == ("settled", B)
    assert course(("said", C), start=settled).settled_by == B
    assert course(("said", B), start=settled).settled_by == C, "the other still has it"
    again = course(("said", B), ("said", C), start=settled)
    assert (again.state, again.settled_by) == ("open", None)


def test_an_owner_who_lets_the_time_pass_is_given_longer_each_time_and_in_the_end_no_more() -> None:
    found = IN["open"]
    assert found.due_at == START + WAIT
    for number in range(1, MOST_REPEATS + 1):
        found = course(("late", None), start=found)
        assert found.late == number
        if number < MOST_REPEATS:
            assert found.due_at == START + min(WAIT * 2**number, LONGEST_PAUSE)
    assert found.due_at is None and found.state == "open"
    assert course(("said", A), ("said", A)).due_at == START + WAIT, "nobody gets more time by saying it again"
    assert course(("asked", B), ("said", B), start=found).late == 0, "what is theirs to choose anew has its own time"


def test_a_loop_is_one_who_says_it_again_after_it_came_back() -> None:
    assert course(("said", A), ("asked", B), ("said", B)).looping == ()
    assert course(("said", A), ("said", A)).looping == (), "twice without anybody having sent it back"
    back = course(("said", A), ("asked", B), ("said", B), ("sent_back", A))
    assert back.looping == ()
    assert course(("said", A), start=back).looping == (A, B)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_only_what_is_about_the_child_opens_one(kind: Kind) -> None:
    assert opens(notice(kind=kind), {A}) == (kind not in NOT_ABOUT_IT)


@pytest.mark.parametrize(
    ("more", "named", "expected"),
    [
        ({}, {A}, True),
        ({}, {B}, False),
        ({}, {None}, True),
        ({"person": "Sam", "organisation": None, "roles": ("parent",)}, {None}, False),
        ({"person": "Sam", "roles": ("social_worker",)}, {A}, False),
        ({"gap_role": "police"}, {A}, False),
        ({"organisation": None}, {A}, False),
        ({"organisation": "operator"}, {"operator"}, False),
        ({"organisation": "home-office", "roles": ("home_office",)}, {"home-office"}, False),
        ({"roles": ("circulation:london",)}, {None}, False),
        ({"roles": ("police",), "organisation": "metropolitan"}, {"metropolitan"}, True),
        ({"roles": ("school",), "organisation": "school:100000"}, {"school:100000"}, True),
        ({"roles": ("school",), "organisation": "school"}, {"school"}, False),
    ],
)  # fmt: skip
def test_who_can_leave_it_open_whose_it_is(more: dict[str, Any], named: set[str | None], expected: bool) -> None:
    assert opens(notice(**more), named) is expected


def test_who_knows_the_placement_owns_it_unless_they_said_it_is_not_theirs() -> None:
    assert owner((A, B, C), ()) == A
    assert owner((None, A, "operator", B), (A,)) == B
    assert owner((A, None, A), (A,)) is None


def test_facts_that_name_another_move_it_and_those_that_name_the_same_do_not() -> None:
    for state, found in IN.items():
        assert moved_to(found, (A, None)) == ()
        assert moved_to(found, (C, C, None)) == ((C,) if state in ("open", "asked") else ())


@pytest.mark.parametrize("state", get_args(NoticeState))
def test_an_acceptance_ends_the_chases_of_its_own_question_and_of_no_other(state: NoticeState) -> None:
    found = IN["asked"]
    some = [
        notice(id="theirs", state=state),
        notice(id="mine", organisation=B),
        notice(id="stranger", organisation=C),
        notice(id="other role", roles=("school",)),
        notice(id="stands in", gap_role=ROLE),
        notice(id="written", kind="conversation"),
        notice(id="not chased", chase_at=None),
        notice(id="two roles", roles=("responsible_authority", ROLE)),
    ]
    left = () if state == "acknowledged" else ("theirs",)
    assert released(found, some, B) == left, "whoever has another role besides is asked on in that (D13)"


def test_what_was_accepted_before_it_was_asked_answers_nothing() -> None:
    found = IN["asked"]
    asked_at = next(one.at for one in found.steps if one.kind in ASKED)
    assert accepts(found, notice(organisation=B, created_at=asked_at), ())
    assert not accepts(found, notice(organisation=B, created_at=asked_at - timedelta(seconds=1)), ())
    assert not accepts(found, notice(organisation=C), ())
    assert not accepts(found, notice(organisation=B, kind="conversation"), ())
    assert accepts(found, notice(), ()), "the first may find that it is theirs after all"
    declined = replace(found, steps=(replace(found.steps[0], notice="nt_1"), *found.steps[1:]))
    back = course(("sent_back", A), start=declined)
    earlier = notice(id="nt_2", created_at=START - timedelta(hours=1))
    assert accepts(back, notice(), ()) and not accepts(back, earlier, ())
    assert belongs(back, earlier)


@pytest.mark.parametrize(("revision", "counts"), [(1, False), (2, False), (3, True)])
def test_what_came_after_it_was_asked_is_told_by_the_facts_where_the_clock_was_set_back(
    revision: int, counts: bool
) -> None:
    asked = notice(id="nt_asked", organisation=B, revision=2, created_at=START + WAIT)
    steps = [replace(one, notice=asked.id) if one.kind in ASKED else one for one in IN["asked"].steps]
    found = replace(IN["asked"], steps=tuple(steps))
    one = notice(id="nt_2", organisation=B, revision=revision, created_at=START - timedelta(hours=1))
    assert accepts(found, one, [asked, one]) is counts
    assert accepts(found, asked, [asked, one])


def test_whom_the_facts_have_come_to_name_was_told_before_that_was_seen() -> None:
    moved = course(("said", A), ("moved", B))
    assert accepts(moved, notice(organisation=B, created_at=START - timedelta(seconds=5)), ())


def test_only_a_desk_that_is_known_and_owes_no_answer_can_be_asked() -> None:
    for state, found in IN.items():
        over = state in ("settled", "ended")
        assert choice_problem(found, C, {A, B, C}) == ("over" if over else None)
        assert choice_problem(found, "Bromley, I think", {A, B, C}) == ("over" if over else "organisation")
    assert choice_problem(IN["asked"], B, {A, B, C}) == "waiting"
    assert (asking(IN["asked"], A), asking(IN["asked"], C)) == ("sent_back", "asked")
