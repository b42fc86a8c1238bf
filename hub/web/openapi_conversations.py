"""The OpenAPI document's part about conversations."""

from hub.web.api.agreements import AGREEMENTS
from hub.web.api.conversation_bodies import THREADS
from hub.web.api.conversations import MessagesQuestion, ReadersQuestion
from hub.web.openapi_parts import Json, misunderstood, parameter, query, reads, refusal

_READ = [{"organisation": ["conversations:read"]}]
_WRITE = [{"organisation": ["conversations:write"]}]
_ONE = parameter("path", "thread", "The id of a conversation.")
_OF = parameter("path", "episode", "The hub's id of the episode, as in `notice.json`.")


def conversation_paths() -> Json:
    """By path."""
    one = f"{THREADS}/{{thread}}"
    return {
        "/v1/episodes/{episode}/threads": {
            "get": _reads("The conversations that these desks take part in, without what was written", [_OF]),
            "post": _writes("Open a conversation with its first message", "NewThread", _OF),
        },
        "/v1/episodes/{episode}/readers": {
            "get": _reads("Who may be written to in a new conversation", [_OF, *query(ReadersQuestion)], asks=True)
        },
        one: {"get": _reads("One conversation, without what was written", [_ONE])},
        f"{one}/readers": {
            "get": _reads("Who would read what is written now", [_ONE, *query(ReadersQuestion)], asks=True)
        },
        f"{one}/messages": {
            "get": _reads(
                "What was written, as it was sent; recorded as read", [_ONE, *query(MessagesQuestion)], asks=True
            ),
            "post": _writes("Write in a conversation", "NewMessage", _ONE),
        },
        f"{one}/messages/{{message}}/pictures/{{number}}": {"get": _picture()},
        "/v1/episodes/{episode}/agreements": {
            "get": _reads("What is proposed and agreed in conversations of these desks, the newest first", [_OF]),
            "post": _writes("Propose something to other desks", "NewAgreement", _OF),
        },
        "/v1/episodes/{episode}/holds": {
            "get": _reads("What the police ask; to a force also what it did, and why", [_OF]),
            "post": _writes("A force asks everybody who was told to hold back", "NewHold", _OF),
        },
        "/v1/episodes/{episode}/holds/lift": {"post": _writes("A force asks it no longer", "LiftedHold", _OF)},
        f"{AGREEMENTS}/{{agreement}}/answers": {
            "post": _writes(
                "Accept, decline, counter or withdraw what is proposed",
                "NewAnswer",
                parameter("path", "agreement", "The id of a proposal."),
            )
        },
    }


def _reads(summary: str, parameters: list[Json], *, asks: bool = False) -> Json:
    operation = reads(summary, "application/json", _READ)
    operation["parameters"] = parameters
    operation["responses"] |= {"404": refusal(404)} | ({"400": misunderstood()} if asks else {})
    return operation


def _writes(summary: str, model: str, where: Json) -> Json:
    operation = reads(summary, "application/json", _WRITE)
    operation["description"] = (
        "Under the same `id` it is sent once: again it is answered 200 with the message, and with anything else in it "
        "409. Show its author first who would read it (`readers`), and ask them whether it is about whereabouts."
    )
    operation["parameters"] = [where]
    schema: Json = {"schema": {"$ref": f"#/components/schemas/{model}"}}
    operation["requestBody"] = {"required": True, "content": {"application/json": schema}}
    sent = operation["responses"].pop("200")
    operation["responses"] |= {
        "201": {**sent, "description": "On its way, and durable before this is sent."},
        "200": {**sent, "description": "It was there already."},
        "400": misunderstood(),
        **{str(status): refusal(status) for status in (404, 408, 409, 413, 415, 422, 503)},
    }
    return operation


def _picture() -> Json:
    operation = reads("A picture of a message; recorded as read", "image/jpeg", _READ)
    pictures: Json = {"schema": {"type": "string", "format": "binary"}}
    operation["responses"]["200"]["content"] = {"image/jpeg": pictures, "image/png": pictures}
    operation["parameters"] = [
        _ONE,
        parameter("path", "message", "The id of a message of it."),
        parameter("path", "number", "From 1."),
    ]
    operation["responses"]["404"] = refusal(404)
    return operation
