"""Bounces in a system's own words, automatic answers, and anything at all."""

from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.email import dsn
from adapters.email.inbound import READ_LIMIT, Apart, Report
from adapters.email.parts import Part, moment
from adapters.port import Receipt, ReceiptKind
from tests.kit.reports import MESSAGE, NOW, TO, TOKEN, judged, mail, report, said

QMAIL = """Hi. This is the qmail-send program at mail.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<jo@council.example>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Received: from 4.2.2.1
"""


class TestWhatIsNoReport:
    DAEMON = "Mail Delivery System <MAILER-DAEMON@mail.example>"

    @pytest.mark.parametrize(
        ("raw", "expected"),
        [
            (mail(QMAIL, From="MAILER-DAEMON@mail.example"), ("bounced", "5.1.1", "unknown")),
            (mail("Warning: will be retried. 4.4.1", From=DAEMON), ("delayed", "4.4.1", "unknown")),
            (mail("Given up: 4.4.7", From=DAEMON), ("expired", "4.4.7", "unknown")),
            (mail("All hosts failed permanently", X_Failed_Recipients="jo@council.example",
                  Auto_Submitted="auto-replied"),
             ("bounced", "", "unknown")),
            (mail("550 5.7.1 no", X_Failed_Recipients="jo@council.example"), ("bounced", "5.7.1", "unknown")),
            (mail("#< #5.1.1 smtp;550> #SMTP#",
                  From="Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@council.example>"),
             ("bounced", "5.1.1", "unknown")),
            (mail("Undeliverable. 550 5.2.2 full", From="postmaster@council.example"), ("bounced", "5.2.2", "unknown")),
        ],
    )  # fmt: skip
    def test_a_bounce_in_a_systems_own_words(self, raw: bytes, expected: tuple[ReceiptKind, str, str | None]) -> None:
        assert said(raw) == [expected]

    @pytest.mark.parametrize(
        "fields",
        [
            {"Auto_Submitted": "auto-replied"},
            {"Auto_Submitted": "auto-generated (vacation); x=y"},
            {"Auto_Submitted": "auto-replied", "Precedence": "list"},
            {"X_Autoreply": "yes"},
            {"X_Autorespond": "gone"},
            {"Precedence": "auto_reply"},
            {"Precedence": "bulk"},
        ],
    )
    def test_an_automatic_answer_bounces_nothing_whatever_it_says(self, fields: dict[str, str]) -> None:
        raw = mail("I am away. Our new version is 5.1.1.", From="Jo <jo@council.example>", **fields)
        assert said(raw) == [("automatic_reply", "automatic", None)]

    @pytest.mark.parametrize(
        "raw",
        [
            mail("We have found her. 5.1.1", From="jo@council.example"),
            mail("We have found her.", From="jo@council.example", Auto_Submitted="no", Precedence="normal"),
            mail("no code at all", From=DAEMON),
            mail("host 10.5.1.1 or 5.1.1.9 or v5.1.1 or 5.1.1.", From=DAEMON.replace("MAILER", "X-MAILER")),
            b"",
            b"\r\n\r\n",
            b"no header",
        ],
    )
    def test_anything_else_is_for_somebody_to_read(self, raw: bytes) -> None:
        assert judged(raw) == Report(apart="not_a_report", token=TOKEN)

    def test_numbers_that_only_look_like_a_status_are_none(self) -> None:
        raw = mail("host 10.5.1.1, or 5.1.1.9, or v5.1.1, or 15.1.1", From=self.DAEMON)
        assert judged(raw).apart == "not_a_report"


class TestSize:
    def test_a_report_before_a_large_returned_message_is_read(self) -> None:
        raw = report(MESSAGE, "Action: failed\nStatus: 5.1.1").replace(b"--b--", b"x" * (2 * READ_LIMIT) + b"\n--b--")
        assert said(raw) == [("bounced", "5.1.1", "rejected")]

    def test_a_large_mail_that_is_no_report_says_so(self) -> None:
        raw = mail("x" * (READ_LIMIT + 1), From="jo@council.example")
        assert judged(raw) == Report(apart="oversized", token=TOKEN)

    def test_parts_in_parts_without_end_are_not_followed(self) -> None:
        opening = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(12_000))
        assert judged(opening.encode()).apart == "not_a_report"

    def test_many_parts_many_groups_and_long_headers_are_bounded(self) -> None:
        raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 100_000
        assert len(Part.of(raw).parts()) == 40
        assert judged(raw).apart == "not_a_report"
        assert len(dsn.read(b"Action: failed\nStatus: 5.1.1\n\n" * 10_000).outcomes) == 60
        assert judged(b"X: " + b"y" * 500_000 + b"\n" * 500_000).apart == "not_a_report"


FRAGMENTS = st.sampled_from(
    [
        b"Content-Type: multipart/report; boundary=b\n", b"Content-Type: multipart/signed; boundary=\"b\"\r\n",
        b"Content-Type: application/pkcs7-mime; smime-type=signed-data\n", b"Content-Type: message/delivery-status\n",
        b"Content-Type: message/disposition-notification\n", b"Content-Type: application/pkcs7-signature\n",
        b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n", b"--b\n",
        b"--b--\r\n",
        b"\n", b"\r\n", b"\r", b"Action: failed\n", b"Action: delivered\n", b"Status: 5.1.1\n", b"Status: 2.0.0\n",
        b"Original-Envelope-Id: " + TOKEN.encode() + b"\n", b"Original-Envelope-Id: " + b"y" * 32 + b"\n",
        b"Disposition: manual-action/MDN-sent-manually; displayed\n", b"Date: Sun, 1 Mar 2026 19:10:00 +0000\n",
        b"Date: Sun, 1 Mar 99999999 25:61:00 +9999\n", b"From: mailer-daemon@x.example\n", b"=?utf-8?q?=",
        b"X-Failed-Recipients: a\n",
        b"Auto-Submitted: auto-replied\n", b" folded\n", b"\xff\xfe\x00",
        b"MIIGvAYJKoZIhvcNAQcCoIIGrTCCBqkCAQExDzANBglg",
        b":", b";" * 30, b"a" * 90, b"Last-Attempt-Date: Fri, 31 Dec 9999 23:59:59 -2359\n", b"=", b"\x85",
        b"Final-Recipient: rfc822; jo@council.example\n", b"secret words 07700 900123\n",
    ]
)  # fmt: skip
ANYTHING = st.lists(FRAGMENTS | st.binary(max_size=40), max_size=25).map(b"".join)
ADDRESS = st.sampled_from([TO, f"{TOKEN}.x@hub.example", "x@hub.example", ""]) | st.text(max_size=60)
WORDS = frozenset(
    """displayed deleted dispatched processed denied failed error warning superseded expired mailbox-terminated
    manual-action automatic-action unsigned signed unverified automatic expanded delivered relayed delayed""".split()
)


@settings(max_examples=200)
@given(ANYTHING, ADDRESS)
@example(b"Content-Type: multipart/report; boundary=" + b'"' * 3 + b"\n\n", TO)
def test_whatever_comes_is_read_without_a_fault_and_says_nothing_but_codes(raw: bytes, to: str) -> None:
    found = judged(raw, to)
    assert found.apart != "fault"
    assert bool(found.receipts) != bool(found.apart)
    for receipt in found.receipts:
        assert receipt.token == found.token
        assert NOW - timedelta(days=30) <= receipt.at <= NOW
        assert receipt.at.tzinfo is not None
        assert (receipt.reason is not None) == (receipt.kind in ("bounced", "expired", "delayed"))
        words = receipt.code.replace("/", " ").split()
        assert all(word in WORDS or word.replace(".", "").isdigit() for word in words)
        assert len(receipt.code) <= 80


def test_a_fault_of_ours_loses_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(message: Part) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr("adapters.email.inbound.automatic", broken)
    apart: Apart = "fault"
    assert judged(mail("x", From="jo@council.example")) == Report(apart=apart, token=TOKEN)


def test_a_token_never_prints() -> None:
    found = judged(report(MESSAGE, "Action: failed\nStatus: 5.1.1"))
    assert TOKEN not in repr(found)
    assert found.receipts[0] == Receipt(
        channel="email", kind="bounced", at=NOW, token=TOKEN, code="5.1.1", reason="rejected"
    )


@pytest.mark.parametrize("text", ["", "nonsense", "Sun, 1 Mar 2026 19:00:00", "99 Foo 2026 19:00:00 +0000"])
def test_what_is_no_moment(text: str) -> None:
    assert moment(text) is None


class TestParts:
    def test_the_exact_bytes_of_a_part_are_kept(self) -> None:
        head = b'Content-Type: multipart/signed; boundary="a.b"\r\n\r\nbefore\r\n--a.b\r\n'
        raw = head + b"X: y\r\n\r\nbody \r\n\r\n--a.b \r\n\r\nz\r\n--a.b--\r\nafter"
        first, second = Part.of(raw).parts()
        assert first.raw == b"X: y\r\n\r\nbody \r\n"
        assert (second.raw, second.body) == (b"\r\nz", b"z")

    def test_fields_are_unfolded_and_found_in_any_case(self) -> None:
        part = Part.of(b'CONTENT-type:\r\n\tText/HTML;\r\n Charset = "u\xffx"\r\nno field\r\n\r\n')
        assert part.media_type == "text/html"
        assert part.parameter("charset") == "uÿx"
        assert part.parameter("boundary") == ""

    @pytest.mark.parametrize(
        ("encoding", "body", "content"),
        [
            (b"base64", b"aGVs\r\nbG8", b"hello"),
            (b"base64", b"aGVsb", b"hel"),
            (b"base64", b"*", b""),
            (b"quoted-printable", b"h=65llo=\n!", b"hello!"),
            (b"8bit", b"=41", b"=41"),
        ],
    )
    def test_transfer_encodings(self, encoding: bytes, body: bytes, content: bytes) -> None:
        assert Part.of(b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body).content() == content
