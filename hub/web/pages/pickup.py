"""The pick-up page: ``/p/{token}``. It leads whoever proves by a one-time code that they are its reader to the notice.

The link travels in clear, so by itself it shows the reference and no more, and GET and HEAD change nothing before
somebody was let in, as link scanners follow every link of a mail. What a browser bears after it has asked for a code is
a cookie that is sent to this one address only and from no other site (SameSite=Strict): a form elsewhere can neither
borrow it nor know the token, so a CSRF token would protect nothing. A link that is dead looks like one that never was.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from hub.core.pickup import CODE_LENGTH, CODE_LIFE, SESSION, Refusal
from hub.notices.helplines import load_helplines
from hub.notices.sections import STATUS_BANNERS
from hub.service.answers import LONGEST_NAME, LONGEST_REDIRECT, AnswerProblem, Recorded
from hub.service.pickup.codes import Awaited, Codes, Entered, NotSent, Sent, Start, Wrong
from hub.service.pickup.viewing import NotCurrent, Viewed, Viewing
from hub.web.bodies import Bodies
from hub.web.forms import Form, FormRefused, read_form
from hub.web.limits import Buckets
from hub.web.pages.acknowledge import CHOICES, FIELDS, FORM_LIMIT, SHOWN_AGAIN, TOKEN
from hub.web.pages.pickup_words import AGAIN, FAMILY_CHOICES, HEADINGS, LINES, STATUS
from hub.web.pages.rendering import Pages

COOKIE: Final = "fp_pickup"
BEARS: Final = re.compile(r"[A-Za-z0-9_-]{20,128}=*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeProblem:
    """What is wrong with the code that was typed."""

    message: str
    field: str = "code"


class PickupPage:
    """Start, code, notice, photo, answer. Works without JavaScript."""

    def __init__(
        self, *, codes: Codes, viewing: Viewing, pages: Pages, bodies: Bodies, rates: Buckets, public_url: str
    ) -> None:
        """``rates``: how often one link may be used, by whoever holds it; and by each browser that was let in."""
        self._codes = codes
        self._viewing = viewing
        self._pages = pages
        self._bodies = bodies
        self._rates = rates
        parts = urlsplit(public_url)
        self._base = parts.path.rstrip("/")
        self._secure = parts.scheme == "https"

    def routes(self) -> list[web.RouteDef]:
        """All that belongs to a link."""
        return [
            web.get("/p/{token}", self.start),
            web.post("/p/{token}", self.ask),
            web.get("/p/{token}/code", self.code),
            web.post("/p/{token}/code", self.enter),
            web.get("/p/{token}/notice", self.notice, allow_head=False),
            web.post("/p/{token}/notice", self.answer),
            web.get("/p/{token}/photo", self.photo, allow_head=False),
        ]

    async def start(self, request: web.Request) -> web.Response:
        """What this is. Changes nothing, however often it is fetched."""
        token = self._token(request)
        start = None if token is None else await self._codes.look(token)
        if start is None:
            return self._unknown()
        return self._pages.page("pickup_start.html", **self._given(start))

    async def ask(self, request: web.Request) -> web.Response:
        """Send a code."""
        token = self._token(request)
        if token is None:
            return self._unknown()
        if self._rates.take(token):
            return self._too_fast()
        match await self._codes.ask(token):
            case Sent(browser=browser):
                return self._bearing(self._to(token, "/code"), token, browser, CODE_LIFE.total_seconds())
            case NotSent(why=why, start=start):
                return self._refused(why, start)
            case None:
                return self._unknown()

    async def code(self, request: web.Request) -> web.Response:
        """Where the code is typed in."""
        token = self._token(request)
        if token is None:
            return self._unknown()
        awaited = await self._codes.awaited(token, self._browser(request))
        return self._to(token) if awaited is None else self._code_form(awaited, (), 200)

    async def enter(self, request: web.Request) -> web.Response:
        """Take the code."""
        token = self._token(request)
        if token is None:
            return self._unknown()
        if self._rates.take(token):
            return self._too_fast()
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        match await self._codes.enter(token, self._browser(request), form.one("code")[:SHOWN_AGAIN]):
            case Entered(browser=None):
                return self._to(token, "/notice")
            case Entered(browser=str() as browser):
                return self._bearing(self._to(token, "/notice"), token, browser, SESSION.total_seconds())
            case Wrong(awaited=awaited, left=left):
                return self._code_form(awaited, (_wrong(left),), 422)
            case "stale":
                return self._stale(token)
            case _:
                return self._unknown()

    async def notice(self, request: web.Request) -> web.Response:
        """The notice itself, as its reader may see it now."""
        token = self._token(request)
        if token is None:
            return self._unknown()
        if await self._too_often(request, token):
            return self._too_fast()
        return await self._show(request, token, {}, ())

    async def photo(self, request: web.Request) -> web.Response:
        """The photo of the notice, within the session."""
        token = self._token(request)
        photo = None if token is None else await self._viewing.photo(token, self._browser(request))
        if photo is None:
            return self._unknown()
        return web.Response(body=photo.data, content_type=photo.media_type)

    async def answer(self, request: web.Request) -> web.Response:
        """Take an answer, or say what is missing."""
        token = self._token(request)
        if token is None:
            return self._unknown()
        if await self._too_often(request, token):
            return self._too_fast()
        form = await self._form(request)
        if isinstance(form, web.Response):
            return form
        given = {name: form.one(name).strip() for name in FIELDS}
        outcome = await self._viewing.answer(
            token,
            self._browser(request),
            name=given["name"],
            answer=given["answer"],
            redirected_to=given["redirected_to"] or None,
        )
        match outcome:
            case None:
                return self._to(token)
            case Recorded() as recorded:
                return self._pages.page(
                    "pickup_recorded.html",
                    reference=recorded.reference,
                    accepted=recorded.answer == "accepted",
                    family=form.one("words") == "family",  # the form that was sent says whose words it used
                    helplines=load_helplines(),
                )
            case problems:
                return await self._show(request, token, given, problems)

    async def _too_often(self, request: web.Request, token: str) -> bool:
        """Who was let in has a measure of their own: others who hold the link must not use up that of its reader."""
        browser = self._browser(request)
        inside = browser and await self._viewing.lets_in(browser)
        return bool(self._rates.take(browser if inside else token))

    async def _show(
        self, request: web.Request, token: str, given: Mapping[str, str], problems: Sequence[AnswerProblem]
    ) -> web.Response:
        match await self._viewing.view(token, self._browser(request)):
            case None:
                return self._to(token)
            case NotCurrent(reference=reference, family=family, ring=ring):
                return self._pages.page(
                    "pickup_over.html",
                    status=410,
                    reference=reference,
                    family=family,
                    ring=ring,
                    helplines=load_helplines(),
                )
            case Viewed() as viewed:
                return self._notice(viewed, given, problems)

    def _notice(self, viewed: Viewed, given: Mapping[str, str], problems: Sequence[AnswerProblem]) -> web.Response:
        choices = FAMILY_CHOICES if viewed.family else CHOICES
        return self._pages.page(
            "pickup_notice.html",
            status=422 if problems else 200,
            reference=viewed.notice.reference,
            blocks=[(type(block).__name__, block) for block in viewed.shown.document.blocks],
            photo=viewed.shown.photo is not None,
            family=viewed.family,
            asks=viewed.answers,
            answered=viewed.notice.state == "acknowledged",
            helplines=load_helplines(),
            limits={"name": LONGEST_NAME, "redirected_to": LONGEST_REDIRECT},
            choices=[{"value": code, "text": label} for code, label in choices],
            errors=problems,
            errors_by={name: " ".join(p.message for p in problems if p.field == name) for name in FIELDS},
            name=given.get("name", "")[:SHOWN_AGAIN],
            answer=given.get("answer", ""),
            redirected_to=given.get("redirected_to", "")[:SHOWN_AGAIN],
        )

    def _code_form(self, awaited: Awaited, problems: Sequence[CodeProblem], status: int) -> web.Response:
        return self._pages.page(
            "pickup_code.html",
            status=status,
            **self._given(awaited.start),
            went=awaited.goes,
            length=CODE_LENGTH,
            minutes=int(CODE_LIFE.total_seconds() // 60),
            errors=problems,
        )

    def _refused(self, why: Refusal, start: Start) -> web.Response:
        return self._pages.page(
            "pickup_refused.html",
            status=STATUS[why],
            heading=HEADINGS[why],
            lines=LINES[why],
            again=why in AGAIN,
            **self._given(start),
        )

    def _stale(self, token: str) -> web.Response:
        return self._pages.page("pickup_stale.html", status=409, start=f"{self._base}/p/{token}")

    def _too_fast(self) -> web.Response:
        return self._pages.message(429, "That was too fast", "Wait a minute, and try again.")

    def _unknown(self) -> web.Response:
        """The same for every token that is not one, and every link that is dead."""
        return self._pages.message(
            404,
            "Page not found",
            "Check the link in the message. If it is complete, it leads nowhere any more: a link ends after some days, "
            "when it was used often, or when what it led to is over.",
            "If you still need to know, ring whoever sent you the message, and give the reference in it.",
        )

    @staticmethod
    def _given(start: Start) -> dict[str, Any]:
        return {
            "reference": start.reference,
            "banner": STATUS_BANNERS.get(start.status),
            "goes": start.goes,
            "ring": start.ring,
        }

    async def _form(self, request: web.Request) -> Form | web.Response:
        try:
            return await read_form(request, self._bodies, FORM_LIMIT)
        except FormRefused as refused:
            return self._pages.message(refused.status, "That could not be read", "Please use the form on the page.")

    @staticmethod
    def _token(request: web.Request) -> str | None:
        token = request.match_info["token"]
        return token if TOKEN.fullmatch(token) else None

    @staticmethod
    def _browser(request: web.Request) -> str:
        borne = request.cookies.get(COOKIE, "")
        return borne if BEARS.fullmatch(borne) else ""

    def _to(self, token: str, further: str = "") -> web.Response:
        return web.Response(status=303, headers={"Location": f"{self._base}/p/{token}{further}"})

    def _bearing(self, response: web.Response, token: str, browser: str, seconds: float) -> web.Response:
        """It is sent back to this link alone, over TLS alone, and to no script."""
        response.set_cookie(
            COOKIE,
            browser,
            path=f"{self._base}/p/{token}",
            max_age=int(seconds),
            secure=self._secure,
            httponly=True,
            samesite="Strict",
        )
        return response


def _wrong(left: int | None) -> CodeProblem:
    if left is None:
        return CodeProblem(message=f"Enter the {CODE_LENGTH} digits of the code")
    tries = "1 try" if left == 1 else f"{left} tries"
    return CodeProblem(message=f"That is not the code. You have {tries} left")
