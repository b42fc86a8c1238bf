"""Mail that came back, read: which receipts it holds, or why nothing in it counts. Pure.

Anybody can write to the address of a delivery who has seen its mail, and say anything. So a receipt counts for no more
than the token it came under, a report whose own envelope id names another delivery counts for nothing, and no words of
a report get further than here: codes and reasons are the RFCs'. The code of a notification ends in ``unsigned``, which
is a receipt as well; ``signed``; or ``unverified``: signed, but not by a certificate of its reader that we trust.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from adapters.email import dsn, mdn
from adapters.email.chain import Trust
from adapters.email.outcome import Outcome
from adapters.email.parts import Part, moment
from adapters.email.replies import automatic, old_bounce
from adapters.email.signed import Signature, unwrap
from adapters.email.verp import ReceiptsAddress
from adapters.port import Receipt

READ_LIMIT: Final = 1024 * 1024
"""Bytes of a mail that are read. A report stands before the message it returns, however large that is."""
MOST_RECEIPTS: Final = 20
_LAYERS = 2
_STATUSES = ("message/delivery-status", "message/global-delivery-status")
_DISPOSITIONS = ("message/disposition-notification", "message/global-disposition-notification")
_OLDEST = timedelta(days=30)

Apart = Literal["no_token", "tokens_disagree", "not_a_report", "malformed", "oversized", "fault"]
"""Why nothing counts. ``no_token``: a report, but of which delivery cannot be told. ``tokens_disagree``: it came under
one and names another. ``not_a_report``: a person wrote, or a machine that says nothing we know: somebody has to look.
``malformed``: a report that says nothing usable. ``oversized``: over a mebibyte, and no report in that. ``fault``: of
ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one mail means: receipts, or why there are none."""

    receipts: tuple[Receipt, ...] = ()
    """Each bears :attr:`token`. Several, where a system told of several recipients at once."""
    apart: Apart | None = None
    token: str | None = field(default=None, repr=False)
    """What it came under, also where nothing counts. It may be forged: only the hub can say whose it is."""
    signer: str | None = field(default=None, repr=False)
    """The mailbox whose holder signed the notification, if somebody did whom we trust to. Whether that is the mailbox
    that was written to, only the hub knows."""


def read(
    raw: bytes,
    envelope_to: str,
    arrived_at: datetime,
    *,
    addresses: Sequence[ReceiptsAddress],
    trust: Trust | None = None,
) -> Report:
    """Read one mail that arrived for ``envelope_to`` (RCPT TO). ``addresses``: the return path and the address for
    notifications. ``trust``: whose certificates make a notification ``signed``. Never raises."""
    token = next((found for one in addresses if (found := one.token(envelope_to)) is not None), None)
    try:
        return _read(raw, token, arrived_at, trust or Trust())
    except Exception:
        # Whoever stores it must not fail over it: the mail would come again for days, and then be lost.
        return Report(apart="fault", token=token)


def _read(raw: bytes, token: str | None, arrived_at: datetime, trust: Trust) -> Report:
    message = Part.of(raw[:READ_LIMIT].removeprefix(b"\r\n"))
    inner, signature = _unwrapped(message)
    leaves = list(inner.leaves())
    said: tuple[Outcome, ...] = ()
    signer: str | None = None
    status = [part for part in leaves if part.media_type in _STATUSES]
    disposition = next((part for part in leaves if part.media_type in _DISPOSITIONS), None)
    if status:
        told = [dsn.read(part.content()) for part in status]
        named = frozenset[str]().union(*(one.envelope_ids for one in told), {token} if token else ())
        if len(named) > 1:
            return Report(apart="tokens_disagree", token=token)
        token = next(iter(named), None)
        said = tuple(outcome for one in told for outcome in one.outcomes)
    elif disposition is not None:
        found = mdn.read(disposition.content())
        if found.outcome is not None:
            proven = signature is not None and signature.by(found.reader, arrived_at, trust)
            signer = found.reader if proven else None
            word = "unsigned" if signature is None else "signed" if proven else "unverified"
            said = (replace(found.outcome, code=f"{found.outcome.code} {word}"),)
    elif (bounce := old_bounce(inner)) is not None:
        said = (bounce,)
    elif automatic(message) or automatic(inner):
        said = (Outcome(kind="automatic_reply", code="automatic"),)
    else:
        return Report(apart="oversized" if len(raw) > READ_LIMIT else "not_a_report", token=token)
    if not said:
        return Report(apart="malformed", token=token)
    if token is None:
        return Report(apart="no_token")
    written = _believed(moment(message.value("date")), arrived_at) or arrived_at
    worst_first = sorted(dict.fromkeys(said), key=lambda outcome: outcome.reason is None)
    receipts = tuple(_receipt(outcome, token, written, arrived_at) for outcome in worst_first[:MOST_RECEIPTS])
    return Report(receipts=receipts, token=token, signer=signer)


def _unwrapped(message: Part) -> tuple[Part, Signature | None]:
    """Without its signatures; the innermost counts, as a gateway on the way may have put its own around it."""
    signature: Signature | None = None
    for _ in range(_LAYERS):
        message, found = unwrap(message)
        if found is None:
            break
        signature = found
    return message, signature


def _receipt(outcome: Outcome, token: str, written: datetime, arrived_at: datetime) -> Receipt:
    return Receipt(
        channel="email",
        kind=outcome.kind,
        at=_believed(outcome.at, arrived_at) or written,
        token=token,
        code=outcome.code,
        reason=outcome.reason,
    )


def _believed(at: datetime | None, arrived_at: datetime) -> datetime | None:
    """Neither from the future nor from before anything was sent that anybody still waits for."""
    return at if at is not None and arrived_at - _OLDEST <= at <= arrived_at else None
