"""Notifications that openssl signed: by their reader, by somebody else, altered on the way, by whom nobody trusts."""

import base64
import datetime
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.email.chain import Trust
from adapters.email.inbound import Report, read
from adapters.email.verp import ReceiptsAddress
from tests.integration.email.test_independent_readers import required
from tests.kit.pki import (
    NOW,
    SERVER,
    START,
    Issued,
    authority,
    curve_key,
    intermediate,
    person,
    root,
    rsa_key,
    signed_over_sha1,
)

SAMPLE = Path(__file__).parents[2] / "data" / "receipts" / "displayed.mdn-displayed.eml"
READER = "reader@council.example"
TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
ADDRESSES = (ReceiptsAddress.of_template("r+{token}@hub.example"),)
TRUST = Trust(anchors=(root().certificate,))
OUTER = b"From: reader@council.example\r\nDate: Sun, 1 Mar 2026 19:00:00 +0000\r\n"


def notification() -> bytes:
    """What Roundcube said, as the entity that is signed."""
    raw = SAMPLE.read_bytes().replace(b"\n", b"\r\n")
    return raw[raw.index(b"Content-Type: multipart/report") :]


def signed(
    by: Issued,
    folder: Path,
    *options: str,
    chain: Sequence[Issued] | None = None,
    entity: bytes | None = None,
    leaf: bytes | None = None,
) -> bytes:
    """A whole mail, signed by openssl: detached (multipart/signed) unless ``-nodetach`` is among the options."""
    (folder / "own.pem").write_bytes((leaf or by.pem) + by.key_pem)
    (folder / "chain.pem").write_bytes(b"".join(one.pem for one in ((intermediate(),) if chain is None else chain)))
    (folder / "entity").write_bytes(notification() if entity is None else entity)
    extra = ("-certfile", str(folder / "chain.pem")) if (folder / "chain.pem").stat().st_size else ()
    done = subprocess.run(
        [required("openssl"), "cms", "-sign", "-in", str(folder / "entity"), "-signer", str(folder / "own.pem"),
         "-binary", "-crlfeol", *extra, *options],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return OUTER + done.stdout.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def judged(raw: bytes, trust: Trust = TRUST, now: datetime.datetime = NOW) -> Report:
    return read(raw, f"r+{TOKEN}@hub.example", now, addresses=ADDRESSES, trust=trust)


def word(report: Report) -> str:
    (receipt,) = report.receipts
    assert receipt.kind == "displayed"
    said = receipt.code.removeprefix("displayed manual-action ")
    assert report.signer == (READER if said == "signed" else None)
    return said


@pytest.fixture
def reader() -> Issued:
    return person(READER, issuer=intermediate(), key=rsa_key("reader"))


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-nodetach",),
        ("-md", "sha512"),
        ("-keyid",),
        ("-noattr",),
        ("-nosmimecap",),
        ("-keyopt", "rsa_padding_mode:pss"),
        ("-nodetach", "-stream"),
    ],
    ids=" ".join,
)
def test_signed_by_the_reader(reader: Issued, tmp_path: Path, options: tuple[str, ...]) -> None:
    assert word(judged(signed(reader, tmp_path, *options))) == "signed"


def test_signed_on_a_curve_with_a_certificate_for_signing_only(tmp_path: Path) -> None:
    one = person(READER, issuer=intermediate(), key=curve_key("reader"), usage=False)
    assert isinstance(one.key, ec.EllipticCurvePrivateKey)
    assert word(judged(signed(one, tmp_path))) == "signed"


def test_line_ends_that_a_mail_store_changed_do_not_matter(reader: Issued, tmp_path: Path) -> None:
    assert word(judged(signed(reader, tmp_path).replace(b"\r\n", b"\n"))) == "signed"


def test_pinned_without_a_chain(tmp_path: Path) -> None:
    own = person(READER, issuer=None, key=rsa_key("reader"))
    assert word(judged(signed(own, tmp_path, chain=()))) == "unverified"
    assert word(judged(signed(own, tmp_path, chain=()), Trust(pinned=frozenset({own.fingerprint})))) == "signed"


def test_unsigned_is_a_receipt_as_well() -> None:
    assert word(judged(OUTER + notification())) == "unsigned"


@pytest.mark.parametrize("detached", [True, False])
def test_altered_on_the_way(reader: Issued, tmp_path: Path, detached: bool) -> None:
    raw = signed(reader, tmp_path, *(() if detached else ("-nodetach", "-outform", "SMIME")))
    if detached:
        altered = raw.replace(b"Note: This receipt", b"Note: Thus receipt")
    else:
        start = raw.index(b"\r\n\r\n") + 4
        der = bytearray(base64.b64decode(raw[start:]))
        place = der.index(b"Note: This receipt")
        der[place + 6] ^= 1
        altered = raw[:start] + base64.encodebytes(bytes(der))
    assert altered != raw
    assert word(judged(altered)) == "unverified"


def test_a_signature_taken_from_another_notification(reader: Issued, tmp_path: Path) -> None:
    mine = signed(reader, tmp_path)
    entity = notification().replace(b"dl-displayed@", b"dl-somewhere@")
    theirs = signed(reader, tmp_path, entity=entity)
    marker = b'filename="smime.p7s"'
    boundary = mine.split(b'boundary="')[1].split(b'"')[0]
    other = theirs.split(b'boundary="')[1].split(b'"')[0]
    swapped = mine[: mine.index(marker)] + theirs[theirs.index(marker) :].replace(other, boundary)
    assert word(judged(swapped)) == "unverified"


@pytest.mark.parametrize(
    "by",
    [
        lambda: person("sam@council.example", issuer=intermediate(), key=rsa_key("stranger")),
        lambda: person(READER, issuer=authority("Somebody Else"), key=rsa_key("reader")),
        lambda: person(READER, issuer=intermediate(), key=rsa_key("reader"), purposes=SERVER),
        lambda: person(READER, issuer=intermediate(), key=rsa_key("weak reader", 1024)),
        lambda: person(READER, issuer=intermediate(), key=rsa_key("reader"), unknown_critical=True),
        lambda: person(READER, issuer=intermediate(), key=rsa_key("reader"), end=START + datetime.timedelta(days=1)),
        lambda: person(READER, issuer=intermediate(), key=rsa_key("reader"), start=NOW + datetime.timedelta(days=1)),
    ],
    ids=["somebody else", "an unknown authority", "for a server", "weak", "critical", "expired", "not yet valid"],
)
def test_signed_by_whom_it_does_not_speak_for(by: object, tmp_path: Path) -> None:
    assert callable(by)
    assert word(judged(signed(by(), tmp_path))) == "unverified"


def test_digests_that_can_be_forged_prove_nothing(reader: Issued, tmp_path: Path) -> None:
    assert word(judged(signed(reader, tmp_path, "-md", "sha1"))) == "unverified"
    weak = signed_over_sha1(reader, intermediate())
    lines = subprocess.run(
        [required("openssl"), "x509", "-inform", "DER"], input=weak, capture_output=True, check=True
    ).stdout
    assert word(judged(signed(reader, tmp_path, leaf=lines))) == "unverified"


def test_without_the_intermediate_the_chain_does_not_reach(reader: Issued, tmp_path: Path) -> None:
    raw = signed(reader, tmp_path, chain=())
    assert word(judged(raw)) == "unverified"
    assert (
        word(judged(raw, Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,)))) == "signed"
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw.replace(b"pkcs7-signature", b"pgp-signature"),
        lambda raw: raw[: raw.index(b"MIME") + 2500],
        lambda raw: raw.replace(b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: 8bit"),
    ],
    ids=["another kind of signature", "cut off", "not base64"],
)
def test_a_signature_that_cannot_be_read_makes_no_fault(reader: Issued, tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    report = judged(damage(signed(reader, tmp_path)))
    assert report.signer is None
    assert [receipt.kind for receipt in report.receipts] == ["displayed"]
    assert report.receipts[0].code.endswith(("unverified", "unsigned"))


def test_a_delivery_report_in_a_gateways_signature_is_read(reader: Issued, tmp_path: Path) -> None:
    bounce = (SAMPLE.parent / "unknown-user.failed.eml").read_bytes().replace(b"\n", b"\r\n")
    entity = bounce[bounce.index(b"Content-Type: multipart/report") :].replace(b"Original-Envelope-Id", b"X-Other")
    (receipt,) = judged(signed(reader, tmp_path, "-nodetach", entity=entity)).receipts
    assert (receipt.kind, receipt.code) == ("bounced", "5.1.1")


def test_altered_where_only_the_content_itself_is_signed(reader: Issued, tmp_path: Path) -> None:
    raw = signed(reader, tmp_path, "-noattr")
    assert word(judged(raw.replace(b"Note: This receipt", b"Note: Thus receipt"))) == "unverified"


def test_an_encrypted_mail_and_one_with_an_endless_signature_are_no_fault(reader: Issued, tmp_path: Path) -> None:
    bounce = (SAMPLE.parent / "bounced-after-delivered.failed.eml").read_bytes()
    sealed = bounce[bounce.index(b"MIME-Version: 1.0\nContent-Type: application/pkcs7-mime") :]
    assert judged(OUTER + sealed).apart == "not_a_report"
    raw = signed(reader, tmp_path)
    at = raw.index(b"MII")
    assert word(judged(raw[:at] + b"MIIA" * 100_000 + raw[at:])) == "unverified"
    opaque = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"MIIA" * 100_000
    assert judged(OUTER + opaque).apart == "not_a_report"
