"""Reading episodes over the API, under a token with the scope ``episodes:read``: ids, roles, states, instants.

Nothing personal: no name, no address, no fact of the child. Those stay in the notices of those who must know.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from hub.core.records import EpisodeRecord
from hub.service.access import Access, Denied, Granted, Scope, bearer
from hub.service.timeline import Carried, Decided, Seeing, Timeline, Told
from hub.web.problems import json_response, problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
BEARER: Final = web.RequestKey("bearer", str)
"""The operator's name for the token of a request."""


def guarded(access: Access, scope: Scope, handler: Handler) -> Handler:
    """``handler`` for bearers of a token with ``scope`` only (RFC 6750), and, where the path names an
    ``{organisation}``, of a token of that organisation."""

    async def check(request: web.Request) -> web.StreamResponse:
        organisation = request.match_info.get("organisation")
        match access.check(bearer(request.headers.get("Authorization")), scope, organisation):
            case Granted(name=name):
                request[BEARER] = name
                return await handler(request)
            case Denied(reason="scope"):
                challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
                return problem(403, f"This token lacks the scope {scope}.", headers={"WWW-Authenticate": challenge})
            case Denied(reason="organisation"):
                return problem(403, "This token does not speak for this organisation.")
            case Denied():
                return problem(
                    401,
                    f"Send `Authorization: Bearer TOKEN` with a token of the scope {scope} (`fingerpost tokens add`).",
                    headers={"WWW-Authenticate": "Bearer"},
                )

    return check


class EpisodesApi:
    """/v1/episodes and /v1/episodes/{episode}."""

    def __init__(self, seeing: Seeing) -> None:
        self._seeing = seeing

    async def index(self, request: web.Request) -> web.Response:
        """The newest hundred."""
        return json_response({"episodes": [_episode(record) for record in await self._seeing.episodes()]})

    async def one(self, request: web.Request) -> web.Response:
        """One episode's decisions, notices, deliveries and duties."""
        timeline = await self._seeing.timeline(request.match_info["episode"])
        if timeline is None:
            return problem(404, "No episode has this id.")
        return json_response(_timeline(timeline))


def _at(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None


def _episode(record: EpisodeRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "organisation": record.organisation,
        "state": record.state,
        "category": record.category,
        "status": record.status,
        "since": _at(record.since),
        "ended_at": _at(record.ended_at),
    }


def _timeline(timeline: Timeline) -> dict[str, Any]:
    return {
        "episode": _episode(timeline.episode),
        "decisions": [_decision(decided) for decided in timeline.decided],
        "duties": [
            # When adulthood falls due is a birthday.
            {
                "duty": d.code,
                "owner": d.owner,
                "due_at": None if d.code == "adulthood" else _at(d.due_at),
                "state": d.state,
            }
            for d in timeline.ahead
        ],
        "register": [
            {
                "organisation": entry.organisation,
                "role": entry.role,
                "received_at": _at(entry.received_at),
                "remove_at": _at(entry.remove_at),
                "removed_at": _at(entry.removed_at),
            }
            for entry in timeline.register
        ],
    }


def _decision(decided: Decided) -> dict[str, Any]:
    decision = decided.record.decision
    return {
        "at": _at(decision.at),
        "outcome": decision.outcome,
        "kind": decision.kind,
        "priority": decision.priority,
        "recipients": [{"role": r.role, "organisation": r.organisation} for r in decision.recipients],
        "rules": [{"pack": rule.pack, "rule": rule.rule} for rule in decision.rules],
        "notices": [_notice(told) for told in decided.notices],
    }


def _notice(told: Told) -> dict[str, Any]:
    return {
        "id": told.notice.id,
        "reference": told.notice.reference,
        "organisation": told.notice.organisation,
        "state": told.notice.state,
        "state_at": _at(told.notice.state_at),
        "answers": [{"at": _at(answer.at), "answer": answer.answer} for answer in told.answers],
        "deliveries": [_delivery(carried) for carried in told.deliveries],
    }


def _delivery(carried: Carried) -> dict[str, Any]:
    return {
        "id": carried.delivery.id,
        "channel": carried.delivery.channel,
        "state": carried.delivery.state,
        "attempts": [
            {"number": a.number, "at": _at(a.started_at), "state": a.state, "reason": a.reason, "carried": a.carried}
            for a in carried.attempts
        ],
    }
