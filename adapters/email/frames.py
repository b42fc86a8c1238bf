"""What goes between the hub and a process that seals for it: pickles, each behind its length.

Pickle, because both ends are this program, of one version, over a socket that nobody else has an end of. Private keys
and certificates, which know no pickling, are written as DER, by this module alone.
"""

import io
import pickle  # between two of our own processes, see above  # nosec B403
import struct
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

LENGTH: Final = struct.Struct("!Q")


class _Pickler(pickle.Pickler):
    def reducer_override(self, one: Any) -> Any:
        if isinstance(one, x509.Certificate):
            return _certificate, (one.public_bytes(Encoding.DER),)
        if isinstance(one, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            return _key, (one.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),)
        return NotImplemented


def framed(value: object, *, keys: bool = False) -> bytes:
    """One frame. ``keys``: it may hold certificates and private keys."""
    written = io.BytesIO()
    written.write(LENGTH.pack(0))
    (_Pickler if keys else pickle.Pickler)(written, pickle.HIGHEST_PROTOCOL).dump(value)
    with written.getbuffer() as frame:
        LENGTH.pack_into(frame, 0, len(frame) - LENGTH.size)
        return bytes(frame)


def unframed(frame: bytes | bytearray) -> Any:
    """What stands behind the length."""
    return pickle.loads(frame)  # noqa: S301  # our own process wrote it  # nosec B301


def _certificate(der: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(der)


def _key(der: bytes) -> Any:
    return load_der_private_key(der, None)
