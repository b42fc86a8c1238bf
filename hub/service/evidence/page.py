"""A page to read without the hub: one HTML file without scripts, and the same as plain text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_STYLE: Final = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em;line-height:1.4}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #888;padding:.3em .6em;text-align:left;"
    "vertical-align:top}code{overflow-wrap:anywhere}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A heading, and under it paragraphs, then a table."""

    title: str
    paragraphs: Sequence[str] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


def html(title: str, parts: Iterable[Part]) -> bytes:
    """The whole page. Whatever was sent to the hub is shown, and does nothing."""
    body = "\n".join(_part(part) for part in parts)
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(title)}</h1>\n"
        f"{body}\n</body>\n</html>\n"
    ).encode()


def text(title: str, parts: Iterable[Part]) -> bytes:
    """The same for a terminal."""
    lines = [title, "=" * len(title)]
    for part in parts:
        lines += ["", part.title, "-" * len(part.title)]
        lines += [f"\n{one}" for one in part.paragraphs]
        lines += ["  ".join(_line(cell) for cell in row) for row in part.rows]
    return ("\n".join(lines) + "\n").encode()


def _part(part: Part) -> str:
    said = [f"<h2>{escape(part.title)}</h2>", *(f"<p>{escape(one)}</p>" for one in part.paragraphs)]
    if part.rows:
        head = "".join(f'<th scope="col">{escape(one)}</th>' for one in part.head)
        said.append(f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>")
        said += ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in part.rows]
        said.append("</tbody>\n</table>")
    return "\n".join(said)


def _line(cell: str) -> str:
    return "".join(one if one.isprintable() else " " for one in cell)
