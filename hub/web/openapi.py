"""The published contract, made from the models: JSON Schema (2020-12) per type of event, and OpenAPI 3.1."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from hub.core.answers import PROBLEM_JSON, TITLES, AcceptedBody, ProblemDetails
from hub.core.api_tokens import REGISTER
from hub.core.peers import WELL_KNOWN
from hub.core.wire_models import DATA_MODELS, Envelope
from hub.service.outbox import WHYS, Deed
from hub.web.api.agreements import NewAgreement, NewAnswer
from hub.web.api.callbacks import LONGEST_ADDRESS, RECIPIENT
from hub.web.api.conversation_bodies import NewMessage, NewThread
from hub.web.api.directory import DirectoryChanges
from hub.web.api.holds import LiftedHold, NewHold
from hub.web.api.outbox import Narrowed, OutboxOrder, OutboxQuestion
from hub.web.api.peers import DOCUMENT_TYPE
from hub.web.openapi_conversations import conversation_paths
from hub.web.openapi_directory import directory_paths
from hub.web.openapi_parts import Json, misunderstood, parameter, query, reads, refusal, tidied

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
    said = (LiftedHold, NewAgreement, NewAnswer, NewHold, NewMessage, NewThread)
    own = (AcceptedBody, DirectoryChanges, OutboxOrder, ProblemDetails, *said)
    models: tuple[type[BaseModel], ...] = (Envelope, *DATA_MODELS.values(), *own)
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
            "/v1/openapi.json": {"get": reads("This document", "application/json")},
            "/v1/episodes": {"get": reads("The newest episodes: ids, states, instants", "application/json", _BEARER)},
            "/v1/episodes/{episode}": {"get": _episode_operation()},
            "/v1/outbox": {"get": _outbox_operation()},
            "/v1/outbox/{delivery}": {"get": _delivery_operation()},
            "/v1/outbox/redrive": {
                "post": _order_operation("redrive", "Put failed deliveries back: due at once, schedule anew")
            },
            "/v1/outbox/cancel": {
                "post": _order_operation("cancel", "Call off deliveries that are due or have failed")
            },
            "/v1/receipts/email": {"post": _mail_operation()},
            "/v1/callbacks/govuk-notify/receipts": {"post": _callback_operation("What became of one text message")},
            "/v1/callbacks/govuk-notify/texts": {"post": _callback_operation("A text message that somebody sent")},
            "/v1/register/{organisation}": {"get": _register_operation()},
            WELL_KNOWN: {"get": _introduction_operation()},
            **directory_paths(),
            **conversation_paths(),
            "/health/live": {"get": reads("The process answers", "application/json")},
            "/health/ready": {"get": _probe("Whether events can be taken and will be worked on")},
            "/health/overdue": {"get": _probe("503 when work is late: somebody has to look")},
            "/metrics": {"get": reads("Prometheus text", "text/plain")},
            "/a/{token}": _acknowledgement(),
        },
        "components": {
            "schemas": {**schemas, **{names[type]: schema for type, schema in events.items()}},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Of the operator, or of an organisation."},
                "register": {"type": "http", "scheme": "bearer", "description": "Of one organisation, for it alone."},
                "organisation": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Of one organisation, for the desks that it names.",
                },
                "callback": {"type": "http", "scheme": "bearer", "description": "That GOV.UK Notify was given."},
            },
        },
    }


def _introduction_operation() -> Json:
    operation = reads("What this hub says of itself to other hubs, signed", DOCUMENT_TYPE)
    return {**operation, "responses": {**operation["responses"], "404": refusal(404)}}


def _schemas(models: tuple[type[BaseModel], ...], references: str) -> Json:
    _, found = models_json_schema([(model, "validation") for model in models], ref_template=references)
    schemas: Json = found["$defs"]
    return {name: tidied(schema) for name, schema in schemas.items()}


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
            parameter("header", "webhook-id", "Names this request; may be sent again.", pattern="^[!-~]{1,256}$"),
            parameter(
                "header", "webhook-timestamp", "Seconds since 1970, at most five minutes off.", pattern="^[0-9]{1,12}$"
            ),
            parameter("header", "webhook-signature", "v1,… (HMAC-SHA256) or v1a,… (Ed25519); several by spaces."),
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
            **{str(status): refusal(status) for status in (401, 403, 408, 409, 413, 415, 422, 429, 503)},
        },
    }


def _answer(description: str) -> Json:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AcceptedBody"}}},
    }


def _probe(summary: str) -> Json:
    operation = reads(summary, "application/json")
    operation["responses"]["503"] = {
        "description": "Not so now; the body says what.",
        "content": {PROBLEM_JSON: {"schema": {"type": "object"}}},
    }
    return operation


def _schema_operation() -> Json:
    operation = reads("The JSON Schema of one type of event", "application/schema+json")
    operation["parameters"] = [parameter("path", "type", "The type of event.", enum=list(DATA_MODELS))]
    operation["responses"]["200"]["content"] = {"application/schema+json": {"schema": {"type": "object"}}}
    operation["responses"]["404"] = refusal(404)
    return operation


def _episode_operation() -> Json:
    operation = reads(
        "One episode: each decision with its notices, deliveries, attempts, receipts and answers; duties; register",
        "application/json",
        _BEARER,
    )
    operation["parameters"] = [parameter("path", "episode", "The hub's id of the episode.")]
    operation["responses"]["404"] = refusal(404)
    return operation


def _outbox_operation() -> Json:
    operation = reads("Deliveries, oldest first, a page at a time; counts of those not settled", "application/json",
                       _BEARER)  # fmt: skip
    operation["parameters"] = query(OutboxQuestion)
    operation["responses"]["400"] = misunderstood()
    return operation


def _delivery_operation() -> Json:
    operation = reads(
        "One delivery: its attempts and receipts, what happens next, what can be done", "application/json", _BEARER
    )
    operation["parameters"] = [parameter("path", "delivery", "Its id.")]
    operation["responses"]["404"] = refusal(404)
    return operation


def _order_operation(deed: Deed, summary: str) -> Json:
    operation = reads(summary, "application/json", [{"token": ["outbox:write"]}])
    operation["description"] = (
        "Without `confirm` nothing is done, and the answer says what would be. Either way each delivery is listed with "
        "`refused`, which is null or why it is left as it is; doing it again changes nothing."
    )
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "$ref": "#/components/schemas/OutboxOrder",
                    "allOf": [
                        {
                            "anyOf": [
                                {"properties": {"confirm": {"const": False}}},
                                {"required": ["why"], "properties": {"why": {"enum": list(WHYS[deed])}}},
                            ]
                        },
                        {
                            "anyOf": [
                                {"required": ["deliveries"], "properties": {"deliveries": {"minItems": 1}}},
                                *(
                                    {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
                                    for name in Narrowed.model_fields
                                ),
                            ]
                        },
                    ],
                }
            }
        },
    }
    operation["responses"] |= {"400": misunderstood()} | {str(one): refusal(one) for one in (408, 413, 415, 503)}
    return operation


def _register_operation() -> Json:
    operation = reads("Who is on the register of one organisation", "application/json", [{"register": [REGISTER]}])
    removed = parameter("query", "removed", "`true`: those taken off instead, without their names.", enum=["true"])
    operation["parameters"] = [
        parameter("path", "organisation", "Its code; that of the token."),
        {**removed, "required": False},
    ]
    operation["responses"]["400"] = misunderstood()
    return operation


def _mail_operation() -> Json:
    return {
        "summary": "One mail that came back, from the mail server in front; `fingerpost receipts pipe` sends it",
        "security": [{"token": ["receipts:write"]}],
        "parameters": [
            parameter(
                "header",
                RECIPIENT,
                "The address it came to (RCPT TO).",
                maxLength=LONGEST_ADDRESS,
                pattern="^[!-?A-~]+@[!-?A-~]+$",
            )
        ],
        "requestBody": {"required": True, "content": {"message/rfc822": {}}},
        "responses": {
            "204": {"description": "Stored, and durable before this is sent."},
            "400": misunderstood(),
            **{str(status): refusal(status) for status in (401, 403, 408, 413, 415, 503)},
        },
    }


def _callback_operation(summary: str) -> Json:
    return {
        "summary": f"{summary}, as GOV.UK Notify posts it, with the bearer token of its callbacks",
        "security": [{"callback": []}],
        "requestBody": {"required": False, "content": {"application/json": {"schema": {}}}},
        "responses": {
            "204": {"description": "Stored; what is not understood is kept apart."},
            **{str(status): refusal(status) for status in (401, 408, 413, 415, 503)},
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
        "parameters": [parameter("path", "token", "From the notice. It is the authority to answer.")],
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
                **{str(one): {"description": TITLES[one], "content": page} for one in (408, 413, 415, 429, 503)},
            },
        },
    }
