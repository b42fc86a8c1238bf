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
    return "\n".join([_text(block, shared) for block in document.blocks])


def _text(block: Block, shared: Shared | None) -> str:
    match block:  # the most frequent first
        case Heading(level=level, text=text):
            return f"{text}\n{('=' if level == 1 else '-') * min(len(text), 72)}\n"
        case Paragraph(text=text) | Banner(text=text):
            return f"{text}\n"
        case Facts(caption=caption, common=common):
            rows = of_one(shared, "text", block, partial(_facts, block)) if common else _facts(block)
            return f"{caption}:\n{rows}"
        case Bullets(items=items):
            return "".join([f"- {item}\n" for item in items])
        case Link(text=text, url=url):
            return f"{text}:\n{url}\n"
        case Clause(where=where, quote=quote):
            return f"{where}\n  “{quote}”\n"
        case Changes(rows=changed):
            return "".join(
                [f"{label}:\n{_labelled('Before', was)}{_labelled('Now', now)}" for label, was, now in changed]
            )
        case _:
            assert_never(block)


def _facts(block: Facts) -> str:
    return "".join([_labelled(label, value) for label, value in block.rows])


def _labelled(label: str, value: tuple[Line, ...]) -> str:
    """Lines of a value after the first stay indented, so that none of them can pass for a line of the notice."""
    if len(value) <= 1:
        return f"  {label}: {value[0] if value else ''}\n"
    return f"  {label}:\n" + "".join([f"      {part}\n" for part in value])
