"""Composing: a View and a Brief in, what is sealed to one reader out. Nothing else is seen here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from adapters.port import Alert, Content
from hub.core.records import MessageStatus
from hub.notices import facts, sections
from hub.notices.attachment import fields_json, notice_json
from hub.notices.brief import Brief
from hub.notices.clean import line, lines
from hub.notices.document import Document, render_text
from hub.notices.html import render_html
from hub.notices.photo import Photo, photo
from hub.notices.shared import Shared, once
from hub.notices.words import load_words
from routing.needtoknow import View


def make_ready() -> None:
    """Read what every notice needs, so that the first does not wait for it."""
    load_words()


def compose(view: View, brief: Brief, shared: Shared | None = None) -> Content:
    """The notice for one delivery: text and HTML of one document, the photo if the view has one, ``notice.json``.

    The subject may name the child where the view does: it is protected, and never stands outside the encryption.
    ``shared``: what notices about the same facts have in common (shared.py).
    """
    if "operator" in brief.roles:
        view, brief = _content_free(view, brief)
    brief = _guarded(brief)
    picture = _picture(view, shared)
    fields = fields_json(view, picture)
    key = ("known", fields, brief.issued_at)
    known = once(shared, key, facts.groups, view.fields, brief.issued_at, picture)
    document = sections.build(view, brief, picture, load_words(), known)
    attached = notice_json(view, brief, picture, fields)
    pictures = () if picture is None else (picture.attachment,)
    sent_with = () if brief.said is None else brief.said.pictures
    return Content(
        subject=document.subject,
        text=render_text(document, shared),
        html=render_html(document, shared),
        attachments=(*pictures, *sent_with, attached),
    )


def _picture(view: View, shared: Shared | None) -> Photo | None:
    given = view.fields.get("child.photo")
    if not isinstance(given, Mapping):
        return None
    # By what it is made of, as everything here: of a text so long the hash is kept with the text.
    return once(shared, ("photo", given.get("media_type"), given.get("data_base64")), photo, given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A notice as the pick-up page shows it."""

    document: Document = field(repr=False)
    photo: Photo | None = field(default=None, repr=False)


def shown(view: View, brief: Brief) -> Shown:
    """The same notice for a page: nothing is attached to it, and it leads nowhere. ``brief.on_page`` is set."""
    if "operator" in brief.roles:
        view, brief = _content_free(view, brief)
    brief = _guarded(brief)
    found = photo(view.fields.get("child.photo"))
    picture = None if found is None else replace(found, on_page=True)
    return Shown(document=sections.build(view, brief, picture, load_words()), photo=picture)


def handover(brief: Brief) -> Content:
    """What asks the sender's duty manager to ring instead: nothing about the child, all that ringing takes."""
    document = sections.handover(brief)
    return Content(subject=document.subject, text=render_text(document), html=render_html(document))


def alert(reference: str, status: MessageStatus, collect: str, link: str | None = None) -> Alert:
    """What may travel in clear: that a notice waits, its reference, and how to get at it: the ``link`` to its pick-up
    page, and in words what else there is to do (``collect``)."""
    marked = sections.STATUS_BANNERS.get(status)
    parts = [
        *([marked] if marked else []),
        f"A secure notice is waiting for you. Its reference is {line(reference)}.",
        "It could not be sent to this address under encryption, so this message says nothing about it.",
        *([f"Read it here:\n{line(link)}", _AT_THE_PAGE] if link else []),
        "\n".join(lines(collect)),
        "Please collect it now: it may be urgent. Do not answer this message with any details.",
    ]
    return Alert(
        subject=f"[OFFICIAL-SENSITIVE] Secure notice {line(reference)}",
        text="\n\n".join(part for part in parts if part) + "\n",
    )


_AT_THE_PAGE = (
    "The page sends a code to another telephone or mailbox of yours that we hold, and asks you for it. Nobody will "
    "ever ring or write to ask you for that code. The link ends after some days."
)


def _guarded(brief: Brief) -> Brief:
    """What is not this reader's business goes, whoever set it: suspicions are for the police, who is told for staff."""
    family = sections.for_family(brief)
    if not (family or brief.abduction):
        return brief
    # A parent may be whom it is about; whoever cares for the child has to know (B-121, E-69).
    holds = () if family and "parent" in brief.roles else brief.holds
    return replace(
        brief,
        holds=holds,
        abduction=brief.abduction and sections.concerns_police(brief),
        withheld_parent=brief.withheld_parent and not family,
        in_person=() if family else brief.in_person,
        remove_now=brief.remove_now and not family,
        remove_at=None if family else brief.remove_at,
    )


def _content_free(view: View, brief: Brief) -> tuple[View, Brief]:
    """The operator runs the hub and is told nothing about a child (readings.md B28, D11), nor which school it is."""
    organisation = brief.organisation_name if brief.gap_role != "school" else None
    blank = replace(
        brief,
        organisation_name=organisation,
        person=None,
        changed=(),
        previous={},
        in_person=(),
        withheld_parent=False,
        ring=(),
        said=None,
        holds=(),
    )
    return replace(view, fields={}), blank
