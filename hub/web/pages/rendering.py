"""Pages: Jinja2 with everything escaped, and the headers every page bears."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from aiohttp import web
from jinja2 import Environment, StrictUndefined

from hub.web.pages.components import components
from hub.web.pages.sources import environment, loaded
from hub.web.statics import Statics

LONDON: Final = ZoneInfo("Europe/London")
SAFE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # The address of an acknowledgement page is its authority: no other site may learn it.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def local(instant: datetime) -> str:
    """``Sunday 1 March 2026, 19:30:05 GMT``: as people in the United Kingdom read it."""
    here = instant.astimezone(LONDON)
    return f"{here:%A} {here.day} {here:%B %Y, %H:%M:%S %Z}"


def words(code: str) -> str:
    """A code as words: ``missing_persons_bureau`` -> ``missing persons bureau``."""
    return code.replace("_", " ").replace(":", " ")


class Wrong(Protocol):
    """Something wrong with a field of a form."""

    @property
    def field(self) -> str: ...
    @property
    def message(self) -> str: ...


def error_list(problems: Iterable[Wrong]) -> list[dict[str, str]]:
    """What an error summary shows: each leads to its field."""
    return [{"text": one.message, "href": f"#{one.field}"} for one in problems]


class Pages:
    """Renders the templates of this package. Raises AssetsMissing."""

    def __init__(self, *, public_url: str) -> None:
        self.statics, self._templates = templates_at(urlsplit(public_url).path.rstrip("/"))

    def page(self, template: str, /, *, status: int = 200, **values: Any) -> web.Response:
        """One page. Everything in ``values`` is escaped."""
        text = self._templates.get_template(template).render(**values)
        return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")

    def message(self, status: int, heading: str, *lines: str) -> web.Response:
        """A page that only says something, for example that there is nothing here."""
        return self.page("notice_page.html", status=status, heading=heading, lines=lines)


@cache  # of the same files for good
def templates_at(base: str) -> tuple[Statics, Environment]:
    """What templates refer to as ``static``, and the templates, for a hub at this path."""
    statics, sources = Statics(base=base), loaded("hub.web")
    templates = environment(sources, undefined=StrictUndefined)
    templates.filters |= {"local": local, "words": words, "error_list": error_list}
    templates.globals |= {"base": base, "static": statics.url}
    templates.globals |= components(sources.mapping.values())
    return statics, templates
