"""Made-up hubs, as other hubs know them."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.https.introduction import signed
from adapters.https.receive import Opener
from adapters.https.seal import ContentSigner
from adapters.https.wire import TransportKey
from contacts.jwks import read_jwk
from hub.core.peers import INBOX, Introduction, Peer, written
from hub.core.ulid import spelled
from tests.kit.clock import START
from tests.kit.pki import curve_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """One with keys of its own, which are always the same for the same name."""

    name: str
    number: int
    content: tuple[str, ...] = ("content",)
    """Names of the keys that sign, the one that does last."""
    versions: tuple[int, ...] = (1,)
    at: str | None = None
    """Where it really is, if it is anywhere."""
    opener: Opener = field(init=False)
    signers: tuple[ContentSigner, ...] = field(init=False)
    transport: TransportKey = field(init=False)

    def __post_init__(self) -> None:
        signers = tuple(ContentSigner(key=curve_key(f"{self.name} {one}")) for one in self.content)
        object.__setattr__(self, "opener", Opener([curve_key(f"{self.name} receive")]))
        object.__setattr__(self, "signers", signers)
        object.__setattr__(self, "transport", TransportKey(scheme="v1a", key=bytes([self.number]) * 32))

    @property
    def url(self) -> str:
        return self.at or f"https://{self.name}.example"

    def said(self, at: datetime = START) -> Introduction:
        keys = (self.opener.public_jwk, *(one.public_jwk for one in self.signers))
        return Introduction(
            hub=spelled("hub", self.number),
            name=self.name.capitalize(),
            issuer=self.url,
            inbox=self.url + INBOX,
            versions=self.versions,
            issued=at,
            keys=tuple(read_jwk(json.dumps(one)) for one in keys),
            requests=(Ed25519PrivateKey.from_private_bytes(self.transport.key).public_key().public_bytes_raw(),),
        )

    def document(self, at: datetime = START) -> bytes:
        return signed(written(self.said(at)), self.signers)

    def with_keys(self, *content: str) -> "Hub":
        """The same, after it made others."""
        return replace(self, content=content)


ASHBY: Final = Hub(name="ashby", number=1)
BORDON: Final = Hub(name="bordon", number=2)
CORBY: Final = Hub(name="corby", number=3)


def a_peer(hub: Hub = ASHBY) -> Peer:
    """As another hub knows it that was introduced to it."""
    return Peer(
        hub=hub.said().hub,
        url=hub.url,
        state="introduced",
        document=hub.document(),
        said=hub.said(),
        put_by="Jo Worker",
        introduced_at=START,
        changed_at=START,
    )
