"""A mail taken apart, whatever it holds: nothing raises, and the work is bounded by its size. Pure.

Not the standard library's parser: that one recurses as deep as the mail says, loses the exact bytes a signature is
over, and raises for some headers only when they are read. A returned message (``message/rfc822``) is never entered:
what stands in it was not said by whoever sent the report.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_HEADER_LIMIT = 64 * 1024
_MOST_FIELDS = 400
_MOST_PARTS = 40
_DEEPEST = 4
_BLANK = re.compile(rb"\A\r?\n|\r?\n\r?\n")
_FOLD = re.compile(r"\r?\n[ \t]+")
_FIELD = re.compile(r"([!-9;-~]{1,80})[ \t]*:[ \t]*(.*)", re.DOTALL)
_MEDIA_TYPE = re.compile(r"\s*([A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64})")
_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]{1,40})\s*=\s*(?:"([^"]{0,200})"|([^\s;"]{1,200}))')
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A whole mail, or a part of one."""

    raw: bytes = field(repr=False)
    """Header and body as they came, without the line end that belongs to the next boundary."""
    fields: Fields = field(repr=False)
    """Names in lower case, values unfolded; octets above 127 as Latin-1."""
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, raw: bytes) -> "Part":
        """Split header and body; a header that is over 64 KiB is read as far as that."""
        head, body = _halves(raw)
        return cls(raw=raw, fields=fields_of(head[:_HEADER_LIMIT]), body=body)

    def value(self, name: str) -> str:
        """The first field of that name (lower case), or nothing."""
        return first(self.fields, name)

    @property
    def media_type(self) -> str:
        """``text/plain`` where none is given or it cannot be read (RFC 2045 5.2); lower case."""
        found = _MEDIA_TYPE.match(self.value("content-type"))
        return found.group(1).lower() if found else "text/plain"

    def parameter(self, name: str) -> str:
        """A parameter of the Content-Type, or nothing."""
        for found in _PARAMETER.finditer(self.value("content-type")[:2000]):
            if found.group(1).lower() == name:
                return found.group(2) if found.group(2) is not None else found.group(3)
        return ""

    def content(self) -> bytes:
        """The body with its transfer encoding undone; as far as it goes, where that is damaged."""
        encoding = self.value("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            return _base64(self.body)
        return binascii.a2b_qp(self.body) if encoding == "quoted-printable" else self.body

    def parts(self) -> tuple["Part", ...]:
        """The parts of a multipart, 40 at most; of anything else none. The last may lack its closing boundary."""
        mark = self.parameter("boundary")
        if not self.media_type.startswith("multipart/") or not mark:
            return ()
        line = re.compile(
            rb"(?:\A|\r?\n)--" + re.escape(mark.encode("latin-1", "replace")) + rb"(--)?[ \t]*(?=\r?\n|\Z)"
        )
        found: list[Part] = []
        start: int | None = None
        for delimiter in line.finditer(self.body):
            if start is not None:
                found.append(Part.of(_after_line_end(self.body[start : delimiter.start()])))
            start = delimiter.end()
            if delimiter.group(1) or len(found) >= _MOST_PARTS:
                return tuple(found)
        if start is not None:
            found.append(Part.of(_after_line_end(self.body[start:])))
        return tuple(found)

    def leaves(self, depth: int = 0) -> Iterator["Part"]:
        """Every part that holds no others, in order; not those of a returned message."""
        inner = self.parts() if depth < _DEEPEST else ()
        if not inner:
            yield self
        for part in inner:
            yield from part.leaves(depth + 1)


def fields_of(head: bytes) -> Fields:
    """Header fields, or the fields of one group in a report. Lines that are no field are passed over."""
    text = _FOLD.sub(" ", head.decode("latin-1"))
    matches = (_FIELD.fullmatch(line) for line in text.splitlines()[:_MOST_FIELDS])
    return tuple((found.group(1).lower(), found.group(2).strip()) for found in matches if found)


def first(fields: Fields, name: str) -> str:
    """The first field of that name (lower case), or nothing."""
    return next((value for known, value in fields if known == name), "")


def moment(text: str) -> datetime | None:
    """A date of RFC 5322 with its zone, in UTC; None if it is none."""
    try:
        found = parsedate_to_datetime(text[:100])
        return None if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _halves(raw: bytes) -> tuple[bytes, bytes]:
    blank = _BLANK.search(raw)
    return (raw, b"") if blank is None else (raw[: blank.start()], raw[blank.end() :])


def _after_line_end(data: bytes) -> bytes:
    return data[2:] if data.startswith(b"\r\n") else data.removeprefix(b"\n")


def _base64(body: bytes) -> bytes:
    clean = _NOT_BASE64.sub(b"", body)
    whole = clean[: len(clean) - (1 if len(clean) % 4 == 1 else 0)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
