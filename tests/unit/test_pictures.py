"""The pictures of the documentation: each is taken by a test, shown with words for who does not see it, and small."""

import re
import struct
import zlib

import pytest

from tests.kit.pictures import FOLDER, LARGEST, ROOT, small

SHOWN = [
    (page.name, *found)
    for page in sorted((ROOT / "docs").glob("*.md"))
    for found in re.findall(r"!\[([^\]]*)\]\(pictures/([\w-]+)\.png\)", page.read_text("utf-8"))
]
TAKEN = {
    name
    for test in (ROOT / "tests" / "browser").glob("*.py")
    for name in re.findall(r'pictured\([\w.]+, "([\w-]+)"', test.read_text("utf-8"))
}


def png(width: int, kinds: bytes, lines: list[bytes], colour: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, len(lines), 8, colour, 0, 0, 0)
    body = b"".join(bytes([kind]) + line for kind, line in zip(kinds, lines, strict=True))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def test_every_picture_is_shown_and_taken_and_says_what_it_shows() -> None:
    there = {path.stem for path in FOLDER.glob("*")}
    assert there == {name for _, _, name in SHOWN} == TAKEN
    assert [one for one in SHOWN if len(one[1]) < 20] == []


def test_every_picture_is_small() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.glob("*.png")}
    assert sizes and max(sizes.values()) < LARGEST, sizes


@pytest.mark.parametrize(
    ("kinds", "lines"),
    [
        (b"\0\0", [b"\1\2\3\4\5\6", b"\7\7\7\1\2\3"]),
        (b"\1\2", [b"\1\2\3\3\3\3", b"\6\5\4\xfd\xfd\xfd"]),
        (b"\3\4", [b"\1\2\3\4\4\5", b"\6\5\4\xfa\xfb\xfc"]),
    ],
    ids=["none", "left and above", "mean and Paeth"],
)
def test_a_smaller_picture_is_the_same(kinds: bytes, lines: list[bytes]) -> None:
    """Whatever filter the browser chose for a line (PNG, 9.2)."""
    made = small(png(2, kinds, lines, 2))
    assert made == small(png(2, b"\0\0", [b"\1\2\3\4\5\6", b"\7\7\7\1\2\3"], 2))
    assert b"PLTE\1\2\3" in made
