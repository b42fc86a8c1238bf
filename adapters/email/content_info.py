"""Cryptographic messages (RFC 5652) as mail bears them: of what kind one is, and whether it may be looked at. Pure."""

from typing import Any, ClassVar, Final

from asn1crypto import cms, core
from cryptography import x509

from adapters.email.chain import find

MOST_ELEMENTS: Final = 40_000
"""Values in one CMS: 16 MiB in pieces of 1 KiB, as ``openssl`` streams them, twice over."""
DEEPEST: Final = 24
_OBJECT_IDENTIFIER = 0x06
_LONGEST_IDENTIFIER = 64
"""Octets. The longest in use are of about twenty; ``asn1crypto`` takes hours over one of megabytes."""


class AuthEnvelopedData(core.Sequence):  # type: ignore[misc]  # asn1crypto has no types
    """RFC 5083, which ``asn1crypto`` names and does not know."""

    _fields: ClassVar[list[Any]] = [
        ("version", cms.CMSVersion),
        ("originator_info", cms.OriginatorInfo, {"implicit": 0, "optional": True}),
        ("recipient_infos", cms.RecipientInfos),
        ("encrypted_content_info", cms.EncryptedContentInfo),
        ("auth_attrs", cms.CMSAttributes, {"implicit": 1, "optional": True}),
        ("mac", core.OctetString),
        ("unauth_attrs", cms.CMSAttributes, {"implicit": 2, "optional": True}),
    ]


class ContentInfo(cms.ContentInfo):  # type: ignore[misc]
    """With that."""

    _oid_specs: ClassVar[dict[str, Any]] = {
        **cms.ContentInfo._oid_specs,
        "authenticated_enveloped_data": AuthEnvelopedData,
    }


def kind_of(data: bytes) -> str | None:
    """``signed_data``, ``enveloped_data`` … as ``asn1crypto`` calls it, or an OID; None if it is no CMS, or one of more
    values than anybody needs."""
    if not within_bounds(data):
        return None
    try:
        return str(ContentInfo.load(data)["content_type"].native)
    except Exception:  # asn1crypto documents none of what it raises for what hostile bytes contain
        return None


def octets(value: Any) -> bytes | None:
    """What an octet string holds; None if it is none. The pieces that a program streamed it in are joined at once:
    ``asn1crypto`` joins one after the other, which for 16 MiB takes 15 seconds. Raises ValueError for pieces that are
    none; ``value`` is of what :func:`within_bounds` has passed."""
    if not isinstance(value, core.OctetString | core.ParsableOctetString):
        return None
    data = value.contents
    if not value._indefinite:
        return bytes(data)
    pieces, position = [], 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length > 0x80:
            end = position + (length & 0x7F)
            length, position = int.from_bytes(data[position:end], "big"), end
        if tag == 0x04 and length != 0x80:
            pieces.append(data[position : position + length])
            position += length
        elif tag not in (0x24, 0):  # more pieces, and their end
            raise ValueError("not a piece of an octet string")
    return b"".join(pieces)


def names_it(identifier: Any, certificate: x509.Certificate) -> bool:
    """Whether the identifier of a signer or a recipient is of this certificate."""
    if identifier.name == "issuer_and_serial_number":
        issuer = identifier.chosen["issuer"].dump() == certificate.issuer.public_bytes()
        return bool(issuer and identifier.chosen["serial_number"].native == certificate.serial_number)
    held = find(certificate.extensions, x509.SubjectKeyIdentifier)
    named = identifier.chosen["subject_key_identifier"] if identifier.name == "r_key_id" else identifier.chosen
    return held is not None and held.digest == octets(named)


def within_bounds(data: bytes) -> bool:
    """Whether the first value in ``data`` is whole and well nested, in DER or BER, and of a bearable number of values:
    before anything else looks at it, as that would make an object of each."""
    ends: list[int | None] = []
    position = count = 0
    while True:
        if position + 2 > len(data) or count >= MOST_ELEMENTS:
            return False
        count += 1
        tag, length = data[position], data[position + 1]
        position += 2
        if tag == 0 and length == 0:
            if not ends or ends.pop() is not None:
                return False
        else:
            if tag & 0x1F == 0x1F:
                return False  # a tag of several octets: CMS has none
            if length > 0x80:
                octets = length & 0x7F
                if octets > 4 or position + octets > len(data):
                    return False
                length, position = int.from_bytes(data[position : position + octets], "big"), position + octets
            elif length == 0x80:
                if not tag & 0x20:
                    return False
                length = -1
            if tag == _OBJECT_IDENTIFIER and length > _LONGEST_IDENTIFIER:
                return False
            end = position + length
            if length >= 0 and end > (next((one for one in reversed(ends) if one is not None), len(data))):
                return False
            if tag & 0x20:
                if len(ends) >= DEEPEST:
                    return False
                ends.append(None if length < 0 else end)
            else:
                position = end
        while ends and ends[-1] == position:
            ends.pop()
        if not ends:
            return True
