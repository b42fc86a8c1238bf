"""What people of several organisations write to each other about an episode. Pure.

A message is a notice whose words somebody wrote: it is told, receipted and chased as any other (ADR 0030). What is here
is the message itself; who takes part and who is told is in parties.py.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias, get_args

from hub.core.pictures import picture_type

Purpose = Literal["information", "question", "sighting", "agreement", "handover", "police_hold", "not_ours"]
Via = Literal["page", "api", "email", "hub"]
Because = Literal["author", "named", "thread", "whereabouts", "police_hold", "stands_in", "unanswered", "elsewhere"]
"""Why a party reads a message: it wrote it; its author named it; it has taken part in the thread; it is the police, and
the message touches whereabouts; it is told of a hold, as everybody is; it is asked to tell a party that nobody could
reach; it is of a proposal that was not answered in time; or another hub sees to it that it is told."""
PartyKey: TypeAlias = tuple[str | None, str]

PURPOSES: Final[tuple[Purpose, ...]] = get_args(Purpose)
BY_HAND: Final[tuple[Purpose, ...]] = ("information", "question", "sighting", "handover")
"""What somebody may write freely. The others are more than their words, and have forms of their own."""
CAUSE: Final = "message:"
"""Begins the cause of a decision that tells of a message; its id follows."""

LONGEST_NAME: Final = 120
LONGEST_TEXT: Final = 4_000
DAY: Final = timedelta(days=1)
MOST_A_DAY: Final = 200
"""Messages of one organisation on one episode within a day. People write far fewer; a program that goes wrong, or
somebody who has another's account, would fill the screens and telephones of all who take part."""
MOST_FILES: Final = 3
LARGEST_FILE: Final = 2 * 1024 * 1024
"""Three of them, in base64 once for the mail and once for its sealing, are 12 MB: some relays take no more than 15."""
_ENDINGS: Final[Mapping[str, str]] = {"image/jpeg": "jpg", "image/png": "png"}
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the text around (Unicode TR36): what is read is then not what was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A desk of an organisation that was told of the episode, in these roles. ``organisation`` is None only for a
    police force that nobody knows."""

    organisation: str | None
    desk: str
    """A function (contacts/roles.py)."""
    roles: tuple[str, ...]

    @property
    def key(self) -> PartyKey:
        """What makes two of them the same."""
        return self.organisation, self.desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A party that a message is for, its author's own too."""

    party: Party
    because: Because


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A picture that goes with a message. Its name is ours: what it was called may say anything."""

    id: str
    media_type: str
    size: int
    data: bytes = field(default=b"", repr=False)
    """Empty where only the list of them was asked for."""

    def name(self, number: int) -> str:
        """``number`` from 1."""
        return f"picture-{number}.{_ENDINGS.get(self.media_type, 'bin')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation. Who takes part in it follows from its messages."""

    id: str
    episode: str
    opened_at: datetime
    opened_by: str
    """Actor, as in the audit log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a named human wrote. Never changed."""

    id: str
    thread: str
    episode: str
    author: str = field(repr=False)
    """A name. Personal."""
    organisation: str
    desk: str
    actor: str
    """Account or token, as in the audit log."""
    via: Via
    purpose: Purpose
    whereabouts: bool
    """It touches where the child is, was or may be; also where nobody could ask its author."""
    text: str = field(repr=False)
    """Personal."""
    sent_at: datetime
    arrived_at: datetime | None = None
    """When another hub sent it here; None for what was written here."""
    in_reply_to: str | None = None
    readers: tuple[Reader, ...] = ()
    files: tuple[File, ...] = ()
    step: str | None = None
    """The step of an agreement that it is, or the deed of the police, for another hub (peer_agreements.py,
    peer_holds.py); as JSON, of codes and instants."""

    def read_by(self, parties: Iterable[Party]) -> bool:
        """Whether it is for one of these: what somebody wrote is read by those whom they were shown, and no other."""
        ours = {one.key for one in parties}
        return any(one.party.key in ours for one in self.readers)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextProblem:
    """What is wrong with one field of what somebody wrote; repeats nothing of it."""

    field: Literal["text", "files", "purpose", "whereabouts", "readers"]
    message: str


def touches_whereabouts(purpose: Purpose, said: bool | None) -> bool:
    """``said``: what the author answered; None where nobody could ask them, as in an e-mail."""
    return purpose == "sighting" or said is not False


def too_many(
    messages: Iterable["Message"], organisation: str, now: datetime, purposes: Collection[Purpose] = BY_HAND
) -> bool:
    """Whether an organisation has written so much, by hand or for these ``purposes``, that it writes no more now.
    ``messages``: of one episode. What another hub sent counts from when it came: when it was written that hub says
    itself."""
    since = now - DAY
    written = [one for one in messages if one.organisation == organisation and one.purpose in purposes]
    return sum((one.arrived_at or one.sent_at) > since for one in written) >= MOST_A_DAY


def plain_text(given: str) -> str | TextProblem:
    """Plain text with line ends as LF, or what is wrong with it."""
    text = given.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        return TextProblem(field="text", message="Enter the message")
    if len(text) > LONGEST_TEXT:
        return TextProblem(field="text", message=f"The message must be {LONGEST_TEXT:,} characters or fewer")
    if any(_forbidden(character) for character in text):
        return TextProblem(
            field="text", message="The message holds control characters: paste it as plain text, and send it again"
        )
    return text


def _forbidden(character: str) -> bool:
    if character in "\n\t":
        return False
    return character in _TURNING or unicodedata.category(character) in ("Cc", "Cs")


def files_problem(files: Iterable[bytes]) -> TextProblem | None:
    """What is wrong with the files that somebody wants to send with a message: pictures only, as what can hold a
    script, a link or a macro is none, so no PDF."""
    given = tuple(files)
    if len(given) > MOST_FILES:
        return TextProblem(field="files", message=f"Send at most {MOST_FILES} pictures with a message")
    if any(len(data) > LARGEST_FILE for data in given):
        return TextProblem(field="files", message=f"A picture must be {LARGEST_FILE // 1024 // 1024} MB or smaller")
    if any(picture_type(data) is None for data in given):
        return TextProblem(field="files", message="Only JPEG and PNG pictures can be sent with a message")
    return None
