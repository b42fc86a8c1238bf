"""What every page of a signed-in person has around it: the navigation, and a button to sign out."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from hub.web.pages.accounts.words import navigation
from hub.web.sessions import VIEWER, Sessions


class Site:
    """Renders the pages that extend ``signed_in.html``. Only for requests that a guard has let through.

    ``called``: an organisation's name by its code, where the directory has one.
    """

    def __init__(self, *, sessions: Sessions, public_url: str, called: Callable[[str], str | None]) -> None:
        self._sessions = sessions
        self._base = urlsplit(public_url).path.rstrip("/")
        self._called = called

    def page(self, request: web.Request, template: str, /, *, status: int = 200, **values: Any) -> web.Response:
        """A page with ``viewer``, ``csrf``, ``navigation`` and ``organisation`` (the viewer's, by name)."""
        viewer = request[VIEWER]
        return self._sessions.page(
            request,
            template,
            status=status,
            navigation=navigation(viewer, request.path, self._base),
            organisation=self.called(viewer.organisation),
            **values,
        )

    def called(self, organisation: str) -> str:
        """The name of an organisation; its code, where there is none."""
        return self._called(organisation) or organisation
