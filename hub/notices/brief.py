"""What a notice says besides the facts its reader may see."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from adapters.port import Attachment
from hub.core.conversation import Purpose
from hub.core.holds import HoldKind
from hub.core.records import MessageStatus
from hub.core.records import Purpose as Sent
from routing.decision import Kind, Priority, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody wrote, and who."""

    id: str
    thread: str
    purpose: Purpose
    whereabouts: bool
    author: str = field(repr=False)
    """Personal."""
    organisation: str
    """Its name."""
    sent_at: datetime
    text: str = field(repr=False)
    """Personal."""
    pictures: tuple[Attachment, ...] = field(default=(), repr=False)
    """Those that go with this copy."""
    count: int = 0
    """Of pictures, whether they go with this copy or not."""
    in_reply_to: str | None = None
    """The id of another."""
    url: str = ""
    """Where its conversation is read and replied to, by whoever is signed in; empty where it is not to be said."""
    replies_url: str = ""
    """The same for a program; likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """All a notice says besides the View. Holds no fact about the child but what this reader may see.

    Raises ValueError (the caller's fault) if ``acknowledge_url`` is neither empty nor http(s), or an instant is naive.
    """

    reference: str
    """``FP-XXXX-XXXX``."""
    kind: Kind
    priority: Priority
    status: MessageStatus
    roles: tuple[str, ...]
    """The roles the notice is for. For a gap: those of the fallback desk that reads it, or the role that has none."""
    episode: str | None = None
    """The hub's own id of the episode: the same on every notice about it."""
    child: str | None = None
    """The hub's own id of the child."""
    organisation: str | None = None
    """The code of the organisation whose desk it goes to."""
    organisation_name: str | None = None
    """Whose desk it goes to; for a gap the organisation that has no contact."""
    person: str | None = field(default=None, repr=False)
    """The named person it goes to; for a gap the person who could not be reached. Personal."""
    issued_at: datetime
    rules: tuple[Rule, ...] = ()
    why: str = ""
    """In words, without personal data."""
    changed: tuple[str, ...] = ()
    """For an update: the leaf paths that are news to this reader; one that is no longer in the view was cleared."""
    previous: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The reader's own earlier view, leaf path -> value: the "before" of what changed. Personal."""
    remove_at: datetime | None = None
    """For an entry in a register: take the child off then."""
    remove_now: bool = False
    """Found, returned, retraction: take the child off the register now."""
    duty: str | None = None
    due_at: datetime | None = None
    gap_role: str | None = None
    """Set for a fallback desk: there is no contact for this role (readings.md D11)."""
    in_person: tuple[str, ...] = field(default=(), repr=False)
    """Who has to be told in person by this reader (readings.md D2). Personal."""
    abduction: bool = False
    """Police only: 999 comes first, on the first line (B-41)."""
    withheld_parent: bool = False
    """A parent has not been told and must not be."""
    ring: tuple[str, ...] = field(default=(), repr=False)
    """Who to ring, as ready-made lines."""
    acknowledge_url: str = field(default="", repr=False)
    """Bears the token of one delivery; empty where nobody is asked to answer."""
    sender: str
    """The notifying authority's name."""
    purpose: Sent = "notice"
    """Why this copy goes out: for the first time, or because nobody has answered."""
    said: Said | None = field(default=None, repr=False)
    """What somebody wrote, where that is what the notice carries."""
    holds: tuple[tuple[HoldKind, datetime], ...] = ()
    """What the police ask of everybody who was told, each with since when."""
    on_page: bool = False
    """It is shown on the pick-up page: nothing is attached, and the form to answer by stands on the page itself."""

    def __post_init__(self) -> None:
        if self.acknowledge_url and not self.acknowledge_url.startswith(("https://", "http://")):
            raise ValueError("acknowledge_url: the public base URL in the settings must begin with https:// or http://")
        for name in ("issued_at", "remove_at", "due_at"):
            instant: datetime | None = getattr(self, name)
            if instant is not None and instant.utcoffset() is None:
                raise ValueError(f"{name}: an instant needs an offset")
