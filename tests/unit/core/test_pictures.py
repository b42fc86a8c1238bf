"""A picture that is not to say where it was taken, does not."""

import base64
import zlib

import pytest

from hub.core.pictures import bare
from tests.kit.events import TINY_JPEG

JPEG = base64.b64decode(TINY_JPEG)
PLACE = b"Exif\0\0 51.4 N"


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(data) + 2).to_bytes(2, "big") + data


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


PIXEL = chunk(b"IHDR", bytes((0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0))), chunk(b"IDAT", zlib.compress(b"\0\0"))
SIGNATURE, END = b"\x89PNG\r\n\x1a\n", chunk(b"IEND", b"")
PNG = SIGNATURE + b"".join(PIXEL) + END


def test_a_picture_that_holds_nothing_else_stays_as_it_is() -> None:
    assert bare(JPEG) == JPEG
    assert bare(PNG) == PNG


@pytest.mark.parametrize("marker", [0xE1, 0xED, 0xFE, 0xEF])
def test_of_a_jpeg_what_cameras_and_programs_write_is_left_out(marker: int) -> None:
    assert bare(JPEG[:2] + segment(marker, PLACE) + b"\xff" + JPEG[2:]) == JPEG
    assert bare(JPEG + b"\xff\xd8 a film " + PLACE) == JPEG
    scans = JPEG[:-2] + b"\xff\x00\xff\xd3" + segment(marker, PLACE) + segment(0xDA, b"again") + b"more\xff\xd9"
    kept = bare(scans)
    assert kept is not None and PLACE not in kept
    assert kept.endswith(segment(0xDA, b"again") + b"more\xff\xd9")


@pytest.mark.parametrize("name", [b"eXIf", b"tEXt", b"iTXt", b"zTXt", b"tIME"])
def test_of_a_png_likewise(name: bytes) -> None:
    gamma = chunk(b"gAMA", bytes(4))
    given = SIGNATURE + PIXEL[0] + gamma + chunk(name, PLACE) + PIXEL[1] + END + PLACE
    assert bare(given) == SIGNATURE + PIXEL[0] + gamma + PIXEL[1] + END


@pytest.mark.parametrize("whole", [JPEG, PNG])
def test_what_is_cut_short_is_no_picture(whole: bytes) -> None:
    assert [bare(whole[:length]) for length in range(len(whole))] == [None] * len(whole)
    assert bare(b"\xff\xd8\xff\xe0 made up") is None
