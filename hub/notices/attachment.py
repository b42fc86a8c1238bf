"""``notice.json``: the notice as a receiving case system reads it, format ``fingerpost.notice.v1``."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, PlainSerializer

from adapters.port import Attachment
from hub.core.conversation import Purpose
from hub.core.holds import HoldKind
from hub.core.records import MessageStatus
from hub.notices.brief import Brief, Said
from hub.notices.photo import Photo
from routing.decision import Kind, Priority
from routing.needtoknow import View

NAME = "notice.json"


Instant = Annotated[AwareDatetime, PlainSerializer(lambda moment: _instant(moment), return_type=str)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoticeRule(_Part):
    """A rule of a protocol that says this reader is told."""

    pack: str
    version: str
    rule: str
    source: str
    quote: str


class NoticeDuty(_Part):
    """The timed duty the notice is about."""

    code: str
    due_at: Instant | None


class NoticeMessage(_Part):
    """What a named person of another organisation wrote."""

    id: str
    thread: str = Field(description="The conversation that it belongs to.")
    purpose: Purpose
    whereabouts: bool = Field(description="It touches where the child is or was.")
    author: str
    organisation: str
    sent_at: Instant
    text: str
    pictures: list[str] = Field(description="Names of the attachments that belong to it.")
    in_reply_to: str | None = Field(description="The id of the message of the conversation that it answers.")
    replies_url: str | None = Field(description="Where a program reads the conversation (GET) and answers (POST).")


class NoticeHold(_Part):
    """What the police ask of everybody who was told, for as long as it stands."""

    kind: HoldKind
    since: Instant


class NoticeDocument(_Part):
    """What a notice says, for a program. Every key is always there; later versions may add keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="fingerpost.notice.v1")

    format: Literal["fingerpost.notice.v1"] = "fingerpost.notice.v1"
    reference: str = Field(description="FP-XXXX-XXXX: quote it in every answer.")
    episode: str | None = Field(description="The hub's own id of the episode: the same on every notice about it.")
    child: str | None = Field(description="The hub's own id of the child: the same in every episode of one source.")
    kind: Kind
    priority: Priority
    status: MessageStatus = Field(description="An exercise or a test must never enter a live record as a real case.")
    issued_at: Instant
    sender: str = Field(description="The notifying authority.")
    roles: list[str] = Field(description="The roles in which the reader is told.")
    organisation: str | None
    organisation_code: str | None = Field(description="Of the organisation whose desk it goes to.")
    person: str | None
    gap_role: str | None = Field(description="Set for a fallback desk: nobody could be reached for this role.")
    rules: list[NoticeRule]
    why: str
    changed: list[str] = Field(description="Update: paths that are news. One that is not in fields was cleared.")
    previous: dict[str, JsonValue] = Field(
        description="Update: what this reader was told before, of the changed paths."
    )
    remove_at: Instant | None = Field(description="Take the child off your register then, unless notified again.")
    remove_now: bool = Field(description="Take the child off your register now.")
    duty: NoticeDuty | None
    in_person: list[str] = Field(description="Who has to be told in person by the reader.")
    abduction: bool
    withheld_parent: bool = Field(description="A parent has not been told and must not be.")
    ring: list[str]
    acknowledge_url: str | None
    message: NoticeMessage | None = Field(description="What somebody wrote, where the kind is conversation.")
    holds: list[NoticeHold] = Field(
        description="What the police ask as this is sent: make no enquiries, do not question the child. Never why."
    )
    fields: dict[str, JsonValue] = Field(
        description="Every fact the reader may see: leaf path of the event's data -> value. child.photo names the "
        "attachment that holds the picture, or null where it could not be attached."
    )


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the format."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **NoticeDocument.model_json_schema(mode="serialization"),
    }


def notice_json(view: View, brief: Brief, photo: Photo | None, fields: str | None = None) -> Attachment:
    """The attachment. Its bytes are ASCII, so that no mail system on the way can damage them. ``fields``: those of the
    view as :func:`fields_json` writes them, where the caller has them already."""
    fields = fields_json(view, photo) if fields is None else fields
    said = json.dumps(_document(brief)).removesuffix("}")
    return Attachment(name=NAME, media_type="application/json", data=f'{said},\n"fields": {fields}}}\n'.encode("ascii"))


def fields_json(view: View, photo: Photo | None) -> str:
    """All that the reader is shown of the facts, but the bytes of the photo."""
    given = dict(view.fields)
    if "child.photo" in given:
        given["child.photo"] = _photo(photo)
    written = _FIELDS.encode(given)
    # Only a surrogate is written like this, or a backslash before these letters: then text by text.
    return _FIELDS.encode(_plain(given)) if "\\ud" in written else written


def _document(brief: Brief) -> dict[str, JsonValue]:
    """All but the fields, as :class:`NoticeDocument` writes it, which would take three times as long to check what was
    made here."""
    return {
        "format": "fingerpost.notice.v1",
        "reference": brief.reference,
        "episode": brief.episode,
        "child": brief.child,
        "kind": brief.kind,
        "priority": brief.priority,
        "status": brief.status,
        "issued_at": _instant(brief.issued_at),
        "sender": _text(brief.sender),
        "roles": [*brief.roles],
        "organisation": _optional(brief.organisation_name),
        "organisation_code": brief.organisation,
        "person": _optional(brief.person),
        "gap_role": brief.gap_role,
        "rules": [
            {"pack": one.pack, "version": one.version, "rule": one.rule, "source": one.source, "quote": one.quote}
            for one in brief.rules
        ],
        "why": _text(brief.why),
        "changed": [*brief.changed],
        "previous": {
            path: _photo(None) if path == "child.photo" else _plain(brief.previous[path])
            for path in brief.changed
            if path in brief.previous
        },
        "remove_at": _instant(brief.remove_at),
        "remove_now": brief.remove_now,
        "duty": None if brief.duty is None else {"code": brief.duty, "due_at": _instant(brief.due_at)},
        "in_person": [_text(name) for name in brief.in_person],
        "abduction": brief.abduction,
        "withheld_parent": brief.withheld_parent,
        "ring": [_text(entry) for entry in brief.ring],
        "acknowledge_url": brief.acknowledge_url or None,
        "message": None if brief.said is None else _message(brief.said),
        "holds": [{"kind": kind, "since": _instant(since)} for kind, since in brief.holds],
    }


def _message(said: Said) -> dict[str, JsonValue]:
    return {
        "id": said.id,
        "thread": said.thread,
        "purpose": said.purpose,
        "whereabouts": said.whereabouts,
        "author": _text(said.author),
        "organisation": _text(said.organisation),
        "sent_at": _instant(said.sent_at),
        "text": _text(said.text),
        "pictures": [one.name for one in said.pictures],
        "in_reply_to": said.in_reply_to,
        "replies_url": said.replies_url or None,
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _photo(photo: Photo | None) -> dict[str, JsonValue]:
    if photo is None:
        return {"attachment": None, "media_type": None}
    return {"attachment": photo.name, "media_type": photo.media_type}


def _plain(value: Any) -> JsonValue:
    """Immutable containers as JSON ones; the value as it is otherwise."""
    if type(value) is str:  # most are, and asking whether something is a Mapping takes longest
        return _text(value)
    match value:
        case str():
            return _text(value)
        case bool() | int() | float() | None:
            return value
        case Mapping():
            return {_text(str(key)): _plain(inner) for key, inner in value.items()}
        case Sequence():
            return [_plain(inner) for inner in value]
        case _:
            plain: JsonValue = value
            return plain


_FIELDS: Final = json.JSONEncoder(default=_plain)


def _text(value: str) -> str:
    """Half a surrogate pair cannot be written as UTF-8; everything else stays as it came."""
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _optional(value: str | None) -> str | None:
    return None if value is None else _text(value)
