"""Pieces that the operations of the OpenAPI document are made of."""

from typing import Any

from pydantic import BaseModel

from hub.core.answers import PROBLEM_JSON, TITLES

Json = dict[str, Any]


def tidied(schema: Any) -> Any:
    """Without titles made from names, and without a default that only says that the key may be left out."""
    if isinstance(schema, list):
        return [tidied(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: tidied(part) for name, part in value.items()} if key == "properties" else tidied(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }


def refusal(status: int) -> Json:
    """What a refusal looks like, by its status."""
    found: Json = {
        "description": TITLES[status],
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    if status in (429, 503):
        found["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
    return found


def reads(summary: str, media_type: str, security: list[Json] | None = None) -> Json:
    """An operation that answers with something to read; with ``security`` also who may not."""
    schema: Json = {"type": "object"} if media_type == "application/json" else {"type": "string"}
    operation: Json = {
        "summary": summary,
        "responses": {"200": {"description": summary, "content": {media_type: {"schema": schema}}}},
    }
    if security is not None:
        operation["security"] = security
        operation["responses"] |= {str(status): refusal(status) for status in (401, 403, 429)}
    return operation


def misunderstood() -> Json:
    """400."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {"description": "Something in it is not understood, or missing.", "content": content}


def parameter(where: str, name: str, description: str, **schema: Any) -> Json:
    """One that has to be given."""
    return {
        "name": name,
        "in": where,
        "required": True,
        "description": description,
        "schema": {"type": "string", **schema},
    }


def query(model: type[BaseModel]) -> list[Json]:
    """The fields of a model as parameters that may be left out."""
    schema: Json = tidied(model.model_json_schema())
    fields: Json = schema["properties"]
    return [
        {"name": name, "in": "query", "required": False, "description": one.pop("description", name), "schema": one}
        for name, one in fields.items()
    ]
