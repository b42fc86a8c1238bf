"""From a claimed delivery to an envelope: what this reader may see, from the facts the notice was decided on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeAlias

from adapters.port import Alert, Attachment, Content, Envelope, Unwritten
from adapters.sms.text import NotOnePart, alert_text
from contacts.directory import Directory
from contacts.roles import OPERATOR, POLICE_ROLES, desk_of
from hub.core.conversation import Message
from hub.core.holds import Hold
from hub.core.ladder import sender_of
from hub.core.peer_conversations import message_files
from hub.core.peer_holds import holds_json
from hub.core.peers import came_from, came_through, hub_of, is_inbox
from hub.core.records import ClaimedDelivery, DeliveryRecord, MessageStatus, Purpose
from hub.core.tokens import ack_token, pickup_token, receipt_token, reply_code
from hub.notices.brief import Brief, Said
from hub.notices.compose import Shown, alert, compose, handover, shown
from hub.notices.sections import handover as handover_page
from hub.notices.shared import of_one
from hub.service.addressing import address_of
from hub.service.ringing import sender_numbers, whom_to_ring
from hub.service.sending import NoContact
from routing.decision import Kind
from routing.needtoknow import View, permitted, present, shared_view, view

STAND_DOWN: Final[frozenset[Kind]] = frozenset({"found", "returned", "retraction"})
TOLD_OF_WITHHOLDING: Final = frozenset({*POLICE_ROLES, "responsible_authority", "host_authority", "social_worker"})
"""Who has to know that a parent must not be told, because they might tell."""
UNNAMED: Final = "The notifying authority"
ALERT_SUFFIX: Final = ".alert"

Facts = Mapping[str, Any]

Worth: TypeAlias = tuple[tuple[str, ...], ...]
"""What goes into a text message together, the best first."""
TO_THE_READER: Final[Worth] = (("link", "code"), ("link",), ("ring", "code"), ("ring",), ("code",))
TO_THE_MANAGER: Final[Worth] = (("ring", "link"), ("ring",), ("link",))
"""Who is asked to ring may be reached by nothing but this phone, and could do nothing with a reference alone. It is the
operator's number: that of the desk to be rung would say where."""


class Composer:
    """Composes each delivery anew on every try. ``directory`` gives the newest snapshot at each call.

    ``public_url``: what recipients reach the hub by. ``collect``: words for a recipient whose notice could not be
    sealed, how to get at it; they travel in clear. ``ack_secret``: see tokens.py. ``replies``: whoever gets a text
    message is asked to text a code back.
    """

    def __init__(
        self,
        *,
        directory: Callable[[], Directory],
        ack_secret: bytes,
        public_url: str,
        collect: str,
        replies: bool = False,
        apart: frozenset[str] = frozenset(),
    ) -> None:
        ack_token(ack_secret, "")  # a weak secret is told at the start, not at the first notice
        self._directory = directory
        self._secret = ack_secret
        self._url = public_url.rstrip("/")
        self._collect = collect
        self._replies = replies
        self._apart = apart

    def content(self, claimed: ClaimedDelivery) -> Envelope:
        """The notice as this reader may see it, with the certificates on file now."""
        directory = self._directory()
        delivery, notice = claimed.delivery, claimed.notice
        address = address_of(claimed, directory)
        if is_inbox(address) and came_from(claimed.doc) is not None:
            raise NoContact  # its own hub tells other hubs: nothing goes from one to the next
        brief = self._brief(claimed, directory)
        if is_inbox(address):
            brief = replace(brief, holds=())  # what is sent again has to be the same: they stand beside it
        certificates = directory.certificates(address)
        return Envelope(
            delivery=delivery.id,
            reference=notice.reference,
            address=address,
            receipt_token=receipt_token(self._secret, delivery.id),
            body=self._body(claimed, brief, address),
            certificates=tuple(certificate.der for certificate in certificates),
            pinned=frozenset(certificate.fingerprint for certificate in certificates if certificate.pinned),
            priority=delivery.priority,
            signing=_signing(claimed, directory),
            headers=_headers(claimed),
            via=_via(claimed),
        )

    def _body(self, claimed: ClaimedDelivery, brief: Brief, address: str) -> Content | Unwritten:
        if claimed.delivery.purpose == "handover":
            return handover(brief)
        if is_inbox(address) and claimed.message is not None:
            return _with_message(compose(seen(claimed), brief), claimed.message)
        if is_inbox(address) and claimed.holds:
            return _with_holds(compose(seen(claimed), brief), claimed.holds)
        if claimed.delivery.channel in self._apart:
            return Unwritten(write=partial(compose, seen(claimed), brief), common=claimed.shared)
        return compose(seen(claimed), brief, claimed.shared)

    def alert(self, claimed: ClaimedDelivery) -> Envelope:
        """The content-free message: beside the content on another channel, or in its place under an id of its own, so
        that its receipts are never taken for the notice's."""
        delivery, notice = claimed.delivery, claimed.notice
        beside = delivery.carries == "alert"
        return Envelope(
            delivery=delivery.id if beside else delivery.id + ALERT_SUFFIX,
            reference=notice.reference,
            address=address_of(claimed, self._directory()),
            receipt_token=receipt_token(self._secret, delivery.id) if beside else None,
            body=self._short(claimed)
            if delivery.channel == "sms"
            else alert(notice.reference, notice.status, self._collect, self._pickup(delivery)),
            priority=delivery.priority,
            headers=_headers(claimed),
        )

    def shown(self, claimed: ClaimedDelivery, newest: Facts) -> Shown:
        """The same notice for the pick-up page, without what its reader may not see any more: a notice may be read days
        after it was decided, and ``newest`` are the facts of the episode now."""
        brief = replace(self._brief(claimed, self._directory()), acknowledge_url="", on_page=True)
        if claimed.delivery.purpose == "handover":
            return Shown(document=handover_page(brief))
        allowed = _allowed(claimed, newest)
        kept = replace(
            brief,
            changed=tuple(path for path in brief.changed if path in allowed),
            previous={path: value for path, value in brief.previous.items() if path in allowed},
            withheld_parent=brief.withheld_parent or _withheld_parent(replace(claimed, doc=newest)),
        )
        return shown(seen(claimed).only(allowed), kept)

    def ring(self, claimed: ClaimedDelivery) -> tuple[str, ...]:
        """Who its reader rings: the sender, by name and number, as lines. Not which service, as whoever holds the link
        reads them, and they must not say what it is about."""
        directory = self._directory()
        sender = sender_of(claimed.doc)
        known = None if sender is None else directory.organisation(sender)
        return (
            ()
            if sender is None
            else sender_numbers(sender, UNNAMED if known is None else known.name, directory, service="")
        )

    def leads_to_pickup(self, claimed: ClaimedDelivery) -> bool:
        """Whether the link of an alert leads to the notice itself, as its reader was sent no content that is sealed."""
        if claimed.delivery.pickup_digest is None:
            return False
        return claimed.delivery.carries == "content" or not _sealed_beside(claimed, self._directory())

    def _pickup(self, delivery: DeliveryRecord) -> str | None:
        if delivery.pickup_digest is None:
            return None
        return f"{self._url}/p/{pickup_token(self._secret, delivery.id)}"

    def _short(self, claimed: ClaimedDelivery) -> Alert:
        """One text message. The link leads to where the notice is read, or to where it is answered."""
        delivery, notice = claimed.delivery, claimed.notice
        asked = self._answers(delivery)
        link = f"{self._url}/a/{ack_token(self._secret, delivery.id)}" if asked else None
        if self.leads_to_pickup(claimed):
            link = self._pickup(delivery)
        return Alert(
            subject="",
            text=_one_part(
                notice.reference,
                link if link is not None and link.startswith("https://") else None,
                reply_code(self._secret, delivery.id) if asked and self._replies else None,
                self._directory().phone(OPERATOR, desk_of("operator")),
                notice.status,
                TO_THE_READER if asked else TO_THE_MANAGER,
            ),
        )

    @staticmethod
    def _answers(delivery: DeliveryRecord) -> bool:
        """Whether its reader is asked to answer. The sender's duty manager must not answer for the recipient."""
        return delivery.purpose != "handover"

    def _brief(self, claimed: ClaimedDelivery, directory: Directory) -> Brief:
        notice, decision = claimed.notice, claimed.decision
        sender = sender_of(claimed.doc)
        known = None if sender is None else directory.organisation(sender)
        name = UNNAMED if known is None else known.name
        return Brief(
            reference=notice.reference,
            episode=notice.episode,
            child=claimed.child,
            kind=notice.kind,
            priority=notice.priority,
            status=notice.status,
            roles=_readers(claimed),
            organisation=notice.organisation,
            organisation_name=_organisation_name(claimed, directory),
            person=_person(claimed),
            issued_at=notice.created_at,
            rules=decision.rules,
            why=decision.why,
            changed=decision.changed,
            previous=_before(claimed),
            remove_at=decision.remove_at,
            remove_now=notice.kind in STAND_DOWN,
            duty=decision.duty,
            due_at=decision.due_at,
            gap_role=notice.gap_role,
            in_person=decision.in_person,
            abduction=_abduction(claimed),
            withheld_parent=_withheld_parent(claimed),
            ring=whom_to_ring(claimed, sender, name, directory),
            acknowledge_url=f"{self._url}/a/{ack_token(self._secret, claimed.delivery.id)}"
            if self._answers(claimed.delivery)
            else "",
            sender=name,
            purpose=claimed.delivery.purpose,
            holds=tuple((one.kind, one.since) for one in claimed.holds),
            said=None if claimed.message is None else _said(claimed.message, directory, self._url),
        )


def _with_message(content: Content, message: Message) -> Content:
    """For another hub, which takes part in the conversation: the message itself."""
    said, *pictures = message_files(message)
    there = {one.name for one in content.attachments}
    more = (said, *(one for one in pictures if one.name not in there))
    return replace(content, attachments=(*content.attachments, *more))


def _with_holds(content: Content, holds: Sequence[Hold]) -> Content:
    """For another hub, whose desks may not have been told when they were set."""
    return replace(content, attachments=(*content.attachments, holds_json(holds)))


def _one_part(
    reference: str, link: str | None, code: str | None, ring: str | None, status: MessageStatus, order: Worth
) -> str:
    """As much of it as one text message holds."""
    given = {name: value for name, value in {"link": link, "code": code, "ring": ring}.items() if value is not None}
    for names in order:
        try:
            if given.keys() >= set(names):
                return alert_text(reference, **{name: given[name] for name in names}, status=status)
        except NotOnePart:
            continue
    return alert_text(reference, status=status)


def seen(claimed: ClaimedDelivery) -> View:
    """What the reader of this delivery is shown: never more than the decision lists (readings.md D9, D11)."""
    notice, doc = claimed.notice, claimed.doc
    readers = _readers(claimed)
    if notice.gap_role is None or OPERATOR in readers:
        whole = view(doc, readers, notice.kind, known=of_one(claimed.shared, "present", doc, partial(present, doc)))
    else:
        whole = shared_view(doc, _fallback_reader(claimed), notice.gap_role, notice.kind)
    return whole.only(claimed.decision.fields)


def _allowed(claimed: ClaimedDelivery, doc: Facts) -> frozenset[str]:
    """The paths that the reader of this delivery may see, as the episode stands in ``doc``."""
    readers = _readers(claimed)
    if claimed.notice.gap_role is None or OPERATOR in readers:
        return frozenset[str]().union(*(permitted(role, doc) for role in readers))
    return permitted(_fallback_reader(claimed), doc) & permitted(claimed.notice.gap_role, doc)


def _sealed_beside(claimed: ClaimedDelivery, directory: Directory) -> bool:
    """Whether the content goes sealed to the same desk or person by another way, or has gone."""
    return any(
        _side(one.purpose) == _side(claimed.delivery.purpose)
        and (one.state == "sent" or bool(directory.certificates(one.address)))
        for one in claimed.beside
    )


def _side(purpose: Purpose) -> Purpose:
    """The deputy, the duty team and the sender's manager are other readers than the desk itself."""
    return purpose if purpose in ("deputy", "duty_team", "handover") else "notice"


def _readers(claimed: ClaimedDelivery) -> tuple[str, ...]:
    """The operator reads as nobody else: it sees nothing, whatever the gap it is told of."""
    return (OPERATOR,) if claimed.notice.organisation == OPERATOR else claimed.notice.roles


def _fallback_reader(claimed: ClaimedDelivery) -> str:
    placement = _part(claimed.doc, "placement")
    responsible = claimed.notice.organisation == placement.get("responsible_authority")
    return "responsible_authority" if responsible else "host_authority"


def _before(claimed: ClaimedDelivery) -> Facts:
    """Of what is news to this reader, what it was before, as far as they may see it now."""
    if claimed.previous is None or claimed.notice.gap_role is not None:
        return {}
    readers = _readers(claimed)
    allowed = frozenset[str]().union(*(permitted(role, claimed.doc) for role in readers))
    earlier = view(claimed.previous, readers, claimed.notice.kind)
    return earlier.only(allowed & frozenset(claimed.decision.changed)).fields


def _signing(claimed: ClaimedDelivery, directory: Directory) -> str | None:
    """The key that signs in the notifying authority's name, where the directory gives it one."""
    sender = sender_of(claimed.doc)
    known = None if sender is None else directory.organisation(sender)
    return None if known is None else known.signing_identity


def _organisation_name(claimed: ClaimedDelivery, directory: Directory) -> str | None:
    code = claimed.notice.organisation
    if claimed.notice.gap_role is not None:
        code = next((one.organisation for one in claimed.decision.recipients if one.organisation), None)
    known = None if code is None else directory.organisation(code)
    return None if known is None else known.name


def _person(claimed: ClaimedDelivery) -> str | None:
    if claimed.notice.gap_role is None or claimed.notice.person is not None:
        return claimed.notice.person
    return next((one.person for one in claimed.decision.recipients if one.person), None)


def _abduction(claimed: ClaimedDelivery) -> bool:
    police = {*claimed.notice.roles, claimed.notice.gap_role} & set(POLICE_ROLES)
    return bool(police) and bool(_part(claimed.doc, "episode").get("abduction_suspected"))


def _said(message: Message, directory: Directory, base: str) -> Said:
    known = directory.organisation(message.organisation)
    pictures = [
        Attachment(name=one.name(number), media_type=one.media_type, data=one.data)
        for number, one in enumerate(message.files, 1)
        if one.data
    ]
    return Said(
        id=message.id,
        thread=message.thread,
        purpose=message.purpose,
        whereabouts=message.whereabouts,
        author=message.author,
        organisation=message.organisation if known is None else known.name,
        sent_at=message.sent_at,
        text=message.text,
        pictures=tuple(pictures),
        count=len(message.files),
        in_reply_to=message.in_reply_to,
        url=f"{base}/conversations/{message.thread}",
        replies_url=f"{base}/v1/threads/{message.thread}/messages",
    )


def _withheld_parent(claimed: ClaimedDelivery) -> bool:
    if not set(claimed.notice.roles) & TOLD_OF_WITHHOLDING or OPERATOR in _readers(claimed):
        return False
    return any(
        person.get("role") == "parent"
        and (person.get("suspected_abductor") or _part(person, "notify").get("decision") == "withhold")
        for person in claimed.doc.get("people") or ()
    )


def _headers(claimed: ClaimedDelivery) -> Mapping[str, str]:
    status = claimed.notice.status
    return {} if status == "actual" else {"X-Fingerpost-Status": status}


def _via(claimed: ClaimedDelivery) -> tuple[str, ...]:
    """The hubs that what is told has been at: those that the episode came through, and where it was written."""
    through = came_through(claimed.doc)
    hub = None if claimed.message is None else hub_of(claimed.message.actor)
    return through if hub is None or hub in through else (*through, hub)


def _part(facts: Facts, name: str) -> Facts:
    value = facts.get(name)
    return value if isinstance(value, Mapping) else {}
