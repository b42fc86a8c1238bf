"""``/resolving``: whose a child is, where a desk has said that it is not theirs: the list, and choosing who is asked.

An organisation is chosen from those that the directory knows; nothing that anybody types is where something goes
(readings.md D12). It works without script.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from hub.core.accounts import may
from hub.core.conversation import TextProblem
from hub.core.desk import Sight
from hub.core.resolution import LONGEST_REASONS
from hub.service.desk.sights import Sights
from hub.service.ports import Clock
from hub.service.resolving.choosing import Asked, Choosing, may_choose, runs_it
from hub.web.pages.accounts.site import Site
from hub.web.pages.conversations.words import WHEREABOUTS, whereabouts
from hub.web.pages.resolving.words import PROBLEMS, offered_view, resolution_view, step_view
from hub.web.sessions import FORM, VIEWER, Sessions

RESOLVING: Final = "/resolving"
_ONE: Final = f"{RESOLVING}/{{resolution}}"
FIELDS: Final = ("organisation", "reasons", "whereabouts")
_ID: Final = re.compile(r"rs_[0-9A-Z]{26}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wrong:
    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvingPages:
    """All of it is guarded. What is not the viewer's to see is answered as if it were not there."""

    choosing: Choosing
    sights: Sights
    site: Site
    sessions: Sessions
    clock: Clock

    def routes(self) -> Sequence[web.RouteDef]:
        """Their addresses."""
        guarded = self.sessions.guarded
        return [
            web.get(RESOLVING, guarded(self.index)),
            web.get(_ONE, guarded(self.one), allow_head=False),
            web.post(_ONE, guarded(self.choose)),
        ]

    async def index(self, request: web.Request) -> web.StreamResponse:
        """Those that go on, without a name."""
        viewer = request[VIEWER]
        if not (runs_it(viewer) or may(viewer, "notices:see", viewer.organisation)):
            return self.sessions.nowhere()
        found = await self.choosing.listed(viewer, await self._sight(request))
        now, called = self.clock.now(), self.site.called
        return self.site.page(request, "resolving.html", rows=[resolution_view(one, called, now) for one in found])

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One, with who said what."""
        return await self._one(request, "", "", "", ())

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """Ask the organisation that was chosen."""
        form, identity = request[FORM], _id(request)
        if identity is None:
            return self.sessions.nowhere()
        organisation, reasons, about = form.one("organisation"), form.one("reasons"), form.one("whereabouts")
        outcome = await self.choosing.choose(
            request[VIEWER],
            await self._sight(request),
            identity,
            organisation=organisation,
            reasons=reasons,
            whereabouts=WHEREABOUTS[about][1] if about in WHEREABOUTS else None,
        )
        match outcome:
            case None:
                return self.sessions.nowhere()
            case Asked():
                return self.sessions.redirect(f"{RESOLVING}/{identity}?asked")
            case TextProblem(field=field, message=message):
                wrong = _Wrong(field=field if field == "whereabouts" else "reasons", message=message)
            case problem:
                wrong = _Wrong(field="organisation", message=PROBLEMS[problem])
        return await self._one(request, organisation, reasons, about, (wrong,))

    async def _one(
        self, request: web.Request, organisation: str, reasons: str, about: str, wrong: Sequence[_Wrong]
    ) -> web.StreamResponse:
        viewer, identity = request[VIEWER], _id(request)
        found = None if identity is None else await self.choosing.read(viewer, await self._sight(request), identity)
        if found is None:
            return self.sessions.nowhere()
        one, called = found.resolution, self.site.called
        return self.site.page(
            request,
            "resolving_one.html",
            status=422 if wrong else 200,
            one=resolution_view(one, called, self.clock.now()),
            steps=[step_view(step, called) for step in one.steps if step.kind != "released"],
            with_facts=found.with_facts,
            offered=offered_view(found.offered, one.said, called, organisation)
            if one.living and may_choose(viewer)
            else (),
            reasons=reasons[: LONGEST_REASONS * 2],
            whereabouts=whereabouts(about) if found.with_facts else (),
            longest=LONGEST_REASONS,
            asked="asked" in request.query and not wrong,
            errors=wrong,
            errors_by={name: " ".join(w.message for w in wrong if w.field == name) for name in FIELDS},
        )

    async def _sight(self, request: web.Request) -> Sight | None:
        return await self.sights.of(request[VIEWER])


def _id(request: web.Request) -> str | None:
    """An id out of the address; None for what cannot be one."""
    text = request.match_info["resolution"]
    return text if _ID.fullmatch(text) else None
