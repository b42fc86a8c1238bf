"""Answers as mail programs send them (tests/data/replies): each opens, or is refused with its reason."""

import random
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import get_args

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.email.certificates import Usable
from adapters.email.chain import Trust
from adapters.email.content_info import MOST_ELEMENTS, within_bounds
from adapters.email.enveloped import Unopened, _transported, decrypt
from adapters.email.opened import Opened, open_mail
from adapters.email.parts import Part
from adapters.email.reply import Answer, Refused, Unsafe, _called, answered, author_of, read_reply
from adapters.email.signed import Proven, Signature
from adapters.email.smime import Signer, encrypt
from tests.kit import pki

FOLDER = Path(__file__).parents[2] / "data" / "replies"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
JO, SAM = "jo@council.example", "sam@council.example"
TEXT = "She is safe at her grandmother’s.\n\n--\nJo Worker\nFront door"
OPEN = {
    "openssl": "detached opaque streamed aes128 aes192 gcm gcm-streamed oaep oaep-sha256 ecdh ecdh-sha256 by-key-id "
    "signed-on-a-curve signed-with-pss triple triple-opaque signed-twice beside-a-leak by-a-colleague",
    "outlook": "opaque clear-signed page-only winmail with-a-mail",
    "": "exchange-octet-stream gateway-footer apple-mail gpgsm-opaque mutt thunderbird",
}
SHUT: dict[str, Unsafe] = {
    "openssl-plain": "plain",
    "openssl-only-signed": "not_encrypted",
    "openssl-only-encrypted": "not_signed",
    "openssl-encrypted-then-signed": "signed_outside",
    "openssl-triple-des": "weak_cipher",
    "openssl-compressed": "compressed",
    "openssl-to-another": "other_key",
    "openssl-changed": "signature_unreadable",
    "openssl-cut": "malformed",
    "openssl-altered": "signature_invalid",
    "openssl-expired": "certificate_expired",
    "openssl-unknown-authority": "certificate_untrusted",
    "openssl-nothing-said": "nothing_said",
    "openssl-too-deep": "too_deep",
    "openssl-by-a-stranger": "not_its_reader",
    "openssl-in-another-name": "certificate_name_mismatch",
    "openssl-other-protected-from": "from_mismatch",
}
OPENING = [f"{by}-{name}".lstrip("-") for by, names in OPEN.items() for name in names.split()]


@cache
def sample(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


@cache
def keys() -> tuple[Signer, ...]:
    folder = FOLDER / "keys"
    return tuple(
        Signer.from_pem(certificate=(folder / f"{one}.pem").read_bytes(), key=(folder / f"{one}.key").read_bytes())
        for one in ("hub-curve", "hub")
    )


@cache
def trust() -> Trust:
    return Trust.from_pem(anchors=(FOLDER / "keys" / "root.pem").read_bytes())


def read(raw: bytes, *, now: datetime = NOW, trusted: Trust | None = None) -> Answer | Refused:
    return read_reply(raw, keys=keys(), mailboxes=(JO, SAM), now=now, trust=trusted or trust())


def test_every_sample_is_spoken_of_here() -> None:
    assert {*OPENING, *SHUT} == {path.stem for path in FOLDER.glob("*.eml")}


@pytest.mark.parametrize("name", OPENING)
def test_it_opens_and_says_what_its_author_wrote(name: str) -> None:
    answer = read(sample(name))
    assert isinstance(answer, Answer)
    assert answer.mailbox == (SAM if name == "openssl-by-a-colleague" else JO)
    assert answer.name == "Jo Worker"
    assert answer.said.text == TEXT
    assert "Action wanted" in answer.said.quoted
    assert answer.references == {"FP-2345-6789"}
    assert "hub.example" not in repr(answer)
    assert "safe" not in repr(answer)


@pytest.mark.parametrize("name", SHUT)
def test_it_is_refused_with_its_reason(name: str) -> None:
    found = read(sample(name))
    assert isinstance(found, Refused)
    assert found.why == SHUT[name]


def test_what_is_attached_is_what_its_bytes_are() -> None:
    apple, outlook = read(sample("apple-mail")), read(sample("outlook-with-a-mail"))
    assert isinstance(apple, Answer)
    assert isinstance(outlook, Answer)
    assert [(one.declared, one.sniffed) for one in apple.said.attached] == [("image/jpeg", "image/jpeg")]
    assert apple.said.attached[0].data.endswith(b"\xff\xd9")
    assert [(one.declared, one.sniffed) for one in outlook.said.attached] == [
        ("application/octet-stream", "application/pdf")
    ]
    assert outlook.said.left_out == ("message/rfc822",)


def test_what_stands_beside_the_sealed_part_is_not_there() -> None:
    for name in ("openssl-beside-a-leak", "gateway-footer"):
        answer = read(sample(name))
        assert isinstance(answer, Answer)
        assert "station" not in answer.said.text + answer.said.quoted
        assert not answer.said.left_out


def test_it_is_judged_as_of_the_moment_it_came() -> None:
    found = read(sample("openssl-detached"), now=datetime(2095, 1, 1, tzinfo=UTC))
    assert isinstance(found, Refused)
    assert found.why == "certificate_expired"
    assert isinstance(read(sample("openssl-expired"), now=datetime(2020, 6, 1, tzinfo=UTC)), Answer)


def test_a_certificate_that_was_compared_needs_no_authority() -> None:
    unknown = Signer.from_pem(
        certificate=(FOLDER / "keys" / "jo-unknown.pem").read_bytes(),
        key=(FOLDER / "keys" / "jo-unknown.key").read_bytes(),
    )
    pin = unknown.certificate.fingerprint(hashes.SHA256()).hex()
    answer = read(sample("openssl-unknown-authority"), trusted=Trust(pinned=frozenset({pin})))
    assert isinstance(answer, Answer)
    assert answer.certificate == pin


def test_what_was_signed_once_is_one_answer_wherever_it_comes_and_the_same_words_signed_again_another() -> None:
    first = read(sample("openssl-detached"))
    assert isinstance(first, Answer)
    to = Usable(certificate=keys()[1].certificate, fingerprint="")
    head = f"From: {JO}\r\nContent-Type: application/pkcs7-mime\r\n\r\n".encode()
    again, later = read(head + encrypt(first.inside, to)), read(sample("gpgsm-opaque"))
    assert isinstance(again, Answer)
    assert isinstance(later, Answer)
    assert again.digest == first.digest
    assert later.said.text == first.said.text
    assert later.digest != first.digest, "she may have been seen twice"


def test_what_a_signature_is_over_is_not_taken_for_what_was_signed() -> None:
    """The attributes that are signed in place of a text are bytes that somebody signed, too."""
    opened = open_mail(sample("openssl-detached"), keys())
    assert isinstance(opened, Opened)
    whole = cms.ContentInfo.load(opened.signature.cms)
    signer = whole["content"]["signer_infos"][0]
    attributes = signer["signed_attrs"].untag().dump()
    del signer["signed_attrs"]
    forged = Signature(cms=whole.dump(force=True), content=attributes)
    assert forged.judged(JO, NOW, trust()) == "signature_invalid"


def test_a_name_in_a_certificate_turns_no_text_around() -> None:
    for called, shown in (("Jo\u202e Worker\u2066\u200b", "Jo Worker"), (JO, ""), ("Siân\nO’Neill", "Siân O’Neill")):
        made = pki.person(JO, issuer=None, key=pki.rsa_key("jo"), subject=pki.name(called))
        assert _called(Proven(certificate=made.certificate, signed_at=None)) == shown


def test_from_is_one_mailbox_or_none() -> None:
    def author(head: str) -> str | None:
        return author_of(Part.of(f"{head}\r\n\r\n".encode()))

    assert author(f"From: Jo <{JO}>") == JO
    assert author(f"From: {JO.upper()}") == "JO@council.example"
    for head in ("To: x", f"From: {JO}, {SAM}", f"From: {JO}\r\nFrom: {SAM}", "From: ", "From: Jo", "From: <a@b@c>"):
        assert author(head) is None, head


def test_the_ids_that_it_answers_stand_newest_first() -> None:
    message = Part.of(b"References: <a@hub.example>\r\n <b@HUB.example>\r\nIn-Reply-To: <b@hub.example> <c@x>\r\n\r\n")
    assert answered(message) == (("c", "x"), ("b", "hub.example"), ("a", "hub.example"))


@pytest.mark.parametrize("name", ["openssl-streamed", "openssl-gcm", "openssl-ecdh", "apple-mail", "gateway-footer"])
def test_changed_anywhere_it_says_the_same_or_is_refused(name: str) -> None:
    raw, chance = sample(name), random.Random(name)
    whole = read(raw)
    assert isinstance(whole, Answer)
    for _ in range(30):
        at, length = chance.randrange(len(raw)), chance.choice((0, 1, 1, 3, 40))
        new = bytes(chance.choices(b"\0\r\nAz+/=-\x30\x80\xff", k=chance.choice((0, 1, 2))))
        found = read(raw[:at] + new + raw[at + length :])
        if isinstance(found, Answer):
            assert found.said == whole.said
        else:
            assert found.why in get_args(Unsafe)
            assert found.why != "fault"


def test_every_failure_of_a_key_is_the_same_one() -> None:
    """A changed key, a changed content and a key of another length: whoever tries may not tell one from another."""
    data = Part.of(sample("openssl-detached")).content()
    info = cms.ContentInfo.load(data)
    content = info["content"]
    wrapped = content["recipient_infos"][0].chosen["encrypted_key"].native
    sealed = content["encrypted_content_info"]["encrypted_content"].native
    public = keys()[1].certificate.public_key()
    for before, after in (
        (wrapped, bytes(len(wrapped))),
        (wrapped, b"\xff" * len(wrapped)),
        (wrapped, wrapped[:-1] + bytes([wrapped[-1] ^ 1])),
        (wrapped, _short(public, len(wrapped))),
        (sealed[-16:], bytes(16)),
    ):
        changed = data.replace(before, after)
        assert changed != data
        try:
            opened = decrypt(changed, keys())
        except Unopened as error:
            assert error.why == "does_not_open"
        else:
            assert not opened.startswith(b"Content-Type"), "one time in 256 the padding happens to be right"


def test_a_key_that_does_not_come_out_is_replaced_by_one_that_nobody_can_foretell() -> None:
    info = cms.ContentInfo.load(Part.of(sample("openssl-detached")).content())["content"]["recipient_infos"][0].chosen
    private, algorithm = keys()[1].key, info["key_encryption_algorithm"]
    assert isinstance(private, rsa.RSAPrivateKey)
    found = [_transported(algorithm, bytes([number]) * 256, private, 32) for number in (1, 1, 2)]
    assert found[0] == found[1] != found[2]
    assert {len(one) for one in found} == {32}
    short = _short(private.public_key(), 256)
    assert len(_transported(algorithm, short, private, 32)) == 32, "it is never as long as somebody else wants it"


def _short(public: object, length: int) -> bytes:
    assert isinstance(public, rsa.RSAPublicKey)
    return public.encrypt(bytes(16), padding.PKCS1v15())


def nested(depth: int) -> bytes:
    return b"\x30\x80" * depth + b"\0\0" * depth


@pytest.mark.parametrize(
    ("data", "bearable"),
    [
        (b"", False),
        (b"\x30", False),
        (b"\x04\x00", True),
        (b"\x30\x03\x02\x01\x05 and more", True),
        (b"\x30\x04\x02\x01\x05", False),
        (b"\x30\x03\x02\x02\x05\x05", False),
        (b"\x04\x80\0\0", False),
        (b"\0\0", False),
        (b"\x30\x80\x30\x02\0\0\0\0", False),
        (b"\x1f\x81\x00\x00", False),
        (b"\x30\x85\1\1\1\1\1", False),
        (nested(24), True),
        (nested(25), False),
        (b"\x30\x80" + b"\x05\0" * (MOST_ELEMENTS - 2) + b"\0\0", True),
        (b"\x30\x80" + b"\x05\0" * MOST_ELEMENTS + b"\0\0", False),
    ],
    ids=range(15),
)
def test_only_what_is_well_nested_and_bearable_is_looked_at(data: bytes, bearable: bool) -> None:
    assert within_bounds(data) is bearable


def test_nothing_takes_long() -> None:
    """A sixteenth of the largest mail, so that it does not take long here either."""
    head = f"From: {JO}\r\n".encode()
    sealed = head + b"Content-Type: application/pkcs7-mime\r\n\r\n"
    size = 1024 * 1024
    enveloped = sealed + b"\x30\x80\x06\x09*\x86H\x86\xf7\r\x01\x07\x03\xa0\x80\x30\x80\x02\1\0\x31\0\x30\x80"
    aes = b"\x06\x09*\x86H\x86\xf7\r\x01\x07\x01\x30\x1d\x06\x09`\x86H\x01e\x03\x04\x01*\x04\x10" + bytes(16)
    for raw in (
        enveloped + aes + b"\xa0\x80" + (b"\x04\x40" + bytes(64)) * (size // 66) + bytes(10),
        sealed + b"\x30\x83\x10\0\0\x06\x83\x0f\xff\xf9" + b"\x81" * (size - 8) + b"\1\5\0",
        sealed + b"\x30\x80" * (size // 2),
        sealed + b"\x30\x80\x06\x09*\x86H\x86\xf7\r\x01\x07\x03\xa0\x80" + b"\x31\x80" + b"\x05\0" * (size // 2),
        head + b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n" * (size // 5),
        head + b"Content-Type: multipart/signed; boundary=a\r\n\r\n" + b"--a\r\n" * (size // 5),
        head
        + b"Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\n"
        + b"\r\n" * (size // 2)
        + b"--a\r\n\r\n--a--",
        head * (size // len(head)),
    ):
        began = time.process_time()
        assert isinstance(read(raw), Refused)
        assert time.process_time() - began < 0.5, raw[:80]
