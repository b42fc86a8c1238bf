"""Conversations as JSON: what a program sends, and what it is answered."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from hub.core.conversation import BY_HAND, LONGEST_TEXT, MOST_FILES, Message, Party, PartyKey
from hub.core.events import Problem
from hub.core.records import MessageStatus, NoticeState
from hub.service.conversations.audience import Audience
from hub.service.conversations.reading import Opened, Summary
from hub.service.peers.ports import Carried
from hub.web.api.ledger import at

Json = dict[str, Any]
THREADS: Final = "/v1/threads"
LONGEST_NAME: Final = 120
MOST: Final = 500
"""Messages on one page."""


_BASE64: Final = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise ValueError("is base64 with padding") from None


Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_-]{1,80}$")]
Base64 = Annotated[
    bytes,
    BeforeValidator(_bytes),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": _BASE64}, mode="validation"),
]
OwnId = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$", description="Of your own: sent again under it, it is the same."),
]
AuthorName = Annotated[
    str,
    Field(
        min_length=1, max_length=LONGEST_NAME, description="The name of the human who wrote it, for whom you answer."
    ),
]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NamedParty(_Sent):
    """A desk of an organisation."""

    organisation: Code | None = Field(description="Its code; null only for a police force that nobody knows.")
    desk: Code

    @property
    def key(self) -> PartyKey:
        return self.organisation, self.desk


class NewThread(_Sent):
    """A message that opens a conversation."""

    id: OwnId
    author: AuthorName
    purpose: Annotated[str, Field(json_schema_extra={"enum": list(BY_HAND)})]
    whereabouts: bool = Field(
        description="Whether it is about where the child is, was or may be, as its author has said: ask them."
    )
    text: str = Field(min_length=1, description=f"Plain text of {LONGEST_TEXT:,} characters at most.")
    to: list[NamedParty] = Field([], max_length=100, description="Whom it is for, of those who are `offered`.")
    desk: Code | None = Field(None, description="For which desk of yours it is written, where there are several.")
    pictures: list[Base64] = Field([], max_length=MOST_FILES, description="JPEG or PNG, 2 MiB each at most.")


class NewMessage(NewThread):
    """A message in a conversation."""

    shown: list[NamedParty] = Field(
        max_length=100, description="Who its author was shown as `readers`: where somebody has joined since, it is 409."
    )
    in_reply_to: Code | None = Field(None, description="The id of a message of the conversation.")


class Worded(_Sent):
    """A step that somebody takes, with what they add in words."""

    id: OwnId
    author: AuthorName
    text: str = Field("", description="What its author adds, if anything: 2,000 characters at most.")
    whereabouts: bool | None = Field(
        None, description="Whether that is about where the child is, was or may be; needed where there is a `text`."
    )
    shown: list[NamedParty] = Field(
        max_length=100, description="Who its author was shown as `readers`: where somebody has joined since, it is 409."
    )
    desk: Code | None = Field(None, description="For which desk of yours it is done, where there are several.")

    def wrong(self) -> Problem | None:
        """What a model of one field cannot say."""
        if self.text.strip() and self.whereabouts is None:
            return Problem(path="whereabouts", message="is needed where there is a text: ask its author")
        return None

    def words(self) -> Json:
        """As the services put it."""
        return {
            "key": self.id,
            "text": self.text,
            "whereabouts": self.whereabouts,
            "desk": self.desk,
            "shown": frozenset(one.key for one in self.shown),
            "via": "api",
        }


def party_body(party: Party) -> Json:
    """As it is sent back in ``to`` and ``shown``."""
    return {"organisation": party.organisation, "desk": party.desk}


def summary_body(summary: Summary, status: MessageStatus) -> Json:
    """A conversation without what was written."""
    thread, newest = summary.thread, summary.newest
    return {
        "id": thread.id,
        "episode": thread.episode,
        "status": status,
        "opened_at": at(thread.opened_at),
        "parties": [party_body(one) for one in summary.parties],
        "count": summary.count,
        "newest": {
            "id": newest.id,
            "sent_at": at(newest.sent_at),
            "organisation": newest.organisation,
            "purpose": newest.purpose,
        },
        "messages": f"{THREADS}/{thread.id}/messages",
    }


def audience_body(audience: Audience) -> Json:
    """Who would read what is written now: to be shown to its author before they send it."""
    return {
        "author": party_body(audience.author),
        "mine": [party_body(one) for one in audience.mine],
        "readers": [party_body(one) for one in audience.thread],
        "offered": [party_body(one) for one in audience.offered],
        "sent_by": None if audience.sender is None else party_body(audience.sender),
        "if_whereabouts": {
            "besides": [party_body(one) for one in audience.besides],
            "not": [party_body(one) for one in (*audience.thread, *audience.offered) if one.key in audience.kept_from],
        },
    }


def page_body(opened: Opened, states: Mapping[str, Mapping[PartyKey, NoticeState]]) -> Json:
    """Messages of a conversation, as they were sent."""
    last = opened.messages[-1].id if opened.messages else None
    return {
        "thread": opened.thread.id,
        "episode": opened.thread.episode,
        "status": opened.status,
        "messages": [
            message_body(one, opened.mine, states.get(one.id, {}), opened.carried.get(one.id))
            for one in opened.messages
        ],
        "after": last if opened.more else None,
    }


def message_body(
    message: Message, mine: Iterable[Party], states: Mapping[PartyKey, NoticeState], carried: Carried | None = None
) -> Json:
    """One message. ``states``: how far it has come, of one's own; ``carried``: where it is to go to another hub."""
    own = {one.key for one in mine}
    return {
        "id": message.id,
        "thread": message.thread,
        "episode": message.episode,
        "author": message.author,
        "organisation": message.organisation,
        "desk": message.desk,
        "mine": (message.organisation, message.desk) in own,
        "via": message.via,
        "purpose": message.purpose,
        "whereabouts": message.whereabouts,
        "text": message.text,
        "sent_at": at(message.sent_at),
        "in_reply_to": message.in_reply_to,
        "carried": carried,
        "readers": [
            {**party_body(one.party), "because": one.because, "state": states.get(one.party.key)}
            for one in message.readers
        ],
        "pictures": [
            {
                "media_type": one.media_type,
                "size": one.size,
                "url": f"{THREADS}/{message.thread}/messages/{message.id}/pictures/{number}",
            }
            for number, one in enumerate(message.files, 1)
        ],
    }
