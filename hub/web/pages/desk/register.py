"""``/register``: the missing children that the viewer's organisation was told of, and until when it keeps them."""

import re
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from hub.service.desk.sights import Sights
from hub.service.register import Listed, Registers, Why
from hub.web.pages.accounts.site import Site
from hub.web.sessions import VIEWER, Sessions
from routing.recipients import in_words

REGISTER: Final = "/register"
WHY: Final[dict[Why | None, str]] = {
    "renewed": "Notified again",
    "expired": "Its time was over",
    "back": "Found, or back",
    "reported_in_error": "Reported in error",
    None: "",
}


class RegisterPages:
    """Guarded. For whoever reads notices; for anybody else there is no such page."""

    def __init__(self, *, registers: Registers, sights: Sights, site: Site, sessions: Sessions) -> None:
        self._registers = registers
        self._sights = sights
        self._site = site
        self._sessions = sessions

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Who is on it, with names, which is recorded; with ``?removed`` who was taken off it, without."""
        viewer, removed = request[VIEWER], "removed" in request.query
        number = _number(request.query.get("page", ""))
        sight = await self._sights.of(viewer)
        if sight is None:
            return self._sessions.nowhere()
        found = await self._registers.page(
            viewer.organisation, viewer.actor, of_role=sight.of_role, number=number, removed=removed
        )
        if number > 1 and not found.entries:
            return self._sessions.nowhere()
        return self._site.page(
            request,
            "desk_register.html",
            any=sight.anything,
            removed=removed,
            children=[_child(list(entries)) for _, entries in groupby(found.entries, key=lambda one: one.episode)],
            earlier=_address(removed, number - 1) if number > 1 else None,
            later=_address(removed, number + 1) if found.more else None,
        )


def _child(entries: list[Listed]) -> dict[str, Any]:
    """All entries of one episode, as one: kept until the last of them is taken off."""
    first, last = min(entries, key=lambda one: one.received_at), max(entries, key=lambda one: one.remove_at)
    return {
        "name": next((one.name for one in entries if one.name is not None), None),
        "born": next((one.date_of_birth for one in entries if one.date_of_birth is not None), None),
        "roles": ", ".join(dict.fromkeys(in_words(one.role).removeprefix("the ") for one in entries)).capitalize(),
        "status": first.status,
        "received_at": first.received_at,
        "remove_at": last.remove_at,
        "removed_at": max((one.removed_at for one in entries if one.removed_at is not None), default=None),
        "why": WHY[last.why_removed],
    }


def _number(text: str) -> int:
    """The number of a page; the first for what is none."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,5}", text, re.ASCII) else 1


def _address(removed: bool, number: int) -> str:
    return f"{REGISTER}?{'removed&' if removed else ''}{urlencode({'page': number})}"
