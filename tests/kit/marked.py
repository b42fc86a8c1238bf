"""A whole episode in which every personal value is a marker, and the search for markers in whatever was left behind.

A marker of text holds a core that no other text has, ``Qzkvxjwm``, two characters and ``zz``, among characters that
encodings treat differently. Dates, instants, numbers and telephone numbers are their own markers. None differs from
another in its last character only, since base64 may share that one with what follows.

What bears no marker, as it says nothing if it is found: truth values, the words of closed lists (a role, a kind and a
state stand in clear by design), ``previous_episodes`` (three digits), and the instants that stand in clear by design
(hub/core/records: the event's time, since, found.at, returned.at).
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

from tests.kit.events import BROMLEY, LEEDS, NORTH_LINCOLNSHIRE, TINY_JPEG, event

STEM: Final = "Qzkvxjwm"
_MICROS: Final = "271828"
_NUMBERS: Final = 7_315_260_000
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Marker:
    """One value, and where it stood."""

    what: str
    """The event and the path: ``report child.name``."""
    needles: tuple[str, ...]
    """Texts, each of which gives it away."""
    stems: tuple[str, ...] = (STEM,)
    """For each, a part of it that many markers share: where it is not, none of theirs is looked for."""

    @property
    def path(self) -> str:
        return self.what.partition(" ")[2]


@dataclass(slots=True)
class Marking:
    """Makes markers and remembers them."""

    now: datetime
    made: list[Marker] = field(default_factory=list)

    def _core(self, what: str) -> str:
        number = sum(STEM in marker.stems for marker in self.made)
        core = f"{STEM}{_DIGITS[number // 36]}{_DIGITS[number % 36]}zz"
        self.made.append(Marker(what, (core,)))
        return core

    def text(self, what: str) -> str:
        """With what HTML, JSON, quoted-printable and percent encodings write otherwise."""
        return f'{self._core(what)} & Zoë’s "<b>note</b>" 50 % = half'

    def name(self, what: str) -> str:
        return f"{self._core(what)} Zoë"

    def word(self, what: str) -> str:
        """Letters and digits only."""
        return self._core(what)

    def email(self, what: str) -> str:
        return f"{self._core(what).lower()}@family.example"

    def phone(self, what: str) -> str:
        number = f"{sum('7700900' in marker.stems for marker in self.made):02}5"
        digits = f"7700900{number}"
        needles = (digits, f"7700 900{number}", f"7700 900 {number}")
        self.made.append(Marker(what, needles, ("7700900", "7700 900", "7700 900")))
        return f"+44{digits}"

    def day(self, what: str, day: datetime) -> str:
        spoken = f"{day.day} {day:%B %Y}"  # as notices say it
        needles = (f"{day:%Y-%m-%d}", f"{day:%Y%m%d}", f"{day:%d/%m/%Y}", spoken)
        self.made.append(Marker(what, needles, (f"{day:%Y-}", f"{day:%Y}", f"/{day:%Y}", f" {day:%Y}")))
        return f"{day:%Y-%m-%d}"

    def instant(self, what: str) -> str:
        """Some instant of the last hours, to the microsecond, which nothing else happened at."""
        number = sum(_MICROS in marker.stems for marker in self.made)
        at = (self.now - timedelta(hours=1, minutes=number)).replace(microsecond=int(_MICROS))
        micros = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        self.made.append(Marker(what, (f"{at:%Y-%m-%dT%H:%M:%S.%f}", str(micros)), (_MICROS, _MICROS)))
        return at.isoformat()

    def number(self, what: str) -> int:
        value = _NUMBERS + 10 * len(self.made)
        self.made.append(Marker(what, (str(value),), (str(_NUMBERS)[:6],)))
        return value

    def photo(self, what: str) -> dict[str, str]:
        """A picture with a comment inside (JPEG, COM), and, as its own marker, the base64 it is sent as."""
        comment = self._core(what).encode() * 3
        picture = base64.b64decode(TINY_JPEG)
        whole = picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + picture[2:]
        sent = base64.b64encode(whole).decode()
        self.made.append(Marker(f"{what}.data_base64", (sent[4:60],), (sent[4:20],)))
        return {"media_type": "image/jpeg", "data_base64": sent}

    def of(self, *starts: str) -> list[Marker]:
        """The markers whose ``what`` starts with any of these."""
        return [marker for marker in self.made if marker.what.startswith(starts)]

    def one(self, what: str) -> str:
        """The first needle of exactly this."""
        (marker,) = [marker for marker in self.made if marker.what == what]
        return marker.needles[0]


def report(mark: Marking, what: str) -> dict[str, Any]:
    """``episode.reported`` with every optional field. ``what`` names the event in its markers."""

    def at(path: str) -> str:
        return f"{what} {path}"

    count = sum(marker.path == "child.ref" for marker in mark.made)
    born = mark.now.replace(year=mark.now.year - 14, month=1 + count, day=17)
    placed = mark.now.replace(year=mark.now.year - 1, month=1 + count, day=23)
    data = {
        "episode": {
            "ref": mark.text(at("episode.ref")),
            "category": "missing",
            "whereabouts_known": False,
            "at_risk": True,
            "status": "actual",
            "since": _clear(mark.now, 10),
            "noticed_at": mark.instant(at("episode.noticed_at")),
            "last_seen": {
                "at": mark.instant(at("episode.last_seen.at")),
                "place": mark.text(at("episode.last_seen.place")),
                "with": mark.text(at("episode.last_seen.with")),
            },
            "missing_from": "placement",
            "missing_from_authority": LEEDS,
            "circumstances": mark.text(at("episode.circumstances")),
            "clothing": mark.text(at("episode.clothing")),
            "belongings": mark.text(at("episode.belongings")),
            "companions": [mark.name(at("episode.companions"))],
            "vehicle": mark.text(at("episode.vehicle")),
            "intentions": mark.text(at("episode.intentions")),
            "initial_checks": [mark.text(at("episode.initial_checks"))],
            "police": {
                "reported_at": mark.instant(at("episode.police.reported_at")),
                "incident_number": mark.text(at("episode.police.incident_number")),
                "classification": "missing",
            },
            "risk": {
                "level": "high",
                "assessed_by": mark.name(at("episode.risk.assessed_by")),
                "basis": mark.text(at("episode.risk.basis")),
                "at": mark.instant(at("episode.risk.at")),
            },
            "abduction_suspected": True,
            "sexual_exploitation_suspected": True,
            "criminal_exploitation_suspected": True,
            "trafficking_suspected": False,
            "radicalisation_suspected": True,
        },
        "child": {
            "ref": mark.text(at("child.ref")),
            "name": mark.name(at("child.name")),
            "other_names": [mark.name(at("child.other_names"))],
            "date_of_birth": mark.day(at("child.date_of_birth"), born),
            "gender": mark.name(at("child.gender")),
            "ethnicity": mark.name(at("child.ethnicity")),
            "preferred_language": mark.name(at("child.preferred_language")),
            "description": mark.text(at("child.description")),
            "photo": mark.photo(at("child.photo")),
            "medical": mark.text(at("child.medical")),
            "medication": mark.text(at("child.medication")),
            "disabilities": mark.text(at("child.disabilities")),
            "mobile": mark.phone(at("child.mobile")),
            "looked_after": True,
            "legal_status": "care_order",
            "care_leaver": False,
            "child_protection_plan": True,
            "section_47_enquiry": True,
            "known_to_childrens_services": True,
            "early_help": True,
            "subject_to_immigration_restriction": True,
            "home_office_reference": mark.text(at("child.home_office_reference")),
            "absconder": True,
            "previous_episodes": 137,
        },
        "placement": {
            "type": "childrens_home",
            "responsible_authority": BROMLEY,
            "host_authority": NORTH_LINCOLNSHIRE,
            "district": None,
            "provider": mark.name(at("placement.provider")),
            "address": mark.text(at("placement.address")),
            "phone": mark.phone(at("placement.phone")),
            "starts_on": mark.day(at("placement.starts_on"), placed),
        },
        "school": {
            "urn": mark.word(at("school.urn")),
            "name": mark.name(at("school.name")),
            "email": mark.email(at("school.email")),
            "phone": mark.phone(at("school.phone")),
        },
        "people": [
            _person(mark, at("people.parent"), decision="withhold"),
            _person(mark, at("people.parent"), decision="notify", number=2),
            _person(mark, at("people.social_worker")),
            _person(mark, at("people.supervising_social_worker")),
            _person(mark, at("people.carer")),
            _person(mark, at("people.iro")),
            _person(mark, at("people.associate")),
            _person(mark, at("people.reporter")),
        ],
        "form": {
            mark.text(at("form.question")): mark.text(at("form.answer")),
            "Score": mark.number(at("form.score")),
            "Nested": {"Deep": [mark.text(at("form.nested"))]},
        },
    }
    return _sent(mark, what, "episode.reported", data, minutes=8, subject=mark.text(at("envelope.subject")))


def update(mark: Marking, ref: str, people: list[dict[str, Any]]) -> dict[str, Any]:
    """``episode.updated``: something new for every column of need to know."""

    def at(path: str) -> str:
        return f"update {path}"

    data = {
        "episode": {
            "ref": ref,
            "clothing": mark.text(at("episode.clothing")),
            "circumstances": mark.text(at("episode.circumstances")),
            "last_seen": {"place": mark.text(at("episode.last_seen.place"))},
            "risk": {"basis": mark.text(at("episode.risk.basis"))},
            "police": {"incident_number": mark.text(at("episode.police.incident_number"))},
        },
        "child": {
            "medical": mark.text(at("child.medical")),
            "medication": mark.text(at("child.medication")),
            "home_office_reference": mark.text(at("child.home_office_reference")),
        },
        "placement": {"address": mark.text(at("placement.address"))},
        "people": [*people, _person(mark, at("people.associate"), number=2)],
        "form": {"Score": mark.number(at("form.score"))},
    }
    return _sent(mark, "update", "episode.updated", data, minutes=6)


def found(mark: Marking, ref: str) -> dict[str, Any]:
    """``episode.found``, safe; the place is not to be shared."""
    said = {
        "at": _clear(mark.now, 5),
        "place": mark.text("found found.place"),
        "by": "police",
        "safe": True,
        "location_may_be_shared": False,
    }
    return _sent(mark, "found", "episode.found", {"episode": {"ref": ref}, "found": said}, minutes=4)


def returned(mark: Marking, ref: str) -> dict[str, Any]:
    """``episode.returned``, with concerns."""
    said = {
        "at": _clear(mark.now, 3),
        "to": "placement",
        "brought_by": "police",
        "harm_suspected": True,
        "crime_alleged": True,
        "concerns": mark.text("returned returned.concerns"),
    }
    return _sent(mark, "returned", "episode.returned", {"episode": {"ref": ref}, "returned": said}, minutes=2)


def retracted(mark: Marking, ref: str) -> dict[str, Any]:
    """``episode.retracted``."""
    data = {"episode": {"ref": ref}, "reason": mark.text("retracted retraction.reason")}
    return _sent(mark, "retracted", "episode.retracted", data, minutes=5)


def completed(mark: Marking, ref: str) -> dict[str, Any]:
    """``duty.completed`` with a note."""
    data = {
        "episode": {"ref": ref},
        "duty": "safe_and_well_check",
        "outcome": "done",
        "at": mark.instant("completed duty.at"),
        "by": mark.name("completed duty.by"),
        "note": mark.text("completed duty.note"),
    }
    return _sent(mark, "completed", "duty.completed", data, minutes=1)


def invalid(mark: Marking) -> dict[str, Any]:
    """A report with everything wrong that can be, each mistake a marker; it goes to quarantine."""
    event = report(mark, "invalid")
    data = event["data"]
    data["episode"]["category"] = mark.word("invalid wrong.category")
    data["episode"]["since"] = mark.word("invalid wrong.since")
    data["child"]["date_of_birth"] = mark.word("invalid wrong.date_of_birth")
    data["child"]["looked_after"] = mark.word("invalid wrong.looked_after")
    data["child"]["name"] = mark.word("invalid wrong.name") + "\u0007"
    data["child"]["photo"]["data_base64"] = mark.word("invalid wrong.photo") + "?"
    data["placement"]["host_authority"] = mark.word("invalid wrong.host_authority")
    data["people"][0]["notify"]["decision"] = mark.word("invalid wrong.decision")
    data["people"][1]["role"] = mark.word("invalid wrong.role")
    data["school"]["urn"] = mark.text("invalid wrong.urn")
    data["child"][mark.word("invalid key.unknown")] = mark.text("invalid wrong.unknown")
    return event


def _person(mark: Marking, at: str, *, decision: str | None = None, number: int = 1) -> dict[str, Any]:
    role = at.partition("people.")[2]
    at = f"{at}.{number}"
    person = {
        "role": role,
        "name": mark.name(f"{at}.name"),
        "parental_responsibility": role == "parent",
        "suspected_abductor": False,
        "email": mark.email(f"{at}.email"),
        "phone": mark.phone(f"{at}.phone"),
        "address": mark.text(f"{at}.address"),
    }
    if decision is not None:
        person["notify"] = {
            "decision": decision,
            "reason": mark.text(f"{at}.notify.reason"),
            "decided_by": mark.name(f"{at}.notify.decided_by"),
            "decided_at": mark.instant(f"{at}.notify.decided_at"),
        }
    return person


def _clear(now: datetime, minutes: int) -> str:
    return (now - timedelta(minutes=minutes)).replace(microsecond=0).isoformat()


def _sent(
    mark: Marking, what: str, kind: str, data: Mapping[str, Any], *, minutes: int, **envelope: Any
) -> dict[str, Any]:
    identity = mark.text(f"{what} envelope.id")
    return event(kind, data, id=identity, time=_clear(mark.now, minutes), **envelope)


# The search ----------------------------------------------------------------------------------------------------------


@cache
def disguises(needle: str) -> tuple[bytes, ...]:
    """How a text may stand in bytes, but for base64; all in lower case."""
    return tuple(_disguises(needle))


def _disguises(needle: str) -> Iterator[bytes]:
    plain = needle.lower().encode()
    yield plain
    yield plain.hex().encode()
    yield needle.lower().encode("utf-16-le")
    yield needle.lower().encode("utf-16-be")
    yield "".join(f"%{byte:02x}" for byte in needle.encode()).lower().encode()
    yield "".join(f"={byte:02x}" for byte in needle.encode()).lower().encode()
    yield "".join(f"\\u{ord(letter):04x}" for letter in needle).lower().encode()
    yield "".join(f"&#{ord(letter)};" for letter in needle).lower().encode()


@cache
def in_base64(needle: str) -> frozenset[bytes]:
    """As base64, at each of the three places a text can begin at, without the characters that depend on what is
    around it; here case matters. What bears the stem also from each of the usual encodings, and from its base64.
    """
    if not needle.startswith(STEM):
        return frozenset(_aligned(needle.encode()))
    found: set[bytes] = set()
    for form in {needle, needle.lower(), needle.upper()}:
        for content in (form.encode(), form.encode("utf-16-le"), form.encode("utf-16-be")):
            found.update(_aligned(content))
        for once in _aligned(form.encode()):
            found.update(_aligned(once))
    return frozenset(found)


def _aligned(content: bytes) -> Iterator[bytes]:
    for before in range(3):
        whole = base64.b64encode(bytes(before) + content)
        begins = -(-before * 8 // 6)
        ends = (before + len(content)) * 8 // 6
        yield whole[begins:ends]


_FOLDS: Final = (re.compile(rb"\r?\n[ \t]?"), re.compile(rb"=\r?\n"))


def finds(content: bytes, markers: Iterable[Marker]) -> list[str]:
    """What of these markers stands in ``content``, however it is written; in text also across the folds of a mail.

    What shares a stem is looked for only where the stem is.
    """
    forms = _forms(content)
    present: dict[str, frozenset[int]] = {}

    def there(needle: str, stem: str) -> bool:
        if stem not in present:
            present[stem] = _kinds(forms, stem)
        return bool(_kinds(forms, needle, present[stem]))

    return [
        marker.what
        for marker in markers
        if any(there(needle, stem) for needle, stem in zip(marker.needles, marker.stems, strict=True))
    ]


def traces(content: bytes, marking: Marking) -> list[str]:
    """The same for all markers there are; the stem alone is a trace too."""
    return finds(content, marking.made) or [STEM] * bool(_kinds(_forms(content), STEM))


def _forms(content: bytes) -> list[tuple[bytes, bytes]]:
    folded = [] if b"\0" in content else [fold.sub(b"", content) for fold in _FOLDS if b"\n" in content]
    return [(form, form.lower()) for form in dict.fromkeys((content, *folded))]


_PLAIN: Final = len(disguises(STEM))
_ALL_KINDS: Final = frozenset(range(_PLAIN + 1))
"""The disguises in their order, and after them base64."""


def _kinds(forms: list[tuple[bytes, bytes]], needle: str, of: frozenset[int] = _ALL_KINDS) -> frozenset[int]:
    """In which disguises a needle is there."""
    signs = disguises(needle)
    found = {kind for kind in of if kind < _PLAIN and any(signs[kind] in low for _, low in forms)}
    if _PLAIN in of and any(sign in text for sign in in_base64(needle) for text, _ in forms):
        found.add(_PLAIN)
    return frozenset(found)
