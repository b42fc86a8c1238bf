"""API tokens, made from the settings: who looks after them, and how a request is judged by one."""

from collections.abc import Callable
from datetime import datetime, timedelta

from adapters.port import Transport
from hub.app.foundations import Log
from hub.edge.api_tokens import TokensUnreadable, filed_tokens
from hub.service.access import Access
from hub.service.accounts.telling import telling
from hub.service.ports import Clock, Ids, Store
from hub.service.tokens.ending import EndingTokens
from hub.service.tokens.importing import bring_in
from hub.service.tokens.keeping import Tokens
from hub.service.tokens.using import Usage
from hub.settings import Settings
from hub.web.api.bearers import AT_ONCE, Bearers
from hub.web.certificates import ClientCertificates
from hub.web.clients import Clients
from hub.web.limits import Buckets

SUBJECT = "API token"
"""Of the mails about tokens that end."""


def tokens_of(settings: Settings, store: Store, clock: Clock, ids: Ids) -> Tokens:
    """Making, rotating, revoking."""
    return Tokens(store=store, clock=clock, ids=ids, longest=timedelta(days=settings.api_token_days))


def ending_of(store: Store, mail: Transport | None, clock: Clock, ids: Ids, log: Log) -> EndingTokens:
    """The warnings of their ends."""
    return EndingTokens(
        store=store,
        ids=ids,
        mail=lambda text: telling(mail, clock, ids, log, subject=SUBJECT, text=text),
        log=log,
    )


def usage_of(store: Store, ids: Ids, count: Callable[[str], None]) -> Usage:
    """What is gathered of their uses."""
    return Usage(store=store, ids=ids, count=count)


def bearers_of(
    store: Store,
    clock: Clock,
    usage: Usage,
    certificates: ClientCertificates,
    *,
    per_minute: float,
    clients: Clients,
) -> Bearers:
    """How a request is judged by its token."""
    return Bearers(
        Access(store, clock, usage),
        failures=Buckets(per_second=per_minute / 60, burst=AT_ONCE, clock=clock),
        clients=clients,
        certificate=certificates.of,
    )


async def bring_in_file(settings: Settings, store: Store, ids: Ids, now: datetime) -> int | None:
    """Bring in what an earlier version kept in a file; how many tokens, None where there is no file. The file is left
    as it is. Raises TokensUnreadable, StoreUnavailable."""
    filed = filed_tokens(settings.api_tokens)
    if filed is None:
        return None
    return await bring_in(store, filed, now + timedelta(days=settings.api_token_days), ids, now)


async def bring_in_at_start(settings: Settings, store: Store, ids: Ids, now: datetime, log: Log) -> None:
    """The same for a hub that starts: it says that the file is there, and starts without what cannot be read. Nobody
    must go unwarned because a file of tokens is broken. Raises StoreUnavailable."""
    try:
        brought = await bring_in_file(settings, store, ids, now)
    except TokensUnreadable:
        log.error("tokens.file_unreadable", setting="api_tokens_file")
        return
    if brought is not None:
        log.warning("tokens.file_left", setting="api_tokens_file", count=brought)


__all__ = ["TokensUnreadable", "bearers_of", "bring_in_at_start", "bring_in_file", "ending_of", "tokens_of", "usage_of"]
