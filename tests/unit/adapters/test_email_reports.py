"""Delivery reports and notifications of systems we have no samples of, and forged ones."""

from datetime import UTC, datetime

import pytest

from adapters.email import mdn
from adapters.email.inbound import Report
from adapters.port import ReceiptKind
from tests.kit.reports import MESSAGE, NOW, TO, TO_JO, TOKEN, judged, report, said


class TestDeliveryStatus:
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ("Action: failed\nStatus: 5.1.1", ("bounced", "5.1.1", "rejected")),
            ("Action: failed (permanent)\nStatus: 5.2.3 (too big)", ("bounced", "5.2.3", "too_large")),
            ("Action: FAILED\nStatus: 5.4.7", ("expired", "5.4.7", "rejected")),
            ("Action: failed\nStatus: 4.4.7", ("expired", "4.4.7", "rejected")),
            ("Action: failed\nStatus: 4.2.2", ("expired", "4.2.2", "rejected")),
            ("Action: failed", ("bounced", "failed", "unknown")),
            ("Action: failed\nStatus: 2.0.0", ("bounced", "2.0.0", "unknown")),
            ("Action: failed\nStatus: 5.99.99", ("bounced", "5.99.99", "unknown")),
            ("Action: failed\nStatus: nonsense", ("bounced", "failed", "unknown")),
            ("Action: delayed\nStatus: 4.4.1", ("delayed", "4.4.1", "rejected")),
            ("Action: delayed\nStatus: 4.3.2", ("delayed", "4.3.2", "provider_unavailable")),
            ("Action: delivered\nStatus: 2.0.0", ("delivered", "2.0.0", None)),
            ("Action: delivered", ("delivered", "delivered", None)),
            ("Action: relayed\nStatus: 2.0.0", ("relayed", "2.0.0", None)),
            ("Action: expanded\nStatus: 2.1.5", ("relayed", "2.1.5 expanded", None)),
            ("Status: 5.7.1", ("bounced", "5.7.1", "rejected")),
            ("Status: 4.0.0", ("delayed", "4.0.0", "unknown")),
            ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 no", ("bounced", "5.1.1", "rejected")),
            ("Action: failed\nDiagnostic-Code: SMTP;550-5.7.1 no", ("bounced", "5.7.1", "rejected")),
            ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 450 4.1.1 no", ("bounced", "5.0.0", "unknown")),
            ("Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 550 5.1.1 no", ("bounced", "5.2.2", "rejected")),
            ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: X-Unix; 550 5.1.1", ("bounced", "5.0.0", "unknown")),
        ],
    )  # fmt: skip
    def test_one_recipient(self, fields: str, expected: tuple[ReceiptKind, str, str | None]) -> None:
        assert said(report(MESSAGE, f"{TO_JO}\n{fields}")) == [expected]
        assert said(report(f"{MESSAGE}\n{TO_JO}\n{fields}")) == [expected]  # the blank line forgotten

    @pytest.mark.parametrize(
        "fields",
        ["Action: delivered\nStatus: 5.1.1", "Action: relayed\nStatus: 4.4.1", "Action: pondered\nStatus: 5.1.1",
         "Status: 2.0.0", "", "Action:\nStatus:"],
    )  # fmt: skip
    def test_what_contradicts_itself_or_says_nothing_counts_for_nothing(self, fields: str) -> None:
        assert judged(report(MESSAGE, f"{TO_JO}\n{fields}")) == Report(apart="malformed", token=TOKEN)

    def test_several_recipients_bad_news_first_and_nothing_twice(self) -> None:
        groups = [f"Final-Recipient: rfc822; p{n}@council.example\nAction: delivered\nStatus: 2.0.0" for n in range(40)]
        groups.append("Action: failed\nStatus: 5.1.1")
        assert said(report(MESSAGE, *groups)) == [("bounced", "5.1.1", "rejected"), ("delivered", "2.0.0", None)]

    def test_a_report_in_base64_or_in_no_report_at_all_is_found(self) -> None:
        status = b"QWN0aW9uOiBmYWlsZWQKU3RhdHVzOiA1LjEuMQo="  # Action: failed, Status: 5.1.1
        head = b'Content-Type: multipart/mixed; boundary="b b"\n\n--b b\nContent-Type: message/delivery-status\n'
        assert said(head + b"Content-Transfer-Encoding: BASE64\n\n" + status) == [("bounced", "5.1.1", "rejected")]

    def test_a_report_inside_a_returned_message_is_not_from_who_returned_it(self) -> None:
        inner = report(MESSAGE, "Action: delivered\nStatus: 2.0.0").decode()
        raw = f"Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n{inner}\n--o--\n"
        assert judged(raw.encode()) == Report(apart="not_a_report", token=TOKEN)

    def test_when_it_happened_is_the_last_attempt_if_that_can_be_believed(self) -> None:
        def at(attempt: str, date: str) -> datetime:
            fields = f"Action: delayed\nStatus: 4.4.1\nLast-Attempt-Date: {attempt}"
            (receipt,) = judged(report(MESSAGE, fields, head=f"Date: {date}\n")).receipts
            return receipt.at

        earlier, soon = "Sun, 1 Mar 2026 20:00:00 +0100", "Sun, 1 Mar 2026 19:10:00 +0000"
        assert at(earlier, soon) == datetime(2026, 3, 1, 19, 0, tzinfo=UTC)
        for odd in (
            "Sun, 1 Mar 2027 20:00:00 +0100",
            "Fri, 1 Jan 1999 00:00:00 +0000",
            "yesterday",
            "",
            "1 Mar 2026 19:00",
        ):
            assert at(odd, soon) == datetime(2026, 3, 1, 19, 10, tzinfo=UTC)
            assert at(odd, odd) == NOW


class TestWhoseItIs:
    WITH_ID = f"Original-Envelope-Id: {TOKEN}"
    FAILED = "Action: failed\nStatus: 5.1.1"

    @pytest.mark.parametrize(
        "to", [TO, f"{TOKEN}.x@hub.example", "bounces@hub.example", f"<R+{TOKEN.upper()}@Hub.Example.>"]
    )
    @pytest.mark.parametrize("envelope_id", [TOKEN, TOKEN.upper(), f"  {TOKEN} "])
    def test_address_and_envelope_id_agree_or_one_of_them_is_enough(self, to: str, envelope_id: str) -> None:
        assert said(report(f"Original-Envelope-Id: {envelope_id}", self.FAILED), to) == [
            ("bounced", "5.1.1", "rejected")
        ]

    def test_an_envelope_id_that_is_no_token_is_somebody_elses_business(self) -> None:
        assert said(report("Original-Envelope-Id: QQ-1234/5", self.FAILED)) == [("bounced", "5.1.1", "rejected")]

    def test_without_either_it_is_kept_apart(self) -> None:
        for to in ("bounces@hub.example", "r+short@hub.example", f"r+{TOKEN}@other.example", "", "@", "r+@hub.example"):
            assert judged(report(MESSAGE, self.FAILED), to) == Report(apart="no_token")

    def test_two_that_disagree_are_kept_apart_under_the_address(self) -> None:
        other = "y" * 32
        assert judged(report(self.WITH_ID, self.FAILED), f"r+{other}@hub.example") == Report(
            apart="tokens_disagree", token=other
        )
        twice = report(self.WITH_ID, f"Original-Envelope-Id: {other}\n{self.FAILED}")
        assert judged(twice, "bounces@hub.example") == Report(apart="tokens_disagree")


class TestDisposition:
    @pytest.mark.parametrize(
        ("disposition", "expected"),
        [
            ("manual-action/MDN-sent-manually; displayed", ("displayed", "displayed manual-action", None)),
            ("automatic-action/MDN-sent-automatically; displayed", ("displayed", "displayed automatic-action", None)),
            ("Manual-Action / MDN-Sent-Automatically ; Displayed", ("displayed", "displayed manual-action", None)),
            ("automatic-action/MDN-sent-automatically; deleted", ("bounced", "deleted automatic-action", "rejected")),
            ("manual-action/MDN-sent-manually; deleted", ("bounced", "deleted manual-action", "rejected")),
            ("automatic-action/MDN-sent-automatically; processed", ("delivered", "processed automatic-action", None)),
            ("manual-action/MDN-sent-manually; dispatched", ("delivered", "dispatched manual-action", None)),
            ("manual-action/MDN-sent-manually; denied", ("delivered", "denied manual-action", None)),
            ("automatic-action/MDN-sent-automatically; failed", ("bounced", "failed automatic-action", "unknown")),
            ("manual-action/MDN-sent-manually; displayed/error", ("delivered", "displayed/error manual-action", None)),
            ("manual-action/MDN-sent-manually; displayed/warning",
             ("displayed", "displayed/warning manual-action", None)),
            ("automatic-action/MDN-sent-automatically; processed/mailbox-terminated",
             ("bounced", "processed/mailbox-terminated automatic-action", "rejected")),
            ("manual-action/MDN-sent-manually; displayed/x-own,error",
             ("delivered", "displayed/error manual-action", None)),
            ("displayed", ("displayed", "displayed", None)),
            ("; displayed", ("displayed", "displayed", None)),
        ],
    )  # fmt: skip
    def test_what_the_readers_program_did(
        self, disposition: str, expected: tuple[ReceiptKind, str, str | None]
    ) -> None:
        kind, code, reason = expected
        raw = report(f"{TO_JO}\nDisposition: {disposition}", kind="disposition-notification")
        assert said(raw) == [(kind, f"{code} unsigned", reason)]

    @pytest.mark.parametrize(
        "disposition", ["", "read", "manual-action/MDN-sent-manually; displayedly", "x; displayed"]
    )
    def test_what_is_not_known_counts_for_nothing(self, disposition: str) -> None:
        raw = report(f"{TO_JO}\nDisposition: {disposition}", kind="disposition-notification")
        assert judged(raw) == Report(apart="malformed", token=TOKEN)

    def test_for_whom_it_speaks(self) -> None:
        assert mdn.read(b"Final-Recipient: RFC822;<jo@council.example>\n").reader == "jo@council.example"
        assert mdn.read(b"Final-Recipient: x400; c=gb\n").reader == ""
