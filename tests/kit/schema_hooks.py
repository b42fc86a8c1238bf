"""What schemathesis cannot know: how an event is signed, whose it is, and what there is. Loaded by it (contract.py)."""

import json
import os
import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import schemathesis
from requests import PreparedRequest
from requests.auth import AuthBase

from hub.core.webhook import ID, SIGNATURE, TIMESTAMP, sign
from tests.kit.events import SOURCE
from tests.kit.web import KEY

KNOWN: dict[str, list[str]] = json.loads(os.environ.get("FINGERPOST_TEST_KNOWN", "{}"))
"""By the name of a parameter in a path."""

_SENDABLE = {ID: re.compile(r"[!-~]{1,256}"), TIMESTAMP: re.compile(r"[0-9]{1,12}")}


class Signed(AuthBase):
    """Signs an event whose headers are as the document has them; any other is left wrong."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        given: dict[str, str] = {name.lower(): _text(value) for name, value in request.headers.items()}
        right = all(name in given and shape.fullmatch(given[name]) for name, shape in _SENDABLE.items())
        if right and SIGNATURE in given:
            body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
            headers = sign(body, webhook_id=given[ID], at=datetime.now(UTC), keys=[KEY])
            for name, value in headers.items():
                request.headers[name] = value
        return request


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


@schemathesis.serializer("message/rfc822")
def mail(ctx: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: dict[str, Any]) -> None:
    for name, value in (case.path_parameters or {}).items():
        there = KNOWN.get(name)
        chosen = sha256(str(value).encode("utf-8", "replace")).digest()
        if there and chosen[0] % 2:  # the other half are of nobody
            case.path_parameters[name] = there[chosen[1] % len(there)]
    if case.operation.path == "/v1/events" and case.method == "POST":
        kwargs["auth"] = Signed()
        if isinstance(case.body, dict) and isinstance(case.body.get("source"), str):
            case.body["source"] = SOURCE
