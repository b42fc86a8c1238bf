"""What was encrypted to one of our certificates (RFC 5652, 5083, 5753, 8551), opened. Pure.

``asn1crypto`` reads the structure, in DER or in the BER that mail programs write as they stream; every key operation is
``cryptography``'s, whose own reader of such data knows DER, AES-CBC and one kind of recipient only. Whatever fails once
a key of ours was used, fails in one way (``does_not_open``): who is told where a guess went wrong can guess on.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Final, Literal

from asn1crypto import core
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.padding import PKCS7

from adapters.email.chain import MALFORMED, PURPOSES, find, for_email
from adapters.email.content_info import ContentInfo, names_it, octets
from adapters.email.smime import Signer

Sealed = Literal["other_key", "weak_cipher", "unsupported", "does_not_open", "malformed"]
"""Why nothing was opened. ``other_key``: to no certificate of ours. ``weak_cipher``: under DES, triple DES, RC2 or
RC4, which nobody need use. ``unsupported``: in another way that we do not know. ``malformed``: not such data at all."""

_MOST_RECIPIENTS = 200
_CBC: Mapping[str, int] = {"aes128_cbc": 16, "aes192_cbc": 24, "aes256_cbc": 32}
_GCM: Mapping[str, int] = {"aes128_gcm": 16, "aes192_gcm": 24, "aes256_gcm": 32}
_WEAK: Final = frozenset({"des", "tripledes_3key", "rc2", "rc4"})
_SHA: Mapping[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # OAEP's default, and no collision helps against it  # noqa: S303  # nosec B303
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_AGREED: Mapping[str, hashes.HashAlgorithm] = {
    "1.3.133.16.840.63.0.2": hashes.SHA1(),  # nor against a KDF  # noqa: S303  # nosec B303
    "1.3.132.1.11.1": hashes.SHA256(),
    "1.3.132.1.11.2": hashes.SHA384(),
    "1.3.132.1.11.3": hashes.SHA512(),
}
"""dhSinglePass-stdDH (RFC 5753 7.1.4) and the hash of its KDF."""
_WRAPS: Mapping[str, int] = {
    "2.16.840.1.101.3.4.1.5": 16,
    "2.16.840.1.101.3.4.1.25": 24,
    "2.16.840.1.101.3.4.1.45": 32,
}


class Unopened(ValueError):
    """Not opened; ``why`` is one of :data:`Sealed`."""

    def __init__(self, why: Sealed) -> None:
        super().__init__(why)
        self.why: Sealed = why


class _GcmParameters(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [("nonce", core.OctetString), ("length", core.Integer, {"default": 12})]


class _KeyAlgorithm(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [("algorithm", core.ObjectIdentifier), ("parameters", core.Any, {"optional": True})]


class _SharedInfo(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar[list[Any]] = [
        ("key_info", _KeyAlgorithm),
        ("party", core.OctetString, {"explicit": 0, "optional": True}),
        ("bits", core.OctetString, {"explicit": 2}),
    ]


def invites(certificate: x509.Certificate) -> bool:
    """Whether mail programs encrypt to the holder of this certificate: its key usage has to allow it (RFC 8550 4.4.2),
    as most look, and its purpose e-mail."""
    try:
        if isinstance(certificate.public_key(), rsa.RSAPublicKey):
            return for_email(certificate.extensions)
        usage = find(certificate.extensions, x509.KeyUsage)
        purposes = find(certificate.extensions, x509.ExtendedKeyUsage)
    except MALFORMED:
        return False
    return (usage is None or usage.key_agreement) and (purposes is None or not PURPOSES.isdisjoint(purposes))


def decrypt(data: bytes, keys: Sequence[Signer]) -> bytes:
    """What was encrypted, by whichever of ``keys`` it was encrypted to. Raises Unopened, and nothing else."""
    try:
        info = ContentInfo.load(data)
        content, kind = info["content"], info["content_type"].native
        inside = content["encrypted_content_info"]
        algorithm = inside["content_encryption_algorithm"]
        cipher = str(algorithm["algorithm"].native)
        sealed = octets(inside["encrypted_content"])
        recipients = list(_ours(content["recipient_infos"], keys))
        understood = any(_understood(info, key) for info, _, key in recipients)
    except Exception:
        raise Unopened("malformed") from None
    authentic = kind == "authenticated_enveloped_data"
    size = (_GCM if authentic else _CBC).get(cipher)
    if size is None:
        raise Unopened("weak_cipher" if cipher in _WEAK else "unsupported")
    if not isinstance(sealed, bytes):
        raise Unopened("malformed")
    if not recipients:
        raise Unopened("other_key")
    if not understood:
        raise Unopened("unsupported")
    for info, wrapped, key in recipients:
        with suppress(Exception):  # every failure is the same one
            content_key = _content_key(info, wrapped, key, size)
            return (
                _opened_gcm(content, algorithm, sealed, content_key)
                if authentic
                else _opened_cbc(algorithm, sealed, content_key)
            )
    raise Unopened("does_not_open")


def _ours(infos: Any, keys: Sequence[Signer]) -> Iterator[tuple[Any, bytes, Signer]]:
    """The recipients that are certificates of ours, and the content's key wrapped for each."""
    for info in list(infos)[:_MOST_RECIPIENTS]:
        if info.name == "ktri":
            for key in keys:
                if isinstance(key.key, rsa.RSAPrivateKey) and names_it(info.chosen["rid"], key.certificate):
                    yield info, octets(info.chosen["encrypted_key"]) or b"", key
        elif info.name == "kari":
            for one in list(info.chosen["recipient_encrypted_keys"])[:_MOST_RECIPIENTS]:
                for key in keys:
                    if isinstance(key.key, ec.EllipticCurvePrivateKey) and names_it(one["rid"], key.certificate):
                        yield info, octets(one["encrypted_key"]) or b"", key


def _understood(info: Any, key: Signer) -> bool:
    algorithm = info.chosen["key_encryption_algorithm"]["algorithm"]
    if isinstance(key.key, rsa.RSAPrivateKey):
        return algorithm.native in ("rsaes_pkcs1v15", "rsaes_oaep")
    return algorithm.dotted in _AGREED


def _content_key(info: Any, wrapped: bytes, key: Signer, size: int) -> bytes:
    match key.key:
        case rsa.RSAPrivateKey() as private:
            return _transported(info.chosen["key_encryption_algorithm"], wrapped, private, size)
        case private:
            return _agreed(info.chosen, wrapped, private)


def _transported(algorithm: Any, wrapped: bytes, key: rsa.RSAPrivateKey, size: int) -> bytes:
    """A key that does not come out is replaced by one that nobody can foretell (RFC 3218 2.3.2): it then fails as a
    changed content does, at the same place and after the same work. The same bytes give the same key."""
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if algorithm["algorithm"].native == "rsaes_oaep":
        given = algorithm["parameters"]
        mask = given["mask_gen_algorithm"]["parameters"]["algorithm"].native
        label = given["p_source_algorithm"]["parameters"].native or None
        scheme = padding.OAEP(
            mgf=padding.MGF1(_SHA[mask]), algorithm=_SHA[given["hash_algorithm"]["algorithm"].native], label=label
        )
    own = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    instead = hmac.digest(hashlib.sha256(own).digest(), wrapped, "sha256")[:size]
    with suppress(ValueError):
        found = key.decrypt(wrapped, scheme)
        if len(found) == size:
            return found
    return instead


def _agreed(info: Any, wrapped: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """RFC 5753 3.1 and 7.2: an ephemeral key on our curve."""
    algorithm = _KeyAlgorithm.load(info["key_encryption_algorithm"].dump())
    wrap = _KeyAlgorithm.load(algorithm["parameters"].dump())
    size = _WRAPS[wrap["algorithm"].dotted]
    # Its algorithm may stand there without the curve (RFC 5753 3.1.1): it is ours in any case.
    point = info["originator"].chosen[1].native
    other = ec.EllipticCurvePublicKey.from_encoded_point(key.curve, _octets(point))
    shared = _SharedInfo({"key_info": wrap, "bits": (size * 8).to_bytes(4, "big")})
    if (given := octets(info["ukm"])) is not None:
        shared["party"] = given
    derived = X963KDF(_AGREED[algorithm["algorithm"].dotted], size, shared.dump()).derive(
        key.exchange(ec.ECDH(), other)
    )
    return keywrap.aes_key_unwrap(derived, wrapped)


def _octets(point: Any) -> bytes:
    return point if isinstance(point, bytes) else bytes(point)


def _opened_cbc(algorithm: Any, sealed: bytes, key: bytes) -> bytes:
    opening = Cipher(algorithms.AES(key), modes.CBC(octets(algorithm["parameters"]) or b"")).decryptor()
    unpadding = PKCS7(128).unpadder()
    return unpadding.update(opening.update(sealed) + opening.finalize()) + unpadding.finalize()


def _opened_gcm(content: Any, algorithm: Any, sealed: bytes, key: bytes) -> bytes:
    given = _GcmParameters.load(algorithm["parameters"].dump())
    mac, nonce = octets(content["mac"]) or b"", octets(given["nonce"]) or b""
    if not 12 <= len(mac) <= 16 or len(mac) != given["length"].native:
        raise InvalidTag
    attributes = content["auth_attrs"]
    # RFC 5083 2.2: authenticated as the SET OF that they are, and not under their implicit tag.
    also = attributes.untag().dump(force=True) if len(attributes) else None
    if len(mac) == 16:
        return AESGCM(key).decrypt(nonce, sealed + mac, also)
    opening = Cipher(algorithms.AES(key), modes.GCM(nonce, mac, min_tag_length=12)).decryptor()
    if also is not None:
        opening.authenticate_additional_data(also)
    return opening.update(sealed) + opening.finalize()
