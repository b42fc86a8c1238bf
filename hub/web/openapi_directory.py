"""The OpenAPI document's part about the directory."""

from hub.web.api.coverage import CoverageQuestion
from hub.web.api.directory import VERSION, ChangesQuestion, DirectoryOrder, DirectoryQuestion
from hub.web.openapi_parts import Json, misunderstood, parameter, query, reads, refusal

_READ = [{"token": ["directory:read"]}]
_WRITE = [{"token": ["directory:write"]}]
_CHANGED = (
    "All of it or nothing. What alters where notices go (an address, a number, a certificate, …) waits until a second "
    "person agrees: then the answer is 202, and `change` says under which id."
)


def directory_paths() -> Json:
    """By path."""
    return {
        "/v1/directory": {"get": _export(), "post": _import()},
        "/v1/directory/coverage": {"get": _coverage()},
        "/v1/directory/changes": {"get": _list(), "post": _change()},
        "/v1/directory/changes/{change}": {"get": _one()},
        "/v1/directory/changes/{change}/withdraw": {"post": _withdraw()},
    }


def _export() -> Json:
    operation = reads("The directory, or the part of it that the token is bound to", "application/json", _READ)
    operation["description"] = "Canonical: it imports back byte for byte."
    operation["parameters"] = query(DirectoryQuestion)
    operation["responses"]["200"]["headers"] = {
        VERSION: {"description": "The version, to be sent back as `seen`.", "schema": {"type": "integer"}}
    }
    operation["responses"] |= {"400": misunderstood(), "503": refusal(503)}
    return operation


def _coverage() -> Json:
    operation = reads("Who can be reached now, by day and by night", "application/json", _READ)
    operation["description"] = (
        "Every role of every authority and force there is, or of the organisation that the token is bound to: "
        "`on_duty`, `off_duty`, `no_organisation`, `no_desk` or `no_contact`; now, at 11:00 and at 03:00 of a working "
        "Wednesday. `second_channel` says whether whoever answers at both has two channels. `counts` are of all of "
        "them, also where only what is `missing` is listed."
    )
    operation["parameters"] = query(CoverageQuestion)
    operation["responses"]["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}
    operation["responses"] |= {"400": misunderstood()}
    return operation


def _import() -> Json:
    operation = _ordered("Put a directory in the place of the present one, or of the part that the token is bound to")
    operation["requestBody"] = {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
    return operation


def _change() -> Json:
    operation = _ordered("Put or remove single entries")
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DirectoryChanges"}}},
    }
    return operation


def _ordered(summary: str) -> Json:
    operation = reads(summary, "application/json", _WRITE)
    operation["description"] = _CHANGED
    operation["parameters"] = query(DirectoryOrder)
    operation["responses"] |= {
        "202": {
            "description": "It waits for a second person.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        "400": misunderstood(),
        "409": _stale("Somebody else has changed these entries since."),
        "422": _stale("Something in it is wrong; everything is listed with its place."),
        **{str(status): refusal(status) for status in (408, 413, 415, 503)},
    }
    return operation


def _list() -> Json:
    operation = reads("Changes that concern the organisation of the token, newest first", "application/json", _READ)
    operation["parameters"] = query(ChangesQuestion)
    operation["responses"] |= {"400": misunderstood()}
    return operation


def _one() -> Json:
    operation = reads("One change: every entry, before and after, and who had a part in it", "application/json", _READ)
    operation["parameters"] = [_id()]
    operation["responses"]["404"] = refusal(404)
    return operation


def _withdraw() -> Json:
    operation = reads("Take back a change that this token proposed", "application/json", _WRITE)
    operation["parameters"] = [_id()]
    operation["responses"] |= {"404": refusal(404), "409": _stale("It is decided already.")}
    return operation


def _id() -> Json:
    return parameter("path", "change", "Its id.")


def _stale(description: str) -> Json:
    return {**refusal(409), "description": description}
