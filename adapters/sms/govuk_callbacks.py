"""What GOV.UK Notify posts to the hub: delivery receipts and received text messages. Pure.

Each callback bears the token that the operator gave Notify. Notify posts again, every five minutes and up to five
times, until it gets a 2xx: so answer 2xx only when what came out of here is stored, and 401 for :class:`Unauthorised`.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from adapters.email.credentials import Secret
from adapters.port import Receipt
from adapters.sms.govuk_codes import STATUSES
from adapters.sms.inbound import Reply, Unreadable, international
from contacts.addresses import AddressProblem

LARGEST: Final = 64 * 1024
"""Bytes of a body; the documented ones are under two thousand."""
_AHEAD: Final = timedelta(minutes=5)

_Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_Line = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class _Body(BaseModel):
    """Strings, as documented; keys that Notify adds later are no mistake."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: _Id


class _DeliveryReceipt(_Body):
    reference: _Line | None = None
    status: _Line
    completed_at: _Line | None = None
    notification_type: Literal["sms", "email", "letter"]


class _ReceivedText(_Body):
    source_number: _Line
    message: Annotated[str, Field(max_length=4_000)]


Body = TypeVar("Body", bound=_Body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unauthorised:
    """Whoever posted does not know the token: nothing of the body was looked at."""


def delivery_receipt(
    body: bytes, authorization: str | None, tokens: Sequence[Secret], now: datetime
) -> Receipt | Unreadable | Unauthorised:
    """One status of one message. ``authorization``: that header as it came; ``tokens``: the present one and, while it
    is being changed, the one before.

    The receipt names the delivery where the message had a reference, else Notify's own id. A message of another system
    that shares the service is so an unknown delivery, to be kept apart by whoever matches.
    """
    parsed = _opened(body, authorization, tokens, _DeliveryReceipt)
    if not isinstance(parsed, _DeliveryReceipt):
        return parsed
    if parsed.notification_type != "sms":
        return Unreadable(why="notification_type", raw=body)
    meaning = STATUSES.get(parsed.status)
    if meaning is None:
        return Unreadable(why="status", raw=body)
    kind, reason = meaning
    return Receipt(
        channel="sms",
        kind=kind,
        at=_instant(parsed.completed_at, now),
        delivery=parsed.reference,
        provider_reference=None if parsed.reference else parsed.id,
        code=parsed.status,
        reason=reason,
    )


def received_text(
    body: bytes, authorization: str | None, tokens: Sequence[Secret], now: datetime
) -> Reply | Unreadable | Unauthorised:
    """One text message that somebody sent to the service's number; arguments as for :func:`delivery_receipt`."""
    parsed = _opened(body, authorization, tokens, _ReceivedText)
    if not isinstance(parsed, _ReceivedText):
        return parsed
    try:
        source = international(parsed.source_number)
    except AddressProblem:
        return Unreadable(why="source_number", raw=body)  # a name or a short code: nobody whom we ever write to
    return Reply(source=source, text=parsed.message, at=now, provider_reference=parsed.id)


def _opened(
    body: bytes, authorization: str | None, tokens: Sequence[Secret], model: type[Body]
) -> Body | Unreadable | Unauthorised:
    scheme, _, offered = (authorization or "").partition(" ")
    # Every token is compared, and in constant time: how long a refusal takes says nothing about any of them.
    said = offered.encode("utf-8", "surrogateescape")  # as it came: a header may hold any octet
    known = [hmac.compare_digest(said, token.reveal().encode()) for token in tokens if token.reveal()]
    if scheme.lower() != "bearer" or not any(known):
        return Unauthorised()
    if len(body) > LARGEST:
        return Unreadable(why="size", raw=body[:LARGEST])
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return Unreadable(why="body", raw=body)


def _instant(text: str | None, now: datetime) -> datetime:
    """When Notify says it happened; ``now`` where it does not say, or says a time to come."""
    try:
        said = datetime.fromisoformat(text or "")
    except ValueError:
        return now
    said = said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
    return said if said <= now + _AHEAD else now
