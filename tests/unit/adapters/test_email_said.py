"""What somebody says in a mail: which part is read, what a page comes to, and where the quoted message begins."""

import time

import pytest

from adapters.email.html_text import text_of
from adapters.email.parts import Part
from adapters.email.quoting import cut
from adapters.email.said import MOST_ATTACHED, MOST_TEXT, Said, clean, said

JPEG = b"\xff\xd8\xff\xe0 made up"


def entity(kind: str, body: str | bytes, *more: str) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    return "\r\n".join((f"Content-Type: {kind}", *more, "", "")).encode() + data


def several(kind: str, *parts: bytes) -> bytes:
    mark = kind[:3] + str(len(parts))
    inner = b"".join(b"--%s\r\n%s\r\n" % (mark.encode(), part) for part in parts)
    return entity(f"multipart/{kind}; boundary={mark}", inner + b"--" + mark.encode() + b"--")


def of(raw: bytes) -> Said:
    return said(Part.of(raw))


def test_of_alternatives_the_text_is_read_unless_it_says_nothing() -> None:
    page = entity("text/html", "<p>From the page</p>")
    assert of(several("alternative", entity("text/plain", "From the text"), page)).text == "From the text"
    assert of(several("alternative", entity("text/plain", " \r\n"), page)).text == "From the page"
    assert of(several("alternative", page)).text == "From the page"


def test_texts_around_a_photo_are_read_in_order() -> None:
    found = of(
        several("mixed", entity("text/plain", "Before"), entity("image/jpeg", JPEG), entity("text/plain", "After"))
    )
    assert (found.text, [one.data for one in found.attached]) == ("Before\n\nAfter", [JPEG])


def test_a_photo_beside_the_page_is_not_lost_with_the_page() -> None:
    beside = several("related", entity("text/html", "<p>x</p>"), entity("image/jpeg", JPEG))
    found = of(several("alternative", entity("text/plain", "Seen here"), beside))
    assert (found.text, len(found.attached)) == ("Seen here", 1)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("image/jpeg", b"GIF89a"),
        ("application/ms-tnef", b"\x78\x9f\x3e\x22"),
        ("message/rfc822", b"From: a@b.example\r\n\r\n\xff\xd8\xff"),
        ("application/vnd.ms-excel", b"PK\x03\x04"),
        ("application/octet-stream", b"MZ\x90"),
    ],
)
def test_what_is_neither_photo_nor_pdf_is_left_out(kind: str, data: bytes) -> None:
    found = of(several("mixed", entity("text/plain", "See this"), entity(kind, data)))
    assert (found.text, found.attached, found.left_out) == ("See this", (), (kind,))


def test_a_text_that_is_attached_is_no_word_of_theirs() -> None:
    notes = entity("text/plain", "notes", "Content-Disposition: attachment; filename=notes.txt")
    found = of(several("mixed", entity("text/plain", "See notes"), notes))
    assert (found.text, found.left_out) == ("See notes", ("text/plain",))


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("utf-8", b"caf\xc3\xa9", "café"),
        ("iso-8859-1", b"\x93caf\xe9\x94", "“café”"),
        ("windows-1252", b"\x80 5", "€ 5"),
        ("utf-8", b"caf\xe9", "café"),
        ("", b"caf\xe9", "café"),
        ("zip", b"plain", "plain"),
        ("utf-16", "café".encode("utf-16"), "café"),
        ("no-such", b"plain", "plain"),
        ("\x00", b"plain", "plain"),
    ],
)
def test_characters(charset: str, data: bytes, text: str) -> None:
    assert of(entity(f'text/plain; charset="{charset}"', data)).text == text


def test_flowed_text_is_put_together_again() -> None:
    body = "A long \r\nline.\r\n>> quoted \r\n>> on\r\n-- \r\nJo\r\n"
    assert of(entity("text/plain; format=flowed", body)).text == "A long line.\n>> quoted on\n--\nJo"
    assert of(entity("text/plain; format=flowed; delsp=yes", "un \r\nbroken\r\n")).text == "unbroken"


def test_nothing_turns_the_text_around_or_moves_a_cursor() -> None:
    assert clean("a\u202eb\x1b[2Jc\x00\u2066d\ufeff\r\ne\rf\u2028g\th") == "ab[2Jcd\ne\nf\ng\th"
    assert clean("\n\na" + "\n" * 9 + "b\n") == "a\n\n\nb"


def test_more_than_is_read_is_said_to_be_more() -> None:
    assert not of(entity("text/plain", "x" * MOST_TEXT)).cut_short
    found = of(entity("text/plain", "x" * (MOST_TEXT + 1)))
    assert (len(found.text), found.cut_short) == (MOST_TEXT, True)
    many = of(several("mixed", entity("text/plain", "x"), *[entity("image/jpeg", JPEG)] * (MOST_ATTACHED + 1)))
    assert (len(many.attached), many.cut_short) == (MOST_ATTACHED, True)


# a page


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("a &amp; b &lt;c&gt; &#8217; 3 < 4", "a & b <c> ’ 3 < 4"),
        ("x<script>alert('<p>')</script>y<style>p{}</style>", "xy"),
        ("<head><title>t</title></head>shown", "shown"),
        ("a<!-- <p>b</p> -->c", "ac"),
        ('<p title="1 > 0">kept</p>', "kept"),
        ("yes<blockquote>old<blockquote>older</blockquote></blockquote>", "yes\n> old\n>> older"),
        ("<ul><li>One<li>Two</ul>", "One\nTwo"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<P CLASS=x>A<o:p></o:p></P>", "A"),
        ("a<b", "a<b"),
        ("a<b ", "a"),
        ("a<p title='", "a"),
        ("a<!-- never closed", "a"),
        ("a<script>never closed", "a"),
        ("İ<SCRIPT>İİİ</Script>b", "İb"),
        ("</blockquote>" * 3 + "a", "a"),
        ("a&#" + "9" * 5000 + ";b&#99999999999c&#65;", "a\ufffdb\ufffdcA"),
    ],
)
def test_a_page_is_read_as_text(page: str, text: str) -> None:
    assert text_of(page).strip() == text


def test_no_page_takes_long() -> None:
    began = time.process_time()
    for unit in ("<!--", "<a ", "</", "&#", "<![CDATA[", "<?", "<a b='", "<script>", "<div>", "<", "&", '<a b="'):
        text_of(unit * (64 * 1024 // len(unit)))
        cut(clean(unit * (64 * 1024 // len(unit))))
    assert time.process_time() - began < 4.0


# what is quoted

QUOTE = "> Action wanted\n>\n> Reference"
HEAD = "From: Notices <notices@hub.example>\nSent: 01 March 2026 19:00\nTo: Jo\nSubject: Secure notice\n\nAction wanted"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Yes.", ""),
        ("Yes.\n\n-- \nJo", ""),
        ("Yes.", QUOTE),
        ("Yes.", f"On 1 Mar 2026, at 19:00, Notices <n@hub.example> wrote:\n\n{QUOTE}"),
        ("Yes.", f"On Sun, 1 Mar 2026 at 19:00, Notices\n<n@hub.example> wrote:\n{QUOTE}"),
        ("Yes.", f"Am 01.03.26 um 19:00 schrieb Notices:\n{QUOTE}"),
        ("Yes.\n\nJo", HEAD),
        ("Yes.", f"-----Original Message-----\n{HEAD}"),
        ("Yes.", f"________________________________\n\n{HEAD}"),
        ("Yes.", f"*From:* Notices\n*Sent:* today\n*To:* Jo\n\n{QUOTE}"),
        (f"{QUOTE}\n\nYes, we have.\n\n> More\n\nNo.", ""),
        (f"{QUOTE}\n\nYes, below.", ""),
        (QUOTE, ""),
        (HEAD, ""),
        ("She came on:\n- Monday", ""),
        ("From: the station she walked home.\nNobody saw her.", ""),
    ],
)
def test_what_stands_below_all_words_is_cut_off_and_nothing_else(text: str, quoted: str) -> None:
    whole = f"{text}\n\n{quoted}" if quoted else text
    assert cut(whole) == (text, quoted)
