"""``GET /v1/register/{organisation}``: who is on an organisation's register, for a token of that organisation.

The one answer of the API that holds names: what the organisation was told anyhow, and no more (need to know).
"""

from datetime import datetime
from typing import Any

from aiohttp import web

from hub.service.register import Listed, Registers
from hub.web.api.episodes import BEARER
from hub.web.problems import json_response, problem


class RegisterApi:
    """/v1/register/{organisation}."""

    def __init__(self, registers: Registers) -> None:
        self._registers = registers

    async def list(self, request: web.Request) -> web.Response:
        """All entries, by receipt; with ``?removed=true`` those taken off, without names."""
        organisation, removed = request.match_info["organisation"], request.query.getall("removed", [])
        if removed not in ([], ["true"]):
            return problem(400, "`removed` is `true`, or is left out.")
        if removed:
            found = await self._registers.of(organisation, removed=True)
        else:
            found = await self._registers.named(organisation, f"token:{request[BEARER]}")
        return json_response({"organisation": organisation, "entries": [_entry(one) for one in found]})


def _at(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None


def _entry(listed: Listed) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": listed.entry,
        "episode": listed.episode,
        "role": listed.role,
        "category": listed.category,
        "status": listed.status,
        "received_at": _at(listed.received_at),
        "remove_at": _at(listed.remove_at),
        "removed_at": _at(listed.removed_at),
        "why_removed": listed.why_removed,
    }
    if listed.name is not None:
        entry["name"] = listed.name
    if listed.date_of_birth is not None:
        entry["date_of_birth"] = listed.date_of_birth.isoformat()
    return entry
