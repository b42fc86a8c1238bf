"""The floor under a sealed notice: each thing that has to be done for one, alone, by the leanest means there is.

``python -m bench.floor SAMPLE.json SINK_PORT FOLDER SIGNER.key SIGNER.crt`` prints them as JSON. No design can go below
their sum in one process: the words from compiled templates; the signature and the envelope by ``cryptography``'s
builders over bytes that are ready, DER out; the mail over one pipelining connection by bare sockets; a claim and a
result for it, of a hundred in one commit each, by bare SQL with ``synchronous=FULL``.
"""

import json
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import pkcs7

from bench.message import Sample

ROUNDS: Final = 5
EACH: Final = 100
BATCH: Final = 100
AHEAD: Final = 8
"""Mails under way at once on the one connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one notice, in seconds: by the clock, and of this process's processor time."""

    seconds: float
    processor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Each step alone, the quickest of several rounds."""

    render: Cost
    sign: Cost
    envelope: Cost
    smtp: Cost
    store: Cost
    bare_signature: Cost
    """Of these, what the signature itself takes; it is in ``sign``, and not in the sum again."""

    @property
    def total(self) -> Cost:
        """The sum."""
        parts = (self.render, self.sign, self.envelope, self.smtp, self.store)
        return Cost(seconds=sum(one.seconds for one in parts), processor=sum(one.processor for one in parts))

    @classmethod
    def of(cls, fields: dict[str, dict[str, float]]) -> "Floor":
        return cls(**{name: Cost(**cost) for name, cost in fields.items()})


def measured(sample: Sample, port: int, folder: Path, key: bytes, certificate: bytes) -> Floor:
    """All of them, one after another."""
    facts = dict(sample.facts)
    subject, text, page = sample.rendered(facts)
    payload = "\r\n".join((subject, text, page, sample.document)).replace("\n", "\r\n").encode()
    private = serialization.load_pem_private_key(key, None)
    assert isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    own = x509.load_pem_x509_certificate(certificate)
    reader = x509.load_pem_x509_certificate(sample.certificate.encode())

    def sign() -> bytes:
        builder = pkcs7.PKCS7SignatureBuilder().set_data(payload).add_signer(own, private, hashes.SHA256())
        options = [pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.DetachedSignature]
        return builder.sign(serialization.Encoding.DER, options)

    def bare() -> bytes:
        if isinstance(private, rsa.RSAPrivateKey):
            return private.sign(payload, padding.PKCS1v15(), hashes.SHA256())
        return private.sign(payload, ec.ECDSA(hashes.SHA256()))

    signed = payload + sign()

    def envelope() -> bytes:
        builder = pkcs7.PKCS7EnvelopeBuilder().set_data(signed).add_recipient(reader)
        builder = builder.set_content_encryption_algorithm(algorithms.AES256)
        return builder.encrypt(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])

    mail = _lines(envelope())
    return Floor(
        render=_quickest(lambda: sample.rendered(facts)),
        sign=_quickest(sign),
        envelope=_quickest(envelope),
        smtp=_smtp(port, mail),
        store=_store(folder, len(json.dumps(facts))),
        bare_signature=_quickest(bare),
    )


def _lines(enveloped: bytes) -> bytes:
    """A mail of the right size, in lines."""
    text = enveloped.hex()[: len(enveloped) * 4 // 3]
    return b"Subject: floor\r\n\r\n" + b"".join(text[at : at + 76].encode() + b"\r\n" for at in range(0, len(text), 76))


def _quickest(step: Callable[[], object], each: int = EACH) -> Cost:
    step()
    rounds = []
    for _ in range(ROUNDS):
        began, before = time.perf_counter(), time.process_time()
        for _ in range(each):
            step()
        rounds.append(((time.perf_counter() - began) / each, (time.process_time() - before) / each))
    return Cost(seconds=min(one for one, _ in rounds), processor=min(one for _, one in rounds))


def _smtp(port: int, mail: bytes) -> Cost:
    """The commands of one mail go out with the end of the one before it (RFC 2920), a few ahead of the answers."""
    envelope = b"MAIL FROM:<hub@hub.example>\r\nRCPT TO:<desk@council.example>\r\nDATA\r\n"
    whole = envelope + mail + b".\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        answers = connection.makefile("rb")
        answers.readline()
        connection.sendall(b"EHLO hub.example\r\n")
        while answers.readline()[3:4] == b"-":
            pass

        def burst() -> None:
            under_way = 0
            for _ in range(EACH):
                connection.sendall(whole)
                under_way += 1
                if under_way == AHEAD:
                    _answered(answers.readline)
                    under_way -= 1
            for _ in range(under_way):
                _answered(answers.readline)

        found = _quickest(burst, each=1)
        connection.sendall(b"QUIT\r\n")
        answers.close()
    return Cost(seconds=found.seconds / EACH, processor=found.processor / EACH)


def _answered(line: Callable[[], bytes]) -> None:
    codes = [line()[:3] for _ in range(4)]
    assert codes == [b"250", b"250", b"354", b"250"], codes


def _store(folder: Path, size: int) -> Cost:
    """A row a notice that is claimed, and a result and an attempt, a hundred a commit."""
    connection = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE deliveries (id TEXT PRIMARY KEY, state TEXT, holder TEXT, due_at INT, doc BLOB)")
    connection.execute("CREATE INDEX due ON deliveries (due_at) WHERE state = 'due'")
    connection.execute("CREATE TABLE attempts (delivery TEXT, number INT, state TEXT, digest TEXT)")
    rows = ((f"dl_{number:026d}", number, bytes(size)) for number in range(EACH * BATCH))
    connection.executemany("INSERT INTO deliveries VALUES (?, 'due', NULL, ?, ?)", rows)

    def batch() -> None:
        connection.execute("BEGIN IMMEDIATE")
        claimed = connection.execute(
            "UPDATE deliveries SET state = 'leased', holder = 'a' WHERE id IN "
            "(SELECT id FROM deliveries WHERE state = 'due' ORDER BY due_at LIMIT ?) RETURNING id, doc",
            (BATCH,),
        ).fetchall()
        connection.execute("COMMIT")
        assert len(claimed) == BATCH
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("UPDATE deliveries SET state = 'sent' WHERE id = ?", ((one,) for one, _ in claimed))
        tried = ((one, 1, "sent", "ab" * 32) for one, _ in claimed)
        connection.executemany("INSERT INTO attempts VALUES (?, ?, ?, ?)", tried)
        connection.execute("COMMIT")

    found = _quickest(batch, each=EACH * BATCH // BATCH // (ROUNDS + 1))
    connection.close()
    return Cost(seconds=found.seconds / BATCH, processor=found.processor / BATCH)


if __name__ == "__main__":
    sample_file, sink_port, scratch, key_file, certificate_file = sys.argv[1:]
    found = measured(
        Sample.load(Path(sample_file)),
        int(sink_port),
        Path(scratch),
        Path(key_file).read_bytes(),
        Path(certificate_file).read_bytes(),
    )
    print(json.dumps(asdict(found)))
