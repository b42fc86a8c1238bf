"""What the pages of API tokens call things."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from hub.core.api_tokens import SCOPES, Scope

WORDS: Final[Mapping[Scope, str]] = {
    "directory:read": "Read the directory",
    "directory:write": "Propose changes to the directory",
    "episodes:read": "Read episodes and deliveries, without content",
    "metrics:read": "Read metrics",
    "outbox:write": "Put deliveries back or call them off",
    "receipts:write": "Hand in receipts by e-mail",
    "register:read": "Read the register of missing children, with names",
}


def scope_words(scopes: Collection[str]) -> str:
    """As a list, in the order of the scopes."""
    return ", ".join(WORDS[one] for one in SCOPES if one in scopes)


def scope_choices(offered: Sequence[Scope], chosen: Collection[str]) -> list[dict[str, Any]]:
    """Tick boxes."""
    return [{"value": one, "text": WORDS[one], "hint": {"text": one}, "checked": one in chosen} for one in offered]
