"""``/directory/proofs``: which contacts have proved that they work, which certificates end, and asking again."""

import asyncio
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web

from contacts.assurance import expiring
from contacts.directory import Directory
from hub.core.accounts import Viewer, may
from hub.core.assurance import WITHIN, days_left
from hub.core.verification import Verification
from hub.service.assurance.coverage import CoverageReports
from hub.service.assurance.proofs import Proofs
from hub.service.ports import Clock
from hub.web.pages.accounts.site import Site
from hub.web.pages.assurance.words import PROOF_TAGS, PROOF_WORDS
from hub.web.pages.directory.seeing import ANYBODY
from hub.web.pages.directory.words import CHANNEL_WORDS, Wrong, desk_words, fingerprint
from hub.web.sessions import VIEWER, Sessions

HERE: Final = "/directory/proofs"
PAGE: Final = 100
"""Addresses on one page."""
MOST_ENDING: Final = 100
_HEX: Final = frozenset("0123456789abcdef")


class ProofPages:
    """All of it is guarded. ``asks``: whether the hub asks anybody at all (a setting)."""

    def __init__(
        self, *, proofs: Proofs, reports: CoverageReports, site: Site, sessions: Sessions, clock: Clock, asks: bool
    ) -> None:
        self._proofs = proofs
        self._reports = reports
        self._site = site
        self._sessions = sessions
        self._clock = clock
        self._asks = asks
        self._ending: tuple[Directory, int, list[dict[str, Any]]] | None = None

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Those that have not proved themselves; with ``?show=all`` all of them."""
        return await self._show(request, (), 200)

    async def again(self, request: web.Request) -> web.StreamResponse:
        """Ask an address again, now."""
        text = request.match_info["mark"]
        if len(text) != 32 or not _HEX.issuperset(text) or not self._asks:
            return self._sessions.nowhere()
        came_to = await self._proofs.again(request[VIEWER], bytes.fromhex(text))
        if came_to == "nowhere":
            return self._sessions.nowhere()
        if came_to == "asked":
            wrong = Wrong(field="main", message="This address was asked a moment ago: give it some minutes to answer")
            return await self._show(request, (wrong,), 422)
        return self._sessions.redirect(f"{HERE}?{urlencode({'next': text})}")

    async def _show(self, request: web.Request, errors: tuple[Wrong, ...], status: int) -> web.StreamResponse:
        viewer = request[VIEWER]
        if not may(viewer, "directory:see", viewer.organisation):
            return self._sessions.nowhere()
        organisation = None if may(viewer, "directory:see", ANYBODY) else viewer.organisation
        every, number = request.query.get("show") == "all", _number(request.query.get("page", ""))
        skip = (number - 1) * PAGE
        shown = await self._proofs.shown(organisation, unproved=not every, limit=PAGE + 1, skip=skip)
        directory = self._reports.directory()
        rows = [self._row(viewer, one, directory) for one in shown.places[:PAGE]]
        by_hand = request.query.get("next", "")
        return self._site.page(
            request,
            "assurance_proofs.html",
            status=status,
            errors=errors,
            asks=self._asks,
            every=every,
            many=organisation is None,
            rows=rows,
            next_one=next((row["contact"] for row in rows if row["mark"] == by_hand), None),
            total=sum(shown.counts.values()),
            counts=[(PROOF_WORDS[state], shown.counts[state]) for state in PROOF_WORDS if shown.counts.get(state)],
            earlier=_address(every, number - 1) if number > 1 else None,
            later=_address(every, number + 1) if len(shown.places) > PAGE else None,
            ending=await self._endings(directory, organisation),
        )

    def _row(self, viewer: Viewer, one: Verification, directory: Directory) -> dict[str, Any]:
        now = self._clock.now()
        contact = directory.contact(one.contact, now)
        may_change = may(viewer, "directory:change", one.organisation)
        late = one.is_late(self._proofs.terms.within, now)
        return {
            "mark": one.mark.hex(),
            "contact": one.contact,
            "path": _entry(one.organisation, one.contact) if may_change and contact is not None else None,
            "called": self._site.called(one.organisation),
            "desk": None if contact is None else desk_words(contact.desk),
            "channel": CHANNEL_WORDS[one.channel],
            "state": "Late" if late and one.state != "failed" else PROOF_WORDS[one.state],
            "tag": "govuk-tag--red" if late else PROOF_TAGS[one.state],
            "one": one,
            "may_ask": self._asks and may_change and one.state != "asking",
        }

    async def _endings(self, directory: Directory, organisation: str | None) -> list[dict[str, Any]]:
        """Certificates that end within the time that is warned of. A country's take a while to read, and are so once in
        a directory and a day."""
        now = self._clock.now()
        day = now.toordinal()
        kept = self._ending
        if organisation is None and kept is not None and kept[0] is directory and kept[1] == day:
            return kept[2]
        found = await asyncio.to_thread(expiring, directory, now, WITHIN, organisation=organisation)
        rows = [
            {
                "contact": one.contact.id,
                "called": self._site.called(one.contact.organisation),
                "fingerprint": fingerprint(one.certificate.fingerprint[:16]),
                "until": one.until,
                "days": days_left(one.until, now),
            }
            for one in found[:MOST_ENDING]
        ]
        if organisation is None:
            self._ending = directory, day, rows
        return rows


def _entry(organisation: str, contact: str) -> str:
    return f"/directory/of/{quote(organisation, safe='')}/contacts/{quote(contact, safe='')}"


def _number(text: str) -> int:
    """Of a page; the first for what is none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _address(every: bool, number: int) -> str:
    return f"{HERE}?{urlencode({**({'show': 'all'} if every else {}), 'page': number})}"
