"""Long lists of ids that a statement is asked with, some at a time."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

AT_ONCE: Final = 512
T = TypeVar("T")


def slices(ids: Sequence[T]) -> Iterator[list[T]]:
    """At most 512 at a time, of ten lengths in all: the last is said again until there are 1, 2, 4, … of them, which
    changes nothing of what IN finds.

    A statement is prepared anew for each length of its list, and kept by each connection. What asks about all that goes
    on met another length every time, and one statement is up to 80 KB: a hub that went on for days held hundreds.
    """
    for at in range(0, len(ids), AT_ONCE):
        some = list(ids[at : at + AT_ONCE])
        yield some + some[-1:] * ((1 << (len(some) - 1).bit_length()) - len(some))
