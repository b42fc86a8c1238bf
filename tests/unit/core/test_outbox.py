"""What an operator may do about a delivery, and what happens to it otherwise: every state, and whose word weighs."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from adapters.port import Deferred, Unconfirmed
from hub.core.endings import ENDINGS, OVERTAKES, over
from hub.core.outbox import (
    UNTOLD,
    Next,
    cautions,
    kept_back,
    next_of,
    open_still,
    why_not_cancelled,
    why_not_redriven,
)
from hub.core.records import AttemptRecord, ClaimedDelivery, DecisionRecord, Outgoing, Standing
from hub.core.retry import RetryPolicy
from hub.core.states import DELIVERY_STATES, NEVER_SENT, NOTICE_STATES
from hub.core.verdict import Tried, judge
from hub.edge.ids import SeededIds
from routing.decision import Recipient
from tests.kit.clock import START
from tests.kit.records import SECRETS, Story

HOUR = timedelta(hours=1)


def outgoing(**more: Any) -> Outgoing:
    values: dict[str, Any] = {
        "delivery": "dl_1", "notice": "nt_1", "reference": "FP-1111-2222", "episode": "ep_1", "episode_state": "open",
        "organisation": "E09000006", "roles": ("police",), "gap_role": None, "kind": "missing",
        "priority": "high", "status": "actual", "notice_state": "undeliverable", "chase_at": None, "channel": "email",
        "contact": "co_1", "purpose": "notice", "carries": "content", "state": "failed", "created_at": START,
        "due_at": START, "lease_until": None, "attempts": 1, "attempt_state": "temporary_failure",
        "reason": "connection_failed", "attempted_at": START,
    }  # fmt: skip
    return Outgoing(**values | more)


def attempt(number: int = 1, **more: Any) -> AttemptRecord:
    values: dict[str, Any] = {"state": "temporary_failure", "reason": "connection_failed", "carried": None}
    return AttemptRecord(delivery="dl_1", number=number, started_at=START, node="n", finished_at=START, **values | more)


def test_only_what_failed_is_put_back():
    for state in DELIVERY_STATES:
        assert why_not_redriven(outgoing(state=state), ()) == (None if state == "failed" else state)


def test_only_what_is_due_or_failed_is_called_off():
    free = {state for state in DELIVERY_STATES if why_not_cancelled(outgoing(state=state)) is None}
    assert free == {"due", "failed"}


def test_nothing_is_put_back_of_a_notice_that_must_not_be_sent():
    for state in NOTICE_STATES:
        refused = why_not_redriven(outgoing(notice_state=state), ())
        assert refused == (state if state in NEVER_SENT else None)


def test_what_brings_a_silent_episode_to_mind_may_be_put_back_after_the_acceptance():
    assert why_not_redriven(outgoing(notice_state="acknowledged", purpose="silent"), ()) is None
    assert why_not_redriven(outgoing(notice_state="withheld", purpose="silent"), ()) == "withheld"


def test_what_an_ending_overtakes_is_over_and_nothing_else():
    for (state, ending), kind in product(ENDINGS.items(), {kind for kinds in OVERTAKES.values() for kind in kinds}):
        assert over(state, kind) == (kind in OVERTAKES[ending]), (state, kind)
    assert not over("open", "missing") and not over("awaited", "missing")
    assert why_not_redriven(outgoing(), (), ended=True) == "over"


def test_what_went_out_after_all_is_not_put_back():
    late = attempt(state="sent", carried="content")
    assert why_not_redriven(outgoing(), (late, attempt(2))) == "sent"
    bounced = attempt(state="permanent_failure", carried="content")
    assert why_not_redriven(outgoing(), (bounced,)) is None
    instead = attempt(state="permanent_failure", carried="alert")
    assert why_not_redriven(outgoing(), (instead,)) is None, "an alert in its place is not the notice"


@pytest.mark.parametrize("kept", ["withheld", "held"])
def test_a_person_who_must_not_be_told_now_is_sent_nothing_whatever_the_notice_says(kept):
    assert why_not_redriven(outgoing(notice_state="notified"), (), kept=kept) == kept


def decided(outcome: str, *, minutes: int = 0, role: str = "parent", person: str | None = SECRETS["person"]):
    story = Story(SeededIds("decided"))
    recipients = (Recipient(role=role, organisation=None, person=person),)
    return story.decision(None, at=START + timedelta(minutes=minutes), outcome=outcome, recipients=recipients)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((), None),
        (("notify",), None),
        (("notify", "withhold"), "withheld"),
        (("notify", "hold"), "held"),
        (("withhold", "notify"), None),
        (("notify", "withhold", "gap", "suppress"), "withheld"),
        (("withhold", "hold"), "held"),
    ],
)
def test_the_newest_word_about_a_person_counts(outcomes, expected):
    taken: list[DecisionRecord] = [decided(one, minutes=at) for at, one in enumerate(outcomes)]
    assert kept_back(decided("gap").decision, taken) == expected


def test_a_word_about_somebody_else_does_not():
    others = [
        decided("withhold", person="Kim Example"),
        decided("withhold", role="carer"),
        decided("hold", person=None),
    ]
    assert kept_back(decided("notify").decision, others) is None
    desk = decided("withhold", person=None)
    assert kept_back(desk.decision, [desk]) is None, "a desk is never kept back"


def test_what_happens_next():
    due = outgoing(state="due", notice_state="pending", due_at=START + HOUR, chase_at=START)
    assert next_of(due) == Next(does="try", at=START + HOUR)
    assert next_of(replace(due, notice_state="superseded", chase_at=None)) == Next(does="nothing")
    leased = outgoing(state="leased", lease_until=START + HOUR)
    assert next_of(leased) == Next(does="result", at=START + HOUR)
    for state in ("sent", "failed", "cancelled"):
        assert next_of(outgoing(state=state, chase_at=START + HOUR)) == Next(does="look", at=START + HOUR)
        assert next_of(outgoing(state=state)) == Next(does="nothing")


def test_a_try_that_may_have_gone_out_is_a_caution():
    unseen = attempt(state="technical_failure", reason="provider_timeout", carried="content")
    assert cautions((attempt(), unseen), newer=False) == ("maybe_sent",)
    assert cautions((unseen,), newer=True) == ("maybe_sent", "newer_sent")
    assert cautions((attempt(),), newer=False) == ()
    assert cautions((attempt(),), newer=False, closed=True) == ("closed",)


def test_who_is_still_to_be_told_or_to_answer():
    still = {state for state in NOTICE_STATES if open_still(outgoing(notice_state=state))}
    assert still == set(NOTICE_STATES) - NEVER_SENT
    assert still > UNTOLD
    assert not open_still(outgoing(notice_state="pending"), ended=True)


def tried(result: Any, number: int, redriven_after: int) -> Any:
    story = Story(SeededIds("tried"))
    record = story.notice(story.decision(None))
    delivery = replace(story.delivery(record), redriven_after=redriven_after)
    claimed = ClaimedDelivery(
        delivery=delivery, attempt=number, notice=record, decision=story.decision(None).decision, child="ch", doc={}
    )
    return Tried(claimed=claimed, node="n", finished_at=START, result=result)


def standing(*attempts: AttemptRecord) -> Standing:
    return Standing(delivery="dl_1", state="leased", leased_by="n", notice="nt_1", notice_state="undeliverable",
                    attempts=attempts)  # fmt: skip


POLICY = RetryPolicy(schedule=(10, 60), jitter=0.0)
REFUSED = Deferred(reason="connection_failed")


def test_tries_before_it_was_put_back_use_up_none_of_the_schedule():
    used_up = tuple(attempt(number) for number in (1, 2, 3))
    assert judge(tried(REFUSED, 4, 0), standing(*used_up), POLICY).delivery == "gave_up"
    anew = judge(tried(REFUSED, 4, 3), standing(*used_up), POLICY)
    assert (anew.delivery, anew.due_at) == ("retry", START + timedelta(seconds=10))
    later = judge(tried(REFUSED, 5, 3), standing(*used_up, attempt(4)), POLICY)
    assert later.due_at == START + timedelta(seconds=60)
    last = judge(tried(REFUSED, 6, 3), standing(*used_up, attempt(4), attempt(5)), POLICY)
    assert last.delivery == "gave_up"


def test_one_that_may_have_gone_out_before_does_not_end_it_at_the_first_doubt():
    unseen = attempt(state="technical_failure", reason="provider_timeout", carried="content")
    assert judge(tried(Unconfirmed(), 2, 0), standing(unseen), POLICY).delivery == "gave_up"
    assert judge(tried(Unconfirmed(), 2, 1), standing(unseen), POLICY).delivery == "retry"


def test_one_that_did_go_out_before_ends_it_all_the_same():
    late = attempt(state="sent", carried="content")
    assert judge(tried(REFUSED, 2, 1), standing(late), POLICY).delivery == "carried"
