"""The addresses of the accounts' pages, each with its guard."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from hub.web.pages.accounts.confirming import ConfirmPages
from hub.web.pages.accounts.federated import FederatedPages
from hub.web.pages.accounts.invitation import InvitationPages
from hub.web.pages.accounts.own import OwnPages
from hub.web.pages.accounts.passkeys import PasskeyPages
from hub.web.pages.accounts.signing_in import SignInPages
from hub.web.pages.accounts.site import Site
from hub.web.pages.accounts.users import UserPages
from hub.web.sessions import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPages:
    """All pages of the accounts, and the guard that those of others stand behind too."""

    sessions: Sessions
    site: Site
    sign_in: SignInPages
    invitation: InvitationPages
    own: OwnPages
    passkeys: PasskeyPages
    confirm: ConfirmPages
    federated: FederatedPages
    users: UserPages

    async def front(self, request: web.Request) -> web.StreamResponse:
        """Whoever types the address of the hub: to where one signs in, and from there on where one is signed in."""
        return self.sessions.redirect("/sign-in")

    def routes(self) -> Sequence[web.RouteDef]:
        """Pages for everybody are ``open``; the rest is ``guarded``."""
        opened, guarded = self.sessions.open, self.sessions.guarded
        return [
            web.get("/sign-in", opened(self.sign_in.show)),
            web.post("/sign-in", opened(self.sign_in.password)),
            web.get("/sign-in/code", opened(self.sign_in.show_code)),
            web.post("/sign-in/code", opened(self.sign_in.code)),
            web.get("/sign-in/passkey", opened(self.passkeys.sign_in_options)),
            web.post("/sign-in/passkey", opened(self.passkeys.sign_in)),
            web.get("/sign-in/with", opened(self.federated.choose)),
            web.get("/sign-in/with/{organisation}", opened(self.federated.begin)),
            web.get("/sign-in/with/{organisation}/back", opened(self.federated.back)),
            web.post("/sign-in/with/{organisation}/agree", opened(self.federated.agree)),
            web.post("/sign-out", opened(self.sign_in.out)),
            web.get("/invitation/{token}", opened(self.invitation.show)),
            web.post("/invitation/{token}", opened(self.invitation.take)),
            web.get("/account", guarded(self.own.show)),
            web.get("/account/password", guarded(self.own.show_password)),
            web.post("/account/password", guarded(self.own.change_password)),
            web.post("/account/sessions/{session}/end", guarded(self.own.end_session)),
            web.post("/account/sign-out-everywhere", guarded(self.own.end_all)),
            web.get("/account/confirm", guarded(self.confirm.show)),
            web.post("/account/confirm", guarded(self.confirm.confirm)),
            web.get("/account/confirm/passkey", guarded(self.confirm.options)),
            web.post("/account/confirm/passkey", guarded(self.confirm.passkey)),
            web.get("/account/passkeys/add", guarded(self.passkeys.show_add)),
            web.post("/account/passkeys/add", guarded(self.passkeys.add)),
            web.get("/account/passkeys/options", guarded(self.passkeys.creation_options)),
            web.get("/account/passkeys/{passkey}", guarded(self.passkeys.show)),
            web.post("/account/passkeys/{passkey}/name", guarded(self.passkeys.rename)),
            web.post("/account/passkeys/{passkey}/remove", guarded(self.passkeys.remove)),
            web.get("/users", guarded(self.users.index)),
            web.get("/users/invite", guarded(self.users.show_invite)),
            web.post("/users/invite", guarded(self.users.invite)),
            web.get("/users/{user}", guarded(self.users.one)),
            web.post("/users/{user}/roles", guarded(self.users.give_roles)),
            web.post("/users/{user}/disable", guarded(self.users.disable)),
            web.post("/users/{user}/recover", guarded(self.users.recover)),
        ]
