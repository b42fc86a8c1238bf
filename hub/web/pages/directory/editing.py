"""One entry of the directory in a form: filled in, looked at once more, and then proposed or in force.

The form carries the version that it was made on, so that what somebody else has changed meanwhile is told and not
overwritten.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from contacts.certificate_files import holder_of
from contacts.certificates import CertificateProblem
from contacts.changes import Change, Entry, EntryKey, Put, Remove, Table, entries
from contacts.export import COLUMNS, cells_of
from contacts.model import Bundle, Certificate
from contacts.roles import DESK_FUNCTIONS
from contacts.scope import part_of, users
from hub.core.accounts import may
from hub.core.drafts import author_of
from hub.service.directory.changing import Changing
from hub.service.directory.outcome import Outcome
from hub.service.directory.versions import DirectoryUnreadable
from hub.web.forms import Form
from hub.web.pages.accounts.site import Site
from hub.web.pages.directory.seeing import table_of, wrongs
from hub.web.pages.directory.words import (
    HINTS,
    LABELS,
    ONE,
    Asked,
    Wrong,
    details,
    difference_view,
    fields,
    title_of,
)
from hub.web.sessions import FORM, VIEWER, Sessions

NEW = "new"
"""In the place of a key: an entry that is not there yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """What a form is about. ``entry``: None for a new one."""

    organisation: str
    table: Table
    key: EntryKey | None
    entry: Entry | None
    version: int
    asked: tuple[Asked, ...]
    part: Bundle = field(repr=False)


class EntryPages:
    """All of it is guarded, and only for who may change the directory of the organisation in the path."""

    def __init__(self, *, changing: Changing, site: Site, sessions: Sessions) -> None:
        self._changing = changing
        self._site = site
        self._sessions = sessions

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The form."""
        place = await self._place(request)
        if place is None:
            return self._sessions.nowhere()
        return self._form(request, place, _filled(place), (), 200)

    async def take(self, request: web.Request) -> web.StreamResponse:
        """What was filled in, once more to look at; confirmed, it is proposed."""
        place, form = await self._place(request), request[FORM]
        author = author_of(request[VIEWER])
        if place is None or author is None:
            return self._sessions.nowhere()
        typed = {one.column: form.one(one.column) for one in place.asked}
        if any(one.long for one in place.asked) and (file := form.file("file")):
            try:
                typed["certificate"] = holder_of(file)
            except CertificateProblem as problem:
                why = str(problem)
                return self._form(request, place, typed, [Wrong(field="file", message=why[:1].upper() + why[1:])], 422)
        removing = form.one("remove") == "yes" and place.key is not None
        change = Remove(table=place.table, key=place.key or ()) if removing else _put(place, typed)
        confirm, why = form.one("step") == "confirm", form.one("why").strip()
        override = why if confirm and form.one("override") == "yes" else None
        try:
            outcome = await self._changing.propose(
                author,
                self._changes(place, change),
                seen=_seen(form, place.version),
                confirm=confirm,
                override=override,
                strict=False,
            )
        except DirectoryUnreadable:
            wrong = Wrong(field="main", message="The stored directory cannot be read: the operator has to import one")
            return self._form(request, place, typed, [wrong], 503)
        if outcome.draft is not None:
            return self._sessions.redirect(f"/directory/changes/{outcome.draft.id}")
        if outcome.result == "unchanged":
            wrong = Wrong(field="main", message="You have changed nothing")
            return self._form(request, place, typed, [wrong], 422)
        if override is not None and outcome.result == "refused" and not outcome.conflicts:
            again = await self._changing.propose(
                author, self._changes(place, change), seen=_seen(form, place.version), strict=False
            )
            if again.result == "preview":
                return self._check(request, place, typed, again, wrongs(outcome), removing=removing, why=why)
        if outcome.result == "refused":
            return self._form(request, place, typed, wrongs(outcome, list(typed)), 422)
        return self._check(request, place, typed, outcome, (), removing=removing, why="")

    def _changes(self, place: _Place, change: Change) -> Sequence[Change]:
        """A desk goes with its contacts: one by one they would be refused."""
        if not isinstance(change, Remove) or place.table != "desks":
            return [change]
        staff = [c for c in place.part.contacts if (c.organisation, c.desk) == place.key]
        return [change, *(Remove(table="contacts", key=(c.id,)) for c in staff)]

    async def _place(self, request: web.Request) -> _Place | None:
        viewer, code, name = request[VIEWER], request.match_info["organisation"], request.match_info["key"]
        table = table_of(request)
        if table is None or not may(viewer, "directory:change", code) or author_of(viewer) is None:
            return None
        version, bundle = await self._changing.versions.present(in_part=True)
        part = part_of(bundle, code)
        if not part.organisations or (table == "organisations" and name != code):
            return None
        key, entry = None, None
        if name != NEW or table == "organisations":
            found = entries(part, table)
            if table == "hours":  # those that nobody uses yet are in nobody's part
                own = _hours(bundle, part)
                found = {key: entry for key, entry in entries(bundle, table).items() if key[0] in own}
            key = next((one for one in found if one[-1] == name), None)
            if key is None:
                return None
            entry = found[key]
        return _Place(
            organisation=code,
            table=table,
            key=key,
            entry=entry,
            version=version,
            asked=fields(table, fresh=entry is None, desks=_functions(table, entry, part), hours=_hours(bundle, part)),
            part=part,
        )

    def _form(
        self, request: web.Request, place: _Place, typed: Mapping[str, str], errors: Sequence[Wrong], status: int
    ) -> web.Response:
        by = {one.field: one.message for one in errors}
        return self._site.page(
            request,
            "directory_entry.html",
            status=status,
            place=place,
            title=f"Add: {ONE[place.table].lower()}" if place.key is None else title_of(place.table, place.key),
            called=self._site.called(place.organisation),
            fields=[_field(one, typed, by.get(one.column)) for one in place.asked],
            errors=tuple(errors),
            held=_held(place.entry),
            file={"wrong": by.get("file")} if any(one.long for one in place.asked) else None,
            removable=place.key is not None and place.table != "organisations",
        )

    def _check(
        self,
        request: web.Request,
        place: _Place,
        typed: Mapping[str, str],
        outcome: Outcome,
        errors: Sequence[Wrong],
        *,
        removing: bool,
        why: str,
    ) -> web.Response:
        return self._site.page(
            request,
            "directory_check.html",
            status=422 if errors else 200,
            errors=tuple(errors),
            errors_by={"why": next((one.message for one in errors if one.field == "why"), None)},
            place=place,
            typed=typed,
            removing=removing,
            seen=place.version,
            judged=[difference_view(one) for one in outcome.judged],
            two=outcome.takes_two,
            warnings=outcome.warnings,
            why=why[:500],
        )


def _held(entry: Entry | None) -> dict[str, object] | None:
    return {"held": entry, "details": details(entry)} if isinstance(entry, Certificate) else None


def _put(place: _Place, typed: Mapping[str, str]) -> Put:
    """What was typed, over what the form does not ask for."""
    cells: dict[str, object] = {}
    if place.entry is not None:
        kept = cells_of(place.entry, COLUMNS[place.table])
        cells = {column: value for column, value in kept.items() if value is not None and column not in typed}
    elif place.table in ("desks", "contacts"):
        cells = {"organisation": place.organisation}
    return Put(table=place.table, cells=cells | {c: text.strip() for c, text in typed.items() if text.strip()})


def _filled(place: _Place) -> dict[str, str]:
    if place.entry is None:
        return {one.column: one.default for one in place.asked}
    cells = cells_of(place.entry, COLUMNS[place.table])
    return {one.column: _text(cells.get(one.column)) for one in place.asked}


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field(one: Asked, typed: Mapping[str, str], wrong: str | None) -> dict[str, object]:
    value = typed.get(one.column, "")
    choices = one.choices or ()
    if choices and value not in {choice for choice, _ in choices}:
        choices = (*choices, (value, value))
    return {
        "column": one.column,
        "label": LABELS[one.column],
        "hint": HINTS.get(one.column),
        "value": value[:20_000],
        "long": one.long,
        "choices": [{"value": v, "text": words, "selected": v == value} for v, words in choices] if choices else None,
        "wrong": wrong,
    }


def _functions(table: Table, entry: Entry | None, part: Bundle) -> list[str]:
    held = {desk.function for desk in part.desks}
    if table == "desks" and entry is None:
        return sorted(DESK_FUNCTIONS - held)
    return sorted(held)


def _hours(bundle: Bundle, part: Bundle) -> list[str]:
    """Those that the organisation uses, and those that nobody does yet: the others are another's own."""
    used, _ = users(bundle)
    return sorted({h.name for h in part.hours} | {h.name for h in bundle.hours if h.name not in used})


def _seen(form: Form, version: int) -> int:
    text = form.one("seen")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else version
