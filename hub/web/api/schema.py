"""The published contract: JSON Schema per event type, and the OpenAPI document. Generated from the models once."""

from aiohttp import web

from hub.web.openapi import openapi, schema_of
from hub.web.problems import json_response, problem

CACHED = {"Cache-Control": "public, max-age=300"}


class SchemaApi:
    """/v1/schema/{type} and /v1/openapi.json."""

    async def schema(self, request: web.Request) -> web.Response:
        """The JSON Schema (2020-12) of one type of event, for example ``fingerpost.episode.reported.v1``."""
        schema = schema_of(request.match_info["type"])
        if schema is None:
            return problem(404, "There is no such type of event. The OpenAPI document at /v1/openapi.json lists them.")
        response = json_response(schema, headers=CACHED)
        response.content_type = "application/schema+json"
        return response

    async def openapi(self, request: web.Request) -> web.Response:
        """The OpenAPI 3.1 document."""
        return json_response(openapi(), headers=CACHED)
