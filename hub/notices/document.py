"""A notice as one structure, and the two ways it is printed. Text and HTML cannot differ: both print this."""

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias, assert_never

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from hub.notices.clean import Line


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


def render_text(document: Document) -> str:
    """Plain text, lines parted by LF, ending with one."""
    out: list[str] = []
    for block in document.blocks:
        if out:
            out.append("")
        out.extend(_text_lines(block))
    return "\n".join(out) + "\n"


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


def render_html(document: Document) -> str:
    """A whole HTML page: no script, no remote resource, every value escaped."""
    return load_template().render(document=document, blocks=[(type(b).__name__, b) for b in document.blocks])


@cache
def load_template() -> Template:
    """The page's template, read and compiled once."""
    environment = Environment(
        loader=PackageLoader("hub.notices", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("notice.html")
