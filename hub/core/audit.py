"""The audit log: the canonical bytes of a line, and the chain of digests that shows that no line was changed or lost.

A line is written with what it records, in the same transaction; it is numbered and linked into the chain afterwards.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any, Final, Literal

from hub.core.records import AuditLine
from hub.core.wire_json import canonical
from hub.core.wire_values import instant_text

GENESIS: Final = bytes(32)
"""What the first line is linked to."""

_LINE: Final = b"fingerpost.audit.line.v1\0"
_ODD: Final = b"fingerpost.audit.odd.v1\0"
_LINK: Final = b"fingerpost.audit.link.v1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a chain stands: the number and link of its last line. The empty chain: 0 and GENESIS."""

    number: int = 0
    link: bytes = field(default=GENESIS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedLine:
    """A line with its place in the chain, counted from 1."""

    number: int
    line: AuditLine
    link: bytes
    worked_out: bytes = field(default=b"", repr=False, compare=False)
    """The line's digest, where whoever read it has it already."""

    @property
    def id(self) -> str:
        """The line's."""
        return self.line.id

    @property
    def digest(self) -> bytes:
        """What stands for the line where the line itself is not to be shown."""
        return self.worked_out or line_digest(self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A row that is no line: somebody changed it into one that cannot be read, or put it in so. What was so when it got
    its place has that place by ``digest`` (:func:`odd_digest`), and the chain goes on behind it."""

    number: int
    id: str
    link: bytes
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Where a chain is not what was written; nothing after that is shown to be whole."""

    number: int
    """The number that was expected."""
    line: str
    """AuditLine.id of the line found there."""
    reason: Literal["number", "link"]
    """``number``: a line is missing, twice or out of order; ``link``: it, or one before it, was changed."""


def line_content(line: AuditLine) -> dict[str, Any]:
    """The members that a line's digest is over."""
    return {
        "id": line.id,
        "at": instant_text(line.at),
        "actor": line.actor,
        "action": line.action,
        "organisation": line.organisation,
        "episode": line.episode,
        "subject": line.subject,
        "detail": dict(line.detail),
    }


def line_bytes(line: AuditLine) -> bytes:
    """RFC 8785; the instant in UTC. Raises ValueError for an instant without an offset."""
    if line.at.utcoffset() != timedelta(0):
        raise ValueError("an audit line's instant has to be in UTC")
    content = line_content(line)
    if all(key.isascii() and isinstance(value, str) for key, value in line.detail.items()):
        return _strings(content)
    return canonical(content)


def digestible(line: AuditLine) -> AuditLine:
    """The line, if it has canonical bytes that every database takes; else the nearest that has: nothing is refused for
    what its line says, and no line stops the chain. Raises ValueError for an instant without an offset."""
    if _evidently_plain(line):
        return line
    if line.at.utcoffset() is None:
        raise ValueError("an audit line's instant needs an offset")
    try:
        plain = b"\\u0000" not in line_bytes(line)
    except ValueError:
        plain = False
    if plain:
        return line
    return AuditLine(
        id=_plain(line.id),
        at=line.at.astimezone(UTC),
        actor=_plain(line.actor),
        action=_plain(line.action),
        organisation=None if line.organisation is None else _plain(line.organisation),
        episode=None if line.episode is None else _plain(line.episode),
        subject=None if line.subject is None else _plain(line.subject),
        detail={_plain(str(key)): _plain(str(value)) for key, value in line.detail.items()},
    )


def _evidently_plain(line: AuditLine) -> bool:
    """Of nearly every line, and a tenth of the work: events are recorded through here."""
    try:
        text = "".join(
            (
                line.id, line.actor, line.action, line.organisation or "", line.episode or "", line.subject or "",
                *line.detail, *line.detail.values(),
            )
        )  # fmt: skip
    except TypeError:
        return False
    return line.at.tzinfo is UTC and text.isascii() and "\0" not in text


_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")


def _plain(text: str) -> str:
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)


def _strings(content: Mapping[str, Any]) -> bytes:
    """RFC 8785 of texts under ASCII keys, which is what Python's own encoder writes, fifteen times as fast: a chainer
    is not to hold up events. A test compares the two."""
    return _JSON.encode(content).encode()


_JSON: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
"""Made once: making it takes as long as using it."""


def line_digest(line: AuditLine) -> bytes:
    """SHA-256 over the line's canonical bytes. Raises ValueError like :func:`line_bytes`."""
    return hashlib.sha256(_LINE + line_bytes(line)).digest()


def odd_digest(row: Mapping[str, object]) -> bytes:
    """SHA-256 over the values of a row that is no line, by column, just as they stand. Takes any."""
    return hashlib.sha256(_ODD + json.dumps(dict(row), sort_keys=True, default=repr).encode()).digest()


def link_of(number: int, before: bytes, digest: bytes) -> bytes:
    """SHA-256 over a line's number (8 bytes, big-endian), the link before it, and the line's digest. A chain can so be
    shown to be whole to somebody who is shown only the digests of other people's lines."""
    return hashlib.sha256(_LINK + number.to_bytes(8, "big") + before + digest).digest()


def link_after(head: Head, line: AuditLine) -> LinkedLine:
    """The line as the next of the chain."""
    number = head.number + 1
    return LinkedLine(number=number, line=line, link=link_of(number, head.link, line_digest(line)))


def verify_chain(lines: Iterable[LinkedLine | Unreadable], after: Head | None = None) -> Head | Broken:
    """Checks lines in order of number, from the beginning or from a head known to be right. Streams: holds one line.

    The caller compares the head that comes out with the one recorded elsewhere: a chain cut short is whole in itself.
    """
    head = after or Head()
    for found in lines:
        number = head.number + 1
        if found.number != number:
            return Broken(number=number, line=found.id, reason="number")
        if found.link != link_of(number, head.link, found.digest):
            return Broken(number=number, line=found.id, reason="link")
        head = Head(number=number, link=found.link)
    return head
