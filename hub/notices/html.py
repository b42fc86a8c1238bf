"""A notice as a page: no script, no remote resource, every value escaped. Written here and not by a template: a burst
prints thousands of them, and this takes a quarter of the time."""

from functools import partial
from html import escape
from typing import assert_never

from hub.notices.clean import Line
from hub.notices.document import (
    Banner,
    Block,
    Bullets,
    Changes,
    Clause,
    Document,
    Facts,
    Heading,
    Link,
    Paragraph,
)
from hub.notices.shared import Shared, of_one

_ROW = '<tr style="border-bottom:1px solid #b1b4b6">'
_TABLE = 'cellpadding="6" style="border-collapse:collapse;width:100%;margin:0 0 16px 0"'
_TOP = '<th scope="col" align="left" valign="top">'
_LABEL = '<th scope="row" align="left" valign="top" dir="auto">'
_VALUE = '<td valign="top" dir="auto">'
_FACTS = f"<thead>{_ROW}{_TOP}What</th>{_TOP}Known</th></tr></thead>\n<tbody>\n"
_CHANGES = f"<table {_TABLE}>\n<thead>{_ROW}{_TOP}What</th>{_TOP}Before</th>{_TOP}Now</th></tr></thead>\n<tbody>\n"
_TABLE_END = "</tbody>\n</table>\n"

_HEAD = """<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>"""
_BODY = (
    "</title>\n</head>\n"
    '<body style="font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.4;color:#0b0c0c;'
    'background:#ffffff;max-width:44em;overflow-wrap:anywhere;margin:0 auto;padding:16px">\n<main>\n'
)
_END = "</main>\n</body>\n</html>"


def render_html(document: Document, shared: Shared | None = None) -> str:
    """The whole page."""
    blocks = [_html(block, place, shared) for place, block in enumerate(document.blocks, start=1)]
    return f"{_HEAD}{_safe(document.subject)}{_BODY}{''.join(blocks)}{_END}"


def _html(block: Block, place: int, shared: Shared | None) -> str:
    match block:  # the most frequent first
        case Heading(level=level, text=text):
            return f'<h{level:d} style="margin:24px 0 8px 0" dir="auto">{_safe(text)}</h{level:d}>\n'
        case Paragraph(text=text, strong=strong):
            said = f"<strong>{_safe(text)}</strong>" if strong else _safe(text)
            return f'<p style="margin:0 0 12px 0">{said}</p>\n'
        case Facts(caption=caption, common=common):
            name = f"facts-{place:d}"
            head = f'<h3 id="{name}" style="margin:16px 0 4px 0">{_safe(caption)}</h3>\n'
            rows = of_one(shared, "html", block, partial(_facts, block)) if common else _facts(block)
            return f'{head}<table aria-labelledby="{name}" {_TABLE}>\n{_FACTS}{rows}{_TABLE_END}'
        case Bullets(items=items):
            listed = "".join([f'<li style="margin:0 0 6px 0">{_safe(item)}</li>\n' for item in items])
            return f'<ul style="margin:0 0 16px 0;padding-left:24px">\n{listed}</ul>\n'
        case Link(text=text, url=url):
            where = _safe(url)
            return (
                f'<p style="margin:0 0 12px 0">{_safe(text)}:<br><a href="{where}" rel="noreferrer">{where}</a></p>\n'
            )
        case Clause(where=where, quote=quote):
            said = f'<blockquote style="margin:4px 0 0 16px">&ldquo;{_safe(quote)}&rdquo;</blockquote>'
            return f'<figure style="margin:0 0 12px 0"><figcaption>{_safe(where)}</figcaption>{said}</figure>\n'
        case Banner(text=text):
            style = "background:#942514;color:#ffffff;font-weight:bold;padding:12px;margin:0 0 16px 0"
            return f'<p style="{style}">{_safe(text)}</p>\n'
        case Changes():
            return f"{_CHANGES}{_changes(block)}{_TABLE_END}"
        case _:
            assert_never(block)


def _facts(block: Facts) -> str:
    return "".join(
        [f"{_ROW}{_LABEL}{_safe(label)}</th>{_VALUE}{_lines(value)}</td></tr>\n" for label, value in block.rows]
    )


def _changes(block: Changes) -> str:
    return "".join(
        [
            f"{_ROW}{_LABEL}{_safe(label)}</th>{_VALUE}{_lines(before)}</td>{_VALUE}{_lines(now)}</td></tr>\n"
            for label, before, now in block.rows
        ]
    )


def _lines(value: tuple[Line, ...]) -> str:
    return "<br>".join([_safe(line) for line in value])


def _safe(text: str) -> str:
    """Safe between tags and within quoted attributes. ASCII, with references and not letters: so the page needs no
    encoding in a mail, and no charset to be read by."""
    # Most of what is printed has none of them, and looking for one by one is quicker than a regular expression.
    if "'" in text or "&" in text or '"' in text or "<" in text or ">" in text:
        text = escape(text)
    return text if text.isascii() else text.encode("ascii", "xmlcharrefreplace").decode("ascii")
