"""Views and briefs for notices, all made up."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, Final

from adapters.port import Content
from hub.notices.brief import Brief
from routing.decision import Rule
from routing.needtoknow import View

ISSUED: Final = datetime(2026, 3, 1, 19, 45, tzinfo=UTC)
JPEG: Final = b"\xff\xd8\xff\xe0" + b"made up" * 20
PHOTO: Final = {"media_type": "image/jpeg", "data_base64": base64.b64encode(JPEG).decode()}
RULE: Final = Rule(
    pack="national", rule="B-13", source="Missing children, section 6.4", quote="Inform the police.", version="2014.1"
)
ACKNOWLEDGE: Final = "https://hub.example/a/unguessable"

FIELDS: Final[dict[str, Any]] = {
    "child.name": "Robin Example",
    "child.other_names": ["Bobby Example"],
    "child.date_of_birth": "2011-08-17",
    "child.photo": PHOTO,
    "child.description": "1.60 m, slim\nbrown eyes",
    "child.mobile": "+447700900123",
    "child.medication": "inhaler",
    "child.looked_after": True,
    "child.legal_status": "care_order",
    "episode.category": "missing",
    "episode.since": "2026-03-01T19:30:00Z",
    "episode.last_seen.at": "2026-03-01T19:10:00Z",
    "episode.last_seen.place": "High Street",
    "episode.companions": ["Alex Companion", "Kit Companion"],
    "episode.clothing": "red coat",
    "episode.risk.level": "high",
    "episode.police.incident_number": "CAD 1234",
    "placement.address": "1 Example Lane",
    "placement.responsible_authority": "E09000006",
    "placement.host_authority": "E06000013",
    "people": [
        {
            "role": "parent",
            "name": "Sam Example",
            "parental_responsibility": True,
            "phone": "+447700900124",
            "notify": {
                "decision": "withhold",
                "reason": "contact would put the child at risk",
                "decided_by": "Jo Worker, social worker",
                "decided_at": "2026-02-02T10:00:00Z",
            },
        },
        {"role": "social_worker", "name": "Jo Worker", "email": "jo.worker@council.example"},
    ],
    "form": {"Risk factors": {"Carries a phone": True, "Money": "about ten pounds"}, "Anything else": "no"},
}


def view(*roles: str, **fields: Any) -> View:
    """A view of exactly ``fields`` (``child__name`` for ``child.name``)."""
    return View(roles=roles or ("police",), fields={path.replace("__", "."): value for path, value in fields.items()})


def full_view(*roles: str) -> View:
    return View(roles=roles or ("police",), fields=FIELDS)


def brief(**changes: Any) -> Brief:
    """A brief of a first notice to the police; ``changes`` are fields of Brief."""
    base = Brief(
        reference="FP-AB12-CD34",
        kind="missing",
        priority="high",
        status="actual",
        roles=("police",),
        organisation_name="Example Police",
        issued_at=ISSUED,
        rules=(RULE,),
        why="The police are told of every missing child.",
        ring=("Example Council, duty team: +447700900111",),
        acknowledge_url=ACKNOWLEDGE,
        sender="Example Council",
    )
    return replace(base, **changes)


class Page(HTMLParser):
    """What a reader of the HTML sees, and the elements it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def everything(content: Content) -> str:
    """All that leaves with a notice, as one text to search in."""
    attached = [f"{a.name} {a.media_type} {a.data.decode('latin-1')}" for a in content.attachments]
    return "\n".join((content.subject, content.text, content.html, Page(content.html).text, *attached))
