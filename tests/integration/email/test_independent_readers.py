"""Programs we did not write open what we seal: openssl cms and gpgsm decrypt, verify, and find the very same bytes."""

import base64
import email
import email.policy
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from adapters.email import mime
from adapters.email.chain import Trust
from adapters.email.prepare import Letterhead, Message, prepare
from adapters.email.smime import Signer
from adapters.port import Attachment, Content, Envelope
from tests.kit.gnupg import gnupg_home, import_key
from tests.kit.pki import NOW, Issued, curve_key, intermediate, person, root, rsa_key
from tests.kit.transport import MARKERS, content

ADDRESS = "jo.worker@council.example"
PASSPHRASE = b"test"
PHOTO = bytes(range(256)) * 40
RECIPIENT = person(ADDRESS, issuer=intermediate())
STRANGER = person("sam@other.example", issuer=intermediate(), key=rsa_key("stranger"))
SIGNERS = {
    "rsa-2048": lambda: person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub")),
    "rsa-3072": lambda: person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub 3072", 3072)),
    "p-256": lambda: person("notices@hub.example", issuer=intermediate(), key=curve_key("hub"), usage=False),
}
LETTERHEAD = Letterhead(
    sender="notices@hub.example",
    sender_name="Fingerpost für Kinder",
    mail_domain="hub.example",
    return_path="notices@hub.example",
    size_limit=10_000_000,
)
CONTENT = content(
    text="Première ligne\n\n.\n..dots\nFrom the hub\n  indented \ttabs\nend without newline: café 😀",
    attachments=(
        Attachment(name="photo.jpg", media_type="image/jpeg", data=PHOTO),
        Attachment(name="notice.json", media_type="application/json", data=b'{"a": 1}\r\n'),
    ),
)


def required(program: str) -> str:
    """The program's path; without it the test is skipped, except where CI=true promises that nothing is."""
    found = shutil.which(program)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is not installed, and CI=true")
        pytest.skip(f"{program} is not installed; apt-get install {program}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    message: Message
    payload: bytes
    signer: Issued


def sealed(signer: Issued, body: Content = CONTENT, headers: dict[str, str] | None = None) -> Sealed:
    envelope = Envelope(
        delivery="dl_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        reference="FP-2345-6789",
        address="jo.worker@COUNCIL.example",
        body=body,
        certificates=(RECIPIENT.der,),
        headers=headers or {"X-Fingerpost-Status": "exercise"},
    )
    message = prepare(
        envelope,
        NOW,
        LETTERHEAD,
        Signer(certificate=signer.certificate, key=signer.key, chain=(intermediate().certificate,)),
        Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,)),
    )
    assert isinstance(message, Message)
    out = mime.outside(
        delivery=envelope.delivery,
        reference=envelope.reference,
        sender=LETTERHEAD.sender,
        sender_name=LETTERHEAD.sender_name,
        recipient=ADDRESS,
        mail_domain=LETTERHEAD.mail_domain,
        now=NOW,
        headers=envelope.headers,
    )
    return Sealed(message=message, payload=mime.payload(body, out), signer=signer)


@pytest.fixture(params=list(SIGNERS))
def example(request: pytest.FixtureRequest) -> Sealed:
    return sealed(SIGNERS[request.param]())


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment}, timeout=60, check=False)


def openssl_decrypt(message: bytes, reader: Issued, folder: Path) -> subprocess.CompletedProcess[bytes]:
    (folder / "message.eml").write_bytes(message)
    (folder / "reader.pem").write_bytes(reader.pem + reader.key_pem)
    return run(
        required("openssl"), "cms", "-decrypt", "-in", str(folder / "message.eml"),
        "-recip", str(folder / "reader.pem"), "-out", str(folder / "entity.eml"),
    )  # fmt: skip


def openssl_verify(folder: Path, anchor: Issued) -> subprocess.CompletedProcess[bytes]:
    (folder / "root.pem").write_bytes(anchor.pem)
    return run(
        required("openssl"), "cms", "-verify", "-in", str(folder / "entity.eml"),
        "-CAfile", str(folder / "root.pem"), "-purpose", "smimesign", "-attime", str(int(NOW.timestamp())),
        "-out", str(folder / "payload.eml"), "-signer", str(folder / "signer.pem"),
    )  # fmt: skip


def test_openssl_decrypts_and_verifies_to_the_very_same_bytes(example: Sealed, tmp_path: Path) -> None:
    decrypted = openssl_decrypt(example.message.data, RECIPIENT, tmp_path)
    assert decrypted.returncode == 0, decrypted.stderr
    verified = openssl_verify(tmp_path, root())
    assert verified.returncode == 0, verified.stderr
    assert (tmp_path / "payload.eml").read_bytes() == example.payload
    assert (tmp_path / "signer.pem").read_bytes() == example.signer.pem


def test_openssl_sees_aes_256_sha_256_and_the_chain(tmp_path: Path) -> None:
    example = sealed(SIGNERS["rsa-2048"]())
    (tmp_path / "message.eml").write_bytes(example.message.data)
    printed = run(required("openssl"), "cms", "-cmsout", "-print", "-in", str(tmp_path / "message.eml")).stdout
    assert b"aes-256-cbc" in printed
    assert printed.count(b"ktri") == 1
    openssl_decrypt(example.message.data, RECIPIENT, tmp_path)
    entity = email.message_from_bytes((tmp_path / "entity.eml").read_bytes(), policy=email.policy.default)
    (tmp_path / "signature.der").write_bytes(entity.get_payload()[1].get_payload(decode=True))
    signature = run(
        required("openssl"), "cms", "-cmsout", "-print", "-inform", "DER", "-in", str(tmp_path / "signature.der")
    ).stdout
    assert b"sha256" in signature
    assert b"sha1 " not in signature
    assert b"Fictional Mail Authority" in signature


def test_openssl_refuses_another_reader_another_root_and_a_changed_byte(tmp_path: Path) -> None:
    example = sealed(SIGNERS["rsa-2048"]())
    stranger = openssl_decrypt(example.message.data, STRANGER, tmp_path)
    assert stranger.returncode != 0
    assert openssl_decrypt(example.message.data, RECIPIENT, tmp_path).returncode == 0
    assert openssl_verify(tmp_path, STRANGER).returncode != 0
    entity = (tmp_path / "entity.eml").read_bytes()
    body = entity.index(b"Content-Transfer-Encoding: base64\r\n\r\n") + 40
    changed = b"A" if entity[body : body + 1] != b"A" else b"B"
    (tmp_path / "entity.eml").write_bytes(entity[:body] + changed + entity[body + 1 :])
    assert openssl_verify(tmp_path, root()).returncode != 0


@pytest.fixture
def gnupg() -> Iterator[Path]:
    """A GnuPG home of our own that trusts the test root and holds the reader's key."""
    for program in ("gpgconf", "gpgsm", "gpg-agent"):
        required(program)
    with gnupg_home() as home:
        for number, data in enumerate((root().pem, intermediate().pem)):
            (home / f"import-{number}").write_bytes(data)
            imported = gpgsm(home, "--import", str(home / f"import-{number}"))
            assert imported.returncode == 0, imported.stderr
        import_key(home, lambda: RECIPIENT.p12(PASSPHRASE), PASSPHRASE)
        yield home


def gpgsm(home: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        (required("gpgsm"), "--batch", "--no-tty", "--yes", "--status-fd", "2", "--pinentry-mode", "loopback",
         "--passphrase-fd", "0", *arguments),
        input=PASSPHRASE + b"\n", capture_output=True, env={**os.environ, "GNUPGHOME": str(home)}, timeout=60,
        check=False,
    )  # fmt: skip


def test_gpgsm_decrypts_and_verifies_to_the_very_same_bytes(example: Sealed, gnupg: Path) -> None:
    whole = email.message_from_bytes(example.message.data, policy=email.policy.default)
    (gnupg / "smime.p7m").write_bytes(whole.get_payload(decode=True))
    opened = gpgsm(gnupg, "--output", str(gnupg / "entity.eml"), "--decrypt", str(gnupg / "smime.p7m"))
    assert b"DECRYPTION_OKAY" in opened.stderr, opened.stderr
    entity = (gnupg / "entity.eml").read_bytes()
    parts = email.message_from_bytes(entity, policy=email.policy.default)
    mark = parts.get_boundary()
    assert mark is not None
    signed = entity.split(f"--{mark}\r\n".encode())[1].removesuffix(b"\r\n")
    assert signed == example.payload
    (gnupg / "payload").write_bytes(signed)
    (gnupg / "smime.p7s").write_bytes(parts.get_payload()[1].get_payload(decode=True))
    verified = gpgsm(gnupg, "--verify", str(gnupg / "smime.p7s"), str(gnupg / "payload"))
    assert b"GOODSIG" in verified.stderr, verified.stderr
    assert b"TRUST_FULLY" in verified.stderr
    (gnupg / "payload").write_bytes(signed.replace(b"Subject", b"subject", 1))
    assert b"BADSIG" in gpgsm(gnupg, "--verify", str(gnupg / "smime.p7s"), str(gnupg / "payload")).stderr


def test_the_protected_fields_are_inside_and_say_what_stands_outside(tmp_path: Path) -> None:
    """RFC 9788: a reader that knows it shows the real subject, and can tell that nothing else was changed."""
    example = sealed(SIGNERS["rsa-2048"]())
    outer = email.message_from_bytes(example.message.data, policy=email.policy.default)
    assert outer["Subject"] == "[OFFICIAL-SENSITIVE] Secure notice FP-2345-6789"
    assert outer["Message-ID"] == "<dl_01ARZ3NDEKTSV4RRFFQ69G5FAV@hub.example>"
    assert outer.get_content_type() == "application/pkcs7-mime"
    assert outer.get_param("smime-type") == "enveloped-data"
    assert openssl_decrypt(example.message.data, RECIPIENT, tmp_path).returncode == 0
    assert openssl_verify(tmp_path, root()).returncode == 0
    inner = email.message_from_bytes((tmp_path / "payload.eml").read_bytes(), policy=email.policy.default)
    assert inner.get_content_type() == "multipart/mixed"
    assert inner.get_param("hp") == "cipher"
    assert inner.get_param("protected-headers") == "v1"
    assert inner["Subject"] == CONTENT.subject
    told = dict(value.split(": ", 1) for value in inner.get_all("HP-Outer"))
    structural = {"MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}
    assert set(told) == set(outer.keys()) - structural
    assert told == {name: str(outer[name]) for name in told} | {"From": told["From"]}
    for name in set(told) - {"Subject"}:
        assert str(inner[name]) == str(outer[name]), name
    assert inner["From"].addresses[0].display_name == "Fingerpost für Kinder"


def test_the_reader_finds_exactly_the_content(tmp_path: Path) -> None:
    example = sealed(SIGNERS["rsa-2048"]())
    assert openssl_decrypt(example.message.data, RECIPIENT, tmp_path).returncode == 0
    assert openssl_verify(tmp_path, root()).returncode == 0
    inner = email.message_from_bytes((tmp_path / "payload.eml").read_bytes(), policy=email.policy.default)
    assert isinstance(inner, EmailMessage)
    plain, html = inner.get_body(("plain",)), inner.get_body(("html",))
    assert plain is not None and html is not None
    assert plain.get_content() == mime.canonical_text(CONTENT.text)
    assert html.get_content() == CONTENT.html
    photo, notice = inner.iter_attachments()
    assert (photo.get_filename(), photo.get_content_type(), photo.get_content()) == ("photo.jpg", "image/jpeg", PHOTO)
    assert (notice.get_filename(), notice.get_content()) == ("notice.json", b'{"a": 1}\r\n')


def test_nothing_readable_stands_outside_the_encryption(example: Sealed) -> None:
    data = example.message.data
    joined = re.sub(rb"\s+", b"", data)
    for marker in MARKERS:
        for form in (marker.encode(), base64.b64encode(marker.encode()).rstrip(b"=")[:-2], marker.encode("utf-16-le")):
            assert form not in data and form not in joined, marker
    opaque = base64.b64decode(data.split(b"\r\n\r\n", 1)[1])
    assert not any(marker.encode() in opaque for marker in MARKERS)
    assert data.isascii() and b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 78 + 20
