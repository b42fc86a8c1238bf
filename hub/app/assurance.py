"""What is watched of the directory and of the hub's own certificates, made from the settings."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from adapters.email.smime import signer_problems
from adapters.port import Transport
from contacts.roles import OPERATOR
from hub.app.foundations import Log
from hub.app.mail import Signing
from hub.core.assurance import Ending
from hub.core.verification import Terms
from hub.service.assurance.asking import Asking
from hub.service.assurance.certificates import SIGNER, CertificateWatch, Identities
from hub.service.assurance.proofs import Proofs
from hub.service.live_directory import LiveDirectory
from hub.service.ports import Clock, Ids, Store
from hub.settings import Settings, wrong

RECEIPTS_TLS = "hub:receipts-tls"
WEB_TLS = "hub:tls"


def certificates_of(
    settings: Settings, signing: Signing, store: Store, directory: LiveDirectory, ids: Ids, log: Log
) -> CertificateWatch:
    """The watch over what ends. The hub's own are as they were at the start: those are in use until the next. Its keys
    for push have no end. Raises SettingsError."""
    own, sender, others = signing.own, settings.sender or "", signing.identities

    def problems(now: datetime) -> Sequence[str]:
        return signer_problems(own, sender, now)

    return CertificateWatch(
        store=store,
        directory=directory,
        own=(
            *_endings(SIGNER, (own.certificate, *own.chain)),
            *_tls(RECEIPTS_TLS, settings.receipts_tls_certificate_file, "RECEIPTS_TLS_CERTIFICATE_FILE"),
            *_tls(WEB_TLS, settings.tls_certificate_file, "TLS_CERTIFICATE_FILE"),
        ),
        signer_problems=problems,
        identities=Identities(
            ends={
                name: min(
                    (
                        (one.fingerprint, one.until)
                        for one in _endings(SIGNER, (identity.signer.certificate, *identity.signer.chain))
                    ),
                    key=lambda end: end[1],
                )
                for name, identity in others.known.items()
            },
            problem=others.problem,
        ),
        ids=ids,
        log=log,
    )


def proofs_of(settings: Settings, store: Store, secret: bytes, clock: Clock, ids: Ids) -> Proofs:
    """What contacts prove themselves to; also where nobody is asked any more, as links were sent before."""
    terms = Terms(
        every=timedelta(days=settings.verify_every_days),
        within=timedelta(days=settings.verify_within_days),
        per_hour=settings.verify_per_hour,
    )
    return Proofs(store=store, clock=clock, ids=ids, terms=terms, secret=secret)


def asking_of(
    settings: Settings,
    store: Store,
    ways: Mapping[str, Transport],
    directory: LiveDirectory,
    proofs: Proofs,
    secret: bytes,
    ids: Ids,
    log: Log,
) -> Asking:
    """What asks the contacts."""
    return Asking(
        store=store,
        transports=ways,
        directory=directory,
        proofs=proofs,
        secret=secret,
        public_url=settings.public_url,
        replies=settings.sms_replies,
        ids=ids,
        log=log,
    )


def _tls(subject: str, path: Path | None, setting: str) -> Iterator[Ending]:
    if path is None:
        return
    try:
        certificates = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        why = f"cannot be read as PEM certificates ({type(error).__name__})"
        raise wrong(setting, why) from None
    yield from _endings(subject, certificates)


def _endings(subject: str, certificates: Sequence[x509.Certificate]) -> Iterator[Ending]:
    """Its own and those of its chain: whichever ends first ends it."""
    for one in certificates:
        fingerprint = one.fingerprint(hashes.SHA256()).hex()
        yield Ending(subject=subject, owner=OPERATOR, fingerprint=fingerprint, until=one.not_valid_after_utc)
