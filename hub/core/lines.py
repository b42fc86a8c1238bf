"""What a person types as one line: a name, whom something was passed on to."""

import unicodedata
from typing import Final

_JOINERS: Final = frozenset("\u200c\u200d")
"""Format characters that some scripts cannot do without."""


def one_line(value: str) -> str | None:
    """One line in Unicode normal form C, spaces folded; None if it has characters that no name has."""
    line = unicodedata.normalize("NFC", value).strip()
    for character in line:
        category = unicodedata.category(character)
        if (category[0] == "C" and character not in _JOINERS) or category in ("Zl", "Zp"):
            return None
    return " ".join(line.split())
