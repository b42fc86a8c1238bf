"""``/directory/of/{organisation}/plans``: what a notice to each desk would go through, by day, by night or now, and
when nobody is on duty; contacts are taken earlier or later."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args
from urllib.parse import quote

from aiohttp import web

from contacts.assurance import samples
from contacts.changes import Put
from contacts.courses import DAYS, Gap, Part, Stage, course, unstaffed
from contacts.directory import Directory
from contacts.export import COLUMNS, cells_of
from contacts.model import Bundle, Contact, Desk, Urgency
from contacts.plans import moved
from contacts.scope import part_of
from hub.core.accounts import may
from hub.core.drafts import author_of
from hub.service.directory.changing import Changing
from hub.service.directory.versions import DirectoryUnreadable
from hub.service.ports import Clock
from hub.web.pages.accounts.site import Site
from hub.web.pages.directory.circulations import LISTS, members
from hub.web.pages.directory.seeing import wrongs
from hub.web.pages.directory.words import CHANNEL_WORDS, URGENCIES, Wrong, desk_words
from hub.web.pages.lists import chosen
from hub.web.pages.rendering import LONDON
from hub.web.sessions import FORM, VIEWER, Sessions

SHOWN_GAPS: Final = 3
_WHEN: Final = (("day", "A working day, 11:00"), ("night", "A working day, 03:00"), ("now", "Now"))
_PARTS: Final[Mapping[Part, str]] = {
    "own": "",
    "instead": "Nobody of this desk is on duty then, so at once",
    "off_duty": "Nobody is on duty, so these, who read it when they are back",
    "deputy": "Then its deputy,",
    "duty_team": "Then",
    "fallback": "Nobody is here. Of that gap hears",
}


class PlanPages:
    """All of it is guarded. What is not the viewer's to see is answered as if it were not there."""

    def __init__(self, *, changing: Changing, site: Site, sessions: Sessions, clock: Clock) -> None:
        self._changing = changing
        self._site = site
        self._sessions = sessions
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The plans of all desks of an organisation."""
        return await self._show(request, (), 200)

    async def move(self, request: web.Request) -> web.StreamResponse:
        """Take one contact of a desk earlier, or later; whatever that alters takes one person."""
        viewer, code, form = request[VIEWER], request.match_info["organisation"], request[FORM]
        author = author_of(viewer)
        if author is None or not may(viewer, "directory:change", code) or form.one("move") not in ("earlier", "later"):
            return self._sessions.nowhere()
        seen = form.one("seen")
        if not (seen.isascii() and seen.isdigit() and len(seen) < 10):
            return self._sessions.nowhere()
        try:
            # As it stood on the page that the button was on: pressed twice it is once, and another's order stays.
            before = await self._changing.versions.of(int(seen))
            version, present = await self._changing.versions.present()
            found = next((c for c in before.contacts if c.id == form.one("contact") and c.organisation == code), None)
            if found is None:
                return self._sessions.nowhere()
            was, now = (_staff(one, (code, found.desk), self._clock.now()) for one in (before, present))
            orders = moved(list(was.values()), found.id, later=form.one("move") == "later")
            if _orders(now) not in (_orders(was), {**_orders(was), **orders}):
                wrong = Wrong(field="main", message="Somebody else has changed this order since: look at it again")
                return await self._show(request, [wrong], 422)
            changes = [_ordered(now[id], order) for id, order in orders.items() if now[id].order != order]
            outcome = await self._changing.propose(author, changes, seen=version, confirm=True) if changes else None
        except KeyError:
            return self._sessions.nowhere()
        except DirectoryUnreadable:
            return await self._show(request, [Wrong(field="main", message="The stored directory cannot be read")], 503)
        if outcome is not None and outcome.result == "waiting" and outcome.draft is not None:
            return self._sessions.redirect(f"/directory/changes/{outcome.draft.id}")
        if outcome is not None and outcome.result == "refused":
            return await self._show(request, wrongs(outcome), 422)
        query = {"when": form.one("when"), "priority": form.one("priority")}
        kept = "&".join(f"{name}={quote(value)}" for name, value in query.items() if value)
        return self._sessions.redirect(f"/directory/of/{code}/plans{'?' if kept else ''}{kept}#{found.desk}")

    async def _show(self, request: web.Request, errors: Sequence[Wrong], status: int) -> web.StreamResponse:
        viewer, code = request[VIEWER], request.match_info["organisation"]
        if not may(viewer, "directory:see", code):
            return self._sessions.nowhere()
        version, bundle = await self._changing.versions.present(in_part=True)
        part = part_of(bundle, code)
        if not part.organisations:
            return self._sessions.nowhere()
        now, directory = self._clock.now(), Directory.of(part)
        when = _one_of(request.query.get("when"), [name for name, _ in _WHEN])
        priority: Urgency = next((one for one in get_args(Urgency) if one == request.query.get("priority")), "normal")
        day, night = samples(now)
        at = {"day": day, "night": night, "now": now}[when]
        # Of odd hours it takes a second, in which an event may come.
        gaps = await asyncio.to_thread(unstaffed, directory, code, now)
        path, asked = f"/directory/of/{quote(code, safe='')}/plans", {"when": when, "priority": priority}
        return self._site.page(
            request,
            "directory_plans.html",
            status=status,
            errors=tuple(errors),
            code=code,
            called=part.organisations[0].name,
            fallback=desk_words(part.organisations[0].fallback_desk),
            version=version,
            at=at,
            asked=asked,
            offered=[
                chosen("When", "when", _WHEN, when, path, asked),
                chosen("Notices", "priority", URGENCIES, priority, path, asked),
            ],
            desks=[_desk(directory, desk, (at, now), priority, gaps.get(desk.function, ())) for desk in part.desks],
            circulations=[name.capitalize() for name in LISTS if code in members(name, self._changing.areas)],
            days=DAYS,
            may_change=may(viewer, "directory:change", code),
        )


def _desk(
    directory: Directory, desk: Desk, moments: tuple[datetime, datetime], priority: Urgency, gaps: tuple[Gap, ...]
) -> dict[str, Any]:
    """``moments``: the one that is asked about, and now."""
    at, now = moments
    staff = sorted(
        _staff(directory.bundle, (desk.organisation, desk.function), now).values(), key=lambda one: (one.order, one.id)
    )
    return {
        "function": desk.function,
        "called": desk_words(desk.function),
        "deputy": None if desk.deputy is None else desk_words(desk.deputy),
        "stages": [_stage(one) for one in course(directory, desk.organisation, desk.function, at, priority)],
        "staff": [
            {
                "contact": one,
                "earlier": bool(moved(staff, one.id, later=False)),
                "later": bool(moved(staff, one.id, later=True)),
            }
            for one in staff
        ],
        "gaps": [(_moment(gap.since), _moment(gap.until)) for gap in gaps[:SHOWN_GAPS]],
        "more": max(0, len(gaps) - SHOWN_GAPS),
    }


def _stage(stage: Stage) -> dict[str, Any]:
    words = _PARTS[stage.part]
    if stage.part not in ("own", "off_duty"):
        words = f"{words} the {desk_words(stage.desk).lower()}"
    return {
        "words": words,
        "steps": [
            [
                f"{way.contact.id}: {CHANNEL_WORDS[way.contact.channel].lower()}"
                f"{', without content' if way.carries == 'alert' else ''}"
                for way in step
            ]
            for step in stage.steps
        ],
    }


def _moment(at: datetime) -> str:
    here = at.astimezone(LONDON)
    return f"{here:%a} {here.day} {here:%b, %H:%M}"


def _staff(bundle: Bundle, desk: tuple[str, str], now: datetime) -> dict[str, Contact]:
    """The contacts of a desk, but for those that are over."""
    found = (c for c in bundle.contacts if (c.organisation, c.desk) == desk)
    return {c.id: c for c in found if c.valid_until is None or c.valid_until > now}


def _orders(staff: Mapping[str, Contact]) -> dict[str, int]:
    return {id: one.order for id, one in staff.items()}


def _ordered(contact: Contact, order: int) -> Put:
    cells = {column: value for column, value in cells_of(contact, COLUMNS["contacts"]).items() if value is not None}
    return Put(table="contacts", cells={**cells, "order": order})


def _one_of(asked: str | None, known: list[str]) -> str:
    return asked if asked in known else known[0]
