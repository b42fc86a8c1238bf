"""What a program asks for, read by a model; or the refusal that lists everything that is not understood."""

from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from hub.core.events import Problem
from hub.web.problems import problem

M = TypeVar("M", bound=BaseModel)


def valid(model: type[M], given: bytes | dict[str, Any]) -> M | web.Response:
    """``given``: a body in JSON, or a query. 400 where it does not fit, and no values in it: others see it too."""
    try:
        return model.model_validate_json(given) if isinstance(given, bytes) else model.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        problems = [Problem(path=".".join(str(step) for step in one["loc"]), message=one["msg"]) for one in found]
        return problem(400, "What was asked is not understood.", problems=problems)
