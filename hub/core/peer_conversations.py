"""What somebody wrote in a conversation, as two hubs say it to each other. Pure.

The hub that knows the child sends it beside the notice that tells of it; the other sends what its own people wrote. A
peer is not trusted for form: what this hub asks of its own pages is asked of it too. Ids, times and words stay as they
are, so that both have the same conversation.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.port import Attachment
from contacts.roles import DESKS, FALLBACK, OPERATOR
from hub.core.conversation import (
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_FILES,
    Message,
    Party,
    PartyKey,
    Purpose,
    Reader,
    files_problem,
    plain_text,
    touches_whereabouts,
)
from hub.core.parties import NOBODYS, is_police, is_sending
from hub.core.peer_agreements import Step, step_in
from hub.core.peer_cases import LATEST, Instant, NotUnderstood, attachments
from hub.core.peer_holds import HoldDeed, hold_in
from hub.core.peer_messages import AGREEMENT, HOLD, MESSAGE
from hub.core.pictures import bare
from hub.core.ulid import first_since
from hub.core.wire_json import read
from routing.needtoknow import COLUMNS

FORMAT: Final = "fingerpost.message.v1"
_KNOWN_DESKS: Final = frozenset({*DESKS.values(), FALLBACK, OPERATOR})
_ULID: Final = r"[0-7][0-9A-HJKMNP-TV-Z]{25}$"
_MessageId = Annotated[str, Field(pattern=rf"^ms_{_ULID}")]
_Organisation = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,63}$")]
_Word = Annotated[str, Field(max_length=64)]


class _Party(BaseModel):
    organisation_code: _Organisation
    desk: _Word
    roles: Annotated[tuple[_Word, ...], Field(min_length=1, max_length=20)]

    @property
    def party(self) -> Party:
        return Party(organisation=self.organisation_code, desk=self.desk, roles=self.roles)


class _Reader(_Party):
    told: bool
    """Whether the hub that says so tells them, or has them told."""


class _Written(BaseModel):
    """What is used of ``message.json``; whatever else is there is left aside."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    format: Literal["fingerpost.message.v1"]
    episode: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")] | None = None
    """What the hub that knows the child calls the episode, where that is the one that it goes to. A hub of the version
    before says none."""
    id: _MessageId
    thread: Annotated[str, Field(pattern=rf"^th_{_ULID}")]
    in_reply_to: _MessageId | None = None
    sent_at: Instant
    author: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    organisation_code: _Organisation
    desk: _Word
    roles: Annotated[tuple[_Word, ...], Field(max_length=20)] = ()
    purpose: Purpose
    whereabouts: bool
    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    readers: Annotated[tuple[_Reader, ...], Field(max_length=200)]
    pictures: Annotated[tuple[_Word, ...], Field(max_length=MOST_FILES)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """A message that another hub sent."""

    said: _Written = field(repr=False)
    sent_at: datetime
    pictures: tuple[bytes, ...] = field(repr=False)
    step: Step | None = None
    """The step of an agreement that it is."""
    hold: HoldDeed | None = None
    """What the police did, of which it tells."""

    @property
    def author(self) -> Party:
        """For whom it was written."""
        return Party(organisation=self.said.organisation_code, desk=self.said.desk, roles=self.said.roles)

    @property
    def readers(self) -> tuple[Party, ...]:
        """Whom its author was shown."""
        return tuple(one.party for one in self.said.readers if one.organisation_code not in NOBODYS)

    @property
    def told(self) -> frozenset[PartyKey]:
        """Whom that hub tells itself."""
        return frozenset(one.party.key for one in self.said.readers if one.told)

    def same(self, known: Message) -> bool:
        """Whether this is what is here under its id; not who reads it, which each hub says of its own."""
        said = self.said
        return (
            (known.id, known.thread, known.in_reply_to, known.sent_at, known.author, known.organisation, known.desk)
            == (said.id, said.thread, said.in_reply_to, self.sent_at, said.author, *self.author.key)
            and (known.purpose, known.whereabouts, known.text) == (said.purpose, said.whereabouts, said.text)
            and tuple(one.data for one in known.files) == self.pictures
        )


def message_files(message: Message, episode: str | None = None) -> tuple[Attachment, ...]:
    """``message.json``, its pictures, and the step of an agreement or the hold that it is. ``message``: with what is
    in its pictures. ``episode``: what the hub calls it that it goes to, where that knows the child. Whoever is that
    hub's authority itself is left out: there it is the reader."""
    pictures = tuple(
        Attachment(name=one.name(number), media_type=one.media_type, data=one.data)
        for number, one in enumerate(message.files, 1)
    )
    said = {
        "format": FORMAT,
        "episode": episode,
        "id": message.id,
        "thread": message.thread,
        "in_reply_to": message.in_reply_to,
        "sent_at": message.sent_at.astimezone(UTC).isoformat(),
        "author": message.author,
        "organisation_code": message.organisation,
        "desk": message.desk,
        "roles": [role for one in message.readers if one.because == "author" for role in one.party.roles],
        "purpose": message.purpose,
        "whereabouts": message.whereabouts,
        "text": message.text,
        "readers": [
            _reader(one)
            for one in message.readers
            if one.because not in ("author", "stands_in") and not is_sending(one.party)
        ],
        "pictures": [one.name for one in pictures],
    }
    own = Attachment(name=MESSAGE, media_type="application/json", data=json.dumps(said).encode("ascii"))
    if message.step is None:
        return (own, *pictures)
    name = HOLD if message.purpose == "police_hold" else AGREEMENT
    step = Attachment(name=name, media_type="application/json", data=message.step.encode("ascii"))
    return (own, *pictures, step)


def _reader(reader: Reader) -> dict[str, Any]:
    party = reader.party
    return {
        "organisation_code": party.organisation,
        "desk": party.desk,
        "roles": list(party.roles),
        "told": reader.because != "elsewhere",
    }


def wrote(claims: Mapping[str, Any], now: datetime) -> Wrote:
    """The message in what another hub sent. Raises NotUnderstood, and repeats nothing of it."""
    attached = attachments(claims)
    reading = read(attached.get(MESSAGE, b""))
    try:
        said = _Written.model_validate(None if reading.problems else reading.value)
    except ValidationError:
        raise NotUnderstood("holds no message.json that can be read") from None
    # Its id says when as well, and is what it stands by: nothing would come after one of a time to come.
    if said.sent_at - now > LATEST or said.id >= first_since("ms", now + LATEST):
        raise NotUnderstood("holds a message of a time to come: is a clock wrong?")
    parties = [
        Party(organisation=said.organisation_code, desk=said.desk, roles=said.roles),
        *(one.party for one in said.readers),
    ]
    step = step_in(attached.get(AGREEMENT))
    desks = [*(one.desk for one in parties), *(desk for _, desk in (() if step is None else step.parties))]
    hold = hold_in(attached.get(HOLD))
    if (step is not None and said.purpose != "agreement") or (hold is not None and said.purpose != "police_hold"):
        raise NotUnderstood("says in words what is none of what is beside them")
    if said.purpose == "police_hold" and not is_police(parties[0]):
        raise NotUnderstood("names a hold of somebody who is not the police")
    if not (_KNOWN_DESKS.issuperset(desks) and all(COLUMNS.keys() >= set(one.roles) for one in parties)):
        raise NotUnderstood("names a desk or a role that this hub does not know")
    if any(is_sending(one) for one in parties):
        raise NotUnderstood("names a hub where an organisation should be")
    if plain_text(said.text) != said.text or plain_text(said.author) != said.author or "\n" in said.author:
        raise NotUnderstood("bears a name or words that cannot be shown")
    if touches_whereabouts(said.purpose, said.whereabouts) != said.whereabouts:
        raise NotUnderstood("tells of a sighting as if it were not about whereabouts")
    return Wrote(said=said, sent_at=said.sent_at, pictures=_pictures(said, attached), step=step, hold=hold)


def _pictures(said: _Written, attached: Mapping[str, bytes]) -> tuple[bytes, ...]:
    found = tuple(attached.get(name, b"") for name in said.pictures)
    if files_problem(found) is not None:
        raise NotUnderstood("has a picture that is missing, too large, or none")
    # Who may know no place is not told it by a picture either: whatever the sender has left in it.
    if not said.whereabouts and any(bare(one) != one for one in found):
        raise NotUnderstood("has a picture with what a camera writes beside it, and is not about whereabouts")
    return found


def merged_readers(some: Collection[Party], author: Party, told: Party) -> tuple[Reader, ...]:
    """Who reads here what the other hub sent: whom it says, and whom its notice is for. Each is told by a notice of
    that hub, so that it is the same whichever of them comes first."""
    found: dict[PartyKey, Reader] = {}
    if author.organisation not in NOBODYS and author.roles:
        found[author.key] = Reader(party=author, because="author")
    for party in (*some, told):
        found.setdefault(party.key, Reader(party=party, because="elsewhere"))
    return tuple(found.values())
