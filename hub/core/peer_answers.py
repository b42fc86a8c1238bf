"""What a named human at another hub answered to a notice of this one, as the two hubs say it to each other. Pure.

It is a message of its own with the id of the answer, so that it is one however often it comes.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.port import Attachment
from hub.core.peer_cases import Instant, NotUnderstood, attachments
from hub.core.peer_messages import ANSWER
from hub.core.records import AcknowledgementRecord
from hub.core.wire_json import read

FORMAT: Final = "fingerpost.answer.v1"
CAUSE: Final = "peer:"
"""What the cause of a decision begins with that carries a peer's notice further; its reference follows."""


class Answered(BaseModel):
    """What is used of ``answer.json``; whatever else is there is left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    format: Literal["fingerpost.answer.v1"]
    message: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """The id under which the notice was sent."""
    reference: Annotated[str, Field(pattern=r"^FP-[0-9A-Z]{4}-[0-9A-Z]{4}$")]
    """Of the notice, as its sender calls it."""
    organisation_code: Annotated[str, Field(max_length=64)]
    answer: Literal["accepted", "not_ours", "redirected"]
    name: Annotated[str, Field(max_length=200)]
    redirected_to: Annotated[str, Field(max_length=400)] | None = None
    at: Instant


def answer_json(given: AcknowledgementRecord, *, message: str, reference: str, organisation: str) -> Attachment:
    """``message`` and ``reference``: those of the sender's notice; ``organisation``: whose desk answered."""
    said = {
        "format": FORMAT,
        "message": message,
        "reference": reference,
        "organisation_code": organisation,
        "answer": given.answer,
        "name": given.name,
        "redirected_to": given.redirected_to,
        "at": given.at.astimezone(UTC).isoformat(),
    }
    return Attachment(name=ANSWER, media_type="application/json", data=json.dumps(said).encode("ascii"))


def answered(claims: Mapping[str, Any]) -> Answered:
    """The answer in a message. Raises NotUnderstood."""
    reading = read(attachments(claims).get(ANSWER, b""))
    try:
        return Answered.model_validate(None if reading.problems else reading.value)
    except ValidationError:
        raise NotUnderstood("holds no answer.json that can be read") from None


def reference_of(cause: str) -> str | None:
    """The reference that a peer gave its notice, by the cause of the decision about it; None for any other, and for a
    child who was erased."""
    return cause.removeprefix(CAUSE) if cause.startswith(CAUSE) else None


def retry_in(tries: int) -> float:
    """Seconds until what could not be carried is tried again. There is no end: the other side may be down for days."""
    return float(min(10 * 2 ** min(tries, 10), 300))


def late_since(made_at: datetime, now: datetime, *, written: bool = False) -> bool:
    """Whether somebody has to be told that the other hub does not take it: soon of what somebody wrote (``written``),
    as it may say where the child is."""
    return (now - made_at).total_seconds() >= (300 if written else 3600)
