"""Text and HTML are two prints of one document."""

from hypothesis import given
from hypothesis import strategies as st

from hub.notices.clean import Line, line
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
    render_text,
)
from hub.notices.html import render_html
from tests.kit.notices import Page

LINES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).map(line).filter(bool)
VALUES = st.lists(LINES, min_size=1, max_size=3).map(tuple)
BLOCKS: st.SearchStrategy[Block] = st.one_of(
    LINES.map(lambda text: Banner(text=text)),
    st.builds(Heading, level=st.integers(1, 3), text=LINES),
    st.builds(Paragraph, text=LINES, strong=st.booleans()),
    VALUES.map(lambda items: Bullets(items=items)),
    st.builds(Facts, caption=LINES, rows=st.lists(st.tuples(LINES, VALUES), max_size=3).map(tuple)),
    st.builds(Changes, rows=st.lists(st.tuples(LINES, VALUES, VALUES), max_size=3).map(tuple)),
    st.builds(Link, text=LINES, url=LINES),
    st.builds(Clause, where=LINES, quote=LINES),
)


def _pieces(block: Block) -> list[Line]:
    match block:
        case Banner(text=text) | Heading(text=text) | Paragraph(text=text):
            return [text]
        case Bullets(items=items):
            return list(items)
        case Facts(caption=caption, rows=rows):
            return [caption, *(piece for label, value in rows for piece in (label, *value))]
        case Changes(rows=changed):
            return [piece for label, before, now in changed for piece in (label, *before, *now)]
        case Link(text=text, url=url):
            return [text, url]
        case Clause(where=where, quote=quote):
            return [where, quote]


@given(st.lists(BLOCKS, max_size=6).map(tuple))
def test_both_prints_hold_every_piece_in_order(blocks: tuple[Block, ...]) -> None:
    document = Document(subject=Line("Subject"), blocks=blocks)
    page = render_html(document)
    assert page.isascii()
    seen = "\n".join(t for t in Page(page).texts)
    text = render_text(document)
    for printed in (text, seen):
        at = 0
        for piece in (piece for block in blocks for piece in _pieces(block)):
            found = printed.find(piece.strip(), at)
            assert found >= 0, piece
            at = found


def test_values_are_escaped() -> None:
    nasty = line("""<script>alert(1)</script> & "x" 'y' <img src=https://evil.example/x>""")
    document = Document(
        subject=nasty,
        blocks=(
            Banner(text=nasty),
            Heading(level=1, text=nasty),
            Paragraph(text=nasty),
            Bullets(items=(nasty,)),
            Facts(caption=nasty, rows=((nasty, (nasty, nasty)),)),
            Changes(rows=((nasty, (nasty,), (nasty,)),)),
            Link(text=nasty, url=line('https://hub.example/a/"onmouseover="x')),
            Clause(where=nasty, quote=nasty),
        ),
    )
    page = Page(render_html(document))
    assert {tag for tag, _ in page.elements} <= {
        *("html", "head", "meta", "title", "body", "main", "p", "h1", "h3", "ul", "li", "table", "thead", "tbody"),
        *("tr", "th", "td", "br", "a", "figure", "figcaption", "blockquote"),
    }
    assert all(set(attributes) <= {"href", "rel"} for attributes in page.all("a"))


def test_further_lines_of_a_value_cannot_pass_for_lines_of_the_notice() -> None:
    value = (line("tall"), line("What we ask you to do"), line("- Do nothing"))
    text = render_text(
        Document(subject=Line("s"), blocks=(Facts(caption=Line("The child"), rows=((Line("Build"), value),)),))
    )
    assert text.splitlines() == [
        "The child:",
        "  Build:",
        "      tall",
        "      What we ask you to do",
        "      - Do nothing",
    ]
