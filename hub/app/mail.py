"""The way out by e-mail, made from the settings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from adapters.email.address import InvalidField, wire_domain
from adapters.email.chain import Trust
from adapters.email.connection import Timeouts
from adapters.email.credentials import Credentials, Secret
from adapters.email.identities import Identities, Identity
from adapters.email.sealers import Crew, as_needed
from adapters.email.smime import Signer, UnusableSigner
from adapters.email.smtp import EmailTransport
from hub.app.files import secret_in, tls_client
from hub.app.processors import processors
from hub.notices.compose import make_ready
from hub.settings import PREFIX, Settings, wrong

AUTHORITY: Final = "signer-"
"""What the names of an authority's files begin with; then comes what the directory calls the key."""
CA: Final = "ca"
"""``signer-ca.crt`` is of the CA that ``fingerpost keys init`` makes, and nobody's identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """Every key that signs, as it is at the start: read once, as an RSA key takes 50 ms to load."""

    own: Signer
    identities: Identities

    @property
    def signers(self) -> tuple[Signer, ...]:
        """The hub's own first."""
        return (self.own, *(one.signer for one in self.identities.known.values()))


def signing_of(settings: Settings) -> Signing:
    """The keys. Raises SettingsError."""
    return Signing(own=_signer(settings), identities=_identities(settings))


def email_transport(settings: Settings, signing: Signing) -> EmailTransport:
    """The transport. Raises SettingsError if the relay, the sender or a certificate cannot be used."""
    host, sender, domain = settings.smtp_host, settings.sender, settings.domain
    if host is None or sender is None or domain is None:
        raise wrong("SMTP_HOST", f"is required, and {PREFIX}SENDER too: no notice could leave")
    try:
        return EmailTransport(
            host=host,
            port=settings.smtp_port,
            tls_context=tls_client("SMTP_CA_FILE", settings.smtp_ca_file),
            sender=sender,
            sender_name=settings.sender_name,
            mail_domain=domain,
            return_path=settings.return_path,
            receipts_address=settings.receipts_address,
            signer=signing.own,
            trust=anchors(settings),
            identities=signing.identities,
            tls=settings.smtp_tls,
            credentials=_credentials(settings),
            pool_size=settings.smtp_pool,
            sealers=crew(settings),
            beforehand=(make_ready,),
            lost=_sealer_lost,
            timeouts=Timeouts(
                connect=settings.smtp_connect_timeout,
                command=settings.smtp_command_timeout,
                content=settings.smtp_content_timeout,
                total=settings.longest_send,
            ),
        )
    except ValueError as error:
        raise wrong("SMTP_HOST", str(error)) from None


def crew(settings: Settings) -> Crew:
    """The processes that seal."""
    return as_needed(processors()) if settings.sealers == "auto" else Crew(count=settings.sealers)


def _sealer_lost(status: int | None) -> None:
    structlog.get_logger().error("email.sealer_lost", status=status)


def _signer(settings: Settings) -> Signer:
    """The hub's S/MIME signer. Raises SettingsError if its files cannot be used."""
    try:
        return Signer.from_pem(
            certificate=settings.signer_certificate.read_bytes(), key=settings.signer_key.read_bytes()
        )
    except OSError as error:
        raise wrong("SIGNER_KEY_FILE", f"cannot read {error.filename}: {error.strerror}") from None
    except UnusableSigner as error:
        raise wrong("SIGNER_KEY_FILE", str(error)) from None


def _identities(settings: Settings) -> Identities:
    """Those of authorities: ``signer-NAME.key`` and ``signer-NAME.crt`` in the folder of the keys, as they are at the
    start. Files that cannot be used keep nothing back: the hub signs, and the directory's owner is told
    (hub/service/assurance/certificates.py). Raises SettingsError for a domain that is none."""
    known: dict[str, Identity] = {}
    unusable: dict[str, str] = {}
    for path in sorted(settings.keys.glob(f"{AUTHORITY}*.crt")):
        name = path.stem.removeprefix(AUTHORITY)
        if name == CA:
            continue
        try:
            own = Signer.from_pem(certificate=path.read_bytes(), key=path.with_suffix(".key").read_bytes())
            known[name] = Identity.of(own)
        except OSError as error:
            unusable[name] = f"{Path(error.filename).name} cannot be read: {error.strerror}"
        except UnusableSigner as error:
            unusable[name] = str(error)
    sender = () if settings.sender is None else (settings.sender.rpartition("@")[2],)
    try:
        domains = frozenset(wire_domain(one) for one in (*sender, *settings.signer_domains))
    except InvalidField as error:
        raise wrong("SIGNER_DOMAINS", str(error)) from None
    return Identities(known=known, unusable=unusable, domains=domains)


def anchors(settings: Settings) -> Trust:
    """Whose certificates recipients may use. Raises SettingsError."""
    try:
        return Trust.from_pem(anchors=b"\n".join(path.read_bytes() for path in settings.trust_anchor_files))
    except (OSError, ValueError) as error:
        raise wrong("TRUST_ANCHOR_FILES", f"cannot be read as PEM certificates ({type(error).__name__})") from None


def _credentials(settings: Settings) -> Credentials | None:
    if settings.smtp_user is None:
        return None
    if settings.smtp_password is not None:
        password = Secret(settings.smtp_password.get_secret_value())
    elif settings.smtp_password_file is not None:
        password = secret_in("SMTP_PASSWORD_FILE", settings.smtp_password_file)
    else:
        return None
    return Credentials(username=settings.smtp_user, password=password)
