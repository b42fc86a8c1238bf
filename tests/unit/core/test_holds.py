"""What the police ask: which of it stands, what it pauses, and who is asked whether it still holds."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations, product
from typing import Any, get_args

import pytest

from contacts.roles import POLICE_ROLES
from hub.core.episode import Episode
from hub.core.holds import (
    COVERS,
    KINDS,
    MOST_A_DAY,
    OVER,
    REVIEW,
    TO_ANSWER,
    Act,
    HoldKind,
    asked,
    may_set,
    pauses,
    review_of,
    standing,
    too_often,
)
from hub.core.summary import EpisodeState
from hub.notices.words import load_words
from routing.decision import Duty, Recipient
from routing.duties import next_happening
from routing.evidence import load_evidence
from routing.packs import load_packs
from tests.kit.clock import START

MET, KENT = "E23000001", "E23000032"
STATES: tuple[EpisodeState, ...] = get_args(EpisodeState)


def act(number: int, kind: HoldKind = "no_enquiries", **more: Any) -> Act:
    values: dict[str, Any] = {
        "id": f"ph_{number}", "episode": "ep_1", "number": number, "kind": kind, "deed": "set", "organisation": MET,
        "desk": "missing_persons_unit", "role": "police", "actor": "user:us_1",
        "at": START + timedelta(minutes=number),
    }  # fmt: skip
    return Act(**values | more)


def test_a_force_sets_so_many_within_a_day() -> None:
    full = [act(number) for number in range(MOST_A_DAY)]
    assert too_often(full, MET, START + timedelta(hours=1)) and not too_often(full[1:], MET, START)
    assert not too_often(full, KENT, START) and not too_often(full, MET, START + timedelta(days=2))
    assert not too_often([replace(one, deed="lifted") for one in full], MET, START)


def test_who_did_it_and_why_is_not_in_what_a_log_would_show() -> None:
    done = act(1, name="Kit Marker-Officer", reason="Marker reason")
    assert "arker" not in f"{done!r} {standing([done], 'open')!r}" and done.id in repr(done)


def held(acts: Any, state: EpisodeState = "open") -> list[tuple[str, list[str]]]:
    return [(one.kind, [by.id for by in one.by]) for one in standing(acts, state)]


def test_each_course_of_three_deeds_of_two_forces_and_two_kinds_stands_as_it_says() -> None:
    """By the plainest reading: of each force and kind the last deed counts."""
    moves = list(product(KINDS, ("set", "lifted"), (MET, KENT)))
    for some in product(moves, repeat=3):
        acts = [act(n, kind, deed=deed, organisation=of) for n, (kind, deed, of) in enumerate(some, 1)]
        last = {(one.kind, one.organisation): one for one in acts}
        wanted = {key: one.id for key, one in last.items() if one.deed == "set"}
        for shuffled in permutations(acts):
            found = standing(shuffled, "open")
            assert {(h.kind, by.organisation): by.id for h in found for by in h.by} == wanted, some
            assert [h.kind for h in found] == [kind for kind in KINDS if any(k == kind for k, _ in wanted)]


def test_it_stands_since_nobody_held_it_whatever_the_clocks_said() -> None:
    back = act(3, at=START - timedelta(days=1), organisation=KENT)
    first, lifted = act(1), act(4, deed="lifted")
    assert standing([first, back, lifted], "open")[0].since == first.at, "Kent holds on to it"
    assert standing([first, replace(lifted, number=2), back], "open")[0].since == back.at, "it had ended between"
    assert held([act(2, deed="lifted"), act(1)]) == [], "the number is the order"
    hold = standing([act(1), act(2, organisation=KENT)], "open")[0]
    assert [hold.of(one) and hold.of(one).id for one in (MET, KENT, "E23000002")] == ["ph_1", "ph_2", None]  # type: ignore[union-attr]


@pytest.mark.parametrize("state", STATES)
def test_it_ends_with_what_it_was_about(state: EpisodeState) -> None:
    acts = [act(1), act(2, "no_questions")]
    wanted = {"returned": ["no_questions"], "retracted": []}.get(state, ["no_enquiries", "no_questions"])
    assert [kind for kind, _ in held(acts, state)] == wanted
    assert may_set(state) == (() if state == "awaited" else tuple(wanted))
    assert all(state not in OVER[kind] for kind in may_set(state))


def test_it_pauses_what_it_covers_of_others_than_the_police() -> None:
    known, rules = set(load_words().duties), {one.id for one in load_evidence()}
    assert {duty.code for pack in load_packs().packs for duty in pack.duties} <= known, "also those of options"
    for kind in KINDS:
        (hold,) = standing([act(1, kind)], "open")
        for code in known:
            for owner in ("social_worker", "carer", "responsible_authority", *POLICE_ROLES):
                wanted = code in COVERS[kind] and owner not in POLICE_ROLES
                assert pauses([hold], code, owner) == wanted, (kind, code, owner)
        assert set(COVERS[kind]) <= known and {one for some in COVERS[kind].values() for one in some} <= rules
    assert not pauses((), "return_interview", "responsible_authority")
    assert not set(COVERS["no_enquiries"]) & set(COVERS["no_questions"])


def duty(code: str = "return_interview", owner: str = "responsible_authority", **more: Any) -> Duty:
    values: dict[str, Any] = {
        "code": code, "occurrence": 1, "ordinal": 0, "owner": owner, "opened_at": START, "start": START, "n": 1,
        "due_at": START + timedelta(hours=72), "rules": (), "row": f"national/{code}/0",
        "remind_at": START + timedelta(hours=54), "chase_at": START + timedelta(hours=72),
    }  # fmt: skip
    return Duty(**values | more)


def test_a_paused_duty_is_neither_reminded_of_nor_chased_and_repeats_all_the_same() -> None:
    interview, daily = duty(), duty("daily_contact", "social_worker", turn_at=START + timedelta(hours=73))
    assert next_happening([interview, daily], lambda one: True).what == "turn"  # type: ignore[union-attr]
    assert next_happening([interview], lambda one: True) is None
    for holds, wanted in (((), "return_interview"), (standing([act(1, "no_questions")], "open"), "daily_contact")):
        later = replace(daily, remind_at=interview.remind_at, opened_at=START + timedelta(minutes=1))
        found = Episode(ref="r", duties=(interview, later), holds=holds).next_happening
        assert found is not None and (found.what, found.duty.code) == ("remind", wanted)
    mine = {"duties": (daily,), "holds": standing([act(1)], "open")}
    for state, what in (("open", "turn"), ("returned", "remind")):
        found = Episode(ref="r", state=state, **mine).next_happening  # type: ignore[arg-type]
        assert found is not None and found.what == what, "the change that brings the child back sets the clocks anew"


def test_the_force_that_gave_a_date_is_asked_then_and_nobody_once_it_does_not_stand() -> None:
    assert review_of(act(1), ()) is None
    at = START + timedelta(days=3)
    mine = act(1, role="police_responsible", review_at=at)
    first = review_of(mine, (duty(),))
    assert first is not None
    assert (first.occurrence, first.ordinal, first.n) == (1, 0, 1), "whatever else is due"
    again = review_of(act(2, organisation=KENT, review_at=at), (first,))
    assert again is not None and (again.occurrence, again.ordinal) == (2, 1), "a row of its own"
    assert (first.code, first.owner, first.remind_at) == (REVIEW, "police_responsible", at)
    assert first.chase_at == first.due_at == at + TO_ANSWER and first.turn_at is None
    holds = standing([mine, act(2, organisation=KENT)], "open")
    assert asked(holds, first) == Recipient(role="police_responsible", organisation=MET)
    assert asked(standing([mine], "returned"), first) is None
    assert asked(standing([mine, act(3)], "open"), first) is None, "set again, it asks for the new date"
    assert not pauses(holds, REVIEW, "police")


def test_what_a_force_set_at_another_hub_and_here_are_two() -> None:
    both = [act(1, there=4), act(2)]
    assert held(both) == [("no_enquiries", ["ph_1", "ph_2"])]
    assert held([*both, act(3, deed="lifted")]) == [("no_enquiries", ["ph_1"])], "lifted here"
    assert held([*both, act(3, deed="lifted", there=5)]) == [("no_enquiries", ["ph_2"])], "lifted there"
    (hold,) = standing([act(1, there=4)], "open")
    assert hold.of(MET) is None, "it is lifted where it was set"
