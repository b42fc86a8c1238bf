"""The page that a contact proves itself on: ``/v/{token}``. It says nothing of anybody, and has one button.

GET and HEAD change nothing, as link scanners follow every link of a mail. The token (256 bits) is the whole authority;
there is no session, so a CSRF token would protect nothing (see acknowledge.py).
"""

from aiohttp import web

from hub.service.assurance.proofs import Proofs
from hub.web.pages.acknowledge import TOKEN
from hub.web.pages.rendering import Pages


class VerifyPage:
    """Shows and confirms. Works without JavaScript."""

    def __init__(self, *, proofs: Proofs, pages: Pages) -> None:
        self._proofs = proofs
        self._pages = pages

    async def show(self, request: web.Request) -> web.Response:
        """The button. Changes nothing, however often it is fetched."""
        token = request.match_info["token"]
        done = await self._proofs.look(token) if TOKEN.fullmatch(token) else None
        if done is None:
            return self._unknown()
        return self._confirmed() if done else self._pages.page("verify.html")

    async def confirm(self, request: web.Request) -> web.Response:
        """The button was pressed. What else the request holds is not read."""
        token = request.match_info["token"]
        if not TOKEN.fullmatch(token) or not await self._proofs.confirm(token):
            return self._unknown()
        return self._confirmed()

    def _confirmed(self) -> web.Response:
        return self._pages.message(
            200,
            "Thank you: this address works",
            "It is confirmed. You can close this page. Nobody is asked to do more.",
        )

    def _unknown(self) -> web.Response:
        return self._pages.message(
            404,
            "Page not found",
            "Check the link in the message. If it is complete, use the link of the newest message that you got.",
        )
