"""An envelope to the one message that may be handed over for it, or why there is none. Pure."""

import hashlib
from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeAlias

from adapters.email import mime
from adapters.email.address import InvalidField, wire_address
from adapters.email.certificates import Refusal, usable
from adapters.email.chain import Trust
from adapters.email.fields import base64_lines
from adapters.email.identities import HUB_ALONE, Identities
from adapters.email.smime import Signer, seal
from adapters.email.verp import ReceiptsAddress, receipt_token
from adapters.port import Alert, Content, Envelope, Rejected, Unwritten, written

Common: TypeAlias = MutableMapping[Any, Any]
"""A place for what several contents that are written together have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Who sends, and where reports go."""

    sender: str
    sender_name: str = ""
    mail_domain: str
    return_path: str | ReceiptsAddress
    """For bounces (RFC 5321 MAIL FROM): one address for all, or one for each delivery (VERP)."""
    receipts: ReceiptsAddress | None = None
    """Where the reader's program may say that content was shown (RFC 8098); without one it is not asked to."""
    size_limit: int
    """Bytes of a whole message that the relay takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Ready for DATA: sealed, or content-free."""

    delivery: str
    receipt_token: str | None = field(repr=False)
    """The ENVID (RFC 3461). None: no delivery reports are asked for."""
    return_path: str = field(repr=False)
    recipient: str = field(repr=False)
    data: bytes = field(repr=False)
    digest: str
    certificate: str | None


def prepare(
    envelope: Envelope,
    now: datetime,
    letterhead: Letterhead,
    signer: Signer,
    trust: Trust,
    identities: Identities = HUB_ALONE,
    lines: mime.Lines = base64_lines,
    common: Common | None = None,
) -> Message | Rejected:
    """Content is signed in its sender's name where that is possible, else in the hub's, and sealed to the best usable
    certificate, or not sent at all; an alert goes as it is. ``lines`` encodes attachments;
    ``common`` is for content that is not written yet."""
    try:
        return _prepare(envelope, now, letterhead, signer, trust, identities, lines, common)
    except InvalidField as problem:
        return Rejected(reason="misconfigured", detail=str(problem), technical=True)


def _prepare(
    envelope: Envelope,
    now: datetime,
    letterhead: Letterhead,
    signer: Signer,
    trust: Trust,
    identities: Identities,
    lines: mime.Lines,
    common: Common | None,
) -> Message | Rejected:
    try:
        recipient = wire_address(envelope.address)
    except InvalidField as problem:
        return Rejected(reason="misconfigured", detail=str(problem))  # the directory's fault, not the hub's
    authority = identities.fit(envelope.signing, now) if not isinstance(envelope.body, Alert) else None
    out = mime.outside(
        delivery=envelope.delivery,
        reference=envelope.reference,
        sender=letterhead.sender if authority is None else authority.sender,
        sender_name=letterhead.sender_name if authority is None else authority.sender_name,
        recipient=recipient,
        mail_domain=letterhead.mail_domain,
        now=now,
        headers=envelope.headers,
        receipts_to=_receipts_to(envelope, letterhead),
    )
    certificate: str | None = None
    match envelope.body:
        case Alert():
            data = mime.alert_message(envelope.body, out)
        case Content() | Unwritten() as body:
            if not envelope.pinned <= trust.pinned:
                trust = replace(trust, pinned=trust.pinned | envelope.pinned)
            chosen = usable(envelope.certificates, recipient, now, trust)
            if isinstance(chosen, Refusal):
                return Rejected(reason=chosen.reason)
            certificate = chosen.fingerprint
            signing = signer if authority is None else authority.signer
            sealed = seal(mime.payload(written(body, common), out, lines), signing, chosen, envelope.delivery)
            data = mime.sealed_message(out, sealed)
    if len(data) > letterhead.size_limit:
        return Rejected(reason="too_large", detail="over the size limit of the settings")
    return Message(
        delivery=envelope.delivery,
        receipt_token=None if envelope.receipt_token is None else receipt_token(envelope.receipt_token),
        return_path=_return_path(envelope, letterhead),
        recipient=recipient,
        data=data,
        digest=hashlib.sha256(data).hexdigest(),
        certificate=certificate,
    )


def _return_path(envelope: Envelope, letterhead: Letterhead) -> str:
    path = letterhead.return_path
    if isinstance(path, str):
        return wire_address(path)
    return letterhead.sender if envelope.receipt_token is None else path.address(envelope.receipt_token)


def _receipts_to(envelope: Envelope, letterhead: Letterhead) -> str | None:
    """Only content is worth a notification: an alert that was read has told nobody anything."""
    if letterhead.receipts is None or envelope.receipt_token is None or isinstance(envelope.body, Alert):
        return None
    return letterhead.receipts.address(envelope.receipt_token)
