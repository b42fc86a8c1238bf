"""What SMPP's command statuses and message states mean for one delivery: tables (SMPP 3.4, 5.1.3 and 5.2.28). Pure.

A status nobody knows, such as a vendor's own (0x400 to 0x4FF), is a technical failure; a state nobody knows is kept
apart.
"""

from typing import Final

from adapters.port import Deferred, Reason, ReceiptKind, Rejected

_LATER: Final[tuple[Reason, bool | None]] = ("provider_unavailable", None)
_SLOWER: Final[tuple[Reason, bool | None]] = ("rate_limited", None)
_OURS: Final[tuple[Reason, bool | None]] = ("misconfigured", True)
_RECIPIENT: Final[tuple[Reason, bool | None]] = ("rejected", False)

STATUSES: Final[dict[int, tuple[str, tuple[Reason, bool | None]]]] = {
    0x01: ("ESME_RINVMSGLEN", _OURS),
    0x02: ("ESME_RINVCMDLEN", _OURS),
    0x03: ("ESME_RINVCMDID", _OURS),
    0x04: ("ESME_RINVBNDSTS", _LATER),
    0x05: ("ESME_RALYBND", _LATER),
    0x06: ("ESME_RINVPRTFLG", _OURS),
    0x07: ("ESME_RINVREGDLVFLG", _OURS),
    0x08: ("ESME_RSYSERR", _LATER),
    0x0A: ("ESME_RINVSRCADR", _OURS),
    0x0B: ("ESME_RINVDSTADR", _RECIPIENT),
    0x0C: ("ESME_RINVMSGID", _OURS),
    0x0D: ("ESME_RBINDFAIL", _LATER),
    0x0E: ("ESME_RINVPASWD", _OURS),
    0x0F: ("ESME_RINVSYSID", _OURS),
    0x14: ("ESME_RMSGQFUL", _SLOWER),
    0x15: ("ESME_RINVSERTYP", _OURS),
    0x43: ("ESME_RINVESMCLASS", _OURS),
    0x45: ("ESME_RSUBMITFAIL", _LATER),
    0x48: ("ESME_RINVSRCTON", _OURS),
    0x49: ("ESME_RINVSRCNPI", _OURS),
    0x50: ("ESME_RINVDSTTON", _OURS),
    0x51: ("ESME_RINVDSTNPI", _OURS),
    0x53: ("ESME_RINVSYSTYP", _OURS),
    0x54: ("ESME_RINVREPFLAG", _OURS),
    0x58: ("ESME_RTHROTTLED", _SLOWER),
    0x61: ("ESME_RINVSCHED", _OURS),
    0x62: ("ESME_RINVEXPIRY", _OURS),
    0x63: ("ESME_RINVDFTMSGID", _OURS),
    0x64: ("ESME_RX_T_APPN", _LATER),
    0x65: ("ESME_RX_P_APPN", _RECIPIENT),
    0x66: ("ESME_RX_R_APPN", _RECIPIENT),
    0xC0: ("ESME_RINVOPTPARSTREAM", _OURS),
    0xC1: ("ESME_ROPTPARNOTALLWD", _OURS),
    0xC2: ("ESME_RINVPARLEN", _OURS),
    0xC3: ("ESME_RMISSINGOPTPARAM", _OURS),
    0xC4: ("ESME_RINVOPTPARAMVAL", _OURS),
    0xFE: ("ESME_RDELIVERYFAILURE", _LATER),
    0xFF: ("ESME_RUNKNOWNERR", ("unknown", True)),
}
"""Of an answer: its name, the reason, and whether a refusal is technical; None: not refused for good, try again.
``ESME_RALYBND`` and ``ESME_RBINDFAIL`` come while the SMSC has not noticed yet that our last connection is dead."""

ROK: Final = 0x00
RINVCMDID: Final = 0x03
RINVBNDSTS: Final = 0x04
RMSGQFUL: Final = 0x14
RX_T_APPN: Final = 0x64


def classify(status: int) -> Deferred | Rejected:
    """An answer other than ESME_ROK, to a bind or to a message, as a result."""
    name, (reason, technical) = STATUSES.get(status, ("", ("unknown", True)))
    detail = f"0x{status:08X} {name}".rstrip()
    if technical is None:
        return Deferred(reason=reason, detail=detail)
    return Rejected(reason=reason, detail=detail, technical=technical)


BY_NUMBER: Final = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
"""``message_state`` (5.2.28), by the names that receipts use in their text (appendix B)."""

MEANINGS: Final[dict[str, tuple[ReceiptKind, Reason | None]]] = {
    "ENROUTE": ("delayed", "unknown"),
    "DELIVRD": ("delivered", None),
    "EXPIRED": ("expired", "rejected"),
    "DELETED": ("bounced", "rejected"),
    "UNDELIV": ("bounced", "rejected"),
    "ACCEPTD": ("relayed", None),
    "UNKNOWN": ("relayed", None),
    "REJECTD": ("bounced", "rejected"),
}
"""``ACCEPTD`` and ``UNKNOWN`` are the last that will be known of a message, and do not say that a phone has it."""
