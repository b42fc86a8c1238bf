"""The page of a bundle: what a source sent is shown, and does nothing."""

from hub.service.evidence.page import Part, html, text

NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x1b[31m"


def test_nothing_that_was_sent_is_markup_and_the_page_may_load_and_run_nothing() -> None:
    part = Part(title=NASTY, paragraphs=(NASTY,), head=(NASTY,), rows=((NASTY,),))
    page = html(NASTY, [part]).decode()
    assert "<script" not in page and "<img" not in page and page.count("&lt;script&gt;") == 6
    assert "default-src 'none'" in page and "href" not in page and "src=x onerror" in page
    assert "\x1b" not in text("Title", [Part(title="Part", rows=((NASTY,),))]).decode()
