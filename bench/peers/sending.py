"""What a task does with one notice: render it, seal it, and hand it to the mail server. For every peer the same.

``BENCH_WAY`` says how. ``written``: as somebody writes it from the documentation of ``cryptography`` and of Python's
``email`` and ``smtplib``, with the certificates loaded once and a connection for each mail. ``composer``: with
Fingerpost's own composing and sealing, and a connection that is kept.
"""

import email.message
import os
import smtplib
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final

import aiosmtplib
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7

from adapters.email.chain import Trust
from adapters.email.prepare import Letterhead, Message, prepare
from adapters.email.smime import Signer
from bench.message import Sample

WAY: Final = os.environ["BENCH_WAY"]
HOST: Final = "127.0.0.1"
PORT: Final = int(os.environ["BENCH_PORT"])
SENDER: Final = "hub@hub.example"
SAMPLE: Final = Sample.load(Path(os.environ["BENCH_SAMPLE"]))
SIGNER: Final = Signer.from_pem(
    certificate=Path(os.environ["BENCH_CERTIFICATE"]).read_bytes(), key=Path(os.environ["BENCH_KEY"]).read_bytes()
)
READER: Final = x509.load_pem_x509_certificate(SAMPLE.certificate.encode())
LETTERHEAD: Final = Letterhead(sender=SENDER, mail_domain="hub.example", return_path=SENDER, size_limit=25_000_000)
_here = threading.local()


def facts_of(number: int) -> Mapping[str, str]:
    """What goes into the queue for one notice."""
    return {**SAMPLE.facts, "number": str(number)}


def send(facts: Mapping[str, str]) -> None:
    """One notice, in a worker's thread or process."""
    if WAY == "written":
        with smtplib.SMTP(HOST, PORT) as server:
            server.send_message(_written(facts), SENDER, [SAMPLE.address])
        return
    kept: smtplib.SMTP | None = getattr(_here, "server", None)
    if kept is None:
        kept = _here.server = smtplib.SMTP(HOST, PORT)
    message = _composed(facts)
    kept.sendmail(message.return_path, [message.recipient], message.data)


async def send_async(facts: Mapping[str, str]) -> None:
    """The same on an event loop."""
    if WAY == "written":
        await aiosmtplib.send(
            _written(facts), sender=SENDER, recipients=[SAMPLE.address], hostname=HOST, port=PORT, start_tls=False
        )
        return
    idle: list[aiosmtplib.SMTP] = _here.__dict__.setdefault("idle", [])
    kept = idle.pop() if idle else None
    if kept is None:
        kept = aiosmtplib.SMTP(hostname=HOST, port=PORT, start_tls=False)
        await kept.connect()
    message = _composed(facts)
    await kept.sendmail(message.return_path, [message.recipient], message.data)
    idle.append(kept)


def _written(facts: Mapping[str, str]) -> email.message.Message:
    """Signed, then encrypted, both as S/MIME text, as the examples do it."""
    subject, text, page = SAMPLE.rendered(facts)
    inner = EmailMessage()
    inner["Subject"] = subject
    inner.set_content(text)
    inner.add_alternative(page, subtype="html")
    inner.add_attachment(SAMPLE.document.encode(), maintype="application", subtype="json", filename="notice.json")
    signed = (
        pkcs7.PKCS7SignatureBuilder()
        .set_data(inner.as_bytes())
        .add_signer(SIGNER.certificate, SIGNER.key, hashes.SHA256())
        .sign(serialization.Encoding.SMIME, [pkcs7.PKCS7Options.DetachedSignature])
    )
    sealed = (
        pkcs7.PKCS7EnvelopeBuilder()
        .set_data(signed)
        .add_recipient(READER)
        .set_content_encryption_algorithm(algorithms.AES256)
        .encrypt(serialization.Encoding.SMIME, [])
    )
    outer = message_from_bytes(sealed)
    outer["From"] = SENDER
    outer["To"] = SAMPLE.address
    outer["Subject"] = f"Secure notice {SAMPLE.reference}"
    outer["Date"] = formatdate()
    outer["Message-ID"] = make_msgid(domain="hub.example")
    return outer


def _composed(facts: Mapping[str, str]) -> Message:
    envelope = SAMPLE.envelope(facts, int(facts["number"]))
    message = prepare(envelope, datetime.now(UTC), LETTERHEAD, SIGNER, Trust())
    assert isinstance(message, Message), message
    return message
