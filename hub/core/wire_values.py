"""The kinds of value on the wire: what each may look like, and the one form the hub keeps it in.

Text is kept in Unicode NFC; single lines without white space around them or runs of it inside, since a person is known
again by role and name (readings.md A5) and must not become another one by a blank. References are kept as they are.
"""

import base64
import binascii
import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from hub.core.pictures import BEGINNINGS

REFERENCE_LENGTH: Final = 128
LINE_LENGTH: Final = 500
TEXT_LENGTH: Final = 20_000
PHOTO_BYTES: Final = 512 * 1024
YEARS: Final = (2000, 2099)
"""Of instants: outside them a clock was wrong, and months could not be counted on from there."""
BIRTH_YEARS: Final = (1900, 2099)

_INSTANT_RE = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,18}))?"
    r"(?:([Zz])|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_DATE_RE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CODE_RE = re.compile(r"[A-Z][0-9]{8}|[0-9]{3}", re.ASCII)
_URN = re.compile("^[A-Za-z0-9]{1,20}$", re.ASCII)
_URI_REFERENCE = re.compile(r"[A-Za-z0-9:/?#\[\]@!$&'()*+,;=._~%-]+", re.ASCII)
_JSON_TYPE = re.compile("^application/json( *;[ -~]*)?$", re.ASCII)
_BLANK = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u2060-\u2069\ufeff]")
"""Soft hyphen, zero-width space, marks and isolates of direction, word joiner and invisible operators, byte order mark:
left by copying, or put around names by programs. Joiners that shape letters stay."""

# Controls, line and paragraph separators, and the characters that show the rest of a line in another order.
_NOT_IN_LINES = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e]")
_NOT_IN_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]")


def fault(message: str) -> PydanticCustomError:
    """A problem in our own words. ``message`` must not repeat the value."""
    return PydanticCustomError("wire", "{message}", {"message": message})


def instant(text: str) -> datetime:
    """RFC 3339 with an offset -> aware datetime in UTC. Fractions beyond microseconds are cut off.

    Raises ValueError with a message that does not repeat ``text``.
    """
    match = _INSTANT_RE.fullmatch(text)
    if match is None:
        raise ValueError(
            "is not an RFC 3339 date and time with an offset: send for example 2026-07-04T19:30:00Z or "
            "2026-07-04T19:30:00+01:00"
        )
    day, hour, minute, second, fraction, _, sign, offset_hours, offset_minutes = match.groups()
    offset = timedelta(hours=int(offset_hours or 0), minutes=int(offset_minutes or 0))
    try:
        moment = datetime.fromisoformat(f"{day}T{hour}:{minute}:{second}").replace(
            microsecond=int((fraction or "0")[:6].ljust(6, "0")),
            tzinfo=timezone(-offset if sign == "-" else offset),
        )
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is not a date that exists: correct it") from None
    if not YEARS[0] <= moment.year <= YEARS[1]:
        raise ValueError(f"is outside the years {YEARS[0]} to {YEARS[1]}: correct it")
    return moment


def instant_text(moment: datetime) -> str:
    """The one spelling of an instant: UTC, ``2026-03-01T19:30:00Z``, microseconds only if there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(text: str) -> str:
    try:
        return instant_text(instant(text))
    except ValueError as e:
        raise fault(str(e)) from None


def _date(text: str) -> str:
    try:
        if not _DATE_RE.fullmatch(text):
            raise ValueError
        year = date.fromisoformat(text).year
    except ValueError:
        raise fault("is not a date that exists: send year-month-day, for example 2010-01-31") from None
    if not BIRTH_YEARS[0] <= year <= BIRTH_YEARS[1]:
        raise fault(f"is outside the years {BIRTH_YEARS[0]} to {BIRTH_YEARS[1]}: correct it")
    return text


def _line(text: str) -> str:
    if _NOT_IN_LINES.search(text):
        raise fault("holds a control character, such as a line break: send one line of plain text")
    return one_line(text)


def one_line(text: str) -> str:
    """Names that look the same become the same: a person is known again by theirs."""
    return _BLANK.sub(" ", unicodedata.normalize("NFC", _INVISIBLE.sub("", text))).strip()


def _text(text: str) -> str:
    if _NOT_IN_TEXT.search(text):
        raise fault("holds a control character: only line breaks and tabs may be in it")
    return unicodedata.normalize("NFC", text)


def _given(text: str) -> str:
    if not text:
        raise fault("is blank: the sending system must give it")
    return text


def _reference(text: str) -> str:
    if _NOT_IN_LINES.search(text):
        raise fault("holds a control character: send one line of plain text")
    if text != text.strip():
        raise fault("has white space around it: send it without")
    return _given(text)


def _code(text: str) -> str:
    code = text.strip().upper()
    if not _CODE_RE.fullmatch(code):
        raise fault(
            "is not a code of an area: send its GSS code (a letter and eight digits) or DfE number (three digits)"
        )
    return code


def _urn(text: str) -> str:
    if not _URN.fullmatch(text):
        raise fault("is not a school's reference number: send its URN, letters and digits only")
    return text


def _uri_reference(text: str) -> str:
    if not _URI_REFERENCE.fullmatch(text) or len(text) > LINE_LENGTH:
        raise fault("is not a URI-reference: send for example urn:fingerpost:source:bromley-care")
    return text


def _json_type(text: str) -> str:
    if not _JSON_TYPE.fullmatch(text) or len(text) > 200:
        raise fault("must be application/json: data is always a JSON object")
    return text


def _photo(text: str) -> str:
    """Line breaks inside base64 are what MIME encoders write; everything else must be exact."""
    dense = "".join(text.split())
    # The strict decoder looks at every character: refuse by length first.
    if len(dense) > -(-PHOTO_BYTES // 3) * 4:
        raise fault("is larger than 512 KiB decoded: send a smaller photo")
    try:
        size = len(base64.b64decode(dense, validate=True))
    except (binascii.Error, ValueError):
        raise fault("is not base64: send the photo's bytes in standard base64 with padding") from None
    if size == 0:
        raise fault("is empty: send the photo's bytes, or no photo")
    if size > PHOTO_BYTES:
        raise fault("is larger than 512 KiB decoded: send a smaller photo")
    return dense


def photo_starts_as(media_type: str, data_base64: str) -> bool:
    """Whether the first bytes are those of the media type."""
    return base64.b64decode(data_base64[:16]).startswith(BEGINNINGS[media_type])


def _said(text: str) -> str:
    _given(text.strip())
    return _text(text)


Instant = Annotated[
    str,
    AfterValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-01T19:30:00Z"]}),
]
Day = Annotated[
    str, AfterValidator(_date), WithJsonSchema({"type": "string", "format": "date", "examples": ["2011-08-17"]})
]
Line = Annotated[str, StringConstraints(max_length=LINE_LENGTH), AfterValidator(_line)]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=LINE_LENGTH), AfterValidator(_line), AfterValidator(_given)
]
Text = Annotated[str, StringConstraints(max_length=TEXT_LENGTH), AfterValidator(_text)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_LENGTH), AfterValidator(_said)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=REFERENCE_LENGTH), AfterValidator(_reference)]
AreaCode = Annotated[
    str,
    AfterValidator(_code),
    WithJsonSchema({"type": "string", "pattern": "^([A-Z][0-9]{8}|[0-9]{3})$", "examples": ["E09000006", "305"]}),
]
Urn = Annotated[str, AfterValidator(_urn), WithJsonSchema({"type": "string", "pattern": _URN.pattern})]
UriReference = Annotated[
    str,
    AfterValidator(_uri_reference),
    WithJsonSchema({"type": "string", "format": "uri-reference", "minLength": 1, "maxLength": LINE_LENGTH}),
]
JsonType = Annotated[
    str, AfterValidator(_json_type), WithJsonSchema({"type": "string", "pattern": _JSON_TYPE.pattern, "maxLength": 200})
]
Base64Photo = Annotated[
    str,
    AfterValidator(_photo),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "description": "At most 512 KiB decoded."}),
]
Form = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "description": "The child's recorded answers on a local form, by question."}),
]

Category = Literal["missing", "away"]
Status = Literal["actual", "exercise", "test"]
MissingFrom = Literal["placement", "home", "school", "external_activity", "hospital", "other"]
Classification = Literal["missing", "absent", "no_apparent_risk"]
RiskLevel = Literal["high", "medium", "low", "none_apparent"]
PhotoType = Literal["image/jpeg", "image/png"]
LegalStatus = Literal["care_order", "interim_care_order", "section_20", "remand", "emergency_protection", "other"]
PlacementType = Literal[
    "childrens_home",
    "foster_care",
    "independent_foster_care",
    "with_parents",
    "family_home",
    "secure",
    "supported_accommodation",
    "other",
]
PersonRole = Literal["parent", "carer", "social_worker", "supervising_social_worker", "iro", "associate", "reporter"]
NotifyDecision = Literal["notify", "withhold", "undecided"]
FoundBy = Literal["police", "authority", "carer", "parent", "home_office", "self", "other"]
ReturnedTo = Literal["placement", "home", "other"]
BroughtBy = Literal["police", "carer", "parent", "self", "other"]
DutyOutcome = Literal["held", "declined", "done", "not_required"]
Circulation = Literal["london", "national"]
