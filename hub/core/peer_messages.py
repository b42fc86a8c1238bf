"""What one hub sends another, once it is opened and its signature was verified: who says so, to whom, and when. Pure.

A message is known by its id, which is the same on every try; the time of a try is not part of what it says. It has no
end, as what it says stays true however long either side was down. ``via`` lists the hubs it has come through, so that
none can go in circles.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from contacts.strict_json import from_b64url, read_strictly
from hub.core.peers import VERSIONS, is_hub
from hub.core.verification import IDS
from hub.core.webhook import LAST_SECOND

MOST_VIA: Final = 8
NOTICE: Final = "notice.json"
ANSWER: Final = "answer.json"
MESSAGE: Final = "message.json"
AGREEMENT: Final = "agreement.json"
HOLD: Final = "hold.json"
HOLDS: Final = "holds.json"
AHEAD: Final = timedelta(minutes=5)
"""How far the clock of another hub may be before ours."""
_ID: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", re.ASCII)

Fault = Literal["not_json", "issuer", "audience", "id", "time", "version", "via", "loop"]
SAYS: Final[Mapping[Fault, str]] = {
    "not_json": "is no JSON object that two readers would understand alike",
    "issuer": "iss is not what this hub is known by",
    "audience": "aud is not this hub's inbox: it was sealed for somebody else",
    "id": "jti is not the webhook-id of the request",
    "time": "iat is not the time of this try, in seconds since 1970: is a clock wrong?",
    "version": f"version is none that this hub speaks: it speaks {', '.join(map(str, VERSIONS))}",
    "via": f"via is not a list of at most {MOST_VIA} ids of hubs",
    "loop": "via names this hub: it has been here before",
}
"""What the sender is told; it never repeats a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a hub that is known."""

    id: str
    said: Mapping[str, Any] = field(repr=False)
    """All claims. What is not known is kept and left aside."""
    same: bytes = field(repr=False)
    """Equal for two tries of one message, and for nothing else: canonical JSON of all but what is of the try, its time
    and the holds that stand then."""
    receipt: str | None = field(repr=False)
    """What a machine repeats to show that it could open it."""
    via: tuple[str, ...]
    signed: bytes = field(repr=False)
    """The compact JWS, as it came: what its sender cannot deny."""


def message(
    payload: bytes, *, signed: bytes, issuer: str, audience: str, webhook_id: str, own: str, now: datetime
) -> Message | Fault:
    """The message in ``payload``, which is what ``signed`` says by ``issuer``, for this hub ``own`` whose inbox is
    ``audience``."""
    said = _object(payload)
    if said is None:
        return "not_json"
    if said.get("iss") != issuer:
        return "issuer"
    if said.get("aud") != audience:
        return "audience"
    if said.get("jti") != webhook_id or not _ID.fullmatch(webhook_id):
        return "id"
    if not _in_time(said.get("iat"), now):
        return "time"
    if said.get("version", 1) not in VERSIONS or isinstance(said.get("version"), bool):
        return "version"
    via = said.get("via", [])
    if not isinstance(via, list) or len(via) > MOST_VIA or not all(isinstance(one, str) and is_hub(one) for one in via):
        return "via"
    if own in via:
        return "loop"
    receipt = said.get("receipt")
    lasting = {name: _lasting(value) for name, value in said.items() if name != "iat"}
    return Message(
        id=webhook_id,
        said=said,
        same=json.dumps(lasting, sort_keys=True, separators=(",", ":")).encode("ascii"),
        receipt=receipt if isinstance(receipt, str) else None,
        via=tuple(via),
        signed=signed,
    )


def _lasting(value: Any) -> Any:
    """Of what is attached, all but the holds of the police."""
    if not isinstance(value, list):
        return value
    return [one for one in value if not isinstance(one, dict) or one.get("name") != HOLDS]


def attached(said: Message) -> frozenset[str]:
    """The names of what is attached, as far as they can be read."""
    found = said.said.get("attachments")
    return frozenset(
        one["name"]
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict) and isinstance(one.get("name"), str)
    )


def only_asks(said: Message) -> bool:
    """Whether it only asks if what is sent here is read (hub/core/verification.py)."""
    return said.id.startswith(IDS) and not said.said.get("attachments")


def readable(body: bytes) -> str:
    """What was kept of what a peer sent, for a human: what is signed in it, with what is attached as text, whoever
    signed it. As it came where it is nothing of the kind."""
    try:
        said = json.loads(from_b64url(body.decode("ascii").split(".")[1]))
        parts = [base64.b64decode(one["data"]).decode("utf-8", "replace")
                 for one in said.pop("attachments", ()) if one["media_type"] == "application/json"]  # fmt: skip
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return body.decode("utf-8", "replace")
    return "\n".join([json.dumps(said), *parts])


def _object(payload: bytes) -> Mapping[str, Any] | None:
    try:
        found = read_strictly(payload)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _in_time(at: object, now: datetime) -> bool:
    if type(at) is not int or not 0 <= at <= LAST_SECOND:
        return False
    return datetime.fromtimestamp(at, UTC) - now <= AHEAD
