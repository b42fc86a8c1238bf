"""Proposals between organisations: every move by everybody in every state, what lapses, and what is wanted in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest

from hub.core.agreements import (
    KINDS,
    MOVES,
    SOONEST,
    Agreement,
    Answer,
    Refused,
    Said,
    in_the_way,
    lapses,
    move,
    seat_of,
    state_of,
    wrong_times,
)
from hub.core.conversation import PartyKey
from hub.core.summary import EpisodeState
from routing.decision import AgreementKind

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OURS: PartyKey = ("E09000006", "front_door")
HOST: PartyKey = ("E06000013", "front_door")
POLICE: PartyKey = ("E23000012", "missing_persons_unit")
SCHOOL: PartyKey = ("school:900001", "school_office")
STATES: tuple[EpisodeState, ...] = get_args(EpisodeState)


def proposal(*answers: Answer, kind: AgreementKind = "return_interview", **more: object) -> Agreement:
    made = Agreement(
        id="ag_1",
        episode="ep_1",
        thread="th_1",
        message="ms_1",
        kind=kind,
        does_it=HOST,
        deadline=NOW,
        proposer=OURS,
        asked=(HOST, POLICE),
        actor="user:us_1",
        proposed_at=NOW - timedelta(days=1),
        answers=answers,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def said(party: PartyKey, what: Said) -> Answer:
    return Answer(party=party, said=what, at=NOW, actor="user:us_2", message="ms_2")


STANDING = {
    "open": (proposal(), "open"),
    "one of two accepted": (proposal(said(HOST, "accepted")), "open"),
    "accepted": (proposal(said(HOST, "accepted"), said(POLICE, "accepted")), "accepted"),
    "declined": (proposal(said(POLICE, "declined")), "declined"),
    "declined by the other": (proposal(said(HOST, "accepted"), said(POLICE, "declined")), "declined"),
    "countered": (proposal(said(HOST, "countered")), "countered"),
    "withdrawn": (proposal(said(OURS, "withdrawn")), "withdrawn"),
    "withdrawn after one accepted": (proposal(said(HOST, "accepted"), said(OURS, "withdrawn")), "withdrawn"),
}


@pytest.mark.parametrize(("found", "party", "made"), list(product(STANDING, (OURS, HOST, POLICE, SCHOOL), MOVES)))
def test_every_move_by_everybody_in_every_state(found: str, party: PartyKey, made: str) -> None:
    agreement, state = STANDING[found]
    assert state_of(agreement, "found") == state
    came = move(agreement, made, party, "found")  # type: ignore[arg-type]
    if party == SCHOOL:
        assert came == Refused(why="not_asked", state=state)  # type: ignore[arg-type]
    elif state != "open":
        assert came == Refused(why="over", state=state), "what holds now is said"  # type: ignore[arg-type]
    elif made == "withdraw":
        assert came == ("withdrawn" if party == OURS else Refused(why="not_the_proposer", state="open"))
    elif party == OURS:
        assert came == Refused(why="not_asked", state="open"), "nobody answers what they proposed"
    elif party == HOST and found == "one of two accepted":
        assert came == Refused(why="accepted_already", state="open")
    else:
        assert came == {"accept": "accepted", "decline": "declined", "counter": "countered"}[made]


def test_what_the_episode_comes_to_ends_what_is_pointless_then_and_nothing_that_was_answered() -> None:
    for kind, state in product(KINDS, STATES):
        ends = state == "retracted" or (state == "returned" and kind == "collection")
        assert state_of(proposal(kind=kind), state) == ("ended" if ends else "open"), (kind, state)
        answered = proposal(said(HOST, "accepted"), said(POLICE, "accepted"), kind=kind)
        assert state_of(answered, state) == "accepted"
        if ends:
            assert move(proposal(kind=kind), "accept", HOST, state) == Refused(why="over", state="ended")


def test_what_is_open_at_its_deadline_lapses_once_and_is_answered_all_the_same() -> None:
    second = timedelta(seconds=1)
    assert not lapses(proposal(), "open", NOW - second)
    assert lapses(proposal(), "open", NOW)
    assert lapses(proposal(said(HOST, "accepted")), "open", NOW), "the other was asked too"
    late = proposal(lapsed_at=NOW)
    assert not lapses(late, "open", NOW + second)
    assert state_of(late, "open") == "open" and move(late, "accept", HOST, "open") == "accepted"
    assert not lapses(proposal(said(HOST, "declined")), "open", NOW)
    assert not lapses(proposal(), "retracted", NOW)


def test_an_open_one_of_the_same_kind_between_two_of_these_is_in_the_way_of_another() -> None:
    first = proposal()
    assert in_the_way([first], "return_interview", HOST, (OURS,), "found") is first, "proposed at once by the other"
    assert in_the_way([first], "return_interview", HOST, (SCHOOL,), "found") is None
    assert in_the_way([first], "return_interview", SCHOOL, (HOST, OURS), "found") is None, "they know nothing of it"
    assert in_the_way([first], "lead", HOST, (OURS,), "found") is None
    over = proposal(said(HOST, "declined"))
    assert in_the_way([over], "return_interview", HOST, (OURS,), "found") is None


def test_what_a_party_is_in_it() -> None:
    half = proposal(said(HOST, "accepted"))
    assert [seat_of(half, one) for one in (OURS, HOST, POLICE, SCHOOL)] == ["proposer", "accepted", "asked", "nobody"]
    assert half.parties == (OURS, HOST, POLICE) and half.waits_for == (POLICE,)


def test_an_answer_is_wanted_neither_at_once_nor_in_a_month_and_nothing_is_agreed_for_the_past() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    minute, least = timedelta(minutes=1), timedelta(microseconds=1)
    assert wrong_times(NOW, NOW + 15 * minute - minute, None) == (), "typed in whole minutes, a form is sent later"
    assert wrong_times(NOW, NOW + day, NOW + least) == wrong_times(NOW, NOW + day, NOW + 183 * day) == ()
    assert wrong_times(NOW, NOW + 14 * day, NOW + hour) == ()
    for deadline, when, wrong in (
        (NOW + SOONEST - minute - least, None, ["deadline"]),
        (NOW + 14 * day + least, None, ["deadline"]),
        (NOW + day, NOW, ["when"]),
        (NOW + day, NOW + 183 * day + least, ["when"]),
        (NOW - day, NOW + 200 * day, ["deadline", "when"]),
    ):
        assert [name for name, _ in wrong_times(NOW, deadline, when)] == wrong
