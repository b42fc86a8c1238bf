"""Every mailbox of the demo: one SMTP server that takes all mail, and openssl to open it.

The server insists on STARTTLS. Each mail is decrypted with the key of its mailbox and its signature verified by the
``openssl`` program: an independent judge that shares no code with the hub. Nothing that was decrypted touches a disk.
"""

import asyncio
import html
import json
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP
from aiosmtpd.smtp import Envelope as SmtpEnvelope
from aiosmtpd.smtp import Session as SmtpSession

from hub.demo.pki import Identity
from hub.service.ports import Clock

LINK = re.compile(r"https?://[^\s<>\"]+/a/[\w-]+")
LARGEST = 8 * 1024 * 1024


class OpensslError(Exception):
    """openssl refused: what it was asked to do, and its first complaint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail as it came over the wire."""

    number: int
    recipients: tuple[str, ...]
    sender: str
    raw: bytes = field(repr=False)
    arrived_at: datetime
    encrypted_transport: bool

    def header(self, name: str) -> str:
        """An outer header, readable by everybody on the way; empty if it is not there."""
        return str(message_from_bytes(self.raw, policy=modern).get(name, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was inside: decrypted with the mailbox's key, and signed by the hub."""

    mail: Mail
    address: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    link: str | None = field(repr=False)
    """Where to acknowledge."""
    notice: Mapping[str, Any] = field(repr=False)
    """The attachment for machines (docs/receiving.md); empty if there is none."""
    readable: str = field(repr=False)
    """Everything in it that is text: subject, plain, HTML, attachments."""
    decrypted_at: datetime
    verified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unopened:
    """A mail that its mailbox could not open, or whose signature did not hold."""

    mail: Mail
    why: str


async def openssl(*arguments: str, given: bytes) -> bytes:
    """Run ``openssl`` on ``given`` and return what it printed. Raises OpensslError."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("openssl", *arguments, stdin=pipe, stdout=pipe, stderr=pipe)
    out, complaint = await process.communicate(given)
    if process.returncode != 0:
        lines = complaint.decode("utf-8", "replace").splitlines() or ["no reason given"]
        raise OpensslError(f"openssl {' '.join(arguments[:2])}: {lines[0]}")
    return out


def read(mail: Mail, address: str, content: bytes, decrypted_at: datetime, verified_at: datetime) -> Opened:
    """Take the verified content apart with the standard library's parser."""
    message = message_from_bytes(content, policy=modern)
    if not isinstance(message, EmailMessage):
        raise TypeError("the modern policy makes EmailMessage")
    plain = message.get_body(preferencelist=("plain",))
    text = "" if plain is None else str(plain.get_content())
    link = LINK.search(text)
    notice: Mapping[str, Any] = {}
    for part in message.iter_attachments():
        if part.get_filename() == "notice.json":
            notice = json.loads(part.get_content())
    return Opened(
        mail=mail,
        address=address,
        subject=str(message.get("Subject", "")),
        text=text,
        link=link.group() if link else None,
        notice=notice,
        readable="\n".join([str(message.get("Subject", "")), *_texts(message)]),
        decrypted_at=decrypted_at,
        verified_at=verified_at,
    )


def _texts(message: EmailMessage) -> Iterator[str]:
    """Every part that people or programs read as text. JSON once more with its escapes undone."""
    for part in message.walk():
        if part.get_content_maintype() == "text":
            yield html.unescape(str(part.get_content()))
        elif part.get_content_type() == "application/json":
            yield json.dumps(json.loads(part.get_content()), ensure_ascii=False)


class Keyrings:
    """The keys of all mailboxes, as files that openssl reads."""

    def __init__(self, folder: Path, mailboxes: Mapping[str, Identity], hub: Identity, root: Identity) -> None:
        folder.mkdir(mode=0o700)
        self._hub = folder / "hub.pem"
        self._hub.write_bytes(hub.certificate_pem)
        self._root = folder / "root.pem"
        self._root.write_bytes(root.certificate_pem)
        self._keys: dict[str, Path] = {}
        for number, (address, identity) in enumerate(mailboxes.items()):
            path = folder / f"mailbox-{number}.pem"
            path.touch(mode=0o600)
            path.write_bytes(identity.certificate_pem + identity.key_pem)
            self._keys[address.lower()] = path

    async def open(self, mail: Mail, clock: Clock) -> Opened | Unopened:
        """Decrypt with the recipient's key, verify that the hub and nobody else signed it, and read it."""
        if len(mail.recipients) != 1:
            return Unopened(mail=mail, why=f"it was sent to {len(mail.recipients)} mailboxes at once")
        (address,) = mail.recipients
        key = self._keys.get(address.lower())
        if key is None:
            return Unopened(mail=mail, why="no mailbox has that address")
        try:
            signed = await openssl("cms", "-decrypt", "-recip", str(key), "-inkey", str(key), given=mail.raw)
            decrypted_at = clock.now()
            # -nointern: only the hub's own certificate counts as the signer, whatever the mail brings along.
            signer = ("-nointern", "-certfile", str(self._hub), "-CAfile", str(self._root), "-no-CApath")
            content = await openssl("cms", "-verify", *signer, given=signed)
        except OpensslError as refusal:
            return Unopened(mail=mail, why=str(refusal))
        return read(mail, address, content, decrypted_at, clock.now())


class PostOffice:
    """The SMTP server: takes every mail for every address, over STARTTLS only."""

    def __init__(self, server: Identity, folder: Path, clock: Clock, on_mail: Callable[[Mail], None]) -> None:
        self._clock = clock
        self._on_mail = on_mail
        self._received = 0
        chain = folder / "post-office.pem"
        chain.touch(mode=0o600)
        chain.write_bytes(server.certificate_pem + server.key_pem)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(chain)
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen on a free port of 127.0.0.1 and return it."""
        loop = asyncio.get_running_loop()

        def connection() -> SMTP:
            return SMTP(
                self,
                hostname="post-office.example",
                data_size_limit=LARGEST,
                tls_context=self._tls,
                require_starttls=True,
                loop=loop,
            )

        self._server = await loop.create_server(connection, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: SmtpEnvelope) -> str:
        """aiosmtpd calls this for each mail; the name is its own."""
        if not isinstance(envelope.content, bytes):
            return "554 5.6.0 Not a mail"
        self._received += 1
        mail = Mail(
            number=self._received,
            recipients=tuple(envelope.rcpt_tos),
            sender=str(envelope.mail_from),
            raw=envelope.content,
            arrived_at=self._clock.now(),
            encrypted_transport=session.ssl is not None,
        )
        self._on_mail(mail)
        return f"250 2.0.0 Taken, the {self._received}."
