"""What somebody says in a mail: words, and pictures and documents as bytes. Pure.

Text comes first, a page is read only where there is none. What is attached is judged by what it is, not by what it is
called; names that strangers give to files go no further. What is neither a photo nor a PDF, a whole message or
Outlook's ``winmail.dat`` among it, is counted, and stays in the mail that is kept.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from adapters.email.html_text import text_of
from adapters.email.parts import Part
from adapters.email.quoting import cut

MOST_TEXT: Final = 64 * 1024
"""Characters that are read; a message of ours has far fewer."""
MOST_ATTACHED: Final = 20
_MOST_BYTES = 4 * MOST_TEXT
_MOST_PARTS = 100
_DEEPEST = 8
_CHARSETS = frozenset(
    {"ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp1250", "iso8859-1", "iso8859-2", "iso8859-14",
     "iso8859-15", "koi8-r", "gb18030", "gbk", "big5", "shift_jis", "iso2022_jp", "euc_jp", "euc_kr", "mac-roman"}
)  # fmt: skip
"""As Python calls them: some of the codecs that it knows besides are no charsets."""
_KEPT_FORMATS = frozenset("\u200c\u200d")

Sniffed = Literal["image/jpeg", "image/png", "application/pdf"]
_BEGINNINGS: tuple[tuple[bytes, Sniffed], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"%PDF-", "application/pdf"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """``declared``: the type that the mail says; ``sniffed``: the one that the bytes begin like."""

    declared: str
    sniffed: Sniffed
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """``text`` without the message it answers, which is ``quoted``. ``left_out``: the types of what else there was."""

    text: str = field(repr=False)
    quoted: str = field(repr=False)
    attached: tuple[Attached, ...] = field(repr=False)
    left_out: tuple[str, ...]
    cut_short: bool
    """There was more text than is read, or more attached."""


def said(content: Part) -> Said:
    """Of the part that was signed."""
    leaves = list(_leaves(content, 0))
    whole, left = "", _MOST_BYTES
    for part in leaves:
        if _is_words(part) and left > 0:
            data = part.content()[:left]
            left -= len(data)
            text = _text(part, data)
            whole = f"{whole}\n\n{text}" if whole and text.strip() else whole + text
    text, quoted = cut(clean(whole[:MOST_TEXT]))
    others = [(part, _sniffed(part)) for part in leaves if not _is_words(part)]
    taken = [(part, found) for part, found in others if found is not None]
    return Said(
        text=text,
        quoted=quoted,
        attached=tuple(
            Attached(declared=part.media_type[:80], sniffed=found, data=part.content())
            for part, found in taken[:MOST_ATTACHED]
        ),
        left_out=tuple(part.media_type[:80] for part, found in others if found is None),
        cut_short=len(whole) > MOST_TEXT or left <= 0 or len(taken) > MOST_ATTACHED or len(leaves) >= _MOST_PARTS,
    )


def clean(text: str) -> str:
    """Line ends as newlines; no control characters, none that turn the direction of writing, no runs of empty lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    kept = "".join(
        char for char in text.replace("\u00a0", " ")
        if char in "\n\t" or char in _KEPT_FORMATS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )  # fmt: skip
    lines = unicodedata.normalize("NFC", kept).split("\n")
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")


def _leaves(part: Part, depth: int) -> Iterator[Part]:
    """At most so many, of which of alternatives one is chosen."""
    found: list[Part] = []
    _gather(part, depth, found)
    yield from found


def _gather(part: Part, depth: int, found: list[Part]) -> None:
    if len(found) >= _MOST_PARTS:
        return
    inner = part.parts() if depth < _DEEPEST else ()
    if not inner:
        found.append(part)
    elif part.media_type == "multipart/alternative":
        _gather_best(inner, depth, found)
    else:
        for one in inner:
            _gather(one, depth + 1, found)


def _gather_best(choices: tuple[Part, ...], depth: int, found: list[Part]) -> None:
    """The text where it says anything; what is attached to any other of them all the same: Apple's program puts the
    photos beside the page and not beside the text."""
    read: list[list[Part]] = []
    for one in choices:
        own: list[Part] = []
        _gather(one, depth + 1, own)
        read.append(own)
    words = [[part for part in own if _is_words(part)] for own in read]
    told = [index for index, parts in enumerate(words) if any(_beginning(part, 4096).strip() for part in parts)]
    plain = [index for index in told if all(part.media_type == "text/plain" for part in words[index])]
    chosen = next(iter(plain), next(iter(told), None))
    for index, own in enumerate(read):
        found.extend(part for part in own if index == chosen or (not _is_words(part) and _sniffed(part) is not None))


def _is_words(part: Part) -> bool:
    attached = part.value("content-disposition").strip().lower().startswith("attachment")
    return part.media_type in ("text/plain", "text/html") and not attached


def _text(part: Part, data: bytes) -> str:
    text = _decoded(part, data)
    if part.media_type == "text/html":
        return text_of(text)
    flowed = part.parameter("format").lower() == "flowed"
    return _unfolded(text, delete_space=part.parameter("delsp").lower() == "yes") if flowed else text


def _decoded(part: Part, data: bytes) -> str:
    try:
        name = codecs.lookup(part.parameter("charset") or "utf-8").name
    except (LookupError, ValueError):
        name = "utf-8"
    if name not in _CHARSETS:
        name = "utf-8"
    if name in ("ascii", "utf-8"):
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("cp1252", "replace")
    if name == "iso8859-1":
        name = "cp1252"  # which is meant, as everywhere
    return data.decode(name, "replace")


def _unfolded(text: str, *, delete_space: bool) -> str:
    """RFC 3676: lines that end with a space go on in the next, if that is quoted as deep."""
    done: list[str] = []
    open_depth: int | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        rest = line.lstrip(">")
        depth = len(line) - len(rest)
        rest = rest.removeprefix(" ")
        signature = rest == "-- "
        if open_depth == depth and not signature:
            done[-1] += rest
        else:
            done.append(f"{'>' * depth} {rest}" if depth else rest)
        soft = rest.endswith(" ") and not signature
        if soft and delete_space:
            done[-1] = done[-1][:-1]
        open_depth = depth if soft else None
    return "\n".join(done)


def _sniffed(part: Part) -> Sniffed | None:
    if part.media_type.startswith(("multipart/", "message/")):
        return None
    beginning = _beginning(part, 64)
    return next((kind for start, kind in _BEGINNINGS if beginning.startswith(start)), None)


def _beginning(part: Part, count: int) -> bytes:
    """Of what may be megabytes: what the first so many octets of its body come to."""
    return replace(part, body=part.body[:count]).content()
