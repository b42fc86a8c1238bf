"""This hub as other hubs know it, and the way to them, made from the settings."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final

from adapters.https.client import Lookup, look_up
from adapters.https.guard import Policy
from adapters.https.introduction import signed
from adapters.https.receive import Opener
from adapters.https.seal import ContentSigner
from contacts.jwks import read_jwk
from hub.app.files import tls_client
from hub.app.keys import hub_number
from hub.core.peers import INBOX, VERSIONS, Introduction, written
from hub.core.ulid import spelled
from hub.core.webhook import public_key_to_text, verification_key_from_text
from hub.edge.peer_documents import PeerDocuments
from hub.edge.push_keys import UnusablePushKey, content_signer, opener, request_key
from hub.edge.vault import KeyRing
from hub.service.peers.introducing import Introducing
from hub.service.ports import Clock, Ids, Store
from hub.settings import Settings, wrong

KEPT: Final = timedelta(minutes=1)
"""How long a signed introduction is given out: anybody may ask for it."""


@dataclass(slots=True, kw_only=True)
class OwnHub:
    """What this hub says of itself."""

    said: Introduction
    opener: Opener = field(repr=False)
    signers: tuple[ContentSigner, ...] = field(repr=False)
    """The one that signs last."""
    _made: tuple[datetime, bytes] | None = field(default=None, repr=False)

    def document(self, now: datetime) -> bytes:
        """Signed, as it is published."""
        made = self._made
        if made is None or not timedelta(0) <= now - made[0] < KEPT:
            made = self._made = now, signed(written(replace(self.said, issued=now)), self.signers)
        return made[1]


def own_hub(settings: Settings, ring: KeyRing, now: datetime) -> OwnHub | None:
    """None where the hub has no keys for it, or pushes nothing. Raises SettingsError for a key that cannot be used."""
    receive, content, requests = settings.push_receive_keys, settings.push_content_keys, settings.push_request_keys
    if not (settings.push and receive and content and requests):
        return None
    try:
        opens, signers = opener(receive), tuple(content_signer(path) for path in content)
        transport = tuple(verification_key_from_text(public_key_to_text(request_key(one).key))[1] for one in requests)
    except UnusablePushKey as error:
        raise wrong("PUSH", str(error)) from None
    keys = (opens.public_jwk, *(one.public_jwk for one in signers))
    said = Introduction(
        hub=hub_id(ring),
        name=settings.sender_name,
        issuer=settings.public_url,
        inbox=settings.public_url.rstrip("/") + INBOX,
        versions=VERSIONS,
        issued=now,
        keys=tuple(read_jwk(json.dumps(key)) for key in keys),
        requests=transport,
    )
    return OwnHub(said=said, opener=opens, signers=signers)


def hub_id(ring: KeyRing) -> str:
    """Made once, with the index secret: all nodes of a hub have the same, and it outlives every other key."""
    return spelled("hub", hub_number(ring))


def introducing_of(
    settings: Settings, ring: KeyRing, store: Store, clock: Clock, ids: Ids, lookup: Lookup = look_up
) -> Introducing:
    """Raises SettingsError if the file of CAs cannot be used."""
    fetch = PeerDocuments(
        tls_context=tls_client("PUSH_CA_FILE", settings.push_ca_file),
        policy=Policy(
            networks=tuple(ip_network(one) for one in settings.push_networks), ports=frozenset(settings.push_ports)
        ),
        lookup=lookup,
    )
    return Introducing(store=store, fetch=fetch, own=hub_id(ring), clock=clock, ids=ids)
