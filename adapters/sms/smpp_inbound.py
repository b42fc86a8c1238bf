"""A ``deliver_sm``: a receipt of the SMSC, or a text message that somebody sent. Pure.

Only the SMSC can mark a message as a receipt (``esm_class``, or the id in an optional parameter). A text that merely
reads like a receipt came from a phone, and is a reply like any other.
"""

import re
from datetime import datetime
from typing import Final, Literal, TypeAlias

import smpp34

from adapters.port import Receipt
from adapters.sms.inbound import Inbound, Reply, Unreadable, international
from adapters.sms.smpp_codes import BY_NUMBER, MEANINGS
from adapters.sms.smpp_wire import IdForm, canonical
from adapters.sms.text import from_gsm
from contacts.addresses import AddressProblem

Alphabet: TypeAlias = Literal["gsm", "latin-1"]
"""The SMSC's default alphabet (``data_coding`` 0), which SMPP leaves to each."""

_TYPE: Final = 0b0011_1100
_RECEIPT: Final = 0b0000_0100
_INTERMEDIATE: Final = 0b0010_0000
_HAS_HEADER: Final = 0b0100_0000
_ALPHANUMERIC: Final = 5
_RECEIPTED_MESSAGE_ID: Final = 0x001E
_MESSAGE_PAYLOAD: Final = 0x0424
_MESSAGE_STATE: Final = 0x0427
_ID = re.compile(r"\bid:\s*([!-~]{1,64})", re.IGNORECASE)
_STATE = re.compile(r"\bstat:\s*([A-Za-z]{1,10})", re.IGNORECASE)
_ERROR = re.compile(r"\berr:\s*([0-9A-Za-z]{1,5})", re.IGNORECASE)


def read(raw: bytes, now: datetime, *, submit_ids: IdForm, receipt_ids: IdForm, alphabet: Alphabet) -> Inbound:
    """``submit_ids``: how the SMSC writes ids in answers and optional parameters; ``receipt_ids``: in a receipt's text.

    Times in a receipt have no zone, so it is dated when it arrived.
    """
    try:
        message = smpp34.decode(raw)
    except smpp34.SmppError:
        return Unreadable(why="pdu", raw=raw)
    if not isinstance(message, smpp34.DeliverSm):
        return Unreadable(why="pdu", raw=raw)
    tlvs = {tlv.tag: tlv.value for tlv in message.tlvs}
    octets = message.short_message or tlvs.get(_MESSAGE_PAYLOAD, b"")
    kind = message.esm_class & _TYPE
    if kind in {_RECEIPT, _INTERMEDIATE} or _RECEIPTED_MESSAGE_ID in tlvs:
        return _receipt(raw, tlvs, octets, now, submit_ids, receipt_ids)
    if kind:
        return Unreadable(why="esm_class", raw=raw)
    text = _text(octets, message.data_coding, alphabet, header=bool(message.esm_class & _HAS_HEADER))
    if text is None:
        return Unreadable(why="data_coding", raw=raw)
    try:
        if message.source_addr_ton == _ALPHANUMERIC:
            raise AddressProblem("not a number")
        source = international(message.source_addr)
    except AddressProblem:
        return Unreadable(why="source_addr", raw=raw)
    return Reply(source=source, text=text, at=now)


def _receipt(
    raw: bytes, tlvs: dict[int, bytes], octets: bytes, now: datetime, submit_ids: IdForm, receipt_ids: IdForm
) -> Receipt | Unreadable:
    # The text ends with the first words of our own message, which are nobody's id.
    text = re.split(r"\btext:", octets.decode("latin-1"), maxsplit=1, flags=re.IGNORECASE)[0]
    named, said, error = (found.group(1) if found else "" for found in (p.search(text) for p in (_ID, _STATE, _ERROR)))
    tagged = tlvs.get(_RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1")
    identity = canonical(tagged, submit_ids) if tagged else canonical(named, receipt_ids)
    if identity is None:
        return Unreadable(why="id", raw=raw)
    state = BY_NUMBER.get(int.from_bytes(tlvs.get(_MESSAGE_STATE, b""))) or said.upper()
    meaning = MEANINGS.get(state)
    if meaning is None:
        return Unreadable(why="state", raw=raw)
    kind, reason = meaning
    code = state if not error.strip("0") else f"{state} {error}"
    return Receipt(channel="sms", kind=kind, at=now, provider_reference=identity, code=code, reason=reason)


def _text(octets: bytes, coding: int, alphabet: Alphabet, *, header: bool) -> str | None:
    """None for a coding that no phone writes text in. ``header``: a part of a longer message begins with one."""
    if header:
        octets = octets[octets[0] + 1 :] if octets else b""
    match coding:
        case 0:
            return from_gsm(octets) if alphabet == "gsm" else octets.decode("latin-1")
        case 1 | 3:
            return octets.decode("latin-1")
        case 8:
            return octets.decode("utf-16-be", "replace")
        case _:
            return None
