"""That the police set a hold, or lifted it, as the hub that knows the child says it to another beside the message that
tells of it. Pure.

Never the reason. Whose deed it is stands in the message. Beside a notice stands what holds when it is sent
(``holds.json``), for whoever was not told before. The number is the order that the deeds were done in there, so
that what comes late, or after what was done since, changes nothing.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.port import Attachment
from contacts.roles import POLICE_ROLES, desk_of
from hub.core.holds import Act, Deed, Hold, HoldKind
from hub.core.peer_cases import Instant, NotUnderstood
from hub.core.peer_messages import HOLDS
from hub.core.wire_json import read

FORMAT: Final = "fingerpost.hold.v1"


class HoldDeed(BaseModel):
    """What is used of ``hold.json``; whatever else is there is left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    format: Literal["fingerpost.hold.v1"]
    kind: HoldKind
    deed: Deed
    number: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    at: Instant


class _Standing(HoldDeed):
    organisation_code: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$")]
    desk: Annotated[str, Field(max_length=64)]
    role: Annotated[str, Field(max_length=64)]


class _All(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    holds: Annotated[tuple[_Standing, ...], Field(max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What the police did, of whom the other hub says that they are: ``name`` is empty where it does not say whose
    hand it was."""

    deed: HoldDeed
    organisation: str
    desk: str
    role: str
    name: str = field(default="", repr=False)


def holds_json(holds: Iterable[Hold]) -> Attachment:
    """What stands, for another hub."""
    said = [
        {**json.loads(hold_deed(act)), "organisation_code": act.organisation, "desk": act.desk, "role": act.role}
        for hold in holds
        for act in hold.by
    ]
    return Attachment(name=HOLDS, media_type="application/json", data=json.dumps({"holds": said}).encode("ascii"))


def standing_in(data: bytes | None) -> tuple[Done, ...]:
    """What stands where the child is known, as it is said beside a notice. Raises NotUnderstood."""
    if data is None:
        return ()
    reading = read(data)
    try:
        found = _All.model_validate(None if reading.problems else reading.value)
    except ValidationError:
        raise NotUnderstood("holds a holds.json that cannot be read") from None
    if any(one.role not in POLICE_ROLES or one.desk != desk_of(one.role) for one in found.holds):
        raise NotUnderstood("names a hold of somebody who is not the police")
    return tuple(
        Done(deed=one, organisation=one.organisation_code, desk=one.desk, role=one.role) for one in found.holds
    )


def hold_deed(act: Act) -> str:
    """Of an act, the same for everybody who is told of it."""
    at = act.at.astimezone(UTC).isoformat()
    return json.dumps({"format": FORMAT, "kind": act.kind, "deed": act.deed, "number": act.number, "at": at})


def hold_in(data: bytes | None) -> HoldDeed | None:
    """What stands beside a message; None where there is nothing. Raises NotUnderstood."""
    if data is None:
        return None
    reading = read(data)
    try:
        return HoldDeed.model_validate(None if reading.problems else reading.value)
    except ValidationError:
        raise NotUnderstood("holds a hold.json that cannot be read") from None


def overtaken(deed: HoldDeed, organisation: str, acts: Iterable[Act]) -> bool:
    """Whether the force has done something about it there since, of which a message or a notice has told already.
    ``acts``: those of the episode."""
    theirs = (one for one in acts if (one.organisation, one.kind) == (organisation, deed.kind))
    return any(one.there is not None and one.there > deed.number for one in theirs)
