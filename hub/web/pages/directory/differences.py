"""The entries of a change, or of an import, as a list that can be narrowed and whose pages can be turned."""

from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from contacts.changes import tables
from hub.core.drafts import Judged
from hub.web.pages.directory.words import KINDS, MANY, difference_view
from hub.web.pages.lists import Arranged, Filter, arranged

PER_PAGE: Final = 50
_FILTERS: Final[tuple[Filter[Judged], ...]] = (
    Filter(
        name="table",
        label="Table",
        of=lambda one: one.difference.table,
        choices=[(table, MANY[table]) for table in tables()],
    ),
    Filter(
        name="kind",
        label="Kind",
        of=lambda one: one.difference.kind,
        choices=[(kind, words.capitalize()) for kind, words in KINDS.items()],
    ),
    Filter(
        name="two",
        label="Takes",
        of=lambda one: "yes" if one.reasons else "no",
        choices=[("yes", "Two persons"), ("no", "One person")],
    ),
)


def listed(request: web.Request, path: str, judged: Sequence[Judged]) -> dict[str, Any]:
    """``judged``: the list, for the macros of ``table.html``; ``shown``: what is on this page of it, for
    ``directory_parts.html``. ``path``: the page's own."""
    found: Arranged[Judged] = arranged(judged, request.query, path, filters=_FILTERS, per=PER_PAGE)
    return {"judged": found, "shown": [difference_view(one) for one in found.rows]}
