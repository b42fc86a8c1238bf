"""Pictures of the main pages for the documentation, taken by the browser tests that are on them anyway.

Taken only by ``make pictures``. Otherwise it is asked whether the picture is there and the documentation shows it, so
that no page of it points at nothing.
"""

import os
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import Final

from playwright.async_api import Page

ROOT: Final = Path(__file__).parent.parent.parent
FOLDER: Final = ROOT / "docs" / "pictures"
LARGEST: Final = 60_000
"""Bytes of one picture."""
TAKE: Final = os.environ.get("PICTURES") == "1"
_COLOURS: Final = 64
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


async def pictured(page: Page, name: str, *, at: str = "html", whole: bool = False) -> None:
    """What of the page is in the window, from ``at`` on, or the ``whole`` of it, as ``docs/pictures/NAME.png``."""
    path = FOLDER / f"{name}.png"
    if TAKE:
        await page.locator(at).evaluate("e => { e.scrollIntoView(); document.activeElement.blur() }")
        taken = await page.screenshot(animations="disabled", caret="hide", scale="css", full_page=whole)
        FOLDER.mkdir(exist_ok=True)
        path.write_bytes(small(taken))
    assert path.is_file() and path.stat().st_size < LARGEST, f"{path.name}: run make pictures"
    pages = (one.read_text("utf-8") for one in (ROOT / "docs").glob("*.md"))
    assert any(f"](pictures/{path.name})" in text for text in pages), f"no page of docs/ shows {path.name}"


def small(png: bytes) -> bytes:
    """The same picture (8 bits a channel, not interlaced) with a palette of its most frequent colours."""
    width, height, pixels = _pixels(png)
    counted = Counter(pixels)
    palette = [colour for colour, _ in sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:_COLOURS]]
    index = {colour: number for number, colour in enumerate(palette)}
    for colour in counted.keys() - index.keys():
        index[colour] = min(range(len(palette)), key=lambda n: sum((a - b) ** 2 for a, b in zip(palette[n], colour)))  # noqa: B905
    rows = bytes(index[pixel] for pixel in pixels)
    lines = b"".join(b"\0" + rows[start : start + width] for start in range(0, width * height, width))
    return _SIGNATURE + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", b"".join(bytes(colour) for colour in palette)),
            _chunk(b"IDAT", zlib.compress(lines, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pixels(png: bytes) -> tuple[int, int, list[tuple[int, ...]]]:
    """Width, height and the colours (PNG, section 9: each line is filtered)."""
    at, data, head = len(_SIGNATURE), b"", b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        head, data = (body if kind == b"IHDR" else head), (data + body if kind == b"IDAT" else data)
        at += 12 + length
    width, height, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", head)
    assert (depth, interlaced) == (8, 0) and colour in (2, 6)
    size = 4 if colour == 6 else 3
    raw, above, found = zlib.decompress(data), bytearray(width * size), []
    for start in range(0, len(raw), width * size + 1):
        line = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + width * size]), above, size)
        found += [tuple(line[n : n + 3]) for n in range(0, len(line), size)]
        above = line
    return width, height, found


def _unfiltered(kind: int, line: bytearray, above: bytearray, size: int) -> bytearray:
    for n in range(len(line)):
        left = line[n - size] if n >= size else 0
        corner = above[n - size] if n >= size else 0
        line[n] = (line[n] + (0, left, above[n], (left + above[n]) // 2, _paeth(left, above[n], corner))[kind]) & 255
    return line


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))
