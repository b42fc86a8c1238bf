"""Forms with files (RFC 7578), as browsers send them: read strictly, and whole.

The body is in bounded memory already (hub/web/bodies.py). What no browser sends is no form: text before the first part
or after the last, parts within parts, an encoding of a part's own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MOST_PARTS: Final = 64
LONGEST_HEAD: Final = 2_048
_BOUNDARY: Final = re.compile(r"""\bboundary=(?:"([\w'()+,./:=? -]{1,70})"|([\w'+./-]{1,70}))\s*(?:;|$)""", re.ASCII)
_DISPOSITION: Final = re.compile(rb"content-disposition: *form-data *;(.*)", re.IGNORECASE)
_NAME: Final = re.compile(rb'; *name="([^"\r\n]*)"')
_FILE: Final = re.compile(rb'; *filename="')
_ENCODING: Final = re.compile(rb"content-transfer-encoding:", re.IGNORECASE)


class Malformed(ValueError):
    """Not a form as browsers send them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One field. ``file``: it was chosen from a disk; an empty one is a field in which nothing was chosen."""

    name: str
    file: bool
    content: bytes = field(repr=False)


def boundary_of(content_type: str) -> bytes:
    """What stands between the parts. Raises Malformed."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise Malformed("no boundary")
    return (found[1] or found[2]).encode("ascii")


def parts_of(body: bytes, boundary: bytes) -> Iterator[Part]:
    """The parts of a whole body, in its order. Raises Malformed."""
    before, *pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, MOST_PARTS + 2)
    if before or not pieces or pieces[-1] not in (b"--", b"--\r\n") or len(pieces) > MOST_PARTS + 1:
        raise Malformed("not closed, or too many parts")
    for piece in pieces[:-1]:
        yield _part(piece)


def first_of(start: bytes, boundary: bytes) -> Part | None:
    """The first part, where the start of a body holds all of it: what decides whether to read on."""
    before, *pieces = (b"\r\n" + start).split(b"\r\n--" + boundary, 2)
    try:
        return _part(pieces[0]) if not before and len(pieces) == 2 else None
    except Malformed:
        return None


def _part(piece: bytes) -> Part:
    head, gap, content = piece.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if not gap or lines[0] or len(head) > LONGEST_HEAD:
        raise Malformed("a part without a head")
    said = [found[1] for line in lines if (found := _DISPOSITION.fullmatch(line))]
    named = _NAME.search(b";" + said[0]) if len(said) == 1 else None
    if named is None or any(_ENCODING.match(line) for line in lines):
        raise Malformed("a part without a name, or encoded")
    return Part(name=named[1].decode("utf-8", "replace"), file=bool(_FILE.search(b";" + said[0])), content=content)
