"""What the addresses and forms of conversations and agreements bear."""

import re
from typing import Final

from aiohttp import web

_ID: Final = re.compile(r"[a-z]{2}_[0-9A-Z]{26}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)


def identity(request: web.Request, name: str) -> str | None:
    """An id out of the address; None for what cannot be one."""
    text = request.match_info[name]
    return text if _ID.fullmatch(text) else None


def key_of(text: str) -> str:
    """What a form calls what it sends; empty for what is none of ours."""
    return text if _KEY.fullmatch(text) else ""
