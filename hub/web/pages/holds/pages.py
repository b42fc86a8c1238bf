"""``/holds``: a desk of the police asks everybody who was told of an absence to hold back, and takes it back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final

from aiohttp import web

from hub.core.accounts import may
from hub.core.conversation import LONGEST_TEXT
from hub.service.conversations.seats import Who
from hub.service.desk.sights import Sights
from hub.service.holds.setting import Ask, HoldProblem, Holds, OtherwiseDone, Outcome, Settled
from hub.service.ports import Ids
from hub.web.forms import Form
from hub.web.pages.accounts.site import Site
from hub.web.pages.holds.words import CALLED, act_view, kinds, standing_view
from hub.web.sessions import FORM, VIEWER, Sessions
from routing.calendar import at_local

HOLDS: Final = "/holds"
OF: Final = f"{HOLDS}/of/{{episode}}"
FIELDS: Final = ("kind", "reason", "review_at")
MORNING: Final = time(9)
"""When on its day a desk is asked whether a hold still holds."""
_EPISODE: Final = re.compile(r"ep_[0-9A-Z]{26}", re.ASCII)
_KEY: Final = re.compile(r"[A-Za-z0-9_-]{16,64}", re.ASCII)
_DONE_ALREADY: Final = HoldProblem(
    field="kind", message="Something else was done from this form already. See what stands, then do this"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What stands in the form."""

    key: str = field(repr=False)
    kind: str = ""
    reason: str = field(default="", repr=False)
    day: tuple[str, str, str] = ("", "", "")

    @property
    def review_at(self) -> datetime | HoldProblem | None:
        """None where no date is given."""
        if not any(self.day):
            return None
        try:
            day, month, year = (int(one) for one in self.day)
            return at_local(date(year, month, day), MORNING)
        except (ValueError, OverflowError):
            return HoldProblem(field="review_at", message="Enter a real date, such as 27 3 2027, or none")


class HoldPages:
    """All of it is guarded. For whoever is no police desk that was told of the episode there is no such page."""

    def __init__(self, *, holds: Holds, sights: Sights, site: Site, sessions: Sessions, ids: Ids) -> None:
        self._holds = holds
        self._sights = sights
        self._site = site
        self._sessions = sessions
        self._ids = ids

    def routes(self) -> Sequence[web.RouteDef]:
        """Guarded, all of them."""
        guarded = self._sessions.guarded
        return [
            web.get(OF, guarded(self.show), allow_head=False),
            web.post(OF, guarded(self.set)),
            web.post(f"{OF}/lift", guarded(self.lift)),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """What stands, what the own force did and why, and the form."""
        return await self._page(request, _Typed(key=self._ids.token()), ())

    async def set(self, request: web.Request) -> web.StreamResponse:
        """Ask everybody to hold back."""
        form = request[FORM]
        typed = _Typed(
            key=_key(form),
            kind=form.one("kind"),
            reason=form.one("reason"),
            day=(form.one("day").strip(), form.one("month").strip(), form.one("year").strip()),
        )
        who, episode = await self._who(request), _episode(request)
        if who is None or episode is None or not typed.key:
            return self._sessions.nowhere()
        review_at = typed.review_at
        if isinstance(review_at, HoldProblem):
            return await self._page(request, typed, (review_at,))
        ask = Ask(kind=typed.kind, key=typed.key, reason=typed.reason, review_at=review_at)
        return await self._after(request, typed, await self._holds.set(who, episode, ask))

    async def lift(self, request: web.Request) -> web.StreamResponse:
        """Take it back."""
        form = request[FORM]
        typed = _Typed(key=_key(form), kind=form.one("kind"))
        who, episode = await self._who(request), _episode(request)
        if who is None or episode is None or not typed.key:
            return self._sessions.nowhere()
        return await self._after(
            request, typed, await self._holds.lift(who, episode, Ask(kind=typed.kind, key=typed.key))
        )

    async def _after(self, request: web.Request, typed: _Typed, outcome: Outcome | None) -> web.StreamResponse:
        match outcome:
            case None:
                return self._sessions.nowhere()
            case Settled():
                return self._sessions.redirect(f"{HOLDS}/of/{_episode(request)}?done")
            case OtherwiseDone():
                return await self._page(request, typed, (_DONE_ALREADY,))
            case problems:
                return await self._page(request, typed, problems)

    async def _page(self, request: web.Request, typed: _Typed, problems: Sequence[HoldProblem]) -> web.StreamResponse:
        who, episode = await self._who(request), _episode(request)
        found = None if who is None or episode is None else await self._holds.seen(who, episode)
        if who is None or found is None:
            return self._sessions.nowhere()
        acts = [act_view(one) for one in reversed(found.acts)]
        return self._site.page(
            request,
            "holds.html",
            status=422 if problems else 200,
            episode=episode,
            key=typed.key if not problems else self._ids.token(),
            standing=standing_view(found.holds, who.organisation, self._site.called),
            acts=acts,
            done=acts[0] if "done" in request.query and acts and not problems else None,
            kinds=kinds(found.may_set, typed.kind),
            called=CALLED,
            reason=typed.reason[: LONGEST_TEXT * 2],
            day=typed.day,
            longest=LONGEST_TEXT,
            may_set=bool(found.may_set) and self._may(request),
            errors=tuple(problems),
            errors_by={name: " ".join(one.message for one in problems if one.field == name) for name in FIELDS},
        )

    async def _who(self, request: web.Request) -> Who | None:
        viewer = request[VIEWER]
        if request.method == "POST" and not self._may(request):
            return None
        sight = await self._sights.of(viewer)
        return None if sight is None else Who(sight=sight, actor=viewer.actor, name=viewer.name)

    @staticmethod
    def _may(request: web.Request) -> bool:
        viewer = request[VIEWER]
        return may(viewer, "notices:answer", viewer.organisation)


def _key(form: Form) -> str:
    key = form.one("key")
    return key if _KEY.fullmatch(key) else ""


def _episode(request: web.Request) -> str | None:
    """An id out of the address; None for what cannot be one."""
    text = request.match_info["episode"]
    return text if _EPISODE.fullmatch(text) else None
