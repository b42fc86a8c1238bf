"""``/notices``: what was sent to the reader's desks, each notice with its thread, answered in the reader's own name.

What is sought never stands in an address: names would be kept in histories and by whatever stands in front of the hub.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from hub.core.accounts import may
from hub.core.desk import Which
from hub.service.answers import LONGEST_REDIRECT, AnswerProblem, Recorded
from hub.service.desk.lists import Desks, Lists, Pile
from hub.service.desk.reading import Read, Reading
from hub.web.live import Streams
from hub.web.pages.accounts.site import Site
from hub.web.pages.acknowledge import SHOWN_AGAIN
from hub.web.pages.desk.words import ACCEPTING, ANSWERS, DECLINING, EMPTY, EPISODES, TABS, counted, filed_view, row_view
from hub.web.pages.directory.words import Wrong
from hub.web.pages.holds.words import held_view
from hub.web.sessions import FORM, VIEWER, Sessions
from routing.recipients import POLICE

NOTICES: Final = "/notices"
NOTICE: Final = re.compile(r"[a-z]{2}_[0-9A-Z]{26}", re.ASCII)
LONGEST: Final = 200
"""Characters of what is sought."""
FIELDS: Final = ("answer", "redirected_to")


class NoticePages:
    """All of it is guarded. What is not the viewer's to see is answered as if it were not there."""

    def __init__(self, *, lists: Lists, reading: Reading, site: Site, sessions: Sessions, streams: Streams) -> None:
        self._lists = lists
        self._reading = reading
        self._site = site
        self._sessions = sessions
        self._streams = streams

    async def index(self, request: web.Request) -> web.StreamResponse:
        """A list: of what is not answered yet, unless another is asked for."""
        which: Which = next((one for one in TABS if one == request.query.get("show")), "unanswered")
        before = _notice(request.query.get("before", ""))
        found = await self._lists.look(request[VIEWER], which, before=before)
        if found is None:
            return self._sessions.nowhere()
        later = found.pile.before
        return self._site.page(
            request,
            "desk_notices.html",
            any=found.any,
            tabs=_tabs(found, which),
            which=TABS[which],
            empty="There are no others." if before else EMPTY[which],
            rows=[row_view(one) for one in found.pile.rows],
            mark=None if before else found.mark,
            first=f"{NOTICES}?{urlencode({'show': which})}" if before else None,
            later=f"{NOTICES}?{urlencode({'show': which, 'before': later})}" if later else None,
        )

    async def live(self, request: web.Request) -> web.StreamResponse:
        """A stream that says when the list is not as it was, and nothing of what is in it."""

        async def look() -> str | None:
            viewer = await self._sessions.still(request)
            return None if viewer is None else await self._lists.mark(viewer)

        if await look() is None:
            return self._sessions.nowhere()
        return await self._streams.send(request, look)

    async def show_search(self, request: web.Request) -> web.StreamResponse:
        """The form alone."""
        viewer = request[VIEWER]
        if not may(viewer, "notices:see", viewer.organisation):
            return self._sessions.nowhere()
        return self._search(request, "", None, ())

    async def search(self, request: web.Request) -> web.StreamResponse:
        """What was found, on the page that answers the form."""
        form = request[FORM]
        sought = " ".join(form.one("sought").split())[:LONGEST]
        if not any(one.isalnum() for one in sought):
            viewer = request[VIEWER]
            if not may(viewer, "notices:see", viewer.organisation):
                return self._sessions.nowhere()
            wrong = Wrong(field="sought", message="Enter a child’s name, or the reference of a notice")
            return self._search(request, sought, None, (wrong,))
        found = await self._lists.search(request[VIEWER], sought, before=_notice(form.one("before")))
        return self._sessions.nowhere() if found is None else self._search(request, sought, found, ())

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One notice. That it was read is recorded."""
        return await self._show(request, {}, ())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take the viewer's answer, or say what is missing."""
        notice, form = _notice(request.match_info["notice"]), request[FORM]
        given = {name: form.one(name).strip() for name in FIELDS}
        if notice is None:
            return self._sessions.nowhere()
        outcome = await self._reading.answer(
            request[VIEWER], notice, answer=given["answer"], redirected_to=given["redirected_to"] or None
        )
        match outcome:
            case None:
                return self._sessions.nowhere()
            case Recorded():
                return self._sessions.redirect(f"{NOTICES}/{notice}?answered")
            case problems:
                return await self._show(request, given, problems)

    async def photo(self, request: web.Request) -> web.StreamResponse:
        """The photo of a notice that the viewer has read."""
        notice = _notice(request.match_info["notice"])
        photo = None if notice is None else await self._reading.photo(request[VIEWER], notice)
        if photo is None:
            return self._sessions.nowhere()
        return web.Response(body=photo.data, content_type=photo.media_type)

    async def _show(
        self, request: web.Request, given: Mapping[str, str], problems: Sequence[AnswerProblem]
    ) -> web.StreamResponse:
        notice = _notice(request.match_info["notice"])
        found = None if notice is None else await self._reading.read(request[VIEWER], notice)
        return self._sessions.nowhere() if found is None else self._notice(request, found, given, problems)

    def _notice(
        self, request: web.Request, found: Read, given: Mapping[str, str], problems: Sequence[AnswerProblem]
    ) -> web.Response:
        document = None if found.shown is None else found.shown.document
        accepted = found.filed.standing == "accepted"
        message = None if found.filed.claimed is None else found.filed.claimed.message
        answers = [
            {"words": ANSWERS[one.answer], "name": one.name, "at": one.at, "to": one.redirected_to}
            for one in found.answers
        ]
        return self._site.page(
            request,
            "desk_notice.html",
            status=422 if problems else 200,
            one=filed_view(found.filed),
            blocks=[] if document is None else [(type(block).__name__, block) for block in document.blocks],
            photo=found.shown is not None and found.shown.photo is not None,
            episode=EPISODES[found.filed.episode_state],
            ring=found.ring,
            thread=[filed_view(one) for one in found.thread],
            conversation=None if message is None else message.thread,
            absence=found.filed.notice.episode,
            holds=held_view(() if found.filed.claimed is None else found.filed.claimed.holds),
            police=not POLICE.isdisjoint(found.filed.notice.roles),
            answers=answers,
            answered="answered" in request.query and bool(answers),
            accepted=accepted,
            choices=[
                {"value": code, "text": label} for code, label in (*((ACCEPTING,) if accepted else ()), *DECLINING)
            ],
            longest=LONGEST_REDIRECT,
            errors=problems,
            errors_by={name: " ".join(one.message for one in problems if one.field == name) for name in FIELDS},
            answer=given.get("answer", ""),
            redirected_to=given.get("redirected_to", "")[:SHOWN_AGAIN],
        )

    def _search(self, request: web.Request, sought: str, found: Pile | None, errors: tuple[Wrong, ...]) -> web.Response:
        return self._site.page(
            request,
            "desk_search.html",
            status=422 if errors else 200,
            sought=sought,
            searched=found is not None,
            rows=[row_view(one) for one in found.rows] if found else [],
            before=found.before if found else None,
            errors=errors,
        )


def _tabs(found: Desks, which: Which) -> list[dict[str, object]]:
    number = {"new": counted(found.new), "unanswered": counted(found.unanswered)}
    return [
        {
            "text": f"{words} ({number[code]})" if code in number else words,
            "href": f"{NOTICES}?{urlencode({'show': code})}",
            "here": code == which,
        }
        for code, words in TABS.items()
    ]


def _notice(text: str) -> str | None:
    """The id of a notice; None for what cannot be one."""
    return text if NOTICE.fullmatch(text) else None
