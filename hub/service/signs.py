"""What a try says of the system at the other end: whether it answers, and how long it asks to be left alone. Pure."""

from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, assert_never

from adapters.port import Accepted, Deferred, Reason, Rejected, Result, Unconfirmed
from hub.core.verdict import Tried

FAILURES: Final = 3
"""So many in a row are no chance."""
OUTAGE: Final = timedelta(seconds=60)
"""What was away for longer has made others wait: they are brought forward. Less, and those that it refuses for another
reason would be tried over and over beside those that it takes."""
LONGEST_ASKED: Final = 86_400.0
"""Seconds of a Retry-After that are remembered; each delivery has a limit of its own (hub/core/retry.py)."""

NOT_THERE: Final[frozenset[Reason]] = frozenset(
    {"connection_failed", "tls_failed", "provider_unavailable", "provider_timeout", "rate_limited"}
)
"""Of what is deferred: the system as a whole does not take anything now."""
SPOKE: Final[frozenset[Reason]] = frozenset({"rejected", "gone"})
"""Of what is rejected: it was the other system that said so. The rest is found out without asking it."""

Sign: TypeAlias = Literal["answers", "fails"]


def sign_of(result: Result | None) -> Sign | None:
    """What a result says of the system at the other end; None: nothing, as it may never have been asked."""
    match result:
        case Accepted():
            return "answers"
        case Unconfirmed():
            return "fails"
        case Deferred(reason=reason):
            return "fails" if reason in NOT_THERE else None
        case Rejected(reason=reason):
            return "answers" if reason in SPOKE else None
        case None:
            return None
    assert_never(result)


def spoken(tried: Tried) -> Result | None:
    """What came last from the other end."""
    return tried.result if tried.alert is None else tried.alert


def asked(tried: Tried, before: datetime | None) -> datetime | None:
    """Until when the other end asks to be left alone."""
    result = spoken(tried)
    if not isinstance(result, Deferred) or result.retry_after is None:
        return before
    until = tried.finished_at + timedelta(seconds=min(result.retry_after, LONGEST_ASKED))
    return max(before, until) if before is not None and later(before, tried.finished_at) else until


def later(until: datetime | None, now: datetime) -> bool:
    """A clock that was set back makes nobody wait for longer than anything that is asked for is remembered."""
    return until is not None and timedelta(0) < until - now <= timedelta(seconds=LONGEST_ASKED)
