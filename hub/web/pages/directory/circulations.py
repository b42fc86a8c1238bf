"""``/directory/circulations``: who is on which circulation list, and whether they can be reached.

Nobody keeps such a list: a circulation goes to every authority of its area (readings.md B23), so what there is to keep
is the desk of each.
"""

from typing import Final

from aiohttp import web

from contacts.areas import Areas
from contacts.assurance import STATES, Coverage, coverage_of
from contacts.directory import Directory
from contacts.model import Bundle
from contacts.roles import EMERGENCY_DUTY_TEAM, desk_of
from hub.core.accounts import may
from hub.core.naming import organisation_name
from hub.service.directory.changing import Changing
from hub.service.ports import Clock
from hub.web.pages.accounts.site import Site
from hub.web.pages.assurance.words import STATE_TAGS, STATE_WORDS
from hub.web.pages.directory.seeing import ANYBODY
from hub.web.pages.directory.words import desk_words
from hub.web.pages.lists import Arranged, Column, Filter, arranged, chosen
from hub.web.sessions import VIEWER, Sessions

HERE: Final = "/directory/circulations"
LISTS: Final = ("national", "london")
PER_PAGE: Final = 250
_COLUMNS: Final[tuple[Column[Coverage], ...]] = (
    Column(name="name", heading="Authority", key=lambda one: organisation_name(one.organisation).casefold()),
    Column(name="code", heading="Code", key=lambda one: one.organisation),
    Column(name="now", heading="Reached now", key=lambda one: STATES.index(one.now)),
    Column(name="day", heading="By day", key=lambda one: STATES.index(one.by_day)),
    Column(name="night", heading="By night", key=lambda one: STATES.index(one.by_night)),
)
_FILTERS: Final[tuple[Filter[Coverage], ...]] = (
    Filter(
        name="reached",
        label="Reached",
        of=lambda one: "yes" if one.complete else "no",
        choices=[("yes", "By day and by night"), ("no", "Not always")],
    ),
)


class CirculationPages:
    """Guarded, and for whoever sees the directories of all; for anybody else there is no such page."""

    def __init__(self, *, changing: Changing, site: Site, sessions: Sessions, clock: Clock) -> None:
        self._changing = changing
        self._site = site
        self._sessions = sessions
        self._clock = clock

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The members of one list."""
        viewer, name = request[VIEWER], request.query.get("list", LISTS[0])
        if not may(viewer, "directory:see", ANYBODY) or name not in LISTS:
            return self._sessions.nowhere()
        _, bundle = await self._changing.versions.present(in_part=True)
        role = f"circulation:{name}"
        directory = Directory.of(_narrowed(bundle, {desk_of(role), EMERGENCY_DUTY_TEAM}))
        wanted = [(code, role) for code in members(name, self._changing.areas)]
        rows: Arranged[Coverage] = arranged(
            coverage_of(directory, self._clock.now(), wanted),
            request.query,
            HERE,
            columns=_COLUMNS,
            filters=_FILTERS,
            per=PER_PAGE,
            keeping={"list": name},
        )
        return self._site.page(
            request,
            "directory_circulations.html",
            lists=chosen("List", "list", [(one, one.capitalize()) for one in LISTS], name, HERE, {}),
            rows=rows,
            desk=desk_words(desk_of(role)),
            names={one.organisation: organisation_name(one.organisation) for one in rows.rows},
            states=STATE_WORDS,
            tags=STATE_TAGS,
            known={one.code for one in bundle.organisations},
        )


def members(name: str, areas: Areas) -> tuple[str, ...]:
    """Codes of the authorities on a list."""
    return areas.london() if name == "london" else areas.everywhere()


def _narrowed(bundle: Bundle, desks: set[str]) -> Bundle:
    """As much of a directory as answers for these desks."""
    return Bundle(
        organisations=bundle.organisations,
        desks=tuple(one for one in bundle.desks if one.function in desks),
        contacts=tuple(one for one in bundle.contacts if one.desk in desks),
        hours=bundle.hours,
    )
