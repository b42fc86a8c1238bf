"""When to try again, and when to stop. The schedule is data; the answer carries its reason."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, assert_never, get_args

from adapters.port import Accepted, Deferred, Reason, Rejected, Result, Unconfirmed
from hub.core.records import AttemptRecord, Purpose
from hub.core.states import AttemptHappening

CERTIFICATE_REASONS: frozenset[Reason] = frozenset(
    reason for reason in get_args(Reason) if reason == "no_certificate" or reason.startswith("certificate_")
)
"""Nothing readable may leave for this recipient; a content-free alert may."""

ALERT_REASONS: frozenset[Reason] = CERTIFICATE_REASONS | {"too_large"}
"""Why the content cannot go out while an alert still can."""

OURS: frozenset[Reason] = frozenset({"unknown", "misconfigured", "tls_failed"})
"""Reasons to wait that somebody here has to look at meanwhile."""

LASTING: Final = 3600.0
"""Seconds between tries of what lasts, when its schedule has ended."""

ABANDONED = ("technical_failure", "provider_timeout", None)
"""State, reason and ``carried`` of an attempt that the store closed because its lease ran out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """``schedule``: seconds to wait after the first, second … failed try; after the last one no more are made.

    ``jitter``: the largest share of a pause that is added to it, so that failures of one moment do not come back as
    one. ``longest_retry_after``: seconds; what a provider may ask for at most.
    """

    schedule: tuple[float, ...]
    jitter: float = 0.1
    longest_retry_after: float = 3600.0

    def __post_init__(self) -> None:
        if any(pause < 0 for pause in self.schedule):
            raise ValueError("retry schedule: a pause is negative; give seconds, such as 10, 30, 120")
        if not 0 <= self.jitter <= 1:
            raise ValueError("retry jitter: give a share between 0 and 1")
        if self.longest_retry_after < 0:
            raise ValueError("longest Retry-After: give seconds, not a negative number")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAt:
    """Try the same delivery again."""

    at: datetime
    reason: Reason
    over: bool = False
    """The schedule has ended with this try. It goes on all the same, but nobody is to wait for it: whoever has to see
    to it is told as if it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """No further try."""

    reason: Reason
    because: Literal["permanent", "schedule_ended", "second_unconfirmed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertInstead:
    """The content cannot go out to this recipient: no further try of it, a content-free alert at once."""

    reason: Reason


Next: TypeAlias = RetryAt | GiveUp | AlertInstead


def next_attempt(
    policy: RetryPolicy,
    earlier: Sequence[AttemptRecord],
    result: Deferred | Rejected | Unconfirmed,
    now: datetime,
    jitter: float,
    carries: Literal["content", "alert"] = "content",
    purpose: Purpose = "notice",
) -> Next:
    """What follows a try that did not carry the content. ``earlier``: the tries before it; ``jitter``: 0 to 1.

    A try that was given back, or whose worker died, was not answered by anybody and uses up none of the schedule.
    An :class:`Unconfirmed` may have been sent, so it is followed by one more try, and a second one by none, unless it
    is ``repeatable``. What is ``lasting``, or ``repeatable``, is tried each hour when the schedule has ended: only what
    the notice itself goes out by, as each reminder would add another that does.
    """
    match result:
        case Rejected(reason=reason) if reason in ALERT_REASONS and carries == "content":
            return AlertInstead(reason=reason)
        case Rejected(reason=reason) if not technical(result):
            return GiveUp(reason=reason, because="permanent")
        case Unconfirmed(reason=reason, repeatable=False) if any(maybe_sent(attempt) for attempt in earlier):
            return GiveUp(reason=reason, because="second_unconfirmed")
        case Deferred() | Rejected() | Unconfirmed():
            failed = sum(1 for attempt in earlier if answered(attempt))
            return _scheduled(policy, failed, result, now, jitter, lasts=purpose == "notice" and _lasts(result))
    assert_never(result)


def _scheduled(
    policy: RetryPolicy,
    failed: int,
    result: Deferred | Rejected | Unconfirmed,
    now: datetime,
    jitter: float,
    *,
    lasts: bool,
) -> RetryAt | GiveUp:
    ended = failed >= len(policy.schedule)
    if ended and not lasts:
        return GiveUp(reason=result.reason, because="schedule_ended")
    pause = LASTING if ended else policy.schedule[failed]
    if isinstance(result, Deferred) and result.retry_after is not None:
        pause = max(pause, min(result.retry_after, policy.longest_retry_after))
    pause *= 1 + policy.jitter * min(max(jitter, 0.0), 1.0)
    return RetryAt(at=now + timedelta(seconds=pause), reason=result.reason, over=failed == len(policy.schedule))


def _lasts(result: Deferred | Rejected | Unconfirmed) -> bool:
    match result:
        case Deferred(lasting=lasting):
            return lasting
        case Unconfirmed(repeatable=repeatable):
            return repeatable
        case Rejected():
            return False
    assert_never(result)


def outlasted(policy: RetryPolicy, tries: Sequence[AttemptRecord], *, after: int = 0) -> bool:
    """The schedule has ended without any of these being taken: a delivery that is still due is one that lasts, and
    nobody waits for it. ``after``: the number of the newest try before an operator put it back, with its schedule anew.
    """
    return sum(one.number > after and answered(one) and one.state != "sent" for one in tries) > len(policy.schedule)


def answered(attempt: AttemptRecord) -> bool:
    """The transport gave a result: the try was neither given back nor left behind by a worker that died."""
    if attempt.state in ("created", "sending", "cancelled"):
        return False
    return (attempt.state, attempt.reason, attempt.carried) != ABANDONED


def maybe_sent(attempt: AttemptRecord) -> bool:
    """The transport saw the connection die after the content, or the alert, had gone out."""
    return attempt.state == "technical_failure" and attempt.carried is not None


def carried(attempt: AttemptRecord, what: Literal["content", "alert"]) -> bool:
    """The next system took responsibility for it, and no receipt has said otherwise."""
    return attempt.carried == what and attempt.state in ("sent", "delayed", "delivered")


def technical(result: Result) -> bool:
    """Somebody here has to look at it: our fault or the provider's, or a reason that nobody knows."""
    match result:
        case Rejected():
            return result.technical or result.reason == "unknown"
        case Deferred() | Unconfirmed():
            return result.reason in OURS
        case Accepted():
            return False
    assert_never(result)


def happening(result: Result) -> AttemptHappening:
    """What a transport's result means for its attempt."""
    match result:
        case Accepted():
            return "accepted"
        case Unconfirmed():
            return "failed_technically"
        case Deferred():
            return "failed_technically" if technical(result) else "deferred"
        case Rejected():
            return "failed_technically" if technical(result) else "rejected"
    assert_never(result)


def spread(delivery: str, attempt: int) -> float:
    """A number between 0 and 1 for jitter: even over deliveries, the same for the same try on every node."""
    digest = hashlib.sha256(f"{delivery}\0{attempt}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)
