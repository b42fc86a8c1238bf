"""The real e-mail adapter and the real composer, for whoever delivers to a real SMTP server."""

from dataclasses import replace
from typing import Any

from adapters.email.chain import Trust
from adapters.email.connection import Timeouts
from adapters.email.smime import Signer
from adapters.email.smtp import EmailTransport
from contacts.directory import Directory
from contacts.model import Certificate
from hub.service.envelopes import Composer
from tests.kit.directory import small_bundle
from tests.kit.pki import intermediate, person, root, rsa_key
from tests.kit.records import SECRETS
from tests.kit.smtp import client_context

ADDRESS = SECRETS["address"]
RECIPIENT = person(ADDRESS, issuer=intermediate())
HUB = person("notices@hub.example", issuer=intermediate(), key=rsa_key("hub"))
ACK_SECRET = b"k" * 32


def mail_transport(host: str, port: int, timeouts: Timeouts, **more: Any) -> EmailTransport:
    """To a server that the test root vouches for."""
    given: dict[str, Any] = {
        "host": host,
        "port": port,
        "tls_context": client_context(),
        "sender": "notices@hub.example",
        "mail_domain": "hub.example",
        "signer": Signer(certificate=HUB.certificate, key=HUB.key),
        "trust": Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,)),
        "timeouts": timeouts,
    }
    return EmailTransport(**(given | more))


def composer() -> Composer:
    """Composes for the one recipient of a :class:`tests.kit.records.Story`, who has a certificate."""
    certificate = Certificate(address=ADDRESS, der=RECIPIENT.der, fingerprint=RECIPIENT.fingerprint)
    return Composer(
        directory=lambda: Directory.of(replace(small_bundle(), certificates=(certificate,))),
        ack_secret=ACK_SECRET,
        public_url="https://hub.example",
        collect="Ring 01632 960000 and give the reference.",
    )
