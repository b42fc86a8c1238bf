"""What one try comes to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.port import Accepted, Deferred, Receipt, Rejected, Result, Unconfirmed
from hub.core.records import AttemptRecord, ClaimedDelivery, DeliveryRecord, NoticeRecord, Standing
from hub.core.retry import RetryPolicy
from hub.core.states import delivery_after
from hub.core.verdict import Tried, Verdict, judge
from routing.decision import Decision, Recipient

NOW = datetime(2026, 3, 1, 19, 45, tzinfo=UTC)
POLICY = RetryPolicy(schedule=(10, 60), jitter=0.0)
ACCEPTED = Accepted(provider_reference="q1", digest="ab", certificate="cd")
REFUSED = Rejected(reason="certificate_expired")

NOTICE = NoticeRecord(
    id="no_1",
    reference="FP-2345-6789",
    decision="dc_1",
    episode="ep_1",
    revision=1,
    kind="missing",
    priority="high",
    roles=("police",),
    organisation="E23000001",
    state="pending",
    created_at=NOW,
    state_at=NOW,
)
DELIVERY = DeliveryRecord(
    id="dl_1",
    notice="no_1",
    episode="ep_1",
    channel="email",
    contact="co_1",
    address="desk@police.example",
    priority="high",
    group="g",
    rank=0,
    state="leased",
    due_at=NOW,
    token_digest=b"d" * 32,
    created_at=NOW,
)
DECISION = Decision(
    at=NOW,
    cause="event:E1",
    outcome="notify",
    kind="missing",
    priority="high",
    recipients=(Recipient(role="police", organisation="E23000001"),),
    fields=(),
    rules=(),
    why="",
)


def attempt(number: int = 1, **changes: Any) -> AttemptRecord:
    base = AttemptRecord(delivery="dl_1", number=number, started_at=NOW, node="a", state="sending")
    return replace(base, **changes)


def verdict(
    result: Result | None,
    alert: Result | None = None,
    *,
    earlier: tuple[AttemptRecord, ...] = (),
    own: AttemptRecord | None = None,
    notice_state: Any = "pending",
    policy: RetryPolicy = POLICY,
) -> Verdict:
    number = len(earlier) + 1
    claimed = ClaimedDelivery(delivery=DELIVERY, attempt=number, notice=NOTICE, decision=DECISION, child="ch_1", doc={})
    standing = Standing(
        delivery="dl_1",
        state="leased",
        leased_by="a",
        notice="no_1",
        notice_state=notice_state,
        attempts=(*earlier, own or attempt(number)),
    )
    tried = Tried(claimed=claimed, node="a", finished_at=NOW + timedelta(seconds=2), result=result, alert=alert)
    return judge(tried, standing, policy)


def test_accepted():
    found = verdict(ACCEPTED)
    assert (found.delivery, found.happened, found.due_at, found.alarms) == ("carried", "content_sent", None, ())
    assert (found.attempt.state, found.attempt.carried, found.attempt.digest) == ("sent", "content", "ab")
    assert found.attempt.finished_at == NOW + timedelta(seconds=2)
    assert found.attempt.started_at == NOW


def answered(**changes: Any) -> Accepted:
    receipt = Receipt(channel="push", kind="answered", at=NOW, token="t", code="received")
    return replace(ACCEPTED, receipt=receipt, answer=b"{}", **changes)


def test_a_machine_that_answers_that_it_has_it_is_a_receipt():
    found = verdict(answered())
    assert (found.delivery, found.happened, found.attempt.state) == ("carried", "receipt", "delivered")
    again = verdict(answered(), own=found.attempt)
    assert (again.happened, again.attempt.state) == ("receipt", "delivered")


def test_an_answer_after_a_bounce_proves_nothing():
    found = verdict(answered(), own=attempt(1, state="permanent_failure"))
    assert (found.happened, found.attempt.state) == ("content_sent", "permanent_failure")


def test_an_answer_is_a_receipt_also_where_an_earlier_try_went_out():
    earlier = (attempt(1, state="sent", carried="content", finished_at=NOW),)
    assert verdict(answered(), earlier=earlier).happened == "receipt"


@pytest.mark.parametrize(
    ("result", "alert", "gone"),
    [
        (Rejected(reason="gone", detail="410"), None, True),
        (REFUSED, Rejected(reason="gone", detail="410"), True),
        (REFUSED, ACCEPTED, False),
        (ACCEPTED, None, False),
        (None, None, False),
    ],
)
def test_gone_is_said_of_the_content_or_of_its_alert(result, alert, gone):
    claimed = ClaimedDelivery(delivery=DELIVERY, attempt=1, notice=NOTICE, decision=DECISION, child="ch_1", doc={})
    assert Tried(claimed=claimed, node="a", finished_at=NOW, result=result, alert=alert).gone is gone


def test_deferred():
    found = verdict(Deferred(reason="rate_limited", detail="421"))
    assert (found.delivery, found.happened, found.alarms) == ("retry", None, ())
    assert found.due_at == NOW + timedelta(seconds=12)
    assert (found.attempt.state, found.attempt.reason, found.attempt.carried) == (
        "temporary_failure",
        "rate_limited",
        None,
    )


def test_rejected():
    found = verdict(Rejected(reason="rejected", detail="550"))
    assert (found.delivery, found.happened, found.alarms) == ("gave_up", "gave_up", ())
    assert found.attempt.state == "permanent_failure"


def test_our_own_fault_is_alarmed_while_it_is_tried_again():
    found = verdict(Rejected(reason="misconfigured", technical=True))
    assert (found.delivery, found.alarms) == ("retry", (("technical_failure", "misconfigured"),))
    assert found.attempt.state == "technical_failure"


def test_unconfirmed_may_have_carried_the_content():
    found = verdict(Unconfirmed())
    assert (found.delivery, found.happened) == ("retry", None)
    assert (found.attempt.state, found.attempt.reason, found.attempt.carried) == (
        "technical_failure",
        "provider_timeout",
        "content",
    )


def test_an_alert_sent_is_not_the_content_sent():
    found = verdict(REFUSED, ACCEPTED)
    assert (found.delivery, found.happened) == ("gave_up", "alert_sent")
    assert (found.attempt.state, found.attempt.reason, found.attempt.carried) == (
        "permanent_failure",
        "certificate_expired",
        "alert",
    )
    assert found.attempt.certificate is None
    assert found.alarms == (("no_certificate", "certificate_expired"),)


def test_what_is_too_large_is_alerted_and_is_no_matter_of_certificates():
    found = verdict(Rejected(reason="too_large"), ACCEPTED)
    assert (found.happened, found.attempt.reason, found.alarms) == (
        "alert_sent",
        "too_large",
        (("too_large", "too_large"),),
    )


@pytest.mark.parametrize(
    ("alert", "delivery", "happened", "carried"),
    [
        (Deferred(reason="rate_limited"), "retry", None, None),
        (Unconfirmed(), "retry", None, "alert"),
        (Rejected(reason="rejected"), "gave_up", "gave_up", None),
        (Rejected(reason="no_certificate"), "gave_up", "gave_up", None),
        (None, "retry", None, None),
    ],
    ids=str,
)
def test_an_alert_not_sent(alert, delivery, happened, carried):
    found = verdict(REFUSED, alert)
    assert (found.delivery, found.happened, found.attempt.carried) == (delivery, happened, carried)
    assert found.attempt.reason == "certificate_expired"
    assert ("no_certificate", "certificate_expired") in found.alarms


def test_an_alert_that_may_have_been_sent_twice_is_the_last():
    earlier = (attempt(1, state="technical_failure", reason="no_certificate", carried="alert", finished_at=NOW),)
    assert verdict(REFUSED, Unconfirmed(), earlier=earlier).delivery == "gave_up"


def test_an_earlier_try_that_did_go_out_settles_it():
    earlier = (attempt(1, state="sent", carried="content", finished_at=NOW),)
    for result in (Deferred(reason="rate_limited"), Rejected(reason="rejected"), Unconfirmed(), None):
        found = verdict(result, earlier=earlier)
        if result is not None:
            assert (found.delivery, found.happened, found.due_at) == ("carried", "content_sent", None)


def test_an_earlier_alert_settles_nothing():
    earlier = (attempt(1, state="permanent_failure", carried="alert", finished_at=NOW),)
    assert verdict(Deferred(reason="rate_limited"), earlier=earlier).delivery == "retry"


@pytest.mark.parametrize("state", ["acknowledged", "superseded", "withheld", "held"])
def test_nothing_stays_due_of_a_notice_that_must_not_be_sent(state):
    found = verdict(Deferred(reason="rate_limited"), notice_state=state)
    assert (found.delivery, found.due_at) == ("withdrawn", None)
    assert found.attempt.state == "temporary_failure"


def test_what_was_not_sent_at_all_is_withdrawn():
    found = verdict(None, notice_state="superseded")
    assert (found.delivery, found.happened, found.attempt.state) == ("withdrawn", None, "cancelled")


def test_a_receipt_that_came_first_is_not_taken_back():
    assert verdict(ACCEPTED, own=attempt(1, state="delivered")).attempt.state == "delivered"
    assert verdict(ACCEPTED, own=attempt(1, state="permanent_failure")).attempt.state == "permanent_failure"


def test_a_result_after_the_lease_was_lost_is_still_the_truth():
    closed = attempt(1, state="technical_failure", reason="provider_timeout", finished_at=NOW)
    found = verdict(ACCEPTED, own=closed)
    assert (found.attempt.state, found.attempt.reason, found.attempt.carried) == ("sent", None, "content")


def test_written_again_it_is_the_same():
    for result in (ACCEPTED, Deferred(reason="rate_limited"), Rejected(reason="rejected"), Unconfirmed()):
        once = verdict(result).attempt
        assert verdict(result, own=once).attempt == once


def test_every_verdict_is_a_legal_step_of_a_leased_delivery():
    results = (ACCEPTED, Deferred(reason="unknown"), Rejected(reason="rejected"), Unconfirmed(), None, REFUSED)
    for result in results:
        for alert in (None, *results[:4]):
            delivery_after("leased", verdict(result, alert).delivery)


def test_nothing_personal_in_its_repr():
    claimed = ClaimedDelivery(
        delivery=DELIVERY, attempt=1, notice=NOTICE, decision=DECISION, child="ch_1", doc={"child": {"name": "Robin"}}
    )
    said = repr(Tried(claimed=claimed, node="a", finished_at=NOW, result=None, address="desk@police.example"))
    assert "Robin" not in said and "police.example" not in said
