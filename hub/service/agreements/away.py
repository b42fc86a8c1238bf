"""Steps of agreements that another hub keeps, said here: on their way to it, and what it has said of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hub.core.agreements import Why
from hub.core.conversation import Message, PartyKey
from hub.core.peer_agreements import Made, came_to, step_of
from hub.service.ports import Unit

CameTo = Literal["waiting", "kept", "refused", "words", "not_taken"]
"""``words``: the other hub has what was written, and knows no agreements; ``not_taken``: not even that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentStep:
    """What a party here said to a proposal that another hub keeps, and what came of it as far as is known."""

    message: str
    party: PartyKey
    move: Made
    at: datetime
    came_to: CameTo
    why: Why | None = None


async def sent_steps(unit: Unit, messages: Iterable[Message], agreement: str) -> tuple[SentStep, ...]:
    """What was said here to one of these, in order. ``messages``: those of its conversation."""
    steps = [(one, step_of(one)) for one in messages if one.via != "hub"]
    said = [(one, step) for one, step in steps if step is not None and step.agreement == agreement]
    if not said:
        return ()
    carried = await unit.peers.carried(said[0][0].thread)
    heard = await unit.peers.heard(said[0][0].episode)
    found = []
    for message, step in said:
        outcome = carried.get(message.id)
        if outcome is None:
            continue
        came: CameTo = "waiting"
        why: Why | None = None
        if outcome == "sent":
            match came_to(heard.get(message.id)):
                case "kept" | "words" as known:
                    came = known
                case reason:
                    came, why = "refused", reason
        elif outcome != "waiting":
            came = "not_taken"
        party = (message.organisation, message.desk)
        found.append(SentStep(message=message.id, party=party, move=step.move, at=message.sent_at, came_to=came,
                              why=why))  # fmt: skip
    return tuple(found)
