"""The services of the accounts, and their pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from adapters.port import Transport
from hub.core.accounts import AccountLimits
from hub.core.passkeys import relying_party
from hub.edge.passwords import Argon2
from hub.service.accounts.confirming import Confirming
from hub.service.accounts.federated import Federated
from hub.service.accounts.inviting import Inviting
from hub.service.accounts.passkeys import Passkeys
from hub.service.accounts.people import People
from hub.service.accounts.ports import Passwords
from hub.service.accounts.provider_ports import Reached
from hub.service.accounts.providers import Providers
from hub.service.accounts.signing_in import SigningIn
from hub.service.accounts.telling import PASSKEY, Tell, telling
from hub.service.ports import Clock, Ids, Store
from hub.service.supervise import Log
from hub.settings import Settings
from hub.web.bodies import Bodies
from hub.web.clients import Clients
from hub.web.limits import Buckets
from hub.web.pages.accounts.confirming import ConfirmPages
from hub.web.pages.accounts.federated import FederatedPages
from hub.web.pages.accounts.invitation import InvitationPages
from hub.web.pages.accounts.own import OwnPages
from hub.web.pages.accounts.passkeys import PasskeyPages
from hub.web.pages.accounts.routes import AccountPages
from hub.web.pages.accounts.signing_in import SignInPages, Slowed
from hub.web.pages.accounts.site import Site
from hub.web.pages.accounts.users import UserPages
from hub.web.pages.rendering import Pages
from hub.web.sessions import Sessions

OF_EVERYBODY = 10.0
"""Tries a second that all client addresses have together."""
AT_ONCE = 30
"""Tries that one client address has before it is slowed down: an office behind one address signs in at nine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountServices:
    """Who may come in, who is in, and who looks after that."""

    inviting: Inviting
    signing_in: SigningIn
    people: People
    confirming: Confirming
    tell_of_passkey: Tell
    providers: Providers
    limits: AccountLimits
    called: Callable[[str], str | None]
    store: Store


def limits_of(settings: Settings) -> AccountLimits:
    """The settings' own."""
    return AccountLimits(
        failures=settings.sign_in_failures,
        lockout=timedelta(seconds=settings.sign_in_lockout),
        idle=timedelta(seconds=settings.session_idle),
        longest=timedelta(seconds=settings.session_longest),
        sessions=settings.sessions_per_user,
    )


def account_services(
    store: Store,
    clock: Clock,
    ids: Ids,
    limits: AccountLimits,
    mail: Transport | None,
    called: Callable[[str], str | None],
    log: Log,
    *,
    passwords: Passwords | None = None,
) -> AccountServices:
    """``mail`` tells whose recovery was started; ``called`` is an organisation's name by its code."""
    passwords = passwords or Argon2()
    inviting = Inviting(store=store, clock=clock, ids=ids, passwords=passwords, limits=limits, called=called)
    return AccountServices(
        inviting=inviting,
        signing_in=SigningIn(store=store, clock=clock, ids=ids, passwords=passwords, limits=limits),
        people=People(
            store=store,
            clock=clock,
            ids=ids,
            passwords=passwords,
            limits=limits,
            inviting=inviting,
            tell=telling(mail, clock, ids, log),
        ),
        confirming=Confirming(store=store, clock=clock, ids=ids, passwords=passwords, limits=limits),
        tell_of_passkey=telling(mail, clock, ids, log, text=PASSKEY),
        providers=Providers(store=store, clock=clock, ids=ids),
        limits=limits,
        called=called,
        store=store,
    )


def account_pages(
    services: AccountServices,
    pages: Pages,
    bodies: Bodies,
    clock: Clock,
    ids: Ids,
    *,
    public_url: str,
    secret: bytes,
    per_minute: float,
    trusted: Sequence[str],
    reached: Reached,
) -> AccountPages:
    """``secret``: for the tokens of forms and the challenges of passkeys; ``per_minute``: tries to sign in of one
    client address; ``trusted``: the networks of proxies; ``reached``: the way to identity providers."""
    sessions = Sessions(
        signing_in=services.signing_in,
        pages=pages,
        bodies=bodies,
        ids=ids,
        public_url=public_url,
        secret=secret,
        longest=services.limits.longest.total_seconds(),
    )
    slowed = Slowed(
        Buckets(per_second=per_minute / 60, burst=AT_ONCE, clock=clock),
        Clients(trusted),
        pages,
        everybody=Buckets(per_second=OF_EVERYBODY, burst=int(OF_EVERYBODY * 6), clock=clock),
    )
    site = Site(sessions=sessions, public_url=public_url, called=services.called)
    passkeys = _passkeys(services, clock, ids, public_url, secret)
    sign_in = SignInPages(
        signing_in=services.signing_in,
        sessions=sessions,
        slowed=slowed,
        passkeys=passkeys is not None,
        providers=services.providers,
    )
    return AccountPages(
        sessions=sessions,
        site=site,
        sign_in=sign_in,
        invitation=InvitationPages(
            inviting=services.inviting,
            sessions=sessions,
            pages=pages,
            slowed=slowed,
            host=urlsplit(public_url).hostname or "",
        ),
        own=OwnPages(people=services.people, passkeys=passkeys, site=site, sessions=sessions, slowed=slowed),
        passkeys=PasskeyPages(
            passkeys=passkeys, people=services.people, sign_in=sign_in, site=site, sessions=sessions, slowed=slowed
        ),
        confirm=ConfirmPages(
            confirming=services.confirming,
            people=services.people,
            passkeys=passkeys,
            site=site,
            sessions=sessions,
            slowed=slowed,
        ),
        federated=FederatedPages(
            federated=Federated(
                store=services.store,
                clock=clock,
                ids=ids,
                limits=services.limits,
                reached=reached,
                secret=secret,
                public_url=public_url,
            ),
            providers=services.providers,
            site=site,
            sessions=sessions,
            pages=pages,
            slowed=slowed,
        ),
        users=UserPages(
            inviting=services.inviting, people=services.people, site=site, sessions=sessions, public_url=public_url
        ),
    )


def _passkeys(services: AccountServices, clock: Clock, ids: Ids, public_url: str, secret: bytes) -> Passkeys | None:
    party = relying_party(public_url)
    if party is None:
        return None
    return Passkeys(
        store=services.store,
        clock=clock,
        ids=ids,
        limits=services.limits,
        party=party,
        secret=secret,
        tell=services.tell_of_passkey,
    )
