"""What a program asks for, read by a model; or the refusal that lists everything that is not understood."""

import re
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ValidationError, WithJsonSchema

from hub.core.events import Problem
from hub.web.problems import problem

M = TypeVar("M", bound=BaseModel)
_YEARS: Final = r"2[01]\d\d-"
_INSTANT: Final = re.compile(_YEARS + r"\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> datetime:
    """RFC 3339 and nothing else: a number that somebody left there is no instant in 1970."""
    try:
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            raise ValueError
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("is an instant of 2000 to 2199 with its offset, such as 2026-04-01T09:00:00Z") from None


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": f"^{_YEARS}"}, mode="validation"),
]
"""In a query. Always with its offset."""


def whole(value: Any) -> Any:
    """JSON has one kind of number: 14.0 is as whole as 14."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def valid(model: type[M], given: bytes | dict[str, Any]) -> M | web.Response:
    """``given``: a body in JSON, taken at its word, or a query, whose values are all text. 400 where it does not fit,
    and no values in it: others see it too."""
    try:
        if isinstance(given, bytes):
            return model.model_validate_json(given, strict=True)
        return model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        problems = [Problem(path=".".join(str(step) for step in one["loc"]), message=one["msg"]) for one in found]
        return problem(400, "What was asked is not understood.", problems=problems)
