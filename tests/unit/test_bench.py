"""What the bench works out from what it measured; measuring itself is ``make bench``."""

import asyncio
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from adapters.port import Attachment, Content, Envelope
from bench import sink
from bench.chart import chart
from bench.message import Sample
from bench.table import Row, line, ratio


def a_row(name: str = "Celery", *, rates: tuple[float, ...] = (100.0, 120.0, 90.0), **more: object) -> Row:
    values = {"signer": "P-256", "durable": "no", "processor": (0.002, 0.003, 0.004), "notices": 2000, **more}
    return Row(name=name, rates=rates, **values)  # type: ignore[arg-type]  # tests name the fields


def test_a_ratio_is_taken_round_by_round_and_judged_by_its_median() -> None:
    found = ratio("a", (100, 300, 50), (50, 100, 50), 2)
    assert found.values == (2.0, 3.0, 1.0)
    assert (found.spread.median, found.spread.lowest, found.spread.highest, found.held) == (2.0, 1.0, 3.0, True)
    assert ratio("a", (199,), (100,), 2).held is False
    assert ratio("a", (199,), (100,), 2, "at most").held is True
    assert ratio("a", (1,), (1,)).held is None
    with pytest.raises(ValueError, match="zip"):
        ratio("a", (1, 2), (1,))


def test_a_ratio_says_what_was_asked_for_and_whether_it_was_kept() -> None:
    said = ratio("so many", (1, 2, 4), (1, 1, 1), 3).line()
    assert said.startswith("so many ") and "2.00  (1.00 to 4.00)   at least 3: NO" in said
    assert ratio("so many", (4,), (1,), 3).line().endswith("at least 3: yes")
    assert ratio("so many", (4,), (1,), 3).fields()["held"] is True


def test_a_row_has_the_senders_time_apart_from_their_servers() -> None:
    assert "3.00 " in line(a_row()) and "+" not in line(a_row())
    assert "3.00+1.00" in line(a_row(servers=(0.001, 0.001, 0.001)))


def test_the_picture_has_a_bar_for_each_in_their_proportion() -> None:
    drawn = chart([a_row("Fingerpost"), a_row("Apprise", rates=(50.0,), signer="")], [("P-256", 400.0)], "t", "f")
    root = ET.fromstring(drawn)
    bars = [float(one.get("width", "")) for one in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert bars[0] == pytest.approx(4 * bars[1], rel=0.01) and bars[1] == pytest.approx(2 * bars[2], rel=0.01)
    words = [one.text for one in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Apprise (not sealed)" in words and "Fingerpost (P-256)" in words and "http" not in drawn.split("viewBox")[1]


def test_the_same_words_come_out_of_the_templates_that_a_hub_composed() -> None:
    body = Content(
        subject="Missing: Robin & Kit {{ 7 }}",
        text="Robin & Kit, Example Street\n",
        html="<p>Robin &amp; Kit, Example Street</p>",
        attachments=(Attachment(name="notice.json", media_type="application/json", data=b"{}"),),
    )
    envelope = Envelope(delivery="dl_1", reference="FP-AB12-CD34", address="desk@council.example", body=body)
    sample = Sample.of(envelope, {"child": {"name": "Robin & Kit", "age": 3}, "at": ["Example Street", "Kit"]}, b"PEM")
    assert sample.rendered(sample.facts) == (body.subject, body.text, body.html)
    assert set(sample.facts.values()) == {"Robin & Kit", "Example Street"}
    other = {name: "Ann <Other>" if value == "Robin & Kit" else value for name, value in sample.facts.items()}
    assert sample.rendered(other)[1:] == (
        "Ann <Other>, Example Street\n",
        "<p>Ann &lt;Other&gt;, Example Street</p>",
    )


def test_the_sink_takes_what_is_pipelined_wherever_it_is_cut(tmp_path: Path) -> None:
    class Wire(asyncio.Transport):
        def __init__(self) -> None:
            super().__init__()
            self.said = b""

        def write(self, data: bytes | bytearray | memoryview) -> None:
            self.said += bytes(data)

    mail = b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nSubject: s\r\n\r\n..dot\r\n.\r\n"
    for size in (1, 7, 1000):
        book = sink.Book(tmp_path)
        wire, session = Wire(), sink.Session(book)
        session.connection_made(wire)
        stream = b"EHLO a.example\r\n" + mail * 2 + b"QUIT\r\n"
        for at in range(0, len(stream), size):
            session.data_received(stream[at : at + size])
        book.close()
        codes = [one[:3] for one in wire.said.split(b"\r\n") if one and one[3:4] == b" "]
        assert codes == [b"220", b"250", *[b"250", b"250", b"354", b"250"] * 2, b"221"]
    assert sink.count(tmp_path) == 6
    assert {size for _, size in sink.arrivals(tmp_path)} == {len(b"Subject: s\r\n\r\n..dot\r\n")}
