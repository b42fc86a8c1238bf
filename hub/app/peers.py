"""This hub as other hubs know it, and the way to them, made from the settings."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Final

from adapters.https.client import Lookup, look_up
from adapters.https.guard import Policy
from adapters.https.introduction import signed
from adapters.https.push import CHANNEL as PUSH
from adapters.https.receive import Opener
from adapters.https.seal import ContentSigner
from adapters.port import Transport
from contacts.areas import Areas
from contacts.directory import Directory
from contacts.jwks import read_jwk
from hub.app.files import tls_client
from hub.app.keys import hub_number
from hub.core.peers import INBOX, VERSIONS, Introduction, written
from hub.core.ulid import spelled
from hub.core.webhook import public_key_to_text, verification_key_from_text
from hub.edge.peer_documents import PeerDocuments
from hub.edge.push_keys import UnusablePushKey, content_signer, opener, request_key
from hub.edge.vault import KeyRing
from hub.service.agreements.steps import Steps
from hub.service.answers import Answers
from hub.service.conversations.posting import Posting
from hub.service.ledger import Bookkeeper
from hub.service.peers.agreeing import PeerAgreements
from hub.service.peers.answering import Answering
from hub.service.peers.carrying import Carrying
from hub.service.peers.cases import Cases
from hub.service.peers.conversing import Conversing, Joining
from hub.service.peers.introducing import Introducing
from hub.service.peers.receiving import Receiving
from hub.service.peers.ways import PeerWay
from hub.service.ports import Clock, Ids, Store
from hub.settings import Settings, wrong
from hub.web.api.peers import PeerInbox
from hub.web.bodies import Bodies
from hub.web.limits import Buckets

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


def among_peers(ways: Mapping[str, Transport], ring: KeyRing, store: Store) -> Mapping[str, Transport]:
    """The same ways out; what goes to another hub's inbox by push goes by what is known of that hub."""
    own = hub_id(ring)
    return {name: PeerWay(push=way, store=store, own=own) if name == PUSH else way for name, way in ways.items()}


def inbox_of(
    own: OwnHub,
    *,
    store: Store,
    book: Bookkeeper,
    answers: Answers,
    posting: Posting,
    areas: Areas,
    directory: Callable[[], Directory],
    secret: bytes,
    digest: Callable[[bytes], bytes],
    bodies: Bodies,
    rates: Buckets,
    tolerance: float,
    clock: Clock,
    ids: Ids,
    nudge: Callable[[], None],
) -> PeerInbox:
    """Where what other hubs send comes in. ``secret``: see hub/core/tokens.py; ``digest``: a keyed hash."""
    return PeerInbox(
        receiving=Receiving(
            store=store,
            own=own.said,
            opener=own.opener,
            signer=own.signers[-1],
            take=Cases(
                book=book,
                ids=ids,
                ours=lambda peer: peer.organisations,
                digest=digest,
                join=Joining(posting=posting),
            ),
            converse=Conversing(
                store=store,
                posting=posting,
                agreements=PeerAgreements(steps=Steps(posting=posting, book=book, areas=areas)),
                areas=areas,
                directory=directory,
                digest=digest,
            ),
            hear=Answering(store=store, answers=answers, directory=directory, secret=secret, digest=digest, ids=ids),
            clock=clock,
            ids=ids,
            digest=digest,
            nudge=nudge,
            tolerance=tolerance,
        ),
        bodies=bodies,
        rates=rates,
    )


def carrying_of(store: Store, ways: Mapping[str, Transport], secret: bytes, ids: Ids) -> Carrying | None:
    """What carries answers back; None where there is no push. ``ways`` are those :func:`among_peers` gives."""
    way = ways.get(PUSH)
    return None if way is None else Carrying(store=store, way=way, ids=ids, secret=secret)


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
