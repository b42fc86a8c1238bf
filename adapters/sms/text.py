"""The text messages that are ever sent, and the alphabet they are written in. Pure.

A text message travels in clear and lies on a locked screen, so it says that something waits, its reference and how to
get at it: nothing of it comes from a notice. It must fit one part. A second part may come late or never.
"""

import re
from typing import Final, Literal

from contacts.addresses import AddressProblem, parse_phone

ONE_PART: Final = 160
"""Septets of one message without a header (3GPP TS 23.040, 9.2.3.24)."""

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7 bit default alphabet (3GPP TS 23.038, 6.2.1), each character at its code. ESC leads to the extension table,
whose characters cost two septets; none of them is used here."""
_ESCAPE: Final = 0x1B
_CODES: Final = {character: code for code, character in enumerate(_BASIC) if code != _ESCAPE}

_REFERENCE = re.compile(r"FP-[0-9A-Z]{4}-[0-9A-Z]{4}")
_LINK = re.compile(r"https://[A-Za-z0-9./:_?=&%#-]+")
_CODE = re.compile(r"[0-9A-Z]{6}")
_ONE_TIME = re.compile(r"[0-9]{3,8}(?: [0-9]{3,8})?")
_MARKS: Final = {"actual": "", "exercise": "EXERCISE. ", "test": "TEST. "}

Status = Literal["actual", "exercise", "test"]


class NotOnePart(ValueError):
    """The text does not fit one text message of 160 characters of the GSM basic set."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


def gsm(text: str) -> bytes:
    """The text in the GSM basic set, one octet a septet. Raises NotOnePart for another character and for more than
    160 of them; the error does not repeat the text."""
    try:
        octets = bytes(_CODES[character] for character in text)
    except KeyError:
        raise NotOnePart from None
    if len(octets) > ONE_PART:
        raise NotOnePart
    return octets


def from_gsm(octets: bytes) -> str:
    """What a phone wrote in the GSM alphabet, one octet a septet. What the basic set does not have reads as ``?``: no
    reply code has any of it."""
    text: list[str] = []
    escaped = False
    for octet in octets:
        if escaped or octet >= len(_BASIC):
            text.append("?")
            escaped = False
        elif octet == _ESCAPE:
            escaped = True
        else:
            text.append(_BASIC[octet])
    return "".join(text)


def alert_text(
    reference: str,
    *,
    link: str | None = None,
    ring: str | None = None,
    code: str | None = None,
    status: Status = "actual",
) -> str:
    """What is sent: that a notice waits, and how to get at it.

    ``reference`` is ``FP-XXXX-XXXX``; ``link`` an https link of the hub's own, ``ring`` a number of the hub's operator,
    ``code`` the reply code of this delivery (six letters and digits). Raises ValueError for anything of another shape,
    so that no name can come in by any of them, and NotOnePart where it all comes to more than one part.
    """
    if not _REFERENCE.fullmatch(reference):
        raise ValueError("reference: not FP-XXXX-XXXX")
    if link is not None and not _LINK.fullmatch(link):
        raise ValueError("link: not a plain https link")
    if code is not None and not _CODE.fullmatch(code):
        raise ValueError("code: not six letters and digits")
    parts = [f"{_MARKS[status]}Secure notice {reference} is waiting, perhaps urgent."]
    if link is not None:
        parts.append(link)
    if ring is not None:
        parts.append(f"Ring {_number(ring)}.")
    if code is not None:
        parts.append(f"Read it? Reply 1 {code}")
    text = " ".join(parts)
    gsm(text)
    return text


def code_text(reference: str, code: str, minutes: int, *, status: Status = "actual") -> str:
    """The one-time code for the pick-up page, in one part; it goes by e-mail in the same words.

    ``code`` is digits and spaces. Raises ValueError for anything of another shape.
    """
    if not _REFERENCE.fullmatch(reference):
        raise ValueError("reference: not FP-XXXX-XXXX")
    if not _ONE_TIME.fullmatch(code):
        raise ValueError("code: not digits and spaces")
    text = (
        f"{_MARKS[status]}{code} is your code for secure notice {reference}, for {minutes} minutes. "
        "Nobody will ask you for it: type it into the page only."
    )
    gsm(text)
    return text


def _number(ring: str) -> str:
    try:
        return parse_phone(ring)
    except AddressProblem:
        raise ValueError("ring: not a phone number") from None
