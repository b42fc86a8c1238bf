"""SMPP 3.4 protocol data units. Pure.

Messages (``submit_sm``, ``deliver_sm``) are packed and read by ``smpp34``. What it has no class for is here, and has no
structure to speak of: sixteen octets of header alone, or with a few C strings behind. Its own client is not used: it
answers a ``deliver_sm`` before anything is stored, tells a wrong password and a silent SMSC alike, and does not say
whether a message whose answer is lost was written.

No object of ``smpp34`` may be printed: its ``repr`` shows the numbers.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import Final, Literal, TypeAlias

import smpp34

HEADER: Final = struct.Struct(">IIII")
LARGEST: Final = 70_000
"""Octets. A longer PDU than a full ``message_payload`` needs is no PDU: the stream is out of step."""
_RESPONSE: Final = 0x80000000
_VERSION_3_4: Final = 0x34
_INTERNATIONAL: Final = 1
_ISDN: Final = 1
_ALPHANUMERIC: Final = 5
_FINAL_RECEIPT: Final = 1
"""``registered_delivery``: a receipt of the final outcome, good or bad (5.2.17)."""

IdForm: TypeAlias = Literal["text", "hex", "decimal"]


class Command(IntEnum):
    """``command_id`` (5.1.2.1) of what is spoken here."""

    GENERIC_NACK = 0x80000000
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    BIND_TRANSCEIVER = 0x00000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    ALERT_NOTIFICATION = 0x00000102


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdu:
    """One that came in: its header, and all its octets."""

    command: int
    status: int
    sequence: int
    raw: bytes = field(repr=False)

    @property
    def is_response(self) -> bool:
        return bool(self.command & _RESPONSE)


def pdu(raw: bytes) -> Pdu:
    """``raw`` is whole: at least a header."""
    _, command, status, sequence = HEADER.unpack_from(raw)
    return Pdu(command=command, status=status, sequence=sequence, raw=raw)


def plain(command: Command, sequence: int, *, status: int = 0, strings: Iterable[str] = ()) -> bytes:
    """A header, and C strings behind it."""
    body = b"".join(one.encode("ascii") + b"\0" for one in strings)
    return HEADER.pack(HEADER.size + len(body), command, status, sequence) + body


def bind(sequence: int, system_id: str, password: str, system_type: str) -> bytes:
    """``bind_transceiver``: to send and to receive over one connection. Our address is left to the account."""
    strings = b"".join(one.encode("ascii") + b"\0" for one in (system_id, password, system_type))
    body = strings + bytes((_VERSION_3_4, 0, 0)) + b"\0"
    return HEADER.pack(HEADER.size + len(body), Command.BIND_TRANSCEIVER, 0, sequence) + body


def submit(
    sequence: int,
    *,
    source: str,
    number: str,
    octets: bytes,
    delivery: str,
    tag: int | None,
    validity: timedelta | None,
    receipt: bool,
) -> bytes:
    """``submit_sm`` of one part in the SMSC's default alphabet; ``receipt``: one is asked for.

    ``source``: a number in E.164, or up to eleven letters and digits; ``number``: E.164; ``tag``: an optional parameter
    of the vendor range (0x1400 to 0x3FFF) that carries the delivery's id, which SMPP has no field for. Raises
    smpp34.SmppError for a value that does not fit.
    """
    telephone = source.startswith("+")
    return smpp34.SubmitSm(
        source.removeprefix("+"),
        number.removeprefix("+"),
        octets,
        source_addr_ton=_INTERNATIONAL if telephone else _ALPHANUMERIC if not source.isdigit() else 0,
        source_addr_npi=_ISDN if telephone else 0,
        dest_addr_ton=_INTERNATIONAL,
        dest_addr_npi=_ISDN,
        validity_period="" if validity is None else _relative(validity),
        registered_delivery=_FINAL_RECEIPT if receipt else 0,
        data_coding=0,
        tlvs=[] if tag is None else [smpp34.Tlv(tag, delivery.encode("ascii"))],
        sequence_number=sequence,
    ).encode()


def message_id(answer: Pdu, form: IdForm) -> str | None:
    """What ``submit_sm_resp`` calls the message, in the one form that its receipt's is brought to as well."""
    text, end, _ = answer.raw[HEADER.size :].partition(b"\0")
    return canonical(text.decode("ascii", "replace"), form) if end and text else None


def canonical(identity: str, form: IdForm) -> str | None:
    """SMSCs are known to write the number of a message in hexadecimal in the one place and in decimal in the other, and
    with leading zeros: as a decimal number both are the same. None for what is no id: no free text gets through."""
    if not identity.isascii() or not identity.isprintable() or " " in identity or not 0 < len(identity) <= 64:
        return None
    try:
        return identity if form == "text" else str(int(identity, 16 if form == "hex" else 10))
    except ValueError:
        return identity


def _relative(validity: timedelta) -> str:
    """A relative time (7.1.1): ``YYMMDDhhmmsstnnR``, of days at most."""
    seconds = int(validity.total_seconds())
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"0000{hours // 24:02d}{hours % 24:02d}{minutes:02d}{seconds % 60:02d}000R"
