"""Pictures: which there are, and one without what a camera writes beside it: where it was taken, when, by what. Pure.

A telephone puts the place of a photo into its file. What somebody says is not about where the child is goes to desks
that may know no place; so the picture goes without. Nothing is decoded: whole segments (JPEG) and chunks (PNG) are left
out, and whatever stands behind the end of the picture.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

_KEPT_SEGMENTS: Final = frozenset({0xE0, 0xE2, 0xEE})
"""Of those that programs write for themselves (APP0 to APP15): JFIF, the colours' profile, and how they are stored."""
_KEPT_CHUNKS: Final = frozenset({b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYS"})
"""Beside those that no PNG can be shown without, of which the first letter is a capital."""
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
BEGINNINGS: Final[Mapping[str, bytes]] = {"image/jpeg": b"\xff\xd8\xff", "image/png": _SIGNATURE}
"""Media type -> first bytes. None that can carry a script, none that mail programs do not show."""
_NEXT: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""In what is compressed: the next marker but those that stand within it (RST0 to RST7)."""


def picture_type(data: bytes) -> str | None:
    """The media type that its first bytes show, whatever was declared; None for what is no picture of these."""
    return next((media_type for media_type, magic in BEGINNINGS.items() if data.startswith(magic)), None)


def bare(data: bytes) -> bytes | None:
    """The picture alone; None for what is no whole JPEG or PNG."""
    try:
        return b"".join(_png(data) if data.startswith(_SIGNATURE) else _jpeg(data))
    except (IndexError, ValueError):
        return None


def _jpeg(data: bytes) -> Iterator[bytes]:
    if not data.startswith(b"\xff\xd8"):
        raise ValueError("no JPEG")
    yield data[:2]
    position = 2
    while True:
        if data[position] != 0xFF:
            raise ValueError("no marker")
        marker = data[position + 1]
        if marker == 0xFF:  # filled up
            position += 1
            continue
        if marker == 0xD9:
            yield b"\xff\xd9"
            return
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if end < position + 4 or end > len(data):
            raise ValueError("cut short")
        if marker == 0xDA:  # what follows is compressed, up to the next marker
            found = _NEXT.search(data, end)
            if found is None:
                raise ValueError("cut short")
            end = found.start()
        if marker != 0xFE and (not 0xE0 <= marker <= 0xEF or marker in _KEPT_SEGMENTS):
            yield data[position:end]
        position = end


def _png(data: bytes) -> Iterator[bytes]:
    yield _SIGNATURE
    position = len(_SIGNATURE)
    while True:
        name = data[position + 4 : position + 8]
        end = position + 12 + int.from_bytes(data[position : position + 4], "big")
        if len(name) < 4 or end > len(data):
            raise ValueError("cut short")
        if name[:1].isupper() or name in _KEPT_CHUNKS:
            yield data[position:end]
        if name == b"IEND":
            return
        position = end
