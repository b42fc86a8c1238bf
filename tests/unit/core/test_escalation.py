"""What is done about a notice that nobody has answered: one look at a time, pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.model import Contact
from contacts.plans import Way
from hub.core.escalation import NEVER_CHASED, Look, first_look, look, urgent
from hub.core.ladder import Ladder, Rung
from hub.core.records import AcknowledgementRecord, DeliveryRecord, NoticeRecord, NoticeState, Purpose, Tracked
from routing.decision import Decision, Kind, Priority, Recipient
from routing.packs import Waits

NOW = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
WAITS = Waits()
QUARTER = timedelta(minutes=15)


def way(name: str) -> Way:
    address = f"{name}@council.example"
    contact = Contact(id=name, organisation="E09000006", desk="front_door", channel="email", address=address)
    return Way(contact=contact, carries="content")


def rung(name: str, purpose: Purpose = "chase") -> Rung:
    return Rung(purpose=purpose, ways=(way(name),), organisation="E09000006")


LADDER = Ladder(
    rungs=(
        rung("first"),
        rung("second"),
        rung("deputy", "deputy"),
        rung("night", "duty_team"),
        rung("boss", "handover"),
    )
)


def decided(**more: Any) -> Decision:
    values: dict[str, Any] = {
        "at": NOW,
        "cause": "event:E1",
        "outcome": "notify",
        "kind": "missing",
        "priority": "high",
        "recipients": (Recipient(role="responsible_authority", organisation="E09000006"),),
        "fields": (),
        "rules": (),
        "why": "",
    }
    return Decision(**values | more)


def sent(name: str, at: datetime, purpose: Purpose = "notice") -> DeliveryRecord:
    return DeliveryRecord(
        id=f"dl_{name}_{at.isoformat()}",
        notice="no_1",
        episode="ep_1",
        channel="email",
        contact=name,
        address=f"{name}@council.example",
        priority="high",
        group="g",
        rank=0,
        state="sent",
        due_at=at,
        token_digest=b"d",
        created_at=at,
        purpose=purpose,
    )


def tracked(*taken: DeliveryRecord, answers: tuple[AcknowledgementRecord, ...] = (), **more: Any) -> Tracked:
    values: dict[str, Any] = {
        "id": "no_1",
        "reference": "FP-2345-6789",
        "decision": "dc_1",
        "episode": "ep_1",
        "revision": 1,
        "kind": "missing",
        "priority": "high",
        "roles": ("responsible_authority",),
        "organisation": "E09000006",
        "state": "notified",
        "created_at": NOW,
        "state_at": NOW,
        "urgent": True,
        "chase_at": NOW + QUARTER,
    }
    notice = NoticeRecord(**values | more)
    ways = taken or (sent("first", NOW),)
    return Tracked(
        notice=notice, decision=decided(), child="ch_1", deliveries=tuple((one, ()) for one in ways), answers=answers
    )


def accepted(at: datetime) -> AcknowledgementRecord:
    return AcknowledgementRecord(id="ack_1", notice="no_1", delivery="dl", at=at, answer="accepted", name="Jo Worker")


def seen(about: Tracked, at: datetime, *, ladder: Ladder = LADDER, news_at: datetime = NOW, over: bool = False) -> Look:
    return look(about, ladder, WAITS, news_at, at, over=over)


@pytest.mark.parametrize(
    ("more", "ungraded", "expected"),
    [
        ({"priority": "high"}, False, True),
        ({"priority": "immediate"}, False, True),
        ({"priority": "normal"}, False, False),
        ({"priority": "normal"}, True, True),
        ({"priority": "normal", "kind": "concern"}, False, True),
        ({"priority": "normal", "recipients": (Recipient(role="police"),)}, False, True),
        ({"priority": "normal", "kind": "away", "recipients": (Recipient(role="police_missing_from"),)}, False, True),
        ({"priority": "normal", "kind": "returned", "recipients": (Recipient(role="police"),)}, False, False),
    ],
)
def test_what_presses(more: dict[str, Any], ungraded: bool, expected: bool) -> None:
    assert urgent(decided(**more), ungraded=ungraded) is expected


@pytest.mark.parametrize("kind", sorted(NEVER_CHASED))
def test_what_has_a_clock_of_its_own_is_never_chased(kind: Kind) -> None:
    assert first_look(kind, WAITS, NOW, urgent=True) is None
    assert seen(tracked(kind=kind), NOW + QUARTER) == Look(why="nothing is to be answered any more")


def test_nothing_happens_before_its_time() -> None:
    came_to = seen(tracked(), NOW + QUARTER - timedelta(microseconds=1))
    assert (came_to.rung, came_to.chase_at) == (None, NOW + QUARTER)


def test_a_receipt_buys_the_time_until_a_human_answers() -> None:
    slow = replace(WAITS, urgent_answer=timedelta(hours=2))
    came_to = look(tracked(state="receipted"), LADDER, slow, NOW, NOW + QUARTER, over=False)
    assert (came_to.rung, came_to.chase_at) == (None, NOW + timedelta(hours=2))


def test_the_next_rung_is_the_first_that_has_a_way_not_taken() -> None:
    taken = (sent("first", NOW), sent("night", NOW, "duty_team"))
    came_to = seen(tracked(*taken), NOW + QUARTER)
    assert came_to.rung is not None and came_to.rung.ways[0].contact.id == "second"
    assert came_to.chase_at == NOW + 2 * QUARTER


def test_of_a_rung_only_the_ways_are_taken_that_were_not() -> None:
    both = Rung(purpose="chase", ways=(way("first"), way("second")), organisation="E09000006")
    came_to = seen(tracked(), NOW + QUARTER, ladder=Ladder(rungs=(both,)))
    assert came_to.rung is not None and [one.contact.id for one in came_to.rung.ways] == ["second"]


def test_a_contact_that_was_replaced_is_a_way_that_was_not_taken() -> None:
    came_to = seen(tracked(), NOW + QUARTER, ladder=Ladder(rungs=(rung("successor"),)))
    assert came_to.rung is not None and came_to.rung.ways[0].contact.id == "successor"


def test_the_sender_is_asked_to_ring_once_even_if_the_same_mailbox_was_written_to() -> None:
    boss = Ladder(rungs=(rung("first"), rung("first", "handover")))
    first_time = seen(tracked(), NOW + QUARTER, ladder=boss)
    assert first_time.rung is not None and first_time.rung.purpose == "handover"
    again = seen(tracked(sent("first", NOW), sent("first", NOW, "handover")), NOW + QUARTER, ladder=boss)
    assert again.rung is None or again.rung.purpose != "handover"


@pytest.mark.parametrize("state", ["unresolved", "undeliverable"])
def test_who_declined_or_could_not_be_reached_is_not_waited_for(state: NoticeState) -> None:
    came_to = seen(tracked(state=state), NOW + timedelta(seconds=1))
    assert came_to.rung is not None and came_to.rung.ways[0].contact.id == "second"


def test_with_no_rung_at_all_the_operator_is_told() -> None:
    came_to = seen(tracked(state="unresolved"), NOW, ladder=Ladder(rungs=()))
    assert came_to.alarms == (("unanswered", "operator", "missing: responsible_authority"),)


def test_a_desk_with_nobody_to_write_to_is_looked_at_until_the_child_is_back_and_less_and_less_often() -> None:
    at, pauses = NOW, []
    while at < NOW + timedelta(days=100):
        due = seen(tracked(state="unresolved"), at, ladder=Ladder(rungs=())).chase_at
        assert due is not None
        pauses.append(due - at)
        at = due
    assert pauses[0] == QUARTER and pauses == sorted(pauses) and pauses[-1] == timedelta(days=1)
    assert (
        seen(tracked(state="unresolved", kind="returned"), NOW + timedelta(days=13), ladder=Ladder(rungs=())).chase_at
        is None
    )


@pytest.mark.parametrize("role", ["school", "parent", "iro"])
def test_only_those_who_look_for_the_child_are_reminded_of_a_silent_episode(role: str) -> None:
    late = NOW + timedelta(days=2)
    about = tracked(state="acknowledged", roles=(role,), answers=(accepted(NOW),))
    assert seen(about, late).rung is None
    police = tracked(state="acknowledged", roles=("police",), answers=(accepted(NOW),))
    came_to = seen(police, late)
    assert came_to.rung is not None and came_to.rung.purpose == "silent"


@given(
    state=st.sampled_from(get_args(NoticeState)),
    kind=st.sampled_from(get_args(Kind)),
    priority=st.sampled_from(get_args(Priority)),
    pressing=st.booleans(),
    over=st.booleans(),
    rungs=st.lists(
        st.builds(
            rung,
            st.sampled_from(["first", "second", "third"]),
            st.sampled_from(["chase", "deputy", "duty_team", "handover"]),
        ),
        max_size=5,
    ),
    taken=st.lists(st.tuples(st.sampled_from(["first", "second", "third"]), st.integers(0, 600)), max_size=20),
    minutes=st.integers(0, 100_000),
)
def test_whatever_the_state_a_look_leads_to_rest(
    state: NoticeState,
    kind: Kind,
    priority: Priority,
    pressing: bool,
    over: bool,
    rungs: list[Rung],
    taken: list[tuple[str, int]],
    minutes: int,
) -> None:
    ways = tuple(sent(name, NOW + timedelta(minutes=at)) for name, at in taken)
    answers = (accepted(NOW),) if state == "acknowledged" else ()
    about = tracked(*ways, state=state, kind=kind, priority=priority, urgent=pressing, answers=answers)
    at = NOW + timedelta(minutes=minutes)
    came_to = seen(about, at, ladder=Ladder(rungs=tuple(rungs)), over=over)
    assert came_to.chase_at is None or came_to.chase_at > at, "a look that is due again at once would never end"
    if state in ("superseded", "withheld", "held") or over or kind in NEVER_CHASED:
        assert (came_to.rung, came_to.chase_at, came_to.alarms) == (None, None, ())
    elif state != "acknowledged" and came_to.chase_at is None:
        assert any(kind == "unanswered" and owner == "operator" for kind, owner, _ in came_to.alarms)
