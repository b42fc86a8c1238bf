"""What pydantic finds wrong, in our words: whose fault, what to do, and never the value itself."""

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from hub.core.wire_json import MAX_KEY_SHOWN, Problem, joined
from hub.core.wire_models import DATA_MODELS

MISSING: Final = "is missing: the sending system must give it"
NOT_NULL: Final = "cannot be null: the sending system must give it"

_WORDS: Final[Mapping[str, str]] = {
    "missing": MISSING,
    "literal_error": "is not one of the values allowed: send {expected}",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "string_too_long": "is longer than {max_length} characters: shorten it",
    "string_too_short": "is blank: the sending system must give it",
    "too_long": "has more than {max_length} entries: send fewer",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "wire": "{message}",
}
_WRONG_TYPE: Final = frozenset({"literal_error", "string_type", "bool_type", "int_type", "list_type", "model_type"})


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], value: object, at: str) -> tuple[Model | None, tuple[Problem, ...]]:
    """The value as ``model``, or None with everything that is wrong with it; paths begin with ``at``."""
    try:
        return model.model_validate(value), ()
    except ValidationError as e:
        errors = e.errors(include_url=False)
    return None, tuple(
        _problem(error["type"], error["loc"], error.get("ctx", {}), error["input"] is None, at) for error in errors
    )


def _problem(kind: str, where: tuple[int | str, ...], context: Mapping[str, Any], null: bool, at: str) -> Problem:
    path = at
    for step in where:
        path = joined(path, step)
    if kind == "extra_forbidden":
        return Problem(path=path, message=unknown_key(str(where[-1])))
    if null and kind in _WRONG_TYPE:
        return Problem(path=path, message=NOT_NULL)
    words = _WORDS.get(kind, "is not valid: compare it with the schema of this type of event")
    return Problem(path=path, message=words.format_map(context))


def unknown_key(key: str) -> str:
    """The message for a key that the wire does not have, with the one that may have been meant."""
    near = difflib.get_close_matches(key, _known_keys(), 1, 0.75)
    meant = f' (did you mean "{near[0]}"?)' if near else ""
    return f"{joined('', key[:MAX_KEY_SHOWN])} is not a key of this version here: leave it out or correct it{meant}"


@cache
def _known_keys() -> tuple[str, ...]:
    keys: dict[str, None] = {}
    waiting: list[type[BaseModel]] = list(DATA_MODELS.values())
    while waiting:
        model = waiting.pop()
        for name, field in model.model_fields.items():
            keys[field.alias or name] = None
            waiting.extend(_models_in(field.annotation))
    return tuple(sorted(keys))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models_in(part)
