"""The directory's words: who can be reached, how, when. Immutable values, effective-dated."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

Channel = Literal["email", "sms", "push"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
Calendar = Literal["england", "wales", "scotland", "northern-ireland"]
"""Whose bank holidays."""
Urgency = Literal["immediate", "high", "normal", "low"]
"""How much a notice presses, most first: routing's priorities, as the directory writes them."""
CALENDARS: tuple[Calendar, ...] = get_args(Calendar)


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """A body that is told: a council, a force, a school, a unit of the Home Office, the hub's operator."""

    code: str
    """GSS code of a council, code of a force, ``school:URN``, or one of the hub's own codes (contacts/roles.py)."""
    name: str
    """As it is printed on notices."""
    phone: str | None = None
    """E.164; whom its partners ring."""
    hub_register: bool = True
    """It uses the hub's register; if not, notices state the removal date for its own."""
    fallback_desk: str = "fallback"
    """The desk that hears of gaps."""
    signing_identity: str | None = None
    """Reference to the key that signs in its name; None is the hub's own."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    """Exclusive, like every ``valid_until`` here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A function in an organisation."""

    organisation: str
    function: str
    """One of ``contacts.roles.DESK_FUNCTIONS``."""
    name: str | None = None
    """What the organisation calls it, where that differs."""
    phone: str | None = None
    """E.164; overrides the organisation's."""
    deputy: str | None = None
    """Function of the desk of the same organisation that is asked next when this one does not answer."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """Named hours on duty, in Europe/London local time (contacts/rota.py has the grammar)."""

    name: str
    times: str
    """For example ``mon-fri 08:30-17:30`` or ``outside mon-fri 08:30-17:30``."""
    bank_holidays: Calendar | None = None
    """Bank holidays of this nation count as days of their own kind; None takes them as ordinary days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A recipient's certificate or key on file for one address. Whether it is usable is asked at the moment of use."""

    address: str
    """A mailbox, or the https URL of a push contact."""
    der: bytes = field(repr=False)
    """DER of a mailbox's certificate; of a URL the canonical JSON of one JWK (contacts/jwks.py)."""
    fingerprint: str
    """SHA-256 of the DER, or thumbprint of the JWK (RFC 7638): lower-case hex."""
    pinned: bool = False
    """Its fingerprint was compared with the holder: trusted without a chain. A JWK is used only if it is."""

    @property
    def is_jwk(self) -> bool:
        """Whether it is a key for push."""
        return is_url(self.address)


def is_url(address: str) -> bool:
    """Whether this is the address of a system and not a mailbox."""
    return address[:8].lower() == "https://"


def kept_under(address: str) -> str:
    """What certificates of an address are found by: of a mailbox whatever its case, of a URL to the letter."""
    return address if is_url(address) else address.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One way to reach a desk."""

    id: str
    organisation: str
    desk: str
    channel: Channel
    address: str = field(repr=False)
    order: int = 0
    """Lower is tried first; those of one order are one step of the desk's plan and go out together."""
    hours: str | None = None
    """Name of the hours in which it is on duty; None is always."""
    least_priority: Urgency = "low"
    """Used for notices that press at least so much."""
    exercises: bool = False
    """It takes part in exercises and tests; no others ever hear of one."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None


def in_force(entry: Organisation | Desk | Contact, at: datetime) -> bool:
    """Whether the entry stands in the directory at ``at`` (aware): from ``valid_from``, up to ``valid_until``."""
    return (entry.valid_from is None or entry.valid_from <= at) and (
        entry.valid_until is None or at < entry.valid_until
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """The contacts on duty, in the order to try them; never empty."""

    organisation: str
    desk: str
    """The desk that answers: the role's own, or the out-of-hours desk that stands in for it."""
    contacts: tuple[Contact, ...]
    on_duty: bool = True
    """False where nobody is on duty and these contacts will only see it when they are back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    """A gap: nobody to tell, and why."""

    reason: Literal["no_organisation", "no_desk", "no_contact"]
    organisation: str | None
    desk: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A whole directory as plain rows: what is imported, exported and stored."""

    organisations: tuple[Organisation, ...] = ()
    desks: tuple[Desk, ...] = ()
    contacts: tuple[Contact, ...] = ()
    hours: tuple[Hours, ...] = ()
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file. ``path`` is ``contacts[12].address`` or ``contacts.csv:13:address``."""

    path: str
    message: str
