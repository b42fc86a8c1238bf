"""Other hubs: what they say of themselves, how far they are trusted, and how that may change. Pure.

Two hubs know each other when a human on each side has had the other's fingerprint read out by telephone and typed it
in. Until then a peer is ``introduced``: nothing is taken from it. What is compared is made of the hub's id and all its
keys, so that whoever stood between the two when they were introduced is found out.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from adapters.https.introduction import NotReadable, said_by
from adapters.https.keys import ReceiverKey, signature_keys
from contacts.jwks import JwkProblem, read_jwk, thumbprint_of
from contacts.strict_json import from_b64url
from hub.core.lines import one_line
from hub.core.records import SourceKey
from hub.core.webhook import LAST_SECOND

FORMAT: Final = "fingerpost.hub.v1"
WELL_KNOWN: Final = "/.well-known/fingerpost"
INBOX: Final = "/v1/peers/inbox"
VERSIONS: Final = (1,)
"""Of the exchange between hubs: those that this one speaks."""
MOST_KEYS: Final = 32
_HUB: Final = re.compile(r"hub_[0-9A-HJKMNP-TV-Z]{26}", re.ASCII)
_URL: Final = re.compile(r"https?://[!-~]{1,500}", re.ASCII)
_DIGITS: Final = 30
"""Of a fingerprint, near 100 bits: nobody makes keys until one has the same."""
_GROUP: Final = 5

_SOURCE: Final = "peer:"

State = Literal["introduced", "confirmed", "suspended"]
Step = Literal["confirm", "suspend", "doubt"]
TRANSITIONS: Final[Mapping[State, Mapping[Step, State]]] = {
    "introduced": {"confirm": "confirmed"},
    "confirmed": {"suspend": "suspended", "doubt": "introduced"},
    "suspended": {"confirm": "confirmed"},
}
"""``doubt``: its keys changed, and nothing that it was known by says so. Removed is to be forgotten."""


class BadIntroduction(ValueError):
    """What a hub says of itself cannot be used; says why, and repeats nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """What a hub says of itself."""

    hub: str
    """Made once for each hub: ``hub_`` and 26 characters."""
    name: str
    issuer: str
    """What it is called in ``iss`` of what it sends."""
    inbox: str
    """Where it takes what is sent to it."""
    versions: tuple[int, ...]
    issued: datetime
    keys: tuple[bytes, ...]
    """JWKs on P-256, each canonical: ``enc`` to seal for it, ``sig`` for what it signs."""
    requests: tuple[bytes, ...]
    """Ed25519 public keys that verify its requests."""

    @property
    def pinned(self) -> frozenset[str]:
        """The thumbprints of :attr:`keys`."""
        return frozenset(thumbprint_of(one) for one in self.keys)

    @property
    def source(self) -> str:
        """What the ledger calls it where it calls a case system by its id."""
        return f"{_SOURCE}{self.hub}"

    def verifying(self, since: datetime) -> tuple[SourceKey, ...]:
        """Its keys for requests."""
        return tuple(
            SourceKey(id=f"{self.hub}/{number}", scheme="v1a", key=key, valid_from=since)
            for number, key in enumerate(self.requests)
        )

    def signing(self, now: datetime) -> tuple[ReceiverKey, ...]:
        """Its keys for content that may be used now."""
        return signature_keys(self.keys, now, self.pinned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Another hub, as this one knows it."""

    hub: str
    url: str
    """Where its introduction is fetched."""
    state: State
    document: bytes = field(repr=False)
    """Its introduction, signed, as it came."""
    said: Introduction
    changed_at: datetime
    put_by: str = field(repr=False)
    """Who brought it into this state, by name; another has to confirm it."""
    introduced_at: datetime
    organisations: tuple[str, ...] = ()
    """Those here that it may send notices for, as was said when it was confirmed."""


def source_of(hub: str) -> str:
    """What the ledger calls a hub."""
    return f"{_SOURCE}{hub}"


def is_hub(text: str) -> bool:
    """Whether it is in the form of a hub's id."""
    return _HUB.fullmatch(text) is not None


def hub_of(source: str) -> str | None:
    """The hub that the ledger calls so (:attr:`Introduction.source`); None for whatever is none."""
    return source.removeprefix(_SOURCE) if source.startswith(_SOURCE) else None


def came_from(doc: Mapping[str, Any]) -> str | None:
    """The hub that an episode came from, by its facts (hub/core/peer_cases.py); None for one that was reported here."""
    found = (doc.get("episode") or {}).get("hub")
    return found if isinstance(found, str) else None


def came_through(doc: Mapping[str, Any]) -> tuple[str, ...]:
    """The hubs that an episode came through, the last of them its sender; none for one that was reported here."""
    found, sender = (doc.get("episode") or {}).get("via"), came_from(doc)
    if isinstance(found, list):
        return tuple(found)
    return () if sender is None else (sender,)  # it came to a version that kept no more


def is_inbox(address: str) -> bool:
    """Whether this is where a hub takes what other hubs send."""
    return address.endswith(INBOX)


def written(said: Introduction) -> bytes:
    """What is signed: JSON."""
    document = {
        "format": FORMAT,
        "id": said.hub,
        "name": said.name,
        "iss": said.issuer,
        "inbox": said.inbox,
        "versions": list(said.versions),
        "issued": int(said.issued.timestamp()),
        "keys": [*(json.loads(key) for key in said.keys), *(_okp(key) for key in said.requests)],
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def introduction(document: bytes, now: datetime) -> Introduction:
    """What a signed document says, if one of the keys in it signed it: whoever publishes them holds one. Raises
    BadIntroduction."""
    try:
        claimed = _read(_unverified(document))
        if said_by(document, claimed.signing(now)) is None:
            raise BadIntroduction("none of its own keys signed it")
    except NotReadable as error:
        raise BadIntroduction(str(error)) from None
    return claimed


def recalled(document: bytes) -> Introduction:
    """What a document says that was verified when it came: its keys may have ended since. Raises BadIntroduction."""
    return _read(_unverified(document))


def succeeds(document: bytes, known: Introduction, now: datetime) -> bool:
    """Whether one of the keys it was known by signed the new document."""
    return said_by(document, known.signing(now)) is not None


def same_keys(one: Introduction, other: Introduction) -> bool:
    """Whether both have the same keys, in whatever order."""
    return _mark(one) == _mark(other)


def common_version(versions: Iterable[int]) -> int | None:
    """The newest that both speak."""
    return max(set(versions) & set(VERSIONS), default=None)


def fingerprint(said: Introduction) -> str:
    """Six groups of five digits, to be read out by telephone."""
    digits = str(int.from_bytes(_mark(said)) % 10**_DIGITS).zfill(_DIGITS)
    return " ".join(digits[at : at + _GROUP] for at in range(0, _DIGITS, _GROUP))


def is_fingerprint(said: Introduction, typed: str) -> bool:
    """Whether somebody typed its fingerprint, however they grouped the digits."""
    digits = re.sub(r"[\s.-]", "", typed)
    return digits.isascii() and compare_digest(digits, fingerprint(said).replace(" ", ""))


def is_another(name: str, before: str) -> bool:
    """Whether these are two people, as far as names tell."""
    return _folded(name) != _folded(before)


def _folded(name: str) -> str:
    return (one_line(name) or "").casefold()


def _mark(said: Introduction) -> bytes:
    keys = sorted([*(f"ec {thumbprint_of(one)}" for one in said.keys), *(f"okp {one.hex()}" for one in said.requests)])
    return hashlib.sha256("\n".join([FORMAT, said.hub, *keys]).encode("ascii")).digest()


def _okp(key: bytes) -> Mapping[str, str]:
    """RFC 8037 2."""
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "x": base64.urlsafe_b64encode(key).rstrip(b"=").decode()}


def _unverified(document: bytes) -> Any:
    try:
        return json.loads(from_b64url(json.loads(document)["payload"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BadIntroduction("not a signed document") from None


def _read(said: Any) -> Introduction:
    """What is not known is left aside: a later version may say more."""
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise BadIntroduction(f"not of the format {FORMAT}")
    hub, name, issuer, inbox = (said.get(key) for key in ("id", "name", "iss", "inbox"))
    if not isinstance(hub, str) or not is_hub(hub):
        raise BadIntroduction("its id is none of a hub")
    line = one_line(name) if isinstance(name, str) else None
    if not line or len(line) > 120:
        raise BadIntroduction("its name is not one line of at most 120 characters")
    if not all(isinstance(one, str) and _URL.fullmatch(one) for one in (issuer, inbox)):
        raise BadIntroduction("iss and inbox have to be URLs")
    if not is_inbox(str(inbox)):
        raise BadIntroduction(f"its inbox does not end in {INBOX}")
    versions, issued, keys = (said.get(key) for key in ("versions", "issued", "keys"))
    if not isinstance(versions, list) or not 0 < len(versions) <= 100 or not all(type(one) is int for one in versions):
        raise BadIntroduction("versions has to be a list of whole numbers")
    if type(issued) is not int or not 0 <= issued <= LAST_SECOND:
        raise BadIntroduction("issued has to be seconds since 1970")
    if not isinstance(keys, list) or not 0 < len(keys) <= MOST_KEYS:
        raise BadIntroduction(f"it has to have 1 to {MOST_KEYS} keys")
    found = _keys(keys)
    return Introduction(
        hub=hub,
        name=line,
        issuer=str(issuer),
        inbox=str(inbox),
        versions=tuple(versions),
        issued=datetime.fromtimestamp(issued, UTC),
        keys=found[0],
        requests=found[1],
    )


def _keys(given: Sequence[Any]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """A key of a kind that is not known is left aside, and is not in the fingerprint: nothing is done with it."""
    content: list[bytes] = []
    requests: list[bytes] = []
    for one in given:
        if not isinstance(one, dict):
            raise BadIntroduction("a key is no JWK")
        match one.get("kty"), one.get("crv"):
            case "EC", "P-256":
                try:
                    content.append(read_jwk(json.dumps(one)))
                except JwkProblem as problem:
                    raise BadIntroduction(f"a key cannot be used: {problem}") from None
            case "OKP", "Ed25519":
                requests.append(_ed25519(one.get("x")))
            case _:
                pass
    uses = {json.loads(one)["use"] for one in content}
    if uses != {"enc", "sig"} or not requests:
        raise BadIntroduction("it has to have a key to seal for it, one for what it signs and one for its requests")
    return tuple(content), tuple(requests)


def _ed25519(x: object) -> bytes:
    try:
        if not isinstance(x, str):
            raise ValueError
        key = from_b64url(x)
        Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        raise BadIntroduction("an Ed25519 key cannot be used") from None
    return key
