"""An envelope to the one message that may be handed over for it, or why there is none. Pure."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime

from adapters.email import mime
from adapters.email.address import InvalidField, wire_address
from adapters.email.certificates import Refusal, usable
from adapters.email.chain import Trust
from adapters.email.fields import delivery_id
from adapters.email.smime import Signer, seal
from adapters.port import Alert, Content, Envelope, Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Who sends. ``return_path`` may contain ``{delivery}`` (VERP), so that a bounce names its delivery."""

    sender: str
    sender_name: str = ""
    mail_domain: str
    return_path: str
    size_limit: int
    """Bytes of a whole message that the relay takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Ready for DATA: sealed, or content-free."""

    delivery: str
    return_path: str
    recipient: str = field(repr=False)
    data: bytes = field(repr=False)
    digest: str
    certificate: str | None


def prepare(
    envelope: Envelope, now: datetime, letterhead: Letterhead, signer: Signer, trust: Trust
) -> Message | Rejected:
    """Content is sealed to the best usable certificate, or not sent at all; an alert goes as it is."""
    try:
        return _prepare(envelope, now, letterhead, signer, trust)
    except InvalidField as problem:
        return Rejected(reason="misconfigured", detail=str(problem), technical=True)


def _prepare(
    envelope: Envelope, now: datetime, letterhead: Letterhead, signer: Signer, trust: Trust
) -> Message | Rejected:
    try:
        recipient = wire_address(envelope.address)
    except InvalidField as problem:
        return Rejected(reason="misconfigured", detail=str(problem))  # the directory's fault, not the hub's
    out = mime.outside(
        delivery=envelope.delivery,
        reference=envelope.reference,
        sender=letterhead.sender,
        sender_name=letterhead.sender_name,
        recipient=recipient,
        mail_domain=letterhead.mail_domain,
        now=now,
        headers=envelope.headers,
    )
    certificate: str | None = None
    match envelope.body:
        case Alert():
            data = mime.alert_message(envelope.body, out)
        case Content():
            pins = replace(trust, pinned=trust.pinned | envelope.pinned)
            chosen = usable(envelope.certificates, recipient, now, pins)
            if isinstance(chosen, Refusal):
                return Rejected(reason=chosen.reason)
            certificate = chosen.fingerprint
            sealed = seal(mime.payload(envelope.body, out), signer, chosen, envelope.delivery)
            data = mime.sealed_message(out, sealed)
    if len(data) > letterhead.size_limit:
        return Rejected(reason="too_large", detail="over the size limit of the settings")
    return Message(
        delivery=envelope.delivery,
        return_path=wire_address(letterhead.return_path.replace("{delivery}", delivery_id(envelope.delivery))),
        recipient=recipient,
        data=data,
        digest=hashlib.sha256(data).hexdigest(),
        certificate=certificate,
    )
