"""The published contract, made from the models: JSON Schema (2020-12) per type of event, and OpenAPI 3.1."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from hub.core.answers import PROBLEM_JSON, TITLES, AcceptedBody, ProblemDetails
from hub.core.wire_models import DATA_MODELS, Envelope
from hub.service.access import REGISTER
from hub.web.api.callbacks import LONGEST_ADDRESS, RECIPIENT
from hub.web.api.outbox import OutboxOrder, OutboxQuestion

Json = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
CLOUD_EVENT: Final = "application/cloudevents+json"
SCHEMA_PATH: Final = "/v1/schema/{type}"

_EXTENSION: Final[Json] = {"type": ["string", "integer", "boolean", "null"], "maxLength": 1024}
_BEARER: Final = [{"token": ["episodes:read"]}]


@cache
def schema_of(type: str) -> Mapping[str, Any] | None:
    """The JSON Schema of one type of event, envelope and all; None for a type that does not exist."""
    if type not in DATA_MODELS:
        return None
    schemas = _schemas((Envelope, DATA_MODELS[type]), "#/$defs/{model}")
    event = _event(type, schemas, "#/$defs")
    del schemas["Envelope"]
    return {"$schema": DIALECT, "$id": type, **event, "$defs": schemas}


@cache
def openapi() -> Mapping[str, Any]:
    """The OpenAPI document. It names no server: the hub is wherever this was fetched from."""
    models: tuple[type[BaseModel], ...] = (Envelope, *DATA_MODELS.values(), AcceptedBody, OutboxOrder, ProblemDetails)
    schemas = _schemas(models, "#/components/schemas/{model}")
    events = {type: _event(type, schemas, "#/components/schemas") for type in DATA_MODELS}
    del schemas["Envelope"]
    names = {type: type.removeprefix("fingerpost.") for type in DATA_MODELS}
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "Fingerpost",
            "version": "1",
            "summary": "Tells everyone who must know that a child is missing, and proves it.",
        },
        "paths": {
            "/v1/events": {"post": _post_events(list(names.values()))},
            SCHEMA_PATH: {"get": _schema_operation()},
            "/v1/openapi.json": {"get": _reads("This document", "application/json")},
            "/v1/episodes": {"get": _reads("The newest episodes: ids, states, instants", "application/json", _BEARER)},
            "/v1/episodes/{episode}": {"get": _episode_operation()},
            "/v1/outbox": {"get": _outbox_operation()},
            "/v1/outbox/{delivery}": {"get": _delivery_operation()},
            "/v1/outbox/redrive": {"post": _order_operation("Put failed deliveries back: due at once, schedule anew")},
            "/v1/outbox/cancel": {"post": _order_operation("Call off deliveries that are due or have failed")},
            "/v1/receipts/email": {"post": _mail_operation()},
            "/v1/callbacks/govuk-notify/receipts": {"post": _callback_operation("What became of one text message")},
            "/v1/callbacks/govuk-notify/texts": {"post": _callback_operation("A text message that somebody sent")},
            "/v1/register/{organisation}": {"get": _register_operation()},
            "/health/live": {"get": _reads("The process answers", "application/json")},
            "/health/ready": {"get": _probe("Whether events can be taken and will be worked on")},
            "/health/overdue": {"get": _probe("503 when work is late: somebody has to look")},
            "/metrics": {"get": _reads("Prometheus text", "text/plain")},
            "/a/{token}": _acknowledgement(),
        },
        "components": {
            "schemas": {**schemas, **{names[type]: schema for type, schema in events.items()}},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(models: tuple[type[BaseModel], ...], references: str) -> Json:
    _, found = models_json_schema([(model, "validation") for model in models], ref_template=references)
    schemas: Json = found["$defs"]
    return {name: _tidied(schema) for name, schema in schemas.items()}


def _tidied(schema: Any) -> Any:
    """Without titles made from names, and without a default that only says that the key may be left out."""
    if isinstance(schema, list):
        return [_tidied(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _tidied(part) for name, part in value.items()} if key == "properties" else _tidied(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value is None)
    }


def _event(type: str, schemas: Mapping[str, Any], at: str) -> Json:
    """One type of event: the envelope with its ``data``; other attributes as CloudEvents allows them."""
    envelope = schemas["Envelope"]
    data = DATA_MODELS[type]
    return {
        "title": type,
        "description": data.__doc__,
        "type": "object",
        "properties": {
            **envelope["properties"],
            "type": {"const": type},
            "data": {"$ref": f"{at}/{data.__name__}"},
        },
        "propertyNames": {"pattern": "^[a-z0-9]{1,20}$"},
        "additionalProperties": _EXTENSION,
        "required": [*envelope["required"], "data"],
    }


def _post_events(events: list[str]) -> Json:
    return {
        "operationId": "postEvent",
        "summary": "One episode event, signed by Standard Webhooks over the exact bytes",
        "parameters": [
            _parameter("header", "webhook-id", "Names this request; may be sent again.", maxLength=256),
            _parameter(
                "header", "webhook-timestamp", "Seconds since 1970, at most five minutes off.", pattern="^[0-9]+$"
            ),
            _parameter("header", "webhook-signature", "v1,… (HMAC-SHA256) or v1a,… (Ed25519); several by spaces."),
        ],
        "requestBody": {
            "required": True,
            "content": {
                CLOUD_EVENT: {"schema": {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in events]}}
            },
        },
        "responses": {
            "202": _answer("Accepted, and durable before this is sent."),
            "200": _answer("Accepted before; the first answer again. Nothing is sent twice."),
            **{str(status): _refusal(status) for status in (401, 403, 408, 409, 413, 415, 422, 429, 503)},
        },
    }


def _answer(description: str) -> Json:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AcceptedBody"}}},
    }


def _refusal(status: int) -> Json:
    refusal: Json = {
        "description": TITLES[status],
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
    if status in (429, 503):
        refusal["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}
    return refusal


def _reads(summary: str, media_type: str, security: list[Json] | None = None) -> Json:
    schema: Json = {"type": "object"} if media_type == "application/json" else {"type": "string"}
    operation: Json = {
        "summary": summary,
        "responses": {"200": {"description": summary, "content": {media_type: {"schema": schema}}}},
    }
    if security is not None:
        operation["security"] = security
        operation["responses"] |= {str(status): _refusal(status) for status in (401, 403)}
    return operation


def _probe(summary: str) -> Json:
    operation = _reads(summary, "application/json")
    operation["responses"]["503"] = {
        "description": "Not so now; the body says what.",
        "content": {PROBLEM_JSON: {"schema": {"type": "object"}}},
    }
    return operation


def _schema_operation() -> Json:
    operation = _reads("The JSON Schema of one type of event", "application/schema+json")
    operation["parameters"] = [_parameter("path", "type", "The type of event.", enum=list(DATA_MODELS))]
    operation["responses"]["200"]["content"] = {"application/schema+json": {"schema": {"type": "object"}}}
    operation["responses"]["404"] = _refusal(404)
    return operation


def _episode_operation() -> Json:
    operation = _reads(
        "One episode: each decision with its notices, deliveries, attempts, receipts and answers; duties; register",
        "application/json",
        _BEARER,
    )
    operation["parameters"] = [_parameter("path", "episode", "The hub's id of the episode.")]
    operation["responses"]["404"] = _refusal(404)
    return operation


def _outbox_operation() -> Json:
    operation = _reads("Deliveries, oldest first, a page at a time; counts of those not settled", "application/json",
                       _BEARER)  # fmt: skip
    fields: Json = _tidied(OutboxQuestion.model_json_schema())["properties"]
    operation["parameters"] = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description"),
            "schema": schema,
        }
        for name, schema in fields.items()
    ]
    operation["responses"]["400"] = _misunderstood()
    return operation


def _delivery_operation() -> Json:
    operation = _reads(
        "One delivery: its attempts and receipts, what happens next, what can be done", "application/json", _BEARER
    )
    operation["parameters"] = [_parameter("path", "delivery", "Its id.")]
    operation["responses"]["404"] = _refusal(404)
    return operation


def _order_operation(summary: str) -> Json:
    operation = _reads(summary, "application/json", [{"token": ["outbox:write"]}])
    operation["description"] = (
        "Without `confirm` nothing is done, and the answer says what would be. Either way each delivery is listed with "
        "`refused`, which is null or why it is left as it is; doing it again changes nothing."
    )
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OutboxOrder"}}},
    }
    operation["responses"] |= {"400": _misunderstood()} | {str(one): _refusal(one) for one in (408, 413, 415, 503)}
    return operation


def _misunderstood() -> Json:
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {"description": "Something in it is not understood, or missing.", "content": content}


def _register_operation() -> Json:
    operation = _reads("Who is on the register of one organisation", "application/json", [{"token": [REGISTER]}])
    removed = _parameter("query", "removed", "`true`: those taken off instead, without their names.", enum=["true"])
    operation["parameters"] = [
        _parameter("path", "organisation", "Its code; that of the token."),
        {**removed, "required": False},
    ]
    return operation


def _mail_operation() -> Json:
    return {
        "summary": "One mail that came back, from the mail server in front; `fingerpost receipts pipe` sends it",
        "security": [{"token": ["receipts:write"]}],
        "parameters": [_parameter("header", RECIPIENT, "The address it came to (RCPT TO).", maxLength=LONGEST_ADDRESS)],
        "requestBody": {"required": True, "content": {"message/rfc822": {"schema": {"type": "string"}}}},
        "responses": {
            "204": {"description": "Stored, and durable before this is sent."},
            "400": _misunderstood(),
            **{str(status): _refusal(status) for status in (401, 403, 408, 413, 415, 503)},
        },
    }


def _callback_operation(summary: str) -> Json:
    return {
        "summary": f"{summary}, as GOV.UK Notify posts it, with the bearer token of its callbacks",
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {
            "204": {"description": "Stored; what is not understood is kept apart."},
            **{str(status): _refusal(status) for status in (401, 408, 413, 415, 503)},
        },
    }


def _acknowledgement() -> Json:
    """A page for people; described so that it is known that GET changes nothing."""
    page: Json = {"text/html": {"schema": {"type": "string"}}}
    form: Json = {
        "type": "object",
        "required": ["name", "answer"],
        "properties": {
            "name": {"type": "string"},
            "answer": {"enum": ["accepted", "not_ours", "redirected"]},
            "redirected_to": {"type": "string", "description": "To whom, if redirected."},
        },
    }
    return {
        "parameters": [_parameter("path", "token", "From the notice. It is the authority to answer.")],
        "get": {
            "summary": "What is being acknowledged: reference and kind only. Changes nothing",
            "responses": {"200": {"description": "The page.", "content": page}, "404": {"description": "No notice."}},
        },
        "post": {
            "summary": "A named human's answer",
            "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
            "responses": {
                "200": {"description": "Recorded.", "content": page},
                "404": {"description": "No notice."},
                "422": {"description": "Something is missing; the page says what.", "content": page},
            },
        },
    }


def _parameter(where: str, name: str, description: str, **schema: Any) -> Json:
    return {
        "name": name,
        "in": where,
        "required": True,
        "description": description,
        "schema": {"type": "string", **schema},
    }
