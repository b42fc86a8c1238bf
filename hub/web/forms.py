"""Forms as browsers send them, in bounded size; and the words for those that cannot be read."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

from hub.web.bodies import Bodies, Refused

FORM_LIMIT: Final = 16_384
MOST_FIELDS: Final = 64


class FormRefused(Exception):
    """The form was not taken."""

    def __init__(self, status: int) -> None:
        super().__init__(f"form refused: {status}")
        self.status = status


class Form:
    """The fields of a form. What is not there is empty."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def one(self, name: str) -> str:
        """The first value of a field, as it was typed."""
        return next(iter(self._values.get(name, ())), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, such as ticked boxes."""
        return tuple(self._values.get(name, ()))


async def read_form(request: web.Request, bodies: Bodies, limit: int = FORM_LIMIT) -> Form:
    """The form of a POST. What cannot be decoded is as if it were empty. Raises FormRefused."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise FormRefused(415)
    try:
        body = await bodies.read(request, limit)
    except Refused as refused:
        raise FormRefused(refused.response.status) from None
    try:
        text = body.decode("utf-8", "replace")
        return Form(parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace"))
    except ValueError:
        return Form({})
