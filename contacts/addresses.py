"""Addresses of the three channels: parsed, normalised, or refused with a reason.

What is accepted is plain ASCII: no control character can reach a header, and no letter can pass for another. A reason
never repeats the address, as it may be a person's.
"""

import re
from functools import lru_cache
from typing import assert_never
from urllib.parse import SplitResult, urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from contacts.model import Channel

_MAX_EMAIL = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
_MAX_LOCAL = 64  # RFC 5321, section 4.5.3.1.1
_MAX_PHONE = 40
_MAX_URL = 2048
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?!\d+\Z){_LABEL}", re.ASCII)
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]*", re.ASCII)
_URL = re.compile(r"[!-~]+", re.ASCII)
_DRAMA = re.compile(r"\+44(?:7700900|1632960|3069990|9098790)[0-9]{3}", re.ASCII)
"""Ofcom's numbers for drama that the numbering plan does not list as valid; the others it does."""
_NO_TEXTS = frozenset(
    {
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.VOICEMAIL,
        phonenumbers.PhoneNumberType.PAGER,
        phonenumbers.PhoneNumberType.PERSONAL_NUMBER,
    }
)


class AddressProblem(ValueError):
    """An address that cannot be used; the text says why, without the address."""


def parse_address(channel: Channel, text: str) -> str:
    """The normal form of an address of ``channel``; raises :class:`AddressProblem`."""
    match channel:
        case "email":
            return parse_email(text)
        case "sms":
            return parse_mobile(text)
        case "push":
            return parse_url(text)
        case _:
            assert_never(channel)


def parse_email(text: str) -> str:
    """``local@domain``, the domain in lower case; domains under ``.example`` and ``.test`` are as good as others.

    An internationalised domain is accepted in its ASCII form (``xn--…``) only.
    """
    _plain(text)
    local, at, domain = text.rpartition("@")
    if not at:
        raise AddressProblem("an e-mail address has an @")
    if len(local) > _MAX_LOCAL or len(text) > _MAX_EMAIL:
        raise AddressProblem(f"too long: {_MAX_LOCAL} characters before the @, {_MAX_EMAIL} in all")
    # The two halves are checked apart: a directory of a country has a few hundred of each, in thousands of addresses.
    named, placed = _halves(f"{local}@council.example"), _halves(f"desk@{domain}")
    if named is None or placed is None:
        raise AddressProblem("not a well-formed e-mail address, such as front-door@council.example")
    if not _HOST.fullmatch(placed[1]):
        raise AddressProblem("an e-mail address needs a full domain name, such as council.example")
    return f"{named[0]}@{placed[1]}"


@lru_cache(maxsize=4096)
def _halves(text: str) -> tuple[str, str] | None:
    """Local part and domain in their normal form; None for what is no address."""
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError:
        return None
    return None if found.ascii_local_part is None else (found.ascii_local_part, found.ascii_domain)


def parse_phone(text: str) -> str:
    """E.164, such as ``+447700900123``; a number without a country code is a British one. No extensions."""
    _, e164 = _number(text)
    return e164


def parse_mobile(text: str) -> str:
    """Like :func:`parse_phone`, for a number that can get text messages."""
    number, e164 = _number(text)
    drama_landline = _DRAMA.fullmatch(e164) is not None and not e164.startswith("+447")
    if drama_landline or phonenumbers.number_type(number) in _NO_TEXTS:
        raise AddressProblem("not a number that can get text messages")
    return e164


def parse_url(text: str) -> str:
    """An https URL with a host name, without user, password or fragment; host in lower case, default port left out."""
    _plain(text)
    if not _URL.fullmatch(text) or "\\" in text or len(text) > _MAX_URL:
        raise AddressProblem(f"a URL has no spaces or backslashes and at most {_MAX_URL} characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressProblem("not a well-formed URL") from None
    if parts.scheme != "https":
        raise AddressProblem("only https URLs are called")
    if "@" in parts.netloc or "#" in text:
        raise AddressProblem("a URL here has no user, password or fragment")
    if not _HOST.fullmatch(host) or port == 0:
        raise AddressProblem("a URL needs a full host name, such as hub.council.example")
    netloc = host if port in (None, 443) else f"{host}:{port}"
    return SplitResult("https", netloc, parts.path or "/", parts.query, "").geturl()


def _number(text: str) -> tuple[phonenumbers.PhoneNumber, str]:
    """The number, and its E.164."""
    _plain(text)
    if len(text) > _MAX_PHONE or not _PHONE.fullmatch(text):
        raise AddressProblem("a phone number is digits and spaces, such as +44 7700 900123, without an extension")
    try:
        number = phonenumbers.parse(text, "GB")
    except phonenumbers.NumberParseException:
        raise AddressProblem("not a phone number") from None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # The numbering plan is asked last: every kind of number of every country that shares the code is tried in turn.
    if not (_DRAMA.fullmatch(e164) or _valid(number)):
        raise AddressProblem("no such phone number: too short, too long, or a short code like 101")
    return number, e164


def _valid(number: phonenumbers.PhoneNumber) -> bool:
    """As the plan has it; of a British number, which most are, one look says so."""
    return phonenumbers.is_valid_number_for_region(number, "GB") or phonenumbers.is_valid_number(number)


def _plain(text: str) -> None:
    if not text:
        raise AddressProblem("is empty")
    if not text.isascii() or not text.isprintable():
        raise AddressProblem("has a control character, or a letter outside plain ASCII that could pass for another")
