"""The form of ids (hub/edge/ids.py makes them): a ULID behind a prefix, so that they sort as they were made."""

from datetime import UTC, datetime, timedelta
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(high + low for high in _CROCKFORD for low in _CROCKFORD)
"""Ten bits at a time: an event makes some sixty ids."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_SHIFTS: Final = range(120, -1, -10)
RANDOM_BITS: Final = 80


def millisecond(at: datetime) -> int:
    """Milliseconds since 1970 of an aware instant: the 48 bits that an id begins with."""
    return (at - _EPOCH) // _MILLISECOND


def spelled(prefix: str, number: int) -> str:
    """``ev_01J…``: the prefix and 26 characters, Crockford's base 32."""
    return f"{prefix}_{''.join([_PAIRS[(number >> shift) & 1023] for shift in _SHIFTS])}"


def first_since(prefix: str, at: datetime) -> str:
    """No id that was made at or after ``at`` sorts before this, and every earlier one does: the rows since then are a
    range of the primary key. An id may run ahead of its clock where that was set back."""
    return spelled(prefix, millisecond(at) << RANDOM_BITS)
