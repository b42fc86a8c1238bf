"""Reports that no system we know has sent: made field by field, and read as if they had come to one delivery."""

from datetime import UTC, datetime

from adapters.email.inbound import Report, read
from adapters.email.verp import ReceiptsAddress
from adapters.port import ReceiptKind

TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
TO = f"r+{TOKEN}@hub.example"
ADDRESSES = (ReceiptsAddress.of_template("r+{token}@hub.example"), ReceiptsAddress.of_template("{token}.x@hub.example"))
NOW = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)


def judged(raw: bytes, to: str = TO) -> Report:
    return read(raw, to, NOW, addresses=ADDRESSES)


def said(raw: bytes, to: str = TO) -> list[tuple[ReceiptKind, str, str | None]]:
    report = judged(raw, to)
    assert report.apart is None
    assert {receipt.token for receipt in report.receipts} == {TOKEN}
    return [(receipt.kind, receipt.code, receipt.reason) for receipt in report.receipts]


def report(*groups: str, kind: str = "delivery-status", head: str = "") -> bytes:
    body = "\n\n".join(groups)
    return (
        f"From: MAILER-DAEMON@mail.example\n{head}Content-Type: multipart/report; report-type={kind}; boundary=b\n\n"
        f"--b\n\nWords.\n--b\nContent-Type: message/{kind}\n\n{body}\n\n--b\nContent-Type: message/rfc822\n\n"
        "Subject: [OFFICIAL-SENSITIVE] Secure notice FP-2345-6789\n\n--b--\n"
    ).encode()


def mail(body: str, **fields: str) -> bytes:
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return f"{head}\n{body}\n".encode()


MESSAGE = "Reporting-MTA: dns; mail.example"
TO_JO = "Final-Recipient: rfc822; jo@council.example"
