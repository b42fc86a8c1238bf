"""Forms as browsers send them, in bounded size; and the words for those that cannot be read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

from hub.web.bodies import Begun, Bodies, Refused
from hub.web.multipart import Malformed, boundary_of, first_of, parts_of

FORM_LIMIT: Final = 16_384
MOST_FIELDS: Final = 64


class FormRefused(Exception):
    """The form was not taken."""

    def __init__(self, status: int) -> None:
        super().__init__(f"form refused: {status}")
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """Forms that bring a file: a place of their own to be read in, as they take long, and the most bytes of one."""

    bodies: Bodies
    limit: int
    offered: Callable[[web.Request], bool]
    """Whether this is for whoever asks: else nothing is read."""


class Form:
    """The fields of a form. What is not there is empty."""

    def __init__(self, values: Mapping[str, Sequence[str]], files: Mapping[str, bytes] | None = None) -> None:
        self._values = values
        self._files = files or {}

    def one(self, name: str) -> str:
        """The first value of a field, as it was typed."""
        return next(iter(self._values.get(name, ())), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, such as ticked boxes."""
        return tuple(self._values.get(name, ()))

    def file(self, name: str) -> bytes:
        """The file that was chosen; empty where none was."""
        return self._files.get(name, b"")


async def read_form(request: web.Request, bodies: Bodies, limit: int = FORM_LIMIT) -> Form:
    """The form of a POST. What cannot be decoded is as if it were empty. Raises FormRefused."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise FormRefused(415)
    body = await _read(request, bodies, limit, None)
    try:
        text = body.decode("utf-8", "replace")
        return Form(parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace"))
    except ValueError:
        return Form({})


async def read_upload(request: web.Request, uploads: Uploads, ours: Callable[[str, str], bool]) -> Form:
    """The form of a POST that may bring files. ``ours``: says of the first field's name and value whether to read on;
    where it does not, the fields come back empty. Raises FormRefused (404 where it is not offered)."""
    if not uploads.offered(request):
        raise FormRefused(404)
    try:
        boundary = boundary_of(request.headers["Content-Type"])
    except Malformed:
        raise FormRefused(415) from None

    def begun(start: bytes) -> None:
        first = first_of(start, boundary)
        if first is None or not ours(first.name, first.content.decode("utf-8", "replace")):
            raise _NotOurs

    try:
        body = await _read(request, uploads.bodies, uploads.limit, begun)
        parts = list(parts_of(body, boundary))
    except _NotOurs:
        return Form({})
    except Malformed:
        raise FormRefused(400) from None
    values: dict[str, list[str]] = {}
    for part in parts:
        if not part.file:
            values.setdefault(part.name, []).append(part.content.decode("utf-8", "replace"))
    if sum(len(value) for several in values.values() for value in several) > FORM_LIMIT:
        raise FormRefused(413)
    return Form(values, {part.name: part.content for part in parts if part.file})


class _NotOurs(Exception):
    """No need to read on."""


async def _read(request: web.Request, bodies: Bodies, limit: int, begun: Begun | None) -> bytes:
    try:
        return await bodies.read(request, limit, begun)
    except Refused as refused:
        raise FormRefused(refused.response.status) from None
