"""What the pages of API tokens call things."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from contacts.roles import DESK_FUNCTIONS
from hub.core.api_tokens import SCOPES, Scope
from hub.core.desk import EVERY_DESK
from hub.web.pages.directory.words import desk_words

WORDS: Final[Mapping[Scope, str]] = {
    "conversations:read": "Read conversations about missing children",
    "conversations:write": "Write in conversations, for people whom the program names",
    "directory:read": "Read the directory",
    "directory:write": "Propose changes to the directory",
    "episodes:read": "Read episodes and deliveries, without content",
    "metrics:read": "Read metrics",
    "outbox:write": "Put deliveries back or call them off",
    "receipts:write": "Hand in receipts by e-mail",
    "register:read": "Read the register of missing children, with names",
}

EVERY: Final = "Every desk"


def scope_words(scopes: Collection[str]) -> str:
    """As a list, in the order of the scopes."""
    return ", ".join(WORDS[one] for one in SCOPES if one in scopes)


def scope_choices(offered: Sequence[Scope], chosen: Collection[str]) -> list[dict[str, Any]]:
    """Tick boxes."""
    return [{"value": one, "text": WORDS[one], "hint": {"text": one}, "checked": one in chosen} for one in offered]


def desks_words(desks: Collection[str]) -> str:
    """As a list; nothing where a token takes part in no conversations."""
    return EVERY if EVERY_DESK in desks else ", ".join(desk_words(one) for one in sorted(desks))


def desk_choices(mine: Collection[str], chosen: Collection[str]) -> list[dict[str, Any]]:
    """Tick boxes: the desks that one reads for oneself."""
    every = EVERY_DESK in mine
    found = [{"value": EVERY_DESK, "text": EVERY, "checked": EVERY_DESK in chosen}] if every else []
    return found + [
        {"value": one, "text": desk_words(one), "checked": one in chosen}
        for one in sorted(DESK_FUNCTIONS if every else mine)
    ]
