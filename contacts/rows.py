"""One row of each table, as administrators write it: checked, canonical, and turned into the directory's values."""

import json
import re
import unicodedata
from datetime import UTC, date, datetime, time
from hashlib import sha256
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from contacts.addresses import parse_address, parse_email, parse_phone, parse_url
from contacts.areas import AreaProblem, Areas
from contacts.certificates import read_certificate
from contacts.jwks import read_jwk, thumbprint_of
from contacts.model import Calendar, Certificate, Channel, Contact, Desk, Hours, Organisation, Urgency, is_url
from contacts.roles import DESK_FUNCTIONS, ORGANISATION_OF, SCHOOL_PREFIX
from contacts.rota import LONDON, read_hours

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_SCHOOL = re.compile(rf"{SCHOOL_PREFIX}(?:[0-9]{{6}}|\*)", re.ASCII)
MOST_SPANS = 100
"""Parts of hours: each is looked at whenever somebody is to be told."""
LONGEST_TIMES = 5_000
_HUB_CODES = tuple(dict.fromkeys(ORGANISATION_OF.values()))


def _name(value: str) -> str:
    text = unicodedata.normalize("NFC", value.strip())
    if not text or len(text) > 200:
        raise ValueError("1 to 200 characters")
    if any(unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp") for c in text):
        raise ValueError("has a control or invisible character")
    if text[0] in "=+-@":
        raise ValueError("begins with = + - or @, which a spreadsheet would run as a formula")
    return text


def _key(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("lower-case letters, digits, dots, dashes and underscores, at most 64; never a person's name")
    return value


def organisation_code(text: str, areas: Areas) -> str:
    """The present code of the organisation that ``text`` means. Raises ValueError."""
    if text in _HUB_CODES or text in areas.forces or _SCHOOL.fullmatch(text):
        return text
    try:
        return areas.resolve(text).gss
    except AreaProblem as problem:
        hint = f"or the code of a force, school:URN, {', '.join(_HUB_CODES)}"
        raise ValueError(f"{problem}; {hint}" if problem.reason == "malformed" else str(problem)) from None


def _organisation(value: str, info: ValidationInfo) -> str:
    if not isinstance(info.context, Areas):
        raise TypeError("rows are read with the areas as their context")
    return organisation_code(value, info.context)


def _function(value: str) -> str:
    if value not in DESK_FUNCTIONS:
        raise ValueError(f"not a desk; the desks are {', '.join(sorted(DESK_FUNCTIONS))}")
    return value


def _phone(value: str) -> str:
    return parse_phone(value)


def _instant(value: object) -> object:
    """A date is midnight in London; canonical in UTC."""
    if not isinstance(value, str):
        return value
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            found = datetime.combine(date.fromisoformat(value), time(), LONDON)
        else:
            found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("a date (2026-04-01) or an instant with its offset (2026-04-01T09:00:00+01:00)") from None


def _mailbox_or_url(value: str) -> str:
    return parse_url(value) if is_url(value) else parse_email(value)


Name: TypeAlias = Annotated[str, AfterValidator(_name)]
Key: TypeAlias = Annotated[str, AfterValidator(_key)]
Code: TypeAlias = Annotated[str, AfterValidator(_organisation)]
Function: TypeAlias = Annotated[str, AfterValidator(_function)]
Phone: TypeAlias = Annotated[str, AfterValidator(_phone)]
Instant: TypeAlias = Annotated[datetime, BeforeValidator(_instant)]


class Row(BaseModel):
    """What all rows share. ``hide_input_in_errors``: an address must not end up in a message."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Dated(Row):
    valid_from: Instant | None = None
    valid_until: Instant | None = None

    @field_validator("valid_until")
    @classmethod
    def _in_order(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("valid_from")
        if value is not None and start is not None and value <= start:
            raise ValueError("is not after valid_from")
        return value


class OrganisationRow(_Dated):
    code: Code
    name: Name
    phone: Phone | None = None
    hub_register: bool = True
    fallback_desk: Function = "fallback"
    signing_identity: Key | None = None

    def value(self) -> Organisation:
        return Organisation(**self.model_dump())


class DeskRow(_Dated):
    organisation: Code
    function: Function
    name: Name | None = None
    phone: Phone | None = None
    deputy: Function | None = None

    @field_validator("deputy")
    @classmethod
    def _another(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and value == info.data.get("function"):
            raise ValueError("is this desk itself: name another one, or leave it empty")
        return value

    def value(self) -> Desk:
        return Desk(**self.model_dump())


class ContactRow(_Dated):
    id: Key
    organisation: Code
    desk: Function
    channel: Channel
    address: str
    order: Annotated[int, Field(ge=0, le=999)] = 0
    hours: Key | None = None
    least_priority: Urgency = "low"
    exercises: bool = False

    @field_validator("address")
    @classmethod
    def _address(cls, value: str, info: ValidationInfo) -> str:
        channel = info.data.get("channel")
        return value if channel is None else parse_address(channel, value)

    def value(self) -> Contact:
        return Contact(**self.model_dump())


class HoursRow(Row):
    name: Key
    bank_holidays: Calendar | None = None
    times: str

    @field_validator("times")
    @classmethod
    def _times(cls, value: str, info: ValidationInfo) -> str:
        text = " ".join(value.lower().split())
        if text.count(";") >= MOST_SPANS:
            raise ValueError(f"more than {MOST_SPANS} parts")
        if len(text) > LONGEST_TIMES:
            raise ValueError(f"more than {LONGEST_TIMES} characters")
        if "bank_holidays" in info.data:
            read_hours(Hours(name="", times=text, bank_holidays=info.data["bank_holidays"]))
        return text

    def value(self) -> Hours:
        return Hours(**self.model_dump())


class CertificateRow(Row):
    """A certificate of a mailbox; or a key of a URL, one JWK."""

    address: Annotated[str, AfterValidator(_mailbox_or_url)]
    certificate: bytes
    fingerprint: str | None = None
    pinned: bool = False

    @field_validator("certificate", mode="before")
    @classmethod
    def _read(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict):  # in JSON a JWK may stand as it is
            value = json.dumps(value)
        if not isinstance(value, str):
            return value
        for_push = is_url(info.data["address"]) if "address" in info.data else value.lstrip().startswith("{")
        return read_jwk(value) if for_push else read_certificate(value)

    @field_validator("fingerprint")
    @classmethod
    def _same(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or not {"address", "certificate"} <= set(info.data):
            return value
        address, found = info.data["address"], info.data["certificate"]
        if value.replace(":", "").lower() != _fingerprint(address, found):
            what = "thumbprint (RFC 7638) of this key" if is_url(address) else "SHA-256 fingerprint of this certificate"
            raise ValueError(f"is not the {what}")
        return value

    def value(self) -> Certificate:
        fingerprint = _fingerprint(self.address, self.certificate)
        return Certificate(address=self.address, der=self.certificate, fingerprint=fingerprint, pinned=self.pinned)


def _fingerprint(address: str, certificate: bytes) -> str:
    return thumbprint_of(certificate) if is_url(address) else sha256(certificate).hexdigest()
