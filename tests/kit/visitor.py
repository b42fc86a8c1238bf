"""A browser without a window: keeps cookies as it is told to, follows no redirect by itself, sends forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Final, Protocol
from urllib.parse import urlencode

from aiohttp import ClientSession

FORM: Final = "application/x-www-form-urlencoded"


BOUNDARY: Final = "----------------------------x9Yz"


def multipart(fields: Mapping[str, str], files: Mapping[str, bytes]) -> bytes:
    """A form with files, as a browser sends it."""
    line = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = [f'{line}"{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    kind = "Content-Type: application/octet-stream"
    for name, file in files.items():
        parts.append(f'{line}"{name}"; filename="{name}.bin"\r\n{kind}\r\n\r\n'.encode() + file + b"\r\n")
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


class _Fields(HTMLParser):
    """The hidden fields of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag == "input" and known.get("type") == "hidden":
            self.hidden[known.get("name") or ""] = known.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...]
    """The Set-Cookie lines."""
    html: str

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields, by name."""
        found = _Fields()
        found.feed(self.html)
        return found.hidden

    @property
    def text(self) -> str:
        """What stands on the page, in one line."""
        found = _Fields()
        found.feed(self.html)
        return " ".join(found.text.split())


class Served(Protocol):
    """A hub that listens."""

    @property
    def url(self) -> str: ...

    @property
    def session(self) -> ClientSession: ...


@dataclass
class Visitor:
    """One browser. ``headers`` go with every request; ``base`` is what a proxy would take off a path."""

    web: Served
    base: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    page: Seen | None = None
    """The last one with a form on it."""

    async def get(self, path: str, **headers: str) -> Seen:
        """Load a page."""
        return await self._ask("GET", path, None, headers)

    async def head(self, path: str) -> Seen:
        """As something asks that wants to know whether a page is there."""
        return await self._ask("HEAD", path, None, {})

    async def post(self, path: str, fields: Mapping[str, str | list[str]] | None = None, **headers: str) -> Seen:
        """Send the last form that was seen, with these fields."""
        hidden = {} if self.page is None else self.page.hidden
        body = urlencode({**hidden, **(fields or {})}, doseq=True).encode()
        return await self._ask("POST", path, body, {"Content-Type": FORM, **headers})

    async def upload(
        self, path: str, file: bytes, fields: Mapping[str, str] | None = None, *, name: str = "file", **headers: str
    ) -> Seen:
        """Send the last form that was seen, with these fields and with a file that was chosen."""
        hidden = {} if self.page is None else self.page.hidden
        sent = multipart({**hidden, **(fields or {})}, {name: file})
        return await self._ask(
            "POST", path, sent, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **headers}
        )

    async def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Seen:
        self.web.session.cookie_jar.clear()
        sent = {**self.headers, **headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        address = self.web.url + path.removeprefix(self.base)
        async with self.web.session.request(
            method, address, data=body, headers=sent, allow_redirects=False
        ) as response:
            html = await response.text()
            lines = tuple(response.headers.getall("Set-Cookie", []))
            seen = Seen(status=response.status, headers=dict(response.headers), cookies=lines, html=html)
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        if seen.hidden:
            self.page = seen
        return seen
