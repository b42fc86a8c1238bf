"""Text that somebody typed, made safe to print in a notice.

A value must not be able to forge a line of the notice, to turn the text around (Unicode TR36, bidirectional
overrides), or to be unencodable. Every piece of a notice is a :data:`Line`, and only this module makes them.
"""

import re
from typing import NewType

Line = NewType("Line", str)
"""One line of text without control characters, safe to print."""

LONGEST_VALUE = 10_000
"""Characters of one value that are printed; ``notice.json`` holds the whole."""
LONGEST_NAME = 120

_BREAKS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff]")
# Controls, bidirectional embeddings, overrides and isolates, surrogates, interlinear marks, tags.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def line(text: str, limit: int | None = None) -> Line:
    """One line: breaks become spaces, what is forbidden becomes U+FFFD, so that a reader sees it was there."""
    if not text.isprintable():
        text = _INVISIBLE.sub("", _BREAKS.sub(" ", text).replace("\t", " "))
        text = _FORBIDDEN.sub("\ufffd", text)
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    return Line(text.strip())


def lines(text: str, limit: int = LONGEST_VALUE) -> tuple[Line, ...]:
    """The lines of a longer text, without empty ones; what is longer than ``limit`` says where the rest stands."""
    cut = len(text) > limit
    text = text[:limit]
    printed = [line(part) for part in ([text] if text.isprintable() else _BREAKS.split(text))]
    if cut:
        printed.append(Line("… (cut here: the whole text is in notice.json)"))
    return tuple(part for part in printed if part)


def name(text: str) -> Line:
    """A name inside a sentence, a subject or a title."""
    return line(text, LONGEST_NAME)
