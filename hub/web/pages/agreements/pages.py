"""``/agreements``: what is proposed on an absence, and answering it, in one's own name.

The forms say by name who is asked, who does it and who reads it. They work without script, and sent twice they are one
step; whoever is too late with an answer is told what holds now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from aiohttp import web

from hub.core.accounts import may
from hub.core.agreements import Refused
from hub.core.conversation import Thread
from hub.service.agreements.agreeing import Agreeing
from hub.service.agreements.steps import Agreed
from hub.service.agreements.terms import LONGEST_WORDS, Problem, Proposal, Reply, Terms
from hub.service.agreements.words import Called, called_by
from hub.service.conversations.reading import Reading
from hub.service.conversations.seats import Who
from hub.service.conversations.writing import Conflict, Writing
from hub.service.desk.reading import Reading as Notices
from hub.service.desk.sights import Sights
from hub.service.ports import Clock, Ids
from hub.web.forms import Form
from hub.web.pages.accounts.site import Site
from hub.web.pages.agreements.words import (
    DEADLINES,
    WHY,
    asked,
    deadlines,
    instant_of,
    kinds,
    possible,
    shown_view,
    who_does_it,
)
from hub.web.pages.conversations.fields import identity, key_of
from hub.web.pages.conversations.words import WHEREABOUTS, audience_view, party_key, whereabouts
from hub.web.sessions import FORM, VIEWER, Sessions

AGREEMENTS: Final = "/agreements"
FIELDS: Final = ("kind", "does_it", "when", "deadline", "readers", "text", "whereabouts", "move")
_SENT_ALREADY: Final = Problem(
    field="text", message="Something else was sent from this form already: see how it stands"
)
_NO_TIME: Final = Problem(field="when", message="Give the time as in 2026-03-01 15:00, or leave it empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What stands in a form."""

    key: str = field(repr=False)
    kind: str = ""
    move: str = ""
    does_it: str = ""
    when: str = ""
    deadline: str = ""
    text: str = field(default="", repr=False)
    whereabouts: str = ""
    to: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    desk: str | None = None

    @property
    def wrong(self) -> tuple[Problem, ...]:
        """What cannot be read."""
        return (_NO_TIME,) if self.when.strip() and instant_of(self.when) is None else ()

    def terms(self, clock: Clock) -> Terms:
        wait = DEADLINES.get(self.deadline)
        return Terms(
            does_it=party_key(self.does_it) if self.does_it else None,
            when=instant_of(self.when) if self.when.strip() else None,
            deadline=None if wait is None else clock.now() + wait[1],
        )

    @property
    def words(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "text": self.text,
            "whereabouts": WHEREABOUTS[self.whereabouts][1] if self.whereabouts in WHEREABOUTS else None,
            "desk": self.desk,
            "shown": frozenset(party_key(one) for one in self.shown),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementPages:
    """All of it is guarded. What is not the viewer's to see is answered as if it were not there."""

    agreeing: Agreeing
    writing: Writing
    reading: Reading
    notices: Notices
    site: Site
    sessions: Sessions
    sights: Sights
    ids: Ids

    async def index(self, request: web.Request) -> web.StreamResponse:
        """What is proposed and agreed on one absence."""
        who, episode = await self._who(request), identity(request, "episode")
        found = None if who is None or episode is None else await self.agreeing.listed(who, episode)
        if found is None:
            return self.sessions.nowhere()
        return self.site.page(
            request,
            "agreements.html",
            episode=episode,
            rows=[shown_view(one, self.called) for one in found],
            may_write=_may_write(request),
        )

    async def new(self, request: web.Request) -> web.StreamResponse:
        """The form of a proposal."""
        return await self._new(request, _Typed(key=self.ids.token()), ())

    async def propose(self, request: web.Request) -> web.StreamResponse:
        """Propose something."""
        typed, who = _typed(request[FORM]), await self._who(request)
        episode, thread = identity(request, "episode"), _thread(request)
        if who is None or episode is None or not typed.key or not _may_write(request):
            return self.sessions.nowhere()
        if typed.wrong:
            return await self._new(request, typed, typed.wrong)
        given = Proposal(
            kind=typed.kind,
            terms=typed.terms(self.writing.clock),
            to=tuple(party_key(one) for one in typed.to),
            thread=thread,
            **(typed.words if thread else typed.words | {"shown": None}),
        )
        match await self.agreeing.propose(who, episode, given):
            case None:
                return self.sessions.nowhere()
            case Agreed(message=message):
                return self.sessions.redirect(f"/conversations/{message.thread}?sent")
            case Conflict():
                return await self._new(request, replace(typed, key=self.ids.token()), (_SENT_ALREADY,))
            case problems:
                return await self._new(request, typed, problems)

    async def one(self, request: web.Request) -> web.StreamResponse:
        """One proposal, and how to answer it."""
        return await self._one(request, _Typed(key=self.ids.token()), ())

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer it, or withdraw it."""
        typed, who = _typed(request[FORM]), await self._who(request)
        wanted = identity(request, "agreement")
        if who is None or wanted is None or not typed.key or not _may_write(request):
            return self.sessions.nowhere()
        if typed.wrong:
            return await self._one(request, typed, typed.wrong)
        terms = typed.terms(self.writing.clock) if typed.move == "counter" else None
        match await self.agreeing.answer(who, wanted, Reply(move=typed.move, terms=terms, **typed.words)):
            case None:
                return self.sessions.nowhere()
            case Agreed(agreement=agreement, message=message):
                # Told of the proposal, they have answered it: nobody has to be asked again whether they have it.
                for told in await self.reading.unanswered(who, message):
                    await self.notices.answer(request[VIEWER], told, answer="accepted")
                return self.sessions.redirect(f"/conversations/{agreement.thread}?sent")
            case Conflict():
                return await self._one(request, replace(typed, key=self.ids.token()), (_SENT_ALREADY,))
            case Refused(why=why):
                return await self._one(request, typed, (Problem(field="move", message=WHY[why]),), status=409)
            case problems:
                return await self._one(request, typed, problems)

    async def open_in(self, who: Who, thread: Thread) -> list[dict[str, Any]]:
        """Those of a conversation that its viewer can do something about, for its page."""
        return [
            {**shown_view(one, self.called), "key": self.ids.token()}
            for one in await self.agreeing.listed(who, thread.episode) or ()
            if one.agreement.thread == thread.id and one.moves
        ]

    @property
    def called(self) -> Called:
        """Parties by name."""
        return called_by(self.writing.directory())

    async def _new(self, request: web.Request, typed: _Typed, problems: Sequence[Problem]) -> web.StreamResponse:
        who, episode, thread = await self._who(request), identity(request, "episode"), _thread(request)
        if who is None or episode is None or not _may_write(request):
            return self.sessions.nowhere()
        audience = await self.writing.audience(who, episode, thread=thread, desk=typed.desk)
        if audience is None:
            return self.sessions.nowhere()
        named = self.site.called
        return self.site.page(
            request,
            "agreement_new.html",
            status=422 if problems else 200,
            episode=episode,
            thread=thread,
            kinds=kinds(typed.kind),
            asked=asked(audience, named, typed.to),
            who_does_it=who_does_it(possible(audience, named), typed.does_it),
            audience=audience_view(audience, named, typed.to),
            **self._form(typed, problems),
        )

    async def _one(
        self, request: web.Request, typed: _Typed, problems: Sequence[Problem], *, status: int = 422
    ) -> web.StreamResponse:
        who, wanted = await self._who(request), identity(request, "agreement")
        found = None if who is None or wanted is None else await self.agreeing.one(who, wanted)
        if who is None or found is None:
            return self.sessions.nowhere()
        one = found.agreement
        view = shown_view(found, self.called)
        audience = None
        if _may_write(request) and found.moves:
            audience = await self.writing.audience(who, one.episode, thread=one.thread, desk=typed.desk)
        return self.site.page(
            request,
            "agreement.html",
            status=status if problems else 200,
            one=view,
            audience=None if audience is None else audience_view(audience, self.site.called, ()),
            who_does_it=who_does_it(view["parties"], typed.does_it),
            **self._form(typed, problems),
        )

    async def _who(self, request: web.Request) -> Who | None:
        viewer = request[VIEWER]
        sight = await self.sights.of(viewer)
        return None if sight is None else Who(sight=sight, actor=viewer.actor, name=viewer.name)

    def _form(self, typed: _Typed, problems: Sequence[Problem]) -> dict[str, object]:
        return {
            "key": typed.key,
            "when": typed.when[:40],
            "text": typed.text[: LONGEST_WORDS * 2],
            "deadlines": deadlines(typed.deadline),
            "whereabouts": whereabouts(typed.whereabouts),
            "longest": LONGEST_WORDS,
            "countering": typed.move == "counter",
            "errors": tuple(problems),
            "nothing_wrong": dict.fromkeys(FIELDS, ""),
            "errors_by": {name: " ".join(one.message for one in problems if one.field == name) for name in FIELDS},
        }


def _typed(form: Form) -> _Typed:
    return _Typed(
        key=key_of(form.one("key")),
        kind=form.one("kind"),
        move=form.one("move"),
        does_it=form.one("does_it"),
        when=form.one("when"),
        deadline=form.one("deadline"),
        text=form.one("text"),
        whereabouts=form.one("whereabouts"),
        to=form.all("to"),
        shown=form.all("shown"),
        desk=form.one("desk") or None,
    )


def _may_write(request: web.Request) -> bool:
    viewer = request[VIEWER]
    return may(viewer, "notices:answer", viewer.organisation)


def _thread(request: web.Request) -> str | None:
    """The conversation that it is proposed in; None opens one."""
    return request.query.get("thread") or None
