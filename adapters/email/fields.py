"""Header fields as bytes: every value is made safe here, and nowhere else. Pure.

The standard library folds headers at more than a millisecond a message; these few forms need microseconds, and
property tests prove that ``email`` reads back what was meant.
"""

import base64
import binascii
import re
import struct
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from adapters.email.address import InvalidField

_LINE = 76
_OF_A_LINE = _LINE // 4 * 3
_BLOCK = 256 * _OF_A_LINE
"""Bytes that make whole lines, and few enough of them."""
_WORD_BYTES = 39
"""Bytes in one encoded word: 39 become 52 characters, and with ``=?utf-8?b?`` and ``?=`` 64, under RFC 2047's 75."""
_SEGMENT = 60
_NOT_IN_A_FILE_NAME = re.compile(r'["*/:<>?\\|]')
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
_RESTRICTED = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}"
_MEDIA_TYPE = re.compile(rf"{_RESTRICTED}/{_RESTRICTED}")
_EXTRA_NAME = re.compile(r"X-[A-Za-z0-9-]{1,60}|In-Reply-To|References|Importance", re.IGNORECASE)
_EXTRA_VALUE = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
_DELIVERY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_REFERENCE = re.compile(r"FP-[0-9A-Z]{4}-[0-9A-Z]{4}")


def one_line(text: str) -> str:
    """The text on one line: every control, separator and lone surrogate is a space, runs of space are one."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    spaced = (" " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp", "Zs"} else char for char in text)
    return " ".join("".join(spaced).split())


def unstructured(text: str) -> bytes:
    """The value of a Subject: as it is where that is safe and short, else encoded words (RFC 2047), folded."""
    line = one_line(text)
    if line.isascii() and len(line) <= _LINE - len("Subject: ") and "=?" not in line:
        return line.encode("ascii")
    return encoded_words(line)


def encoded_words(line: str) -> bytes:
    """UTF-8 encoded words of whole characters, one a line."""
    words: list[bytes] = []
    chunk = b""
    for char in line:
        encoded = char.encode("utf-8")
        if len(chunk) + len(encoded) > _WORD_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += encoded
    if chunk:
        words.append(chunk)
    return b"\r\n ".join(b"=?utf-8?b?" + base64.b64encode(word) + b"?=" for word in words)


def mailbox(address: str, name: str = "") -> bytes:
    """``name <address>`` of a wire address (address.py)."""
    line = one_line(name)
    if not line:
        return address.encode("ascii")
    if line.isascii() and len(line) <= 60 and "=?" not in line:
        escaped = line.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'.encode("ascii")
    return encoded_words(line) + b"\r\n <" + address.encode("ascii") + b">"


def media_type(value: str) -> bytes:
    """A type that may be carried in base64. Raises InvalidField for composite types (RFC 2045 6.4) and bad syntax."""
    if not _MEDIA_TYPE.fullmatch(value) or value.lower().startswith(("multipart/", "message/")):
        raise InvalidField("attachment.media_type: not a type that can be attached; use type/subtype")
    return value.encode("ascii")


def file_name(name: str) -> str:
    """A name that every system can store: no path, and none of the characters Windows refuses."""
    return _NOT_IN_A_FILE_NAME.sub("_", one_line(name)) or "attachment"


def filename(name: str) -> bytes:
    """The ``filename`` parameters of a Content-Disposition, each on a line of its own (RFC 2183, RFC 2231)."""
    line = file_name(name)
    if _PLAIN_NAME.fullmatch(line):
        return b';\r\n filename="' + line.encode("ascii") + b'"'
    encoded = quote(line, safe="")
    segments: list[str] = re.findall(rf"(?:%..|[^%]){{1,{_SEGMENT // 3}}}", encoded)
    if len(segments) == 1:
        return b";\r\n filename*=utf-8''" + segments[0].encode("ascii")
    lines = [f";\r\n filename*{number}*={segment}" for number, segment in enumerate(segments)]
    lines[0] = lines[0].replace("*0*=", "*0*=utf-8''", 1)
    return "".join(lines).encode("ascii")


def base64_lines(data: bytes) -> bytes:
    """Base64 in lines of 76 characters with CRLF between them (RFC 2045 6.8), and none after the last."""
    return b"\r\n".join(base64_blocks(data))


def base64_blocks(data: bytes) -> list[bytes]:
    """The same in pieces, between which the CRLF is left out: for whoever joins it with more. A photo takes half the
    time if its pieces stay near the processor."""
    return [_block(data[start : start + _BLOCK]) for start in range(0, len(data), _BLOCK)]


def _block(data: bytes) -> bytes:
    text = binascii.b2a_base64(data, newline=False)
    count = len(text) // _LINE
    lines, rest = _cut(count).unpack_from(text), text[count * _LINE :]
    return b"\r\n".join((*lines, rest) if rest else lines)


@lru_cache(maxsize=_BLOCK // _OF_A_LINE + 1)
def _cut(count: int) -> struct.Struct:
    """So many lines at once: a slice for each takes twice as long."""
    return struct.Struct(f"{_LINE}s" * count)


def extra(headers: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """The caller's own outer fields. Raises InvalidField for a name that is ours or that steers mail, and for a value
    that is not a short line of printable ASCII."""
    for name, value in headers.items():
        if not _EXTRA_NAME.fullmatch(name) or not _EXTRA_VALUE.fullmatch(value):
            raise InvalidField("headers: only X-*, In-Reply-To, References and Importance, in short printable ASCII")
    return tuple((name, value.encode("ascii")) for name, value in headers.items())


def delivery_id(delivery: str) -> str:
    """The delivery's id, if it can stand in a Message-ID, an ENVID and a boundary. Raises InvalidField."""
    if not _DELIVERY.fullmatch(delivery):
        raise InvalidField("delivery: not an id made by the hub")
    return delivery


def secure_subject(reference: str) -> bytes:
    """The only subject that ever stands in clear. Raises InvalidField unless ``reference`` is ``FP-XXXX-XXXX``."""
    if not _REFERENCE.fullmatch(reference):
        raise InvalidField("reference: not FP-XXXX-XXXX")
    return b"[OFFICIAL-SENSITIVE] Secure notice " + reference.encode("ascii")
