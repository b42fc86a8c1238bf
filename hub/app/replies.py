"""The way back for what people answer by e-mail, made from the settings."""

from collections.abc import Callable
from dataclasses import replace

from adapters.email.address import wire_domain
from adapters.email.enveloped import invites
from adapters.port import Transport
from contacts.directory import Directory
from hub.app.foundations import Domain, Log
from hub.app.mail import Signing, anchors
from hub.service.accounts.telling import telling
from hub.service.conversations.by_mail import ByMail
from hub.service.inbox import Inbox
from hub.service.ports import Clock, Ids, Store
from hub.service.replying import ADVICE, SUBJECT, Replies
from hub.settings import Settings


def answered_by_mail(
    settings: Settings,
    signing: Signing,
    inbox: Inbox,
    domain: Domain,
    store: Store,
    directory: Callable[[], Directory],
    mail: Transport | None,
    secret: bytes,
    clock: Clock,
    ids: Ids,
    log: Log,
) -> Inbox:
    """The same inbox, which passes answers on. Raises SettingsError."""
    # Every key that signs is also one that answers are encrypted to, where its certificate lets them be: mail programs
    # take the certificate that they got with the notice.
    keys = signing.signers
    if not any(invites(one.certificate) for one in keys):
        log.warning("answers.no_certificate")
    replies = Replies(
        receipts=inbox.receipts,
        store=store,
        clock=clock,
        directory=directory,
        secret=secret,
        keys=keys,
        domain=wire_domain(settings.domain or ""),
        tell=telling(mail, clock, ids, log, text=ADVICE, subject=SUBJECT),
        trust=anchors(settings),
        conversations=ByMail(writing=domain.writing, store=store, clock=clock, directory=directory),
    )
    return replace(inbox, replies=replies)


def answered_at(settings: Settings, signing: Signing) -> tuple[str, ...]:
    """The mailboxes that notices come from."""
    others = signing.identities.known.values()
    return tuple(one for one in (settings.sender, *(one.sender for one in others)) if one is not None)
