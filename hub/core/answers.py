"""What a sender is answered (events.md, Answers), as models: the published OpenAPI document is made from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from hub.core.wire_json import Problem

PROBLEM_JSON: Final = "application/problem+json"

TITLES: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "The signature or token is missing, wrong or too old",
    HTTPStatus.FORBIDDEN: "This sender may not do that",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.REQUEST_TIMEOUT: "The request took too long to arrive",
    HTTPStatus.CONFLICT: "This id was used for another event",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not of the type this address takes",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The event is not valid",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
    HTTPStatus.SERVICE_UNAVAILABLE: "The hub cannot take this now",
}
KEPT: Final = (
    "The event was not accepted. The body is kept and the operator is told; correct it and send it again, "
    "also with the same id."
)


class Body(BaseModel):
    """A JSON body; all keys as listed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AcceptedBody(Body):
    """202 for an event that is durable, 200 for one that was accepted before: then the first answer again."""

    event: str = Field(description="The sender's event id.")
    episode: str = Field(description="The sender's reference of the episode.")
    duplicate: bool = Field(description="true: the event was accepted before, and nothing is sent twice.")
    notices: int = Field(ge=0, description="How many are to be told.")
    withheld: int = Field(ge=0, description="How many are not told by a recorded decision.")
    gaps: list[str] = Field(description="Roles that had to be told and have no reachable contact: an alarm is raised.")
    warnings: list[str] = Field(description="What the sender should look at; the event counts.")


class ProblemItem(Body):
    """One thing wrong with the event."""

    path: str = Field(description="Where, for example data.people[0].notify.reason; empty for the whole body.")
    message: str = Field(description="What is wrong and what to do.")


class ProblemDetails(BaseModel):
    """RFC 9457. The same members for every refusal."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    type: str = Field(default="about:blank", json_schema_extra={"format": "uri-reference"})
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    problems: list[ProblemItem] = Field(default=[], description="With 422: everything that is wrong.")
    reason: str | None = Field(default=None, description="With 401: missing_header, stale_signature, …")
    quarantine: str | None = Field(default=None, description="Id under which the body is kept.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and body. The body repeats the sender's ids, so it is personal."""

    status: int
    body: Mapping[str, Any] = field(repr=False)


def accepted(
    *, event: str, episode: str, notices: int, withheld: int, gaps: Sequence[str], warnings: Sequence[str]
) -> Answer:
    """202: accepted, and durable before it is sent."""
    body = AcceptedBody(
        event=event,
        episode=episode,
        duplicate=False,
        notices=notices,
        withheld=withheld,
        gaps=list(gaps),
        warnings=list(warnings),
    )
    return Answer(status=int(HTTPStatus.ACCEPTED), body=body.model_dump())


def duplicate_of(first: Mapping[str, Any]) -> Answer:
    """200: the body of the first answer again."""
    return Answer(status=int(HTTPStatus.OK), body={**first, "duplicate": True})


def erased_answer(event: str, episode: str) -> Mapping[str, Any]:
    """What stands for the first answer to an event whose child was erased since."""
    said = "This event was accepted before. The child's details have been erased since, the first answer with them."
    return accepted(event=event, episode=episode, notices=0, withheld=0, gaps=[], warnings=[said]).body


def conflict() -> Answer:
    """409: the id is taken by an event with another content."""
    return refused(
        HTTPStatus.CONFLICT,
        "An event with this source and id, but other content, was accepted before. It stands; "
        "send what is new with an id of its own.",
    )


def forbidden(quarantine: str | None = None) -> Answer:
    """403: the sender may not speak for any authority of this episode (readings.md D5)."""
    return refused(
        HTTPStatus.FORBIDDEN,
        "This source is not registered for the responsible, host or missing-from authority of this event: "
        "correct the codes, or have the operator register the authority.",
        quarantine=quarantine,
    )


def unread(quarantine: str) -> Answer:
    """503: what the event is about does not open. Kept in quarantine too, in case the sender gives up."""
    return refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "What is known of this episode cannot be opened now: a key is missing here. Nobody was told anything. The body "
        "is kept and the operator is told. Send the same again later.",
        quarantine=quarantine,
    )


def invalid(problems: Sequence[Problem], quarantine: str | None = None) -> Answer:
    """422: authenticated, but not valid; kept in quarantine."""
    return refused(HTTPStatus.UNPROCESSABLE_ENTITY, KEPT, problems=problems, quarantine=quarantine)


def refused(
    status: int,
    detail: str,
    *,
    problems: Sequence[Problem] = (),
    reason: str | None = None,
    quarantine: str | None = None,
) -> Answer:
    """Any refusal, as problem details."""
    body = ProblemDetails(
        title=TITLES.get(status, "Refused"),
        status=int(status),
        detail=detail,
        problems=[ProblemItem(path=p.path, message=p.message) for p in problems],
        reason=reason,
        quarantine=quarantine,
    )
    return Answer(status=int(status), body=body.model_dump(exclude_defaults=True) | {"type": body.type})
