"""The port towards recipients: an Envelope goes in, a typed result comes out.

Every channel (e-mail, SMS, HTTPS push) is a :class:`Transport`. The caller matches the result exhaustively;
nothing a transport does raises for a failure of delivery. Pure: no I/O here.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol, TypeAlias, runtime_checkable

Reason = Literal[
    "no_certificate",
    "certificate_expired",
    "certificate_not_yet_valid",
    "certificate_untrusted",
    "certificate_name_mismatch",
    "certificate_wrong_purpose",
    "certificate_weak",
    "certificate_unreadable",
    "certificate_unsupported",
    "no_contact",
    "provider_timeout",
    "rate_limited",
    "rejected",
    "gone",
    "too_large",
    "connection_failed",
    "tls_failed",
    "provider_unavailable",
    "misconfigured",
    "unknown",
]
"""Reason codes (vocabulary.md, States). ``provider_timeout`` is ambiguous: it may have been sent.
``certificate_unsupported``: sound, but with a key nothing can be encrypted to yet (elliptic curve).
``gone``: the recipient's system has done away with this address for good (HTTP 410): disable it, and tell its keeper.
``too_large``: over the size that we or the next system take; an alert still gets through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One attachment of sealed content. ``name`` must not identify a child."""

    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the reader may see. Never leaves the hub except sealed to one recipient; nothing of it prints."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A content-free message that may travel in clear: a reference and how to collect, nothing else."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwritten:
    """Content that is written where it is sealed, which may be another process: ``write`` can be pickled. What it is
    given is a place for what several contents that are written together have in common; ``common`` is that place here,
    and goes to no other process."""

    write: Callable[[MutableMapping[Any, Any]], Content] = field(repr=False)
    common: MutableMapping[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unwritten, (self.write,)


def _unwritten(write: Callable[[MutableMapping[Any, Any]], Content]) -> Unwritten:
    return Unwritten(write=write)


def written(body: Content | Unwritten, common: MutableMapping[Any, Any] | None = None) -> Content:
    """The content itself. ``common``: what several have that are written together, where that is not the place where
    they were claimed."""
    return body if isinstance(body, Content) else body.write(body.common if common is None else common)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One delivery, ready for its channel.

    ``delivery`` is the idempotency key on every try: the local part of the Message-ID, the SMS reference.
    ``certificates`` are the candidates on file for ``address``: DER for e-mail, JWK or JWK Set documents (JSON, RFC
    7517) for push. Which of them is usable is checked at the moment of use. An :class:`Alert` body needs none.
    """

    delivery: str
    reference: str
    """``FP-XXXX-XXXX``, the only thing about the notice that may stand in clear."""
    address: str = field(repr=False)
    body: Content | Alert | Unwritten
    """Unwritten: only where the transport was made for it."""
    receipt_token: str | None = field(default=None, repr=False)
    """Under which receipts come back (VERP, ENVID, a callback): unguessable, lower-case letters and digits, the same
    on every try. None: none are asked for."""
    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    pinned: frozenset[str] = frozenset()
    """SHA-256 fingerprints (lower-case hex) of those of ``certificates`` that were compared with their holder: trusted
    without a chain, and checked in every other way. Of a JWK it is the thumbprint (RFC 7638), and as a JWK has no chain
    only pinned ones are used."""
    priority: Literal["immediate", "high", "normal", "low"] = "normal"
    signing: str | None = None
    """What the directory calls the key that signs in its sender's name; None: the hub's own. Where that one is not fit
    the hub's own signs, as an unsigned notice, or none, would be worse."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Extra outer headers; content-free (for example ``X-Fingerpost-Status: exercise``)."""
    version: int | None = None
    """Of the exchange between hubs, for push to another hub."""
    via: tuple[str, ...] = ()
    """The hubs that it has come through, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The next system took responsibility."""

    provider_reference: str | None = None
    digest: str | None = None
    """SHA-256 (hex) of the exact bytes that were handed over."""
    certificate: str | None = None
    """SHA-256 fingerprint (hex) of the recipient certificate it was encrypted to."""
    receipt: "Receipt | None" = None
    """What the next system's answer proved beyond that, where it did: a machine's acknowledgement (push)."""
    answer: bytes = field(default=b"", repr=False)
    """That answer as it came, where it proved anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Not now; the same delivery may be tried again."""

    reason: Reason
    detail: str = ""
    retry_after: float | None = None
    """Seconds, as the provider asked."""
    lasting: bool = False
    """Where it goes is one system that may be down for days and has to get it then: it is tried on when the schedule
    has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Not by this way. ``technical`` is ours or the provider's fault, else it is the recipient's."""

    reason: Reason
    detail: str = ""
    technical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """It may have been sent: the connection died after the content had gone out."""

    reason: Reason = "provider_timeout"
    detail: str = ""
    repeatable: bool = False
    """The next system takes what bears one id once: sent again, it is nobody's second. It is tried on as what is
    :attr:`Deferred.lasting` is."""


Result: TypeAlias = Accepted | Deferred | Rejected | Unconfirmed
"""``detail`` of each is content-free: a status code and a class name, never a provider's free text."""


ReceiptKind = Literal[
    "delayed", "relayed", "delivered", "displayed", "answered", "automatic_reply", "bounced", "expired"
]
"""What a machine says became of a try, after it was sent. ``relayed``: handed to a system that sends no reports.
``displayed``: shown to somebody (an MDN, a page), which is not an acknowledgement. ``answered``: the recipient's own
system took it in. ``automatic_reply``: somebody is away, or a robot answered; it says nothing about delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One report that came back, as its adapter understood it. It is matched by exactly one of ``token``,
    ``delivery`` and ``provider_reference``; what it says is believed only as far as that matches."""

    channel: str
    kind: ReceiptKind
    at: datetime
    """When the reporter says it happened; when it arrived, if it does not say or cannot be believed."""
    token: str | None = field(default=None, repr=False)
    """:attr:`Envelope.receipt_token`, where the report came back under it."""
    delivery: str | None = None
    """The idempotency key, from a reporter that proved who it is (a provider's callback)."""
    provider_reference: str | None = None
    """:attr:`Accepted.provider_reference`, likewise."""
    code: str = ""
    """The reporter's own code (``5.1.1``, ``permanent-failure``, ``UNDELIV``): content-free, never free text."""
    reason: Reason | None = None
    """Why not, for ``delayed``, ``bounced`` and ``expired``."""


UNTOUCHED: Final = "nothing was handed over"
"""A transport that is cancelled before any of the message went out says so: it raises ``CancelledError(UNTOUCHED)``.
Then nothing may have been sent, and the try does not count as one that may have been."""


class Transport(Protocol):
    """A way to a recipient. ``deliver`` may be cancelled at any await and leaves no connection in a bad state."""

    @property
    def channel(self) -> str:
        """``email``, ``sms``, ``push``."""
        ...

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        """Try once. Raises only ``asyncio.CancelledError``."""
        ...

    async def aclose(self) -> None:
        """Close pooled connections in bounded time."""
        ...


@runtime_checkable
class Reachable(Protocol):
    """A :class:`Transport` through one provider, whom it can ask whether he is there."""

    async def reachable(self) -> bool:
        """Whether he would take something from us now; nothing is sent. In bounded time; raises only
        ``asyncio.CancelledError``."""
        ...
