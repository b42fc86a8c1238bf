"""What must never be logged, looked for in whatever a test, or a hub it started, printed: over the whole suite.

The names and numbers are those of :mod:`tests.kit.events` and :mod:`tests.kit.marked`, which nearly all tests use; the
secrets are known by their shapes.
"""

import re
from typing import Final

_PERSONAL: Final = (
    r"Robin Example",
    r"Robbie Sample",
    r"Alex Friend",
    r"Sam Example",
    r"Pat Example",
    r"Jo Worker",
    r"Chris Carer",
    r"2 Example Road",
    r"2011-08-17",
    r"Inhaler",
    r"BRM-C-0001",
    r"HO-7781234",
    r"HP-0042",
    r"@family\.example",
    r"(?:\+44|0) ?7700 ?900",
    r"Qzkvxjwm",
)
_SECRET: Final = (
    r"whsec_[A-Za-z0-9+/=_-]{12,}",
    r"fpt_[A-Za-z0-9_-]{12,}",
    r"PRIVATE KEY-----",
    r"Bearer [A-Za-z0-9_.-]{12,}",
)
SPILLS: Final = re.compile("|".join((*_PERSONAL, *_SECRET)), re.IGNORECASE)


def spilled(text: str) -> str | None:
    """The line in which something stands that must not, if there is one."""
    found = SPILLS.search(text)
    if found is None:
        return None
    return text[text.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0]
