"""``/directory``: who can be reached, of an organisation, now or at any time; what changed and what waits."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from aiohttp import web

from contacts.changes import Table, tables
from contacts.model import Bundle, kept_under
from contacts.scope import part_of
from hub.core.accounts import Viewer, may
from hub.core.drafts import Author, Draft, Listing, author_of, why_not_decided, why_not_withdrawn
from hub.service.directory.changing import Changing
from hub.service.directory.outcome import Outcome
from hub.service.directory.versions import MOST as ALL
from hub.service.directory.versions import DirectoryUnreadable
from hub.service.ports import Clock
from hub.web.pages.accounts.site import Site
from hub.web.pages.directory.differences import listed
from hub.web.pages.directory.organisations import COLUMNS, FILTERS, PER_PAGE, rows_of
from hub.web.pages.directory.words import (
    CHANNEL_WORDS,
    LABELS,
    REFUSED,
    TAGS,
    Wrong,
    desk_words,
    details,
    difference_view,
    draft_view,
    title_of,
)
from hub.web.pages.lists import Arranged, Column, Filter, arranged
from hub.web.pages.rendering import LONDON
from hub.web.sessions import FORM, VIEWER, Sessions

ANYBODY = "*"
"""No organisation's code."""


MOST: Final = 300
"""Changes on the list of all."""
DECIDED: Final[Filter[Draft]] = Filter(
    name="state",
    label="State",
    of=lambda one: one.state,
    choices=[(state, state.replace("_", " ").capitalize()) for state in TAGS if state != "waiting"],
)


class DirectoryPages:
    """All of it is guarded. What is not the viewer's to see is answered as if it were not there."""

    def __init__(self, *, changing: Changing, site: Site, sessions: Sessions, clock: Clock) -> None:
        self._changing = changing
        self._site = site
        self._sessions = sessions
        self._clock = clock

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The organisations, for whoever sees several; else their own."""
        viewer = request[VIEWER]
        if not may(viewer, "directory:see", ANYBODY):
            return self._sessions.redirect(f"/directory/of/{viewer.organisation}")
        try:
            _, bundle = await self._changing.versions.present(in_part=True)
        except DirectoryUnreadable:
            bundle = Bundle()
        waiting = await self._changing.versions.listed(Listing(state="waiting", limit=ALL), seer(viewer))
        return self._site.page(
            request,
            "directory_all.html",
            organisations=arranged(
                list(rows_of(bundle, self._changing.areas)),
                request.query,
                "/directory",
                columns=COLUMNS,
                filters=FILTERS,
                per=PER_PAGE,
            ),
            waiting=len(waiting),
            may_import=author_of(viewer) is not None,
        )

    async def organisation(self, request: web.Request) -> web.StreamResponse:
        """Its desks, contacts, hours and certificates; with ``?at=`` as they stood then."""
        viewer, code = request[VIEWER], request.match_info["organisation"]
        if not may(viewer, "directory:see", code):
            return self._sessions.nowhere()
        asked = request.query.get("at", "").strip()
        at, errors = _instant(asked)
        by = seer(viewer)
        if at is not None:
            try:
                found = await self._changing.versions.at(at, by)
            except DirectoryUnreadable:
                return self._sessions.nowhere()
            version, part = (found.version.number if found.version else 0), part_of(found.entries, code)
        else:
            version, bundle = await self._changing.versions.present(in_part=True)
            part = part_of(bundle, code)
        known = next(iter(part.organisations), None)
        if known is None and at is None:
            return self._sessions.nowhere()
        waiting = await self._changing.versions.listed(Listing(organisation=code, state="waiting", limit=ALL), by)
        return self._site.page(
            request,
            "directory.html",
            status=422 if errors else 200,
            code=code,
            called=self._site.called(code) if known is None else known.name,
            known=known,
            desks=_desks(part),
            hours=part.hours,
            certificates=_certificates(part),
            version=version,
            at=at,
            asked=asked[:40],
            errors=errors,
            now=self._clock.now(),
            waiting=[draft_view(one) for one in waiting],
            site_called=self._site.called,
            may_change=at is None and may(viewer, "directory:change", code),
        )

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """All that waits, as whoever leaves one out lets it lapse; and what was decided: the newest :data:`MOST`, to be
        sorted and narrowed."""
        viewer = request[VIEWER]
        if not may(viewer, "directory:see", viewer.organisation):
            return self._sessions.nowhere()
        found = await self._changing.versions.listed(Listing(limit=MOST), seer(viewer))
        waiting = await self._changing.versions.listed(Listing(state="waiting", limit=ALL), seer(viewer))
        return self._site.page(
            request,
            "directory_changes.html",
            waiting=[draft_view(one) for one in waiting],
            decided=self._decided(request, [one for one in found if one.state != "waiting"]),
            view=draft_view,
            most=MOST if len(found) == MOST else None,
            called=self._site.called,
        )

    def _decided(self, request: web.Request, drafts: Sequence[Draft]) -> Arranged[Draft]:
        columns: list[Column[Draft]] = [
            Column(name="proposed", heading="Proposed", key=lambda one: one.id),
            Column(name="by", heading="By", key=lambda one: one.proposed_name.casefold()),
            Column(name="of", heading="Of", key=lambda one: self._site.called(one.organisation).casefold()),
            Column(name="entries", heading="Entries", key=lambda one: one.entries),
            Column(name="state", heading="State", key=lambda one: str(draft_view(one)["state"])),
        ]
        return arranged(drafts, request.query, "/directory/changes", columns=columns, filters=[DECIDED])

    async def change(self, request: web.Request) -> web.StreamResponse:
        """One change, and what the viewer may do about it."""
        return await self._change(request, (), 200)

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Approve, reject, withdraw or override it."""
        author, draft, form = author_of(request[VIEWER]), request.match_info["change"], request[FORM]
        if author is None:
            return self._sessions.nowhere()
        outcome: Outcome
        try:
            match request.match_info["deed"]:
                case "approve":
                    outcome = await self._changing.approve(author, draft)
                case "reject":
                    outcome = await self._changing.reject(author, draft, form.one("why"))
                case "withdraw":
                    outcome = await self._changing.withdraw(author, draft)
                case "override":
                    outcome = await self._changing.override(author, draft, form.one("why"))
                case _:
                    return self._sessions.nowhere()
        except DirectoryUnreadable:
            return await self._change(
                request, [Wrong(field="main", message="The stored directory cannot be read")], 503
            )
        if outcome.result != "refused":
            return self._sessions.redirect(f"/directory/changes/{draft}")
        return await self._change(request, wrongs(outcome), 422)

    async def history(self, request: web.Request) -> web.StreamResponse:
        """What became of one entry."""
        viewer, code = request[VIEWER], request.match_info["organisation"]
        table, key = table_of(request), request.match_info["key"]
        if table is None or not may(viewer, "directory:see", code):
            return self._sessions.nowhere()
        _, bundle = await self._changing.versions.present(in_part=True)
        place = (code, key) if table == "desks" else (key,)
        if table == "certificates":
            held = part_of(bundle, code).certificates
            place = next(((kept_under(c.address), c.fingerprint) for c in held if c.fingerprint == key), (key,))
        found = await self._changing.versions.history(table, place, seer(viewer))
        return self._site.page(
            request,
            "directory_history.html",
            title=title_of(table, place),
            code=code,
            found=[{**draft_view(one.draft), "judged": [difference_view(j) for j in one.judged]} for one in found],
        )

    async def _change(self, request: web.Request, errors: Sequence[Wrong], status: int) -> web.StreamResponse:
        viewer = request[VIEWER]
        about = None
        if may(viewer, "directory:see", viewer.organisation):
            about = await self._changing.versions.change(request.match_info["change"], seer(viewer))
        if about is None:
            return self._sessions.nowhere()
        author = author_of(viewer)
        return self._site.page(
            request,
            "directory_change.html",
            status=status,
            errors=tuple(errors),
            change=draft_view(about.draft),
            of=self._site.called(about.draft.organisation),
            **listed(request, f"/directory/changes/{about.draft.id}", about.judged),
            decides=author is not None and why_not_decided(about.draft, author) is None,
            own=author is not None and why_not_withdrawn(about.draft, author) is None,
        )


def seer(viewer: Viewer) -> Author:
    """Whoever looks: of every organisation, or of theirs."""
    everywhere = may(viewer, "directory:see", ANYBODY)
    return Author(actor=viewer.actor, name=viewer.name, organisation=None if everywhere else viewer.organisation)


def table_of(request: web.Request) -> Table | None:
    """The table that the path names."""
    return next((one for one in tables() if one == request.match_info["table"]), None)


def wrongs(outcome: Outcome, columns: Sequence[str] = ()) -> list[Wrong]:
    """What is wrong, by the field of the form; what belongs to none leads to the page's own part."""
    found = []
    for problem in outcome.problems:
        column = problem.path.rpartition(".")[2]
        at = column if problem.path.startswith("changes[0]") and column in columns else "main"
        at = "why" if problem.path == "why" else at
        words = problem.message if at != "main" else f"{problem.path}: {problem.message}"
        if at == column and problem.message == "is missing":
            words = f"{LABELS[column]}: fill this in"
        found.append(Wrong(field=at, message=words[:1].upper() + words[1:]))
    for conflict in outcome.conflicts:
        found.append(Wrong(field="main", message=f"{conflict.difference.path}: somebody else has changed this since"))
    if outcome.refusal is not None:
        found.append(Wrong(field="main", message=REFUSED[outcome.refusal]))
    return found


def _desks(part: Bundle) -> list[dict[str, object]]:
    return [
        {
            "desk": desk,
            "called": desk_words(desk.function),
            "contacts": [
                {"contact": one, "channel": CHANNEL_WORDS[one.channel], "over": one.valid_until}
                for one in part.contacts
                if one.desk == desk.function
            ],
        }
        for desk in part.desks
    ]


def _certificates(part: Bundle) -> list[dict[str, object]]:
    return [{"held": one, "details": details(one)} for one in part.certificates]


def _instant(text: str) -> tuple[datetime | None, list[Wrong]]:
    if not text:
        return None, []
    try:
        found = datetime.fromisoformat(text)
        return (found.astimezone(LONDON) if found.tzinfo else found.replace(tzinfo=LONDON)), []
    except (ValueError, OverflowError):
        return None, [Wrong(field="at", message="Enter a date such as 2026-04-01, or 2026-04-01T22:00")]
