"""``/directory/import``: a whole directory, or an organisation's part of it, in and out as a file.

What was handed over is checked and compared before anything changes; whoever has looked at every difference confirms
exactly those. How far that is, and what became of it, is on one page, which also a hub that was restarted can show.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from contacts.archives import is_zip
from contacts.model import Problem
from contacts.rows import organisation_code
from contacts.scope import part_of
from contacts.tables import dumps, dumps_zip
from hub.core.accounts import Viewer, may
from hub.core.drafts import Author, author_of
from hub.service.directory.changing import Changing
from hub.service.directory.importing import Checked, Importing, Progress
from hub.service.directory.versions import DirectoryUnreadable
from hub.web.pages.accounts.site import Site
from hub.web.pages.directory.differences import listed
from hub.web.pages.directory.seeing import ANYBODY
from hub.web.pages.directory.words import Wrong
from hub.web.pages.lists import Arranged, Column, arranged
from hub.web.sessions import FORM, VIEWER, Sessions

LONGEST: Final = 16 * 1024 * 1024
"""Bytes of a file: a country's directory is two megabytes of JSON, and as much again in certificates."""
PATIENCE: Final = 0.08
"""Seconds before a page says how far something is: most files are done with by then."""
IMPORT: Final = "/directory/import"
FORMATS: Final = {"json": "application/json", "zip": "application/zip"}
PROBLEMS: Final = 200
_PROBLEMS: Final[tuple[Column[Problem], ...]] = (
    Column(name="path", heading="Where"),
    Column(name="message", heading="What is wrong"),
)


class ImportPages:
    """All of it is guarded, for who may change the directory; an export is for all who may see it."""

    def __init__(self, *, importing: Importing, changing: Changing, site: Site, sessions: Sessions) -> None:
        self._importing = importing
        self._changing = changing
        self._site = site
        self._sessions = sessions

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The form, and what can be taken out."""
        return self._form(request, request.query.get("organisation", ""), ())

    async def take(self, request: web.Request) -> web.StreamResponse:
        """A file. What is wrong in it, its own page says."""
        author, form = author_of(request[VIEWER]), request[FORM]
        part, file = form.one("organisation"), form.file("file")
        if author is None or not self._offered(request[VIEWER], part):
            return self._sessions.nowhere()
        if not file:
            return self._form(request, part, [Wrong(field="file", message="Choose a file")])
        if not is_zip(file) and not file.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
            wrong = "Choose a JSON file, or a zip archive of the CSV tables"
            return self._form(request, part, [Wrong(field="file", message=wrong)])
        upload = await self._importing.upload(author, file, part or None)
        return self._sessions.redirect(f"/directory/imports/{upload}")

    async def one(self, request: web.Request) -> web.StreamResponse:
        """What it would do, how far it is, or what became of it."""
        author = author_of(request[VIEWER])
        upload = request.match_info["upload"]
        seen = None if author is None else await self._importing.look(author, upload)
        if seen is not None and author is not None and seen.progress is not None:
            await self._importing.wait(upload, PATIENCE)
            seen = await self._importing.look(author, upload)
        if seen is None or author is None:
            return self._sessions.nowhere()
        part = seen.upload.part
        values: dict[str, Any] = {
            "upload": seen.upload,
            "of": "the whole directory" if part is None else f"the directory of {self._site.called(part)}",
            "back": _form_of(author, part),
        }
        if seen.draft is not None:
            return self._site.page(request, "directory_import_done.html", draft=seen.draft, **values)
        if seen.progress is not None:
            return self._site.page(
                request, "directory_import_progress.html", words=_words(seen.progress),
                share=_share(seen.progress), confirmed=seen.confirmed, **values
            )  # fmt: skip
        if seen.checked is not None:
            values |= _checked(request, seen.checked)
        return self._site.page(request, "directory_import_check.html", broken=seen.broken, **values)

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Confirm it, compare it anew, or give it up."""
        author, form, upload = author_of(request[VIEWER]), request[FORM], request.match_info["upload"]
        known = None if author is None else await self._importing.look(author, upload)
        if author is None or known is None:
            return self._sessions.nowhere()
        match form.one("step"):
            case "confirm":
                seen = form.one("seen")
                number = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else -1
                await self._importing.confirm(author, upload, number)
            case "compare":
                await self._importing.compare(author, upload)
            case "discard":
                await self._importing.discard(author, upload)
                return self._sessions.redirect(_form_of(author, known.upload.part))
            case _:
                return self._sessions.nowhere()
        return self._sessions.redirect(f"/directory/imports/{upload}")

    async def export(self, request: web.Request) -> web.StreamResponse:
        """The directory as a file that imports back byte for byte."""
        viewer, code, kind = request[VIEWER], request.query.get("organisation", ""), request.query.get("format", "json")
        if not may(viewer, "directory:see", code or ANYBODY) or kind not in FORMATS:
            return self._sessions.nowhere()
        try:
            _, bundle = await self._changing.versions.present()
        except DirectoryUnreadable:
            return self._sessions.nowhere()
        part = part_of(bundle, code) if code else bundle
        if code and not part.organisations:
            return self._sessions.nowhere()
        body = await asyncio.to_thread(dumps if kind == "json" else dumps_zip, part)
        name = f"directory-{code.replace(':', '-') or 'all'}.{kind}".encode("ascii", "replace").decode()
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(body=body, content_type=FORMATS[kind], headers=headers)

    def _offered(self, viewer: Viewer, part: str) -> bool:
        """Whether they may import that part; empty is theirs, or for who may change any the whole."""
        if not part:
            return True
        try:
            known = organisation_code(part, self._changing.areas) == part
        except ValueError:
            known = False
        return known and may(viewer, "directory:change", part)

    def _form(self, request: web.Request, part: str, errors: Sequence[Wrong]) -> web.StreamResponse:
        viewer = request[VIEWER]
        author = author_of(viewer)
        if author is None or not self._offered(viewer, part):
            return self._sessions.nowhere()
        part = author.organisation or part
        return self._site.page(
            request,
            "directory_import.html",
            status=422 if errors else 200,
            errors=tuple(errors),
            part=part,
            of="the whole directory" if not part else f"the directory of {self._site.called(part)}",
            most=LONGEST // 1024 // 1024,
        )


def _form_of(author: Author, part: str | None) -> str:
    """The address of the form for it."""
    return IMPORT if part is None or author.organisation else f"{IMPORT}?organisation={part}"


def _checked(request: web.Request, checked: Checked) -> dict[str, Any]:
    outcome = checked.outcome
    problems: Arranged[Problem] = arranged(
        checked.problems, request.query, request.path, columns=_PROBLEMS, per=PROBLEMS
    )
    return {
        "outcome": outcome,
        "problems": problems,
        "warnings": checked.warnings[:PROBLEMS],
        "conflicts": [one.difference.path for one in outcome.conflicts[:PROBLEMS]],
        **listed(request, request.path, outcome.judged),
        "count": len(outcome.judged),
        "two": sum(bool(one.reasons) for one in outcome.judged),
    }


def _words(progress: Progress) -> str:
    match progress.stage:
        case "waiting":
            return "Waiting for another import to get to its end"
        case "reading":
            return f"Reading: {progress.done:,} of {progress.of:,} rows"
        case "comparing":
            return "Comparing it with the directory in force"
        case "writing":
            return "Putting it in force"


def _share(progress: Progress) -> int:
    """Percent, as far as that can be told."""
    read = progress.done / progress.of if progress.of else 0.0
    return {"waiting": 2, "reading": 5 + round(65 * read), "comparing": 75, "writing": 85}[progress.stage]
