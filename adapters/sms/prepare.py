"""An envelope to the one text message that may be handed over for it, or why there is none. Pure."""

import hashlib
import re
from dataclasses import dataclass, field

from adapters.port import Alert, Envelope, Rejected
from adapters.sms.text import NotOnePart, gsm
from contacts.addresses import AddressProblem, parse_mobile

_DELIVERY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_REFERENCE = re.compile(r"FP-[0-9A-Z]{4}-[0-9A-Z]{4}")
_HEADER = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Ready for a provider. What it says is content-free; to whom it goes is not, so neither prints."""

    delivery: str
    number: str = field(repr=False)
    """E.164, with its ``+``."""
    text: str = field(repr=False)
    octets: bytes = field(repr=False)
    """``text`` in the GSM basic set, one octet a septet."""
    digest: str
    """SHA-256 (hex) of ``text`` in UTF-8."""
    receipt: bool
    """Whether anybody waits for a receipt."""


def prepare(envelope: Envelope) -> Message | Rejected:
    """Only an alert goes by SMS, in one part. Content is refused as a fault of ours: it must never have come here.

    Headers have no place in a text message (its text is marked where it is an exercise); a bad one is refused all the
    same, as it says that somebody tried.
    """
    if not _DELIVERY.fullmatch(envelope.delivery):
        return _ours("delivery: not an id made by the hub")
    if not _REFERENCE.fullmatch(envelope.reference):
        return _ours("reference: not FP-XXXX-XXXX")
    if not all(_HEADER.fullmatch(name) and _HEADER.fullmatch(value) for name, value in envelope.headers.items()):
        return _ours("headers: only short printable ASCII")
    if not isinstance(envelope.body, Alert):
        return _ours("body: a text message carries no content")
    text = envelope.body.text.strip()
    if not text:
        return _ours("body: no text")
    try:
        octets = gsm(text)
    except NotOnePart:
        return _ours("body: not one part of the GSM basic set")
    try:
        number = parse_mobile(envelope.address)
    except AddressProblem:
        # The directory's fault, not the hub's.
        return Rejected(reason="misconfigured", detail="address: not a number that can get text messages")
    return Message(
        delivery=envelope.delivery,
        number=number,
        text=text,
        octets=octets,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        receipt=envelope.receipt_token is not None,
    )


def _ours(detail: str) -> Rejected:
    return Rejected(reason="misconfigured", detail=detail, technical=True)
