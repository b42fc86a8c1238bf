"""A mail to the hub, taken out of its layers: what somebody encrypted to us and signed inside that. Pure.

Only the innermost signature counts, and only what is inside it: neither what a mail has beside its sealed part, nor
fields that stand around it. A signature around what is encrypted proves nothing of what it says: anybody can put his
own around what another has encrypted to us, and would be shown it as his.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from adapters.email.content_info import kind_of
from adapters.email.enveloped import Sealed, Unopened, decrypt
from adapters.email.parts import Part
from adapters.email.signed import Signature, enclosed_in, unwrap
from adapters.email.smime import Signer

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a whole mail that is opened."""
_MOST_LAYERS = 6
"""Signed, encrypted and signed again are three, and with the parts that a gateway adds five."""

Shut = Literal[Sealed, "plain", "not_encrypted", "not_signed", "signed_outside", "compressed", "too_large", "too_deep"]
"""Why there is nothing to be read. ``plain``: neither signed nor encrypted. ``signed_outside``: signed only around what
was encrypted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was signed, and inside which encryption."""

    content: Part = field(repr=False)
    signature: Signature = field(repr=False)
    inside: bytes = field(repr=False)
    """All that was encrypted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOpened:
    """Nothing of it is handed on, whether or not a part of it opened."""

    why: Shut


def open_mail(raw: bytes, keys: Sequence[Signer]) -> Opened | NotOpened:
    """``raw``: a whole mail. ``keys``: whatever may have been encrypted to."""
    if len(raw) > LARGEST:
        return NotOpened(why="too_large")
    message = Part.of(raw.removeprefix(b"\r\n"))
    inside: bytes | None = None
    signature: Signature | None = None
    outside = False
    for _ in range(_MOST_LAYERS):
        if message.media_type == "multipart/signed":
            message, found = unwrap(message)
            if found is None:
                break
            signature = found
        elif message.media_type == "multipart/mixed" and signature is None:
            sealed = [part for part in message.parts() if _is_sealed(part)]
            if len(sealed) != 1:
                break
            message = sealed[0]
        elif _is_sealed(message):
            data = message.content()
            match kind_of(data):
                case "signed_data":
                    enclosed = enclosed_in(data, LARGEST)
                    if enclosed is None:
                        return NotOpened(why="malformed")
                    message, signature = Part.of(enclosed), Signature(cms=data, content=enclosed)
                case "enveloped_data" | "authenticated_enveloped_data":
                    try:
                        inside = decrypt(data, keys)
                    except Unopened as error:
                        return NotOpened(why=error.why)
                    outside, signature = outside or signature is not None, None
                    message = Part.of(inside)
                case "compressed_data":
                    return NotOpened(why="compressed")
                case _:
                    return NotOpened(why="malformed")
        else:
            break
    else:
        return NotOpened(why="too_deep")
    if inside is None:
        return NotOpened(why="plain" if signature is None else "not_encrypted")
    if signature is None:
        return NotOpened(why="signed_outside" if outside else "not_signed")
    return Opened(content=message, signature=signature, inside=inside)


def _is_sealed(part: Part) -> bool:
    """RFC 8551 3.1.1 and 3.2.1: by its type, or by its name where a gateway has made it a file like any other."""
    if part.media_type in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
        return True
    names = (part.parameter("name"), part.value("content-disposition"))
    return part.media_type == "application/octet-stream" and any(".p7m" in name.lower() for name in names)
