"""Sign, then encrypt: a JWS (ES256) inside a JWE (ECDH-ES+A256KW, A256GCM), both compact, by ``joserfc``.

Nothing personal stands outside: the header of the JWE holds the algorithms, the types, the ephemeral key and the
receiver's own name for its key. Nothing is compressed, as the size of what is compressed tells of what stands in it.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwe, jws
from joserfc.jwk import ECKey

from adapters.https.keys import LONGEST_KID, ReceiverKey, b64url
from adapters.https.wire import NOTICE_TYP
from contacts.jwks import thumbprint

SIGNATURE: Final = "ES256"
AGREEMENT: Final = "ECDH-ES+A256KW"
ENCRYPTION: Final = "A256GCM"


@dataclass(frozen=True, slots=True)
class _Loaded:
    """Loaded once: loading costs more than signing."""

    key: ECKey = field(repr=False)
    jwk: dict[str, Any]


class ContentSigner:
    """The hub's key for content (P-256) and its name, by which receivers pick the public half."""

    def __init__(self, *, key: ec.EllipticCurvePrivateKey, kid: str | None = None) -> None:
        """Without a ``kid`` the key is named by its thumbprint (RFC 7638). Raises ValueError for a key or name that
        cannot be used."""
        if not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("push: the key that signs content must be on P-256 (ES256)")
        if kid is not None and not (0 < len(kid) <= LONGEST_KID and kid.isascii() and kid.isprintable()):
            raise ValueError(f"push: a kid is 1 to {LONGEST_KID} printable ASCII characters")
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        own = ECKey.import_key(pem)
        public = {name: str(value) for name, value in own.as_dict(private=False).items()}
        self.kid = kid if kid is not None else b64url(thumbprint(public))
        self._loaded = _Loaded(
            own,
            {name: public[name] for name in ("kty", "crv", "x", "y")}
            | {"use": "sig", "alg": SIGNATURE, "kid": self.kid},
        )

    @property
    def public_jwk(self) -> dict[str, Any]:
        """What receivers are given, to verify with."""
        return dict(self._loaded.jwk)

    def sign(self, payload: bytes, typ: str = NOTICE_TYP) -> str:
        """A compact JWS. ``typ``: what it is made for."""
        header = {"alg": SIGNATURE, "kid": self.kid, "typ": typ}
        return jws.serialize_compact(header, payload, self._loaded.key, algorithms=[SIGNATURE])

    def __repr__(self) -> str:
        return f"ContentSigner(kid={self.kid!r})"


def seal(payload: bytes, signer: ContentSigner, to: ReceiverKey) -> bytes:
    """``payload`` signed by the hub and encrypted to ``to``: a compact JWE, in ASCII."""
    header = {"alg": AGREEMENT, "enc": ENCRYPTION, "kid": to.kid, "typ": "JOSE", "cty": "JWT"}
    receiver = ECKey.import_key(dict(to.jwk))
    sealed = jwe.encrypt_compact(header, signer.sign(payload), receiver, algorithms=[AGREEMENT, ENCRYPTION])
    return sealed.encode("ascii")
