"""Coverage over the API: who can be reached now, by day and by night; of the token's organisation, or of all."""

import asyncio
import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from contacts.areas import Areas
from contacts.assurance import Coverage, coverage, covered
from contacts.directory import Directory
from hub.service.ports import Clock
from hub.web.api.asked import Instant, valid
from hub.web.api.directory import Code
from hub.web.api.episodes import TOKEN
from hub.web.problems import json_response, problem

_YEARS: Final = range(2000, 2201)
"""For which bank holidays can be told, and a working day found after any of them."""
COLUMNS: Final = ("organisation", "role", "now", "by_day", "by_night", "second_channel")


class CoverageQuestion(BaseModel):
    """The query of a report."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    organisation: Code | None = Field(None, description="Of this organisation alone; a bound token's is always that.")
    at: Instant | None = Field(None, description="As it is at this instant instead of now: try a night.")
    missing: bool = Field(False, description="Only the roles that are not covered at all three times.")
    format: Literal["json", "csv"] = Field("json", description="`csv` for a spreadsheet.")


class CoverageApi:
    """/v1/directory/coverage. No address is in it."""

    def __init__(self, directory: Callable[[], Directory], areas: Areas, clock: Clock) -> None:
        self._directory = directory
        self._areas = areas
        self._clock = clock

    async def report(self, request: web.Request) -> web.Response:
        """Every role of every authority and force there is, whether or not the directory holds it."""
        asked = valid(CoverageQuestion, dict(request.query))
        if isinstance(asked, web.Response):
            return asked
        at = asked.at or self._clock.now()
        if at.year not in _YEARS:
            return problem(400, f"`at` is in one of the years {_YEARS.start} to {_YEARS.stop - 1}.")
        organisation = request[TOKEN].organisation or asked.organisation
        return await asyncio.to_thread(self._answer, asked, at.astimezone(UTC), organisation)

    def _answer(self, asked: CoverageQuestion, at: datetime, organisation: str | None) -> web.Response:
        found = coverage(self._directory(), at, self._areas)
        own = [one for one in found if organisation in (None, one.organisation)]
        shown = [one for one in own if not (asked.missing and one.always)]
        if asked.format == "csv":
            return web.Response(text=as_csv(shown), content_type="text/csv", charset="utf-8")
        counts: dict[str, dict[str, int]] = {}
        for (when, state), number in covered(own).items():
            counts.setdefault(when, {})[state] = number
        return json_response({"at": at.isoformat(), "counts": counts, "roles": [_row(one) for one in shown]})


def _row(one: Coverage) -> dict[str, Any]:
    return {name: getattr(one, name) for name in COLUMNS}


def as_csv(shown: Sequence[Coverage]) -> str:
    """Codes only: names would be cells that somebody else has written."""
    out = io.StringIO()
    rows = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerows({**_row(one), "second_channel": str(one.second_channel).lower()} for one in shown)
    return out.getvalue()
