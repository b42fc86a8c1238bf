"""Answers in JSON; refusals as problem details (RFC 9457): whose fault it is, and what to do."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import web

from hub.core.answers import PROBLEM_JSON, TITLES, refused
from hub.core.events import Problem

RETRY_STORE: Final = 5
"""Seconds after which a sender should try again when nothing can be stored now."""
RETRY_KEY: Final = 60
"""And when a key has to be put back, by a human."""


def title(status: int) -> str:
    """What a status means here, in words."""
    return {405: "This address does not take that method", 500: "The hub failed"}.get(status) or TITLES.get(
        status, "Refused"
    )


def json_response(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Any answer in JSON; a refusal bears the media type of problem details."""
    return web.Response(
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
        status=status,
        content_type="application/json" if status < 400 else PROBLEM_JSON,
        headers=headers,
    )


def problem(
    status: int,
    detail: str,
    *,
    problems: Sequence[Problem] = (),
    reason: str | None = None,
    quarantine: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A refusal."""
    answer = refused(status, detail, problems=problems, reason=reason, quarantine=quarantine)
    return json_response({**answer.body, "title": title(status)}, status=status, headers=headers)


def try_again(status: int, detail: str, seconds: float) -> web.Response:
    """A refusal for now, with ``Retry-After`` in whole seconds (RFC 9110, 10.2.3), at least one."""
    return problem(status, detail, headers={"Retry-After": str(max(1, math.ceil(seconds)))})
