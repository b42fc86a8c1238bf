"""A notice as one structure, and its print as text. Text and HTML (html.py) cannot differ: both print this."""

from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias, assert_never

from hub.notices.clean import Line
from hub.notices.shared import Shared, of_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """Above everything, the title included."""

    text: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """``level`` 1 (the title, once), 2 or 3."""

    level: int
    text: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    text: Line
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    items: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A table of two columns: a label and the lines of its value."""

    caption: Line
    rows: tuple[tuple[Line, tuple[Line, ...]], ...]
    common: bool = field(default=False, compare=False)
    """It may stand in several notices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A table of three columns: a label, before, now."""

    rows: tuple[tuple[Line, tuple[Line, ...], tuple[Line, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """``text`` says where it leads; the address is printed in full, so that nobody has to trust the words."""

    text: Line
    url: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A quotation with where it stands."""

    where: Line
    quote: Line


Block: TypeAlias = Banner | Heading | Paragraph | Bullets | Facts | Changes | Link | Clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    subject: Line
    blocks: tuple[Block, ...]


def render_text(document: Document, shared: Shared | None = None) -> str:
    """Plain text, lines parted by LF, ending with one."""
    printed = [
        of_one(shared, "text", block, partial(_text, block))
        if isinstance(block, Facts) and block.common
        else _text(block)
        for block in document.blocks
    ]
    return "\n".join(printed)


def _text(block: Block) -> str:
    return "".join([f"{line}\n" for line in _text_lines(block)])


def _text_lines(block: Block) -> list[str]:
    match block:
        case Banner(text=text) | Paragraph(text=text):
            return [text]
        case Heading(level=1, text=text):
            return [text, "=" * min(len(text), 72)]
        case Heading(text=text):
            return [text, "-" * min(len(text), 72)]
        case Bullets(items=items):
            return [f"- {item}" for item in items]
        case Facts(caption=caption, rows=rows):
            printed = [f"{caption}:"]
            for label, value in rows:
                printed.extend(_labelled(label, value, "  "))
            return printed
        case Changes(rows=rows):
            printed = []
            for label, before, now in rows:
                printed.append(f"{label}:")
                printed.extend(_labelled("Before", before, "  "))
                printed.extend(_labelled("Now", now, "  "))
            return printed
        case Link(text=text, url=url):
            return [f"{text}:", url]
        case Clause(where=where, quote=quote):
            return [where, f"  “{quote}”"]
        case _:
            assert_never(block)


def _labelled(label: str, value: tuple[Line, ...], indent: str) -> list[str]:
    """Lines of a value after the first stay indented, so that none of them can pass for a line of the notice."""
    first, *rest = value or (Line(""),)
    if not rest:
        return [f"{indent}{label}: {first}"]
    return [f"{indent}{label}:", *(f"{indent}    {part}" for part in value)]
