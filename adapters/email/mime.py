"""Content to MIME bytes and back out of them: canonical CRLF, seven bits, nothing injected. Pure.

What a reader may see becomes one protected part (RFC 9788): the real Subject, From, To and Date stand inside it, signed
and encrypted with the text; ``HP-Outer`` repeats what stands outside, and ``hp="cipher"`` says so. Older programs know
the same by ``protected-headers="v1"``. No "legacy display" copy of the subject is put into the text: a program that
cannot read protected fields shows the outer subject, and the text stays byte for byte what was composed.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import TypeAlias

from adapters.email.address import wire_address, wire_domain
from adapters.email.fields import (
    base64_blocks,
    base64_lines,
    delivery_id,
    extra,
    filename,
    mailbox,
    media_type,
    secure_subject,
    unstructured,
)
from adapters.port import Alert, Attachment, Content

Lines: TypeAlias = Callable[[bytes], bytes]
"""What :func:`base64_lines` does, perhaps once for all who are sent the same."""
Pieces: TypeAlias = list[bytes]
"""Joined once, when all are there: a photo is a large thing to copy."""

_LONGEST_LINE = 998
"""Octets of a line, without its end (RFC 5322 2.1.1)."""
_ALTERED = frozenset({b"--=_", b"From"})
"""How no line begins that goes as it is: a boundary does, and what old programs put a ``>`` before on the way, so that
a signature no longer holds (RFC 8551 3.1.2)."""
_CUT_OFF = frozenset({b" ", b"\t"})
"""How none ends: that may be lost (RFC 1847 2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What stands outside the encryption of one message, and nothing else does."""

    delivery: str
    sender: bytes
    recipient: bytes
    date: bytes
    message_id: bytes
    subject: bytes
    receipts_to: bytes | None = None
    extra: tuple[tuple[str, bytes], ...] = field(default=())

    def fields(self) -> tuple[tuple[str, bytes], ...]:
        """Name and value, in the order they are written."""
        return (
            ("Subject", self.subject),
            ("Message-ID", self.message_id),
            ("From", self.sender),
            ("To", self.recipient),
            ("Date", self.date),
            # RFC 3834, and the field that Exchange heeds: no vacation message for what a machine sent.
            ("Auto-Submitted", b"auto-generated"),
            ("X-Auto-Response-Suppress", b"OOF, AutoReply"),
            *(() if self.receipts_to is None else (("Disposition-Notification-To", self.receipts_to),)),
            *self.extra,
        )


def outside(
    *,
    delivery: str,
    reference: str,
    sender: str,
    sender_name: str,
    recipient: str,
    mail_domain: str,
    now: datetime,
    headers: Mapping[str, str],
    receipts_to: str | None = None,
) -> Outside:
    """The outer fields of one delivery; the Message-ID is the same on every try. Raises InvalidField."""
    return Outside(
        delivery=delivery_id(delivery),
        sender=mailbox(wire_address(sender), sender_name),
        recipient=mailbox(wire_address(recipient)),
        date=_date(now.astimezone(UTC).replace(microsecond=0)),
        message_id=f"<{delivery_id(delivery)}@{wire_domain(mail_domain)}>".encode("ascii"),
        subject=secure_subject(reference),
        receipts_to=None if receipts_to is None else mailbox(wire_address(receipts_to)),
        extra=extra(headers),  # no database  # nosec B610
    )


@lru_cache(maxsize=8)
def _date(second: datetime) -> bytes:
    """A burst has the same for hundreds. In UTC: the same instant by another clock's zone would be taken for it."""
    return format_datetime(second).encode("ascii")


def canonical_text(text: str) -> str:
    """Line ends as CRLF (RFC 2046 4.1.1), and ``?`` for what is not a character (a lone surrogate)."""
    return _canonical(text).decode("utf-8")


def _canonical(text: str) -> bytes:
    return b"\r\n".join(_lines(text))


def _lines(text: str) -> list[bytes]:
    """Without their ends."""
    lines = text.encode("utf-8", "replace")
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return lines.split(b"\n")


def payload(content: Content, out: Outside, lines: Lines = base64_lines) -> bytes:
    """The part that is signed: protected fields, then text, HTML and attachments. Raises InvalidField."""
    mixed = boundary("mixed", out.delivery)
    fields = out.fields()
    head = [b"MIME-Version: 1.0\r\n", _line("Subject", unstructured(content.subject))]
    head += [_line(name, value) for name, value in fields if name != "Subject"]
    head.append(
        b'Content-Type: multipart/mixed; boundary="' + mixed + b'";\r\n hp="cipher"; protected-headers="v1"\r\n'
    )
    head += [b"HP-Outer: " + _line(name, value) for name, value in fields]
    attached = (_attachment(attachment, lines) for attachment in content.attachments)
    parts = [_alternative(content, out.delivery), *attached]
    return b"".join((*head, *multipart(mixed, parts)))


def multipart(mark: bytes, parts: Iterable[Pieces]) -> Pieces:
    """The blank line and the body of a multipart. Like each part, it ends without the CRLF of the next boundary."""
    return [piece for part in parts for piece in (b"\r\n--" + mark + b"\r\n", *part)] + [b"\r\n--" + mark + b"--"]


def boundary(kind: str, delivery: str) -> bytes:
    """A line in base64 or in a folded header never starts with ``--``, and what has one that starts like a boundary is
    put into base64: no content can contain it."""
    return b"=_" + kind.encode("ascii") + b"_" + _own(delivery)


@lru_cache(maxsize=8)
def _own(delivery: str) -> bytes:
    """A message's boundaries differ in their kind."""
    return hashlib.sha256(delivery.encode("ascii")).hexdigest()[:16].encode("ascii")


def sealed_message(out: Outside, enveloped: bytes) -> bytes:
    """The whole message around an encrypted body (RFC 8551 3.3). ``enveloped`` is DER."""
    head = b"".join(
        (
            *(_line(name, value) for name, value in out.fields()),
            b"MIME-Version: 1.0\r\n",
            b'Content-Type: application/pkcs7-mime; smime-type=enveloped-data;\r\n name="smime.p7m"\r\n',
            b"Content-Transfer-Encoding: base64\r\n",
            b'Content-Disposition: attachment; filename="smime.p7m"\r\n',
        )
    )
    return b"\r\n".join((head, *base64_blocks(enveloped), b""))


def alert_message(alert: Alert, out: Outside) -> bytes:
    """A content-free message in clear. Its subject is the one of every message: ``alert.subject`` is for channels
    that have no fixed one."""
    encoding, text = _encoded(_lines(alert.text.removesuffix("\n") + "\n"))
    return b"".join(
        (
            *(_line(name, value) for name, value in out.fields()),
            b"MIME-Version: 1.0\r\n",
            b"Content-Type: text/plain; charset=utf-8\r\n",
            b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n",
            text if encoding == b"7bit" else text + b"\r\n",
        )
    )


def _line(name: str, value: bytes) -> bytes:
    return name.encode("ascii") + b": " + value + b"\r\n"


def _alternative(content: Content, delivery: str) -> Pieces:
    mark = boundary("alternative", delivery)
    head = b'Content-Type: multipart/alternative; boundary="' + mark + b'"\r\n'
    return [head, *multipart(mark, [_text(b"plain", content.text), _text(b"html", content.html)])]


def _text(subtype: bytes, text: str) -> Pieces:
    encoding, body = _encoded(_lines(text))
    head = b"Content-Type: text/" + subtype + b"; charset=utf-8\r\nContent-Transfer-Encoding: " + encoding
    return [head + b"\r\n\r\n", body]


def _encoded(lines: list[bytes]) -> tuple[bytes, bytes]:
    """How they are encoded, and what comes of it. What needs no encoding (RFC 2045 2.7), as a page does that is written
    in references, goes as it is: a quarter less to encode, to encrypt and to send."""
    text = b"\r\n".join(lines)
    plain = (
        text.isascii()
        and b"\0" not in text
        and max(map(len, lines)) <= _LONGEST_LINE
        and _ALTERED.isdisjoint({line[:4] for line in lines})
        and _CUT_OFF.isdisjoint({line[-1:] for line in lines})
    )
    return (b"7bit", text) if plain else (b"base64", base64_lines(text))


def _attachment(attachment: Attachment, lines: Lines) -> Pieces:
    return [
        b"Content-Type: " + media_type(attachment.media_type) + b"\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Disposition: attachment" + filename(attachment.name) + b"\r\n\r\n",
        lines(attachment.data),
    ]
