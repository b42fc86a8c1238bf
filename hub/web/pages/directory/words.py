"""What the directory's pages call things, and the fields of their forms."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from contacts.certificates import described
from contacts.changes import EntryKey, Table, Value
from contacts.model import CALENDARS, CHANNELS, Certificate
from contacts.sensitive import Reason
from hub.core.drafts import Draft, How, Judged, Refusal
from hub.web.pages.rendering import local

ONE: Final[Mapping[Table, str]] = {
    "organisations": "Organisation",
    "desks": "Desk",
    "contacts": "Contact",
    "hours": "Hours",
    "certificates": "Certificate or key",
}
MANY: Final[Mapping[Table, str]] = {
    "organisations": "Organisations",
    "desks": "Desks",
    "contacts": "Contacts",
    "hours": "Hours",
    "certificates": "Certificates and keys",
}
LABELS: Final[Mapping[str, str]] = {
    "code": "Code",
    "name": "Name",
    "phone": "Telephone number to ring",
    "hub_register": "Uses this hub’s register of missing children",
    "fallback_desk": "Desk that hears when another cannot be reached",
    "signing_identity": "Key that signs in its name",
    "organisation": "Organisation",
    "function": "Desk",
    "deputy": "Deputy",
    "id": "Short name",
    "desk": "Desk",
    "channel": "Channel",
    "address": "Address",
    "order": "Step",
    "hours": "Hours on duty",
    "least_priority": "Used for notices that are at least",
    "exercises": "Takes part in exercises and tests",
    "times": "Times",
    "bank_holidays": "Whose bank holidays",
    "certificate": "Certificate (PEM) or key (JWK)",
    "fingerprint": "Fingerprint",
    "pinned": "Its fingerprint was compared with its holder, by telephone",
    "valid_from": "In force from",
    "valid_until": "In force until",
}
HINTS: Final[Mapping[str, str]] = {
    "phone": "Such as 01632 960 001.",
    "id": "Of your own, such as bromley-front-door-1. It never changes and stands in logs, so never a person’s name.",
    "address": "An e-mail address, a mobile number, or an https address, as the channel asks for.",
    "order": "0 is tried first; those of one step go out together.",
    "hours": "Leave empty for somebody who is always on duty.",
    "times": "Such as mon-fri 08:30-17:30, or outside mon-fri 08:30-17:30 for all the rest.",
    "bank_holidays": "Leave empty if bank holidays are days like others here.",
    "certificate": "In the place of a file: the holder’s own, without its chain. Never a private key.",
    "valid_from": "A date such as 2026-04-01, or an instant with its offset. Empty is without limit.",
    "valid_until": "The first moment at which it stands no more.",
}
REASONS: Final[Mapping[Reason, str]] = {
    "new_contact": "a new contact",
    "address": "another address",
    "number": "another number",
    "channel": "another channel",
    "desk": "another desk",
    "longer": "in force when it was not",
    "certificate": "a certificate or key",
    "pin": "whether it is trusted",
    "fallback": "another desk for what cannot be delivered",
    "deputy": "another deputy",
    "signing": "another signing key",
    "last_contact": "leaves a desk without anybody",
}
HOW: Final[Mapping[How, str]] = {
    "alone": "In force",
    "approved": "Approved",
    "confirmed": "Confirmed by both addresses",
    "overridden": "Overridden",
    "imported": "Imported",
}
TAGS: Final[Mapping[str, str]] = {
    "waiting": "govuk-tag--yellow",
    "in_force": "govuk-tag--green",
    "rejected": "govuk-tag--red",
    "withdrawn": "govuk-tag--grey",
    "expired": "govuk-tag--grey",
}
REFUSED: Final[Mapping[Refusal, str]] = {
    "unknown": "There is no such change",
    "settled": "Somebody has decided about this change already",
    "own": "You proposed this change: somebody else has to agree to it",
    "unnamed": "Only a person by name decides about a change",
    "not_asked": "Only whoever proposed a change takes it back",
}
KINDS: Final = {"added": "new", "removed": "removed", "changed": "changed"}
_ANSWERS: Final = (("true", "Yes"), ("false", "No"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Something wrong with a field of a form."""

    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A field. ``choices``: values and words of a select; ``long``: of several lines."""

    column: str
    choices: tuple[tuple[str, str], ...] | None = None
    long: bool = False
    default: str = field(default="")


def fields(table: Table, *, fresh: bool, desks: Sequence[str], hours: Sequence[str]) -> tuple[Asked, ...]:
    """What a form asks for. ``fresh``: of a new entry, whose key is asked for too; ``desks``: functions to choose from
    (of a new desk those that are free); ``hours``: names."""
    dates = (Asked(column="valid_from"), Asked(column="valid_until"))
    match table:
        case "organisations":
            register = Asked(column="hub_register", choices=_ANSWERS, default="true")
            fallback = Asked(column="fallback_desk", choices=_desks(desks), default="fallback")
            return (Asked(column="name"), Asked(column="phone"), fallback, register, *dates)
        case "desks":
            key = (Asked(column="function", choices=_desks(desks)),) if fresh else ()
            deputy = () if fresh else (Asked(column="deputy", choices=(("", "None"), *_desks(desks))),)
            return (*key, Asked(column="name"), Asked(column="phone"), *deputy, *dates)
        case "contacts":
            return (
                *((Asked(column="id"),) if fresh else ()),
                Asked(column="desk", choices=_desks(desks)),
                Asked(column="channel", choices=tuple((one, CHANNEL_WORDS[one]) for one in CHANNELS)),
                Asked(column="address"),
                Asked(column="hours", choices=(("", "Always on duty"), *((one, one) for one in hours))),
                Asked(column="order", default="0"),
                Asked(column="least_priority", choices=URGENCIES, default="low"),
                Asked(column="exercises", choices=_ANSWERS, default="false"),
                *dates,
            )
        case "hours":
            calendars = (("", "None"), *((one, one.replace("-", " ").title()) for one in CALENDARS))
            key = (Asked(column="name"),) if fresh else ()
            return (*key, Asked(column="times"), Asked(column="bank_holidays", choices=calendars))
        case "certificates":
            new = (Asked(column="address"), Asked(column="certificate", long=True)) if fresh else ()
            return (*new, Asked(column="pinned", choices=_ANSWERS, default="false"))


CHANNEL_WORDS: Final[Mapping[str, str]] = {"email": "E-mail", "sms": "Text message", "push": "Its own system"}
URGENCIES: Final = (("low", "Low (all)"), ("normal", "Normal"), ("high", "High"), ("immediate", "Immediate"))


def _desks(functions: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple((one, desk_words(one)) for one in functions)


def desk_words(function: str) -> str:
    """``emergency_duty_team`` -> ``Emergency duty team``."""
    return function.replace("_", " ").capitalize()


def title_of(table: Table, key: EntryKey) -> str:
    """``Contact bromley-front-door-1``; of a certificate its fingerprint, in pairs to compare."""
    return f"{ONE[table]} {desk_words(key[-1]) if table == 'desks' else key[-1][:16]}".strip()


def difference_view(one: Judged) -> dict[str, Any]:
    """One entry for ``directory_parts.html``."""
    found = one.difference
    name = found.key[-1]
    sides = found.before, found.after
    about = [details(side) if isinstance(side, Certificate) else {} for side in sides]
    if table_name := {"desks": desk_words(name), "certificates": fingerprint(name)}.get(found.table):
        name = table_name
    return {
        "title": f"{ONE[found.table]} {name}: {KINDS[found.kind]}",
        "rows": [
            *(
                {"label": LABELS[f.column], "before": _shown(f.before), "after": _shown(f.after)}
                for f in found.fields()
                if f.column not in ("fingerprint", "certificate")
            ),
            *(
                {"label": label, "before": _shown(about[0].get(label)), "after": _shown(about[1].get(label))}
                for label in dict.fromkeys((*about[0], *about[1]))
            ),
        ],
        "reasons": ", ".join(REASONS[reason] for reason in one.reasons),
    }


def draft_view(draft: Draft) -> dict[str, Any]:
    """A change for a list."""
    return {
        "id": draft.id,
        "state": draft.state.capitalize() if draft.how is None else HOW[draft.how],
        "tag": TAGS[draft.state],
        "entries": draft.entries,
        "draft": draft,
    }


def fingerprint(text: str) -> str:
    """In groups of four, as people read it to each other."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def details(certificate: Certificate) -> dict[str, str]:
    """What it is for, whose it is, who issued it, until when, and its fingerprint to compare by telephone."""
    found = described(certificate)
    what = _KEY_USES if certificate.is_jwk else _USES
    issuer = {} if certificate.is_jwk else {"Issued by": found.issuer or "Itself: nobody else vouches for it"}
    named = {} if certificate.is_jwk else {"Named in it": ", ".join(found.names)}
    return {
        "What it is for": what[found.use],
        **named,
        **issuer,
        "Valid from": "always" if found.first.year == 1 else local(found.first),
        "Valid until": "without limit" if found.last.year == _NEVER else local(found.last),
        "Fingerprint": fingerprint(certificate.fingerprint),
    }


_NEVER: Final = 9999
_USES: Final = {
    "encrypt": "Sealing mail to this address",
    "sign": "Signatures only: no mail can be sealed with it",
    "both": "Sealing mail to this address, and its signatures",
}
_KEY_USES: Final = {"encrypt": "Encrypting what is pushed to this address", "sign": "The signatures of its answers"}


def _shown(value: Value) -> str:
    if value is None:
        return "nothing"
    text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return text if len(text) <= 200 else f"{text[:120]}… ({len(text)} characters)"
