"""What one try comes to: for its attempt, for its delivery, for its notice. Pure; the table is in states.py."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from adapters.port import Accepted, Deferred, Reason, Rejected, Result, Unconfirmed
from hub.core.records import AttemptRecord, ClaimedDelivery, DeliveryRecord, Purpose, Standing
from hub.core.retry import (
    AlertInstead,
    GiveUp,
    RetryAt,
    RetryPolicy,
    carried,
    happening,
    next_attempt,
    spread,
    technical,
)
from hub.core.states import DeliveryHappening, NoticeHappening, attempt_after, may_go_out

NO_ALERT = Deferred(reason="provider_unavailable", detail="alert not sent")
"""In place of an alert's result where there was no time, or no way, to send it."""

ASIDE: Final[frozenset[Purpose]] = frozenset({"handover", "silent"})
"""What goes out about a notice and does not tell it: whatever becomes of it, the notice stays as it is."""

AlarmKind = Literal["no_certificate", "too_large", "technical_failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One claim, carried out."""

    claimed: ClaimedDelivery = field(repr=False)
    node: str
    finished_at: datetime
    result: Result | None
    """Of the content. None: not sent, as the notice must not be."""
    alert: Result | None = None
    """Of the content-free alert that was sent because the content could not be sealed."""
    address: str | None = field(default=None, repr=False)
    """Where it went; the directory may have another by now."""

    @property
    def gone(self) -> bool:
        """The system there said that this address is gone for good."""
        return any(isinstance(one, Rejected) and one.reason == "gone" for one in (self.result, self.alert))


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be written down, before anything is asked about the notice's other deliveries."""

    attempt: AttemptRecord
    delivery: DeliveryHappening
    due_at: datetime | None = None
    happened: NoticeHappening | None = None
    """To the notice. ``gave_up`` holds only if no other delivery of the notice is left."""
    alarms: tuple[tuple[AlarmKind, Reason], ...] = ()


def judge(tried: Tried, standing: Standing, policy: RetryPolicy) -> Verdict:
    """The verdict on a try whose delivery stands as ``standing`` now."""
    claimed = tried.claimed
    earlier = tuple(attempt for attempt in standing.attempts if attempt.number < claimed.attempt)
    # An operator who puts a delivery back gives it its whole schedule anew.
    before = tuple(attempt for attempt in earlier if attempt.number > claimed.delivery.redriven_after)
    own = next((attempt for attempt in standing.attempts if attempt.number == claimed.attempt), None) or AttemptRecord(
        delivery=claimed.delivery.id,
        number=claimed.attempt,
        started_at=tried.finished_at,
        node=tried.node,
        state="sending",
    )
    own = replace(own, finished_at=tried.finished_at)
    match tried.result:
        case None:
            return Verdict(attempt=replace(own, state=attempt_after(own.state, "released")), delivery="withdrawn")
        case Accepted() as accepted:
            return _carried(own, claimed.delivery, accepted)
        case Deferred() | Rejected() | Unconfirmed() as failed:
            way, jitter = claimed.delivery, spread(claimed.delivery.id, claimed.attempt)
            match next_attempt(policy, before, failed, tried.finished_at, jitter, way.carries, way.purpose):
                case AlertInstead(reason=reason):
                    verdict = _alerted(own, before, tried, reason, policy)
                case RetryAt() | GiveUp() as then:
                    verdict = _failed(own, claimed.delivery, failed, then)
    if any(carried(attempt, claimed.delivery.carries) for attempt in earlier):
        # An earlier try, recorded late, did go out: whatever became of this one, nobody has to try again.
        happened = "receipt" if verdict.happened == "receipt" else _sent(claimed.delivery)
        return replace(verdict, delivery="carried", due_at=None, happened=happened)
    if verdict.delivery == "retry" and not may_go_out(standing.notice_state, claimed.delivery.purpose):
        return replace(verdict, delivery="withdrawn", due_at=None)
    return verdict


def _sent(delivery: DeliveryRecord) -> NoticeHappening | None:
    """What it means for the notice that this way was taken; nothing where somebody else than its reader was told."""
    if delivery.purpose in ASIDE:
        return None
    return "content_sent" if delivery.carries == "content" else "alert_sent"


def _carried(own: AttemptRecord, delivery: DeliveryRecord, accepted: Accepted) -> Verdict:
    state, happened = attempt_after(own.state, "accepted"), _sent(delivery)
    if accepted.receipt is not None and accepted.receipt.kind == "answered":
        # The recipient's own system has it, and said so in the same breath.
        state = attempt_after(state, "receipt_delivered")
        happened = "receipt" if happened == "content_sent" and state == "delivered" else happened
    attempt = replace(
        own,
        state=state,
        reason=None,
        provider_reference=accepted.provider_reference,
        digest=accepted.digest,
        certificate=accepted.certificate,
        carried=delivery.carries,
    )
    return Verdict(attempt=attempt, delivery="carried", happened=happened)


def _failed(
    own: AttemptRecord, delivery: DeliveryRecord, failed: Deferred | Rejected | Unconfirmed, then: RetryAt | GiveUp
) -> Verdict:
    attempt = replace(
        own,
        state=attempt_after(own.state, happening(failed)),
        reason=failed.reason,
        detail=failed.detail or None,
        carried=delivery.carries if isinstance(failed, Unconfirmed) else None,
    )
    alarms = _technical(failed)
    match then:
        case RetryAt(at=at, over=over):
            happened: NoticeHappening | None = "gave_up" if over else None
            return Verdict(attempt=attempt, delivery="retry", due_at=at, happened=happened, alarms=alarms)
        case GiveUp():
            return Verdict(attempt=attempt, delivery="gave_up", happened="gave_up", alarms=alarms)


def _alerted(
    own: AttemptRecord, before: tuple[AttemptRecord, ...], tried: Tried, reason: Reason, policy: RetryPolicy
) -> Verdict:
    """The content cannot go out to this recipient: the attempt bears the reason, whatever became of the alert."""
    alarms: tuple[tuple[AlarmKind, Reason], ...] = (
        ("too_large" if reason == "too_large" else "no_certificate", reason),
    )
    own = replace(own, reason=reason, detail=None)
    match tried.alert or NO_ALERT:
        case Accepted(provider_reference=reference, digest=digest):
            attempt = replace(
                own,
                state=attempt_after(own.state, "rejected"),
                provider_reference=reference,
                digest=digest,
                carried="alert",
            )
            happened: NoticeHappening | None = None if tried.claimed.delivery.purpose in ASIDE else "alert_sent"
            return Verdict(attempt=attempt, delivery="gave_up", happened=happened, alarms=alarms)
        case Deferred() | Rejected() | Unconfirmed() as failed:
            delivery = tried.claimed.delivery.id
            then = next_attempt(policy, before, failed, tried.finished_at, spread(delivery, own.number))
            attempt = replace(
                own,
                state=attempt_after(own.state, happening(failed)),
                detail=failed.detail or None,
                carried="alert" if isinstance(failed, Unconfirmed) else None,
            )
            alarms += _technical(failed)
            if isinstance(then, RetryAt):
                return Verdict(attempt=attempt, delivery="retry", due_at=then.at, alarms=alarms)
            return Verdict(attempt=attempt, delivery="gave_up", happened="gave_up", alarms=alarms)


def _technical(failed: Deferred | Rejected | Unconfirmed) -> tuple[tuple[AlarmKind, Reason], ...]:
    return (("technical_failure", failed.reason),) if technical(failed) else ()
