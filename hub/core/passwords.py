"""What may be a password: long enough, and nothing that somebody who knows the person would try first.

Length is what counts (NIST SP 800-63B, 3.1.1: no rules of composition). A list of leaked passwords is not kept: twelve
characters and one second factor with a lock-out leave a guesser few tries, and the rule below what they would be.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

SHORTEST: Final = 12
LONGEST: Final = 128
_LEAST_DIFFERENT: Final = 5
_LEAST_KNOWN: Final = 4
_LEAST_LEFT: Final = 8
"""Characters that must be left when everything known about the person is taken out."""
_COMMON: Final = (
    "fingerpost", "password", "passwort", "passphrase", "letmein", "welcome", "qwertyuiop", "qwerty", "asdfghjkl",
    "zxcvbnm", "1q2w3e4r5t", "iloveyou", "changeme", "football", "monkey", "dragon", "sunshine", "princess", "secret",
    "administrator", "admin", "council", "children", "safeguarding", "missing",
    "spring", "summer", "autumn", "winter",
)  # fmt: skip

PasswordProblem = Literal["short", "long", "repeated", "sequence", "known"]


def normalised(password: str) -> str:
    """As it is hashed: Unicode NFKC, so that the same keys make the same password on every device (SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)


def password_problem(password: str, about: Sequence[str]) -> PasswordProblem | None:
    """Why this may not be a password; None if it may.

    ``about``: what others know of the person: name, e-mail address, organisation's code and name.
    """
    text = normalised(password)
    if len(text) < SHORTEST:
        return "short"
    if len(text) > LONGEST:
        return "long"
    bare = _bare(text)
    if len(set(text.casefold())) < _LEAST_DIFFERENT or _repeats(text.casefold()):
        return "repeated"
    if _steps(bare):
        return "sequence"
    left = bare
    for word in sorted({*_COMMON, *_words(about)}, key=len, reverse=True):
        left = left.replace(word, "")
    if len(left) < len(bare) and len(re.sub(r"\d+", "", left)) < _LEAST_LEFT and len(left) < SHORTEST:
        return "known"
    return None


def _bare(text: str) -> str:
    """Letters and digits in one case, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in plain if one.isalnum())


def _words(about: Sequence[str]) -> set[str]:
    parts = {_bare(part) for text in about for part in (*re.split(r"[^\w]+|_", text), text)}
    return {part for part in parts if len(part) >= _LEAST_KNOWN}


def _repeats(text: str) -> bool:
    """The same few characters again and again: ``abcabcabcabc``."""
    return any(text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in range(1, len(text) // 2 + 1))


def _steps(text: str) -> bool:
    """One long run up or down: ``1234567890ab``, ``zyxwvutsrqpo``."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    return (
        bool(steps) and max(sum(step == 1 for step in steps), sum(step == -1 for step in steps)) * 4 >= len(steps) * 3
    )
