"""What "complete" means, held against the tables of states."""

from datetime import timedelta
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.roles import DESKS
from hub.core.completeness import FINAL, LACKS, MEANING, OUTSIDE, Kept, Lacking, complete, final, same_reader
from hub.core.escalation import NEVER_CHASED
from hub.core.records import MessageStatus, NoticeRecord
from hub.core.states import NOTICE, NOTICE_HAPPENINGS, NOTICE_STATES
from routing.decision import Kind
from tests.kit.clock import START

KINDS: tuple[Kind, ...] = get_args(Kind)
HUMAN = {"accepted", "not_ours", "redirected"}
DECIDED = {"withheld", "held", "released", "superseded"}
"""Decisions about whom to tell, and an episode's end: whoever writes these says what follows."""

standing = st.builds(
    Kept,
    state=st.sampled_from(NOTICE_STATES),
    kind=st.sampled_from(KINDS),
    status=st.sampled_from(get_args(MessageStatus)),
    chase_at=st.sampled_from([None, START]),
    under_way=st.booleans(),
    owned=st.booleans(),
    answered=st.booleans(),
)


def kept(**more: object) -> Kept:
    given: dict[str, object] = {
        "state": "notified", "kind": "missing", "status": "actual", "chase_at": None,
        "under_way": False, "owned": False, "answered": False,
    }  # fmt: skip
    return Kept(**(given | more))  # type: ignore[arg-type]  # the tests name the values


def test_no_machine_leads_out_of_a_final_state() -> None:
    """So what is final stays so, unless a human answers or somebody decides: and both set the next look."""
    for state, happening in product(FINAL, NOTICE_HAPPENINGS):
        target = NOTICE[state].get(happening)
        if target is not None and target not in FINAL:
            assert happening in HUMAN | DECIDED, (state, happening)


def test_every_open_state_can_still_come_to_an_end() -> None:
    for state in set(NOTICE_STATES) - FINAL:
        assert set(NOTICE[state].values()) & FINAL, state
        assert NOTICE[state]["accepted"] == "acknowledged", state


@given(standing)
def test_an_open_notice_is_complete_only_if_something_brings_it_on(one: Kept) -> None:
    brought_on = one.chase_at is not None or one.under_way or one.owned or one.answered
    pointless = one.kind in NEVER_CHASED
    silent = one.status != "actual" and one.state in ("unresolved", "overdue")
    assert complete(one) == (brought_on or pointless or silent or one.state in FINAL)


@given(standing.filter(lambda one: not final(one)), st.sampled_from(NOTICE_HAPPENINGS))
def test_what_happens_to_an_open_notice_takes_nothing_from_it_that_brings_it_on(one: Kept, happening: str) -> None:
    """A happening moves the state only; whatever brought the notice on still does."""
    target = NOTICE[one.state].get(happening)  # type: ignore[call-overload]  # every happening is tried
    if target is not None and complete(one):
        moved = kept(**{name: getattr(one, name) for name in Kept.__slots__} | {"state": target})
        assert complete(moved)


@pytest.mark.parametrize("state", ["", "Notified", "notified ", "sent", "unknown"])
def test_a_state_that_no_table_knows_is_never_complete(state: str) -> None:
    assert not complete(kept(state=state, chase_at=START, under_way=True, owned=True, answered=True))


@pytest.mark.parametrize(
    "more",
    [
        {"chase_at": START},
        {"under_way": True},
        {"owned": True},
        {"answered": True},
        {"state": "acknowledged"},
        {"state": "held"},
        {"kind": "duty_due"},
        {"status": "exercise", "state": "overdue"},
    ],
)
def test_each_of_these_is_enough_and_without_it_nothing_is(more: dict[str, object]) -> None:
    assert complete(kept(**more))
    assert not complete(kept(**{name: kept().__getattribute__(name) for name in more}))


def test_the_end_itself_is_told_until_somebody_answers() -> None:
    assert not complete(kept(kind="returned"))
    assert not complete(kept(kind="threshold"))
    assert not complete(kept(status="exercise", state="notified"))


def test_every_lack_has_a_meaning_and_an_alarm_of_its_own_subject() -> None:
    assert set(MEANING) == set(LACKS)
    assert set(LACKS) >= OUTSIDE
    kinds = {what: Lacking(what=what, episode="ep", notice="nt").about for what in LACKS}
    assert {about for what, about in kinds.items() if what not in OUTSIDE} == {("incomplete", "nt")}
    assert kinds["stalled"] == ("stalled", "nt")
    assert Lacking(what="clock_late", episode="ep").about != Lacking(what="nobody_told", episode="ep").about


def notice(**more: object) -> NoticeRecord:
    given: dict[str, object] = {
        "id": "nt", "reference": "FP-2345-6789", "decision": "dc", "episode": "ep", "revision": 1, "kind": "missing",
        "priority": "high", "roles": ("police",), "organisation": "E23000001", "state": "notified",
        "created_at": START, "state_at": START + timedelta(seconds=1),
    }  # fmt: skip
    return NoticeRecord(**(given | more))  # type: ignore[arg-type]  # the tests name the values


def test_the_same_reader_is_the_same_desk_of_one_organisation_or_the_same_person() -> None:
    assert DESKS["police"] == DESKS["police_responsible"]
    assert same_reader(notice(), notice(roles=("police_responsible",), kind="found"))
    assert not same_reader(notice(), notice(organisation="E23000002"))
    assert not same_reader(notice(), notice(roles=("mash",)))
    parents = [notice(organisation=None, roles=("parent",), person=name) for name in ("Sam Example", "Pat Example")]
    assert not same_reader(*parents)
    assert same_reader(parents[0], parents[0])
