"""The judge of the demo: what it must open, and all that it must refuse."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import (
    PKCS7EnvelopeBuilder,
    PKCS7Options,
    PKCS7SignatureBuilder,
)

from hub.demo.mailboxes import Keyrings, Mail, Opened, PostOffice, Unopened
from hub.demo.pki import Authority, Identity

NOW = datetime(2026, 3, 1, 19, 30, tzinfo=UTC)
ROBIN, SAM = "front-door@robin.example", "desk@sam.example"


class StoppedClock:
    """Stands still. openssl asks the machine's own clock, so the certificates are made for the machine's today."""

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


@dataclass(frozen=True)
class World:
    authority: Authority
    hub: Identity
    boxes: dict[str, Identity]
    keys: Keyrings


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    authority = Authority("Made-up root", datetime.now(UTC))
    hub = authority.mailbox("hub@fingerpost.example")
    boxes = dict(authority.mailboxes([ROBIN, SAM]))
    folder = tmp_path_factory.mktemp("mailboxes") / "keys"
    return World(authority, hub, boxes, Keyrings(folder, boxes, hub, authority.root))


def content(text: str = "Please answer: http://127.0.0.1:8080/a/abc_DEF-123 today.\n") -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "Missing child"
    message.set_content(text, cte="base64")
    message.add_attachment(b'{"kind": "missing"}', "application", "json", filename="notice.json")
    return message.as_bytes()


def signed(inner: bytes, signer: Identity) -> bytes:
    builder = PKCS7SignatureBuilder().set_data(inner).add_signer(signer.certificate, signer.key, SHA256())
    return builder.sign(Encoding.SMIME, [PKCS7Options.DetachedSignature])


def sealed(inner: bytes, reader: Identity) -> bytes:
    envelope = PKCS7EnvelopeBuilder().set_data(inner).add_recipient(reader.certificate)
    lines = envelope.encrypt(Encoding.SMIME, [PKCS7Options.Binary]).splitlines()
    return b"\r\n".join([b"From: hub@fingerpost.example", b"Subject: outside", *lines, b""])


def mail(raw: bytes, *recipients: str) -> Mail:
    return Mail(
        number=1, recipients=recipients, sender="hub@fingerpost.example", raw=raw, arrived_at=NOW,
        encrypted_transport=True,
    )  # fmt: skip


async def test_a_sealed_mail_opens(world: World) -> None:
    raw = sealed(signed(content(), world.hub), world.boxes[ROBIN])
    opened = await world.keys.open(mail(raw, ROBIN.upper()), StoppedClock())
    assert isinstance(opened, Opened)
    assert opened.subject == "Missing child"
    assert opened.text.startswith("Please answer")
    assert opened.link == "http://127.0.0.1:8080/a/abc_DEF-123"
    assert opened.notice == {"kind": "missing"}
    assert opened.mail.header("Subject") == "outside"


async def test_a_mail_without_link_or_attachment_opens_without(world: World) -> None:
    plain = b"Content-Type: text/plain\r\n\r\nNothing here\r\n"
    opened = await world.keys.open(mail(sealed(signed(plain, world.hub), world.boxes[SAM]), SAM), StoppedClock())
    assert isinstance(opened, Opened)
    assert (opened.link, opened.notice, opened.subject) == (None, {}, "")


async def refused(world: World, raw: bytes, *recipients: str) -> str:
    outcome = await world.keys.open(mail(raw, *recipients), StoppedClock())
    assert isinstance(outcome, Unopened)
    return outcome.why


async def test_refused_two_mailboxes_at_once(world: World) -> None:
    raw = sealed(signed(content(), world.hub), world.boxes[ROBIN])
    assert "2 mailboxes at once" in await refused(world, raw, ROBIN, SAM)


async def test_refused_an_address_nobody_has(world: World) -> None:
    raw = sealed(signed(content(), world.hub), world.boxes[ROBIN])
    assert "no mailbox" in await refused(world, raw, "stranger@sam.example")


async def test_refused_encrypted_to_somebody_else(world: World) -> None:
    raw = sealed(signed(content(), world.hub), world.boxes[SAM])
    assert "cms -decrypt" in await refused(world, raw, ROBIN)


async def test_refused_in_clear(world: World) -> None:
    assert "cms -decrypt" in await refused(world, content(), ROBIN)


async def test_refused_signed_but_not_encrypted(world: World) -> None:
    assert "cms -decrypt" in await refused(world, signed(content(), world.hub), ROBIN)


async def test_refused_encrypted_but_not_signed(world: World) -> None:
    assert "cms -verify" in await refused(world, sealed(content(), world.boxes[ROBIN]), ROBIN)


async def test_refused_signed_by_another_mailbox_of_the_same_authority(world: World) -> None:
    raw = sealed(signed(content(), world.boxes[SAM]), world.boxes[ROBIN])
    assert "cms -verify" in await refused(world, raw, ROBIN)


async def test_refused_signed_by_a_hub_of_another_authority(world: World) -> None:
    other = Authority("Made-up root", datetime.now(UTC)).mailbox("hub@fingerpost.example")
    raw = sealed(signed(content(), other), world.boxes[ROBIN])
    assert "cms -verify" in await refused(world, raw, ROBIN)


async def test_refused_altered_after_signing(world: World) -> None:
    altered = signed(content("Robin"), world.hub).replace(b"Subject: Missing child", b"Subject: Missing adult")
    assert "cms -verify" in await refused(world, sealed(altered, world.boxes[ROBIN]), ROBIN)


async def test_no_key_prints(world: World) -> None:
    assert "RSAPrivateKey" not in repr(world.hub)
    opened = await world.keys.open(
        mail(sealed(signed(content(), world.hub), world.boxes[ROBIN]), ROBIN), StoppedClock()
    )
    assert "Missing child" not in repr(opened)


@pytest.fixture
async def arrived(world: World, tmp_path: Path) -> AsyncIterator[tuple[int, list[Mail]]]:
    mails: list[Mail] = []
    office = PostOffice(world.authority.server(), tmp_path, StoppedClock(), mails.append)
    port = await office.start()
    yield port, mails
    office.stop()


def post(port: int, raw: bytes, root: bytes | None) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        if root is not None:
            client.starttls(context=ssl.create_default_context(cadata=root.decode()))
        client.sendmail("hub@fingerpost.example", [ROBIN], raw)


async def test_the_post_office_takes_mail_over_starttls(world: World, arrived: tuple[int, list[Mail]]) -> None:
    port, mails = arrived
    raw = sealed(signed(content(), world.hub), world.boxes[ROBIN])
    await asyncio.to_thread(partial(post, port, raw, world.authority.root.certificate_pem))
    (one,) = mails
    assert (one.recipients, one.encrypted_transport, one.arrived_at) == ((ROBIN,), True, NOW)
    assert isinstance(await world.keys.open(one, StoppedClock()), Opened)


async def test_the_post_office_takes_nothing_in_clear(arrived: tuple[int, list[Mail]]) -> None:
    port, mails = arrived
    with pytest.raises(smtplib.SMTPSenderRefused, match="STARTTLS"):
        await asyncio.to_thread(partial(post, port, content(), None))
    assert mails == []
