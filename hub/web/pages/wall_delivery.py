"""``/wall/deliveries/{delivery}``: one delivery, what happened to it, what happens next, and what can be done about it.

The same as ``fingerpost outbox show``, ``redrive`` and ``cancel``, under the name of whoever does it.
"""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from hub.core.records import Sought
from hub.service.accounts.steps import FormProblem
from hub.service.outbox import WHYS, Deed, Inspected, Outbox, Why
from hub.service.ports import Unsealable
from hub.web.pages.accounts.site import Site
from hub.web.pages.wall_words import CAUTIONS, DEEDS, REFUSED, WHY_WORDS, next_words, reason_hint
from hub.web.sessions import FORM, VIEWER, Sessions

BY_WORD: Final[Mapping[str, Deed]] = {"redrive": "redrive", "cancel": "cancel"}
DONE: Final[Mapping[Deed, str]] = {
    "redrive": "It is put back, and due at once.",
    "cancel": "It is called off. Where no other way carries its notice, the owner has an alarm.",
}


class DeliveryPages:
    """Behind the wall's guard."""

    def __init__(self, *, outbox: Outbox, sessions: Sessions, site: Site) -> None:
        self._outbox = outbox
        self._sessions = sessions
        self._site = site

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The delivery as it is now."""
        return await self._page(request, done=BY_WORD.get(request.query.get("done", "")))

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Put it back, or call it off. What has changed meanwhile is judged anew, in the transaction that does it."""
        deed, delivery = BY_WORD.get(request.match_info["deed"]), request.match_info["delivery"]
        if deed is None or not (await self._outbox.page(Sought(deliveries=(delivery,)), limit=1)).found:
            return self._sessions.nowhere()
        why = _why(deed, request[FORM].one("why"))
        if why is None:
            wrong = FormProblem(field=f"{deed}-why", message="Select why, as the audit log says it")
            return await self._page(request, errors=(wrong,), status=422)
        do = self._outbox.redrive if deed == "redrive" else self._outbox.cancel
        done = await do(Sought(deliveries=(delivery,)), actor=request[VIEWER].actor, why=why, confirm=True)
        (judged,) = done.judged
        if judged.refused is not None:
            return await self._page(request, left=f"It was left as it is: {REFUSED[judged.refused]}.", status=409)
        return self._sessions.redirect(f"/wall/deliveries/{delivery}?done={deed}")

    async def _page(
        self,
        request: web.Request,
        *,
        done: Deed | None = None,
        left: str = "",
        errors: tuple[FormProblem, ...] = (),
        status: int = 200,
    ) -> web.StreamResponse:
        try:
            found = await self._outbox.one(request.match_info["delivery"])
        except Unsealable:
            return self._site.page(request, "wall_sealed.html", status=410)
        if found is None:
            return self._sessions.nowhere()
        return self._site.page(
            request,
            "wall_delivery.html",
            status=status,
            found=found,
            one=found.outgoing,
            to_do=reason_hint(found.outgoing.reason) if found.outgoing.state == "failed" else "",
            next=next_words(found.next),
            cautions=[CAUTIONS[one] for one in found.cautions],
            offered=[_offer(deed, found, errors) for deed in DEEDS],
            done=DONE[done] if done else "",
            left=left,
            errors=errors,
            called=self._site.called,
        )


def _why(deed: Deed, given: str) -> Why | None:
    return next((why for why in WHYS[deed] if why == given), None)


def _offer(deed: Deed, found: Inspected, errors: tuple[FormProblem, ...]) -> Mapping[str, Any]:
    """A form, or why there is none."""
    refused = found.not_redriven if deed == "redrive" else found.not_cancelled
    return {
        "deed": deed,
        "text": DEEDS[deed],
        "refused": "" if refused is None else REFUSED[refused],
        "whys": [{"value": why, "text": WHY_WORDS[why]} for why in WHYS[deed]],
        "error": next((one.message for one in errors if one.field == f"{deed}-why"), ""),
    }
