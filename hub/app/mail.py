"""The way out by e-mail, made from the settings."""

import ssl
from collections.abc import Callable
from datetime import datetime

from adapters.email.chain import Trust
from adapters.email.connection import Timeouts
from adapters.email.credentials import Credentials, Secret
from adapters.email.smime import Signer, UnusableSigner
from adapters.email.smtp import EmailTransport
from adapters.port import Envelope, Result
from contacts.directory import Directory
from hub.settings import PREFIX, Problem, Settings, SettingsError


class Mail:
    """:class:`adapters.port.Transport` whose trust follows the directory: a certificate that somebody pins there
    counts from the next delivery on."""

    def __init__(self, settings: Settings, directory: Callable[[], Directory]) -> None:
        self._settings = settings
        self._directory = directory
        self._signer = signer(settings)
        self._anchors = _anchors(settings)
        self._tls = _tls(settings)
        self._seen = directory()
        self._pins = _pins(self._seen)
        self._transport = self._made(self._pins)
        self._retired: list[EmailTransport] = []

    @property
    def channel(self) -> str:
        return "email"

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        """Try once. Raises only CancelledError."""
        return await self._current().deliver(envelope, now)

    async def aclose(self) -> None:
        """Close what is idle, in bounded time."""
        for transport in (*self._retired, self._transport):
            await transport.aclose()

    def _current(self) -> EmailTransport:
        directory = self._directory()
        if directory is not self._seen:
            self._seen = directory
            pins = _pins(directory)
            if pins != self._pins:
                # What the old one has in flight ends there; its idle connections are closed at the end.
                self._retired.append(self._transport)
                self._transport = self._made(pins)
                self._pins = pins
        return self._transport

    def _made(self, pins: frozenset[str]) -> EmailTransport:
        settings = self._settings
        if settings.smtp_host is None or settings.sender is None or settings.domain is None:
            raise SettingsError((Problem(setting=PREFIX + "SMTP_HOST", message="and FINGERPOST_SENDER are required"),))
        try:
            return EmailTransport(
                host=settings.smtp_host,
                port=settings.smtp_port,
                tls_context=self._tls,
                sender=settings.sender,
                sender_name=settings.sender_name,
                mail_domain=settings.domain,
                return_path=settings.return_path,
                signer=self._signer,
                trust=Trust(anchors=self._anchors.anchors, pinned=pins),
                tls=settings.smtp_tls,
                credentials=_credentials(settings),
                pool_size=settings.smtp_pool,
                timeouts=Timeouts(
                    connect=settings.smtp_connect_timeout,
                    command=settings.smtp_command_timeout,
                    content=settings.smtp_content_timeout,
                    total=settings.longest_send,
                ),
            )
        except ValueError as error:
            raise SettingsError((Problem(setting=PREFIX + "SMTP_*", message=str(error)),)) from None


def _pins(directory: Directory) -> frozenset[str]:
    return frozenset(c.fingerprint for c in directory.bundle.certificates if c.pinned)


def signer(settings: Settings) -> Signer:
    """The hub's S/MIME signer. Raises SettingsError if its files cannot be used."""
    try:
        return Signer.from_pem(
            certificate=settings.signer_certificate.read_bytes(), key=settings.signer_key.read_bytes()
        )
    except OSError as error:
        raise SettingsError(
            (Problem(setting=PREFIX + "SIGNER_KEY_FILE", message=f"cannot read {error.filename}: {error.strerror}"),)
        ) from None
    except UnusableSigner as error:
        raise SettingsError((Problem(setting=PREFIX + "SIGNER_KEY_FILE", message=str(error)),)) from None


def _anchors(settings: Settings) -> Trust:
    try:
        return Trust.from_pem(anchors=b"\n".join(path.read_bytes() for path in settings.trust_anchor_files))
    except (OSError, ValueError) as error:
        name = PREFIX + "TRUST_ANCHOR_FILES"
        message = f"cannot be read as PEM certificates ({type(error).__name__})"
        raise SettingsError((Problem(setting=name, message=message),)) from None


def _tls(settings: Settings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.smtp_ca_file)
    except (OSError, ssl.SSLError) as error:
        message = f"cannot be read as PEM certificates ({type(error).__name__})"
        raise SettingsError((Problem(setting=PREFIX + "SMTP_CA_FILE", message=message),)) from None


def _credentials(settings: Settings) -> Credentials | None:
    if settings.smtp_user is None:
        return None
    if settings.smtp_password is not None:
        password = settings.smtp_password.get_secret_value()
    elif settings.smtp_password_file is not None:
        password = settings.smtp_password_file.read_text(encoding="utf-8").strip("\r\n")
    else:
        return None
    return Credentials(username=settings.smtp_user, password=Secret(password))
