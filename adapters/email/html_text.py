"""The text of a page that a mail program wrote, for those that send no other. Nothing is fetched, run or shown. Pure.

Not the standard library's parser: it takes 13 seconds for 128 KiB of ``<!--``, and minutes for worse. Here every
character is passed once: what is opened and never closed ends the page, as it does in a browser. What comes out is
words, which whoever shows them escapes; so nothing depends on reading a page as any one browser would.
"""

import html
import re
from collections.abc import Iterator

_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9:_-]{0,60})(?=[\s/>])")
_UNTIL_QUOTE_OR_END = re.compile(r"[>\"']")
_UNSEEN = frozenset({"script", "style", "head", "title", "template", "textarea", "noscript", "xmp", "iframe", "object"})
_LINES = frozenset(
    {"p", "div", "br", "hr", "tr", "li", "ul", "ol", "table", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6",
     "section", "article", "header", "footer", "address", "dd", "dt"}
)  # fmt: skip
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "table", "ul", "ol"})
_DEEPEST = 9
_NO_CHARACTER = re.compile(r"&#[0-9]{8,};?")
"""There are none of so many digits; ``html`` raises ValueError for one of thousands."""


def text_of(page: str) -> str:
    """Lines of text; what stands in a ``blockquote`` begins with ``>``, as in a mail of text."""
    lines: list[str] = []
    line: list[str] = []
    quoted = 0

    def end(*, blank: bool) -> None:
        text = " ".join(html.unescape(_NO_CHARACTER.sub("\ufffd", "".join(line))).split())
        line.clear()
        if text:
            lines.append(f"{'>' * quoted} {text}" if quoted else text)
        if blank and lines and lines[-1]:
            lines.append("")

    for tag, closes, words in _tokens(page):
        if words:
            line.append(words)
        if tag in _LINES:
            end(blank=tag in _SPACED)
        elif tag in ("td", "th"):
            line.append(" ")
        if tag == "blockquote":
            quoted = max(0, quoted - 1) if closes else min(_DEEPEST, quoted + 1)
    end(blank=False)
    return "\n".join(lines)


def _tokens(page: str) -> Iterator[tuple[str, bool, str]]:
    """The words before each tag, and the tag: its name in lower case, and whether it closes."""
    at = 0
    while at < len(page):
        start = page.find("<", at)
        if start < 0:
            yield "", False, page[at:]
            return
        words = page[at:start]
        tag = _TAG.match(page, start)
        if tag is None:
            if page.startswith(("<!", "<?", "</"), start):
                mark = "-->" if page.startswith("<!--", start) else ">"
                end = page.find(mark, start + 2)
                yield "", False, words
                at = len(page) if end < 0 else end + len(mark)
            else:  # it is a word itself: 3 < 4
                yield "", False, words + "<"
                at = start + 1
            continue
        name, closes = tag.group(1).lower(), page[start + 1] == "/"
        at = _end_of(page, tag.end())
        if name in _UNSEEN and not closes:
            close = re.compile(f"</{name}", re.IGNORECASE).search(page, at)
            at = len(page) if close is None else close.start()
        yield name, closes, words


def _end_of(page: str, at: int) -> int:
    """Behind the ``>`` that ends a tag, past those in quoted values; the end of the page where there is none."""
    while (found := _UNTIL_QUOTE_OR_END.search(page, at)) is not None:
        if found.group() == ">":
            return found.end()
        close = page.find(found.group(), found.end())
        if close < 0:
            break
        at = close + 1
    return len(page)
