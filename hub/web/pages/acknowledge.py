"""The acknowledgement page: ``/a/{token}``. It shows the reference and the kind of notice, and takes one answer.

The token in the address (256 bits, in a sealed mail) is the whole authority: there is no session and no cookie, so
nothing a forged cross-site request could borrow, and a CSRF token would protect nothing. Whoever could make a browser
post here must know the token, and could then post by themselves. GET and HEAD change nothing, as link scanners follow
every link of a mail; the referrer is never sent, so that the address stays between the mail and this page.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

from hub.notices.sections import STATUS_BANNERS
from hub.service.answers import LONGEST_NAME, LONGEST_REDIRECT, AnswerProblem, Answers, Recorded, Shown
from hub.web.bodies import Bodies, Refused
from hub.web.pages.rendering import Pages
from routing.decision import Kind

FORM_LIMIT: Final = 16_384
MOST_FIELDS: Final = 16
SHOWN_AGAIN: Final = 500
"""Characters of an answer that come back into the form to be corrected."""
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,128}", re.ASCII)
FIELDS: Final = ("name", "answer", "redirected_to")
CHOICES: Final = (
    ("accepted", "I accept this notice: my organisation is acting on it"),
    ("not_ours", "This is not for us"),
    ("redirected", "I passed it on to somebody else"),
)
KINDS: Final[Mapping[Kind, str]] = {
    "missing": "Missing child",
    "away": "Child away from placement without authorisation",
    "concern": "Concern for a child",
    "update": "Update",
    "found": "Child found",
    "returned": "Child returned",
    "retraction": "Retraction of a report",
    "renotification": "Child still missing after six months",
    "threshold": "Repeated episodes",
    "duty_due": "Duty due soon",
    "duty_overdue": "Duty overdue",
    "message": "Message about a duty",
    "conversation": "Message in a conversation",
    "verification": "Check of this address",
}


class AcknowledgePage:
    """Shows and records. Works without JavaScript."""

    def __init__(self, *, answers: Answers, pages: Pages, bodies: Bodies) -> None:
        self._answers = answers
        self._pages = pages
        self._bodies = bodies

    async def show(self, request: web.Request) -> web.Response:
        """The form. Changes nothing, however often it is fetched."""
        shown = await self._look(request)
        return self._unknown() if shown is None else self._form(shown, {}, (), 200)

    async def record(self, request: web.Request) -> web.Response:
        """Take an answer, or say what is missing."""
        shown = await self._look(request)
        if shown is None:
            return self._unknown()
        if request.content_type != "application/x-www-form-urlencoded":
            return self._pages.message(415, "The answer could not be read", "Please use the form on this page.")
        try:
            given = _fields(await self._bodies.read(request, FORM_LIMIT))
        except Refused as refused:
            return self._pages.message(
                refused.response.status, "The answer could not be read", "Please shorten it, and try again."
            )
        outcome = await self._answers.acknowledge(
            request.match_info["token"],
            name=given["name"],
            answer=given["answer"],
            redirected_to=given["redirected_to"] or None,
        )
        match outcome:
            case None:
                return self._unknown()
            case Recorded() as recorded:
                return self._pages.page(
                    "recorded.html",
                    banner=STATUS_BANNERS.get(recorded.status),
                    reference=recorded.reference,
                    kind=KINDS[recorded.kind],
                    answer=dict(CHOICES)[recorded.answer],
                    answer_code=recorded.answer,
                )
            case problems:
                return self._form(shown, given, problems, 422)

    async def _look(self, request: web.Request) -> Shown | None:
        token = request.match_info["token"]
        return await self._answers.look(token) if TOKEN.fullmatch(token) else None

    def _unknown(self) -> web.Response:
        """The same for every token that is not one: mistyped, made up, or of a notice that was erased."""
        return self._pages.message(
            404, "Page not found", "Check the link in the message. If it is complete, ring the number in the message."
        )

    def _form(
        self, shown: Shown, given: Mapping[str, str], problems: Sequence[AnswerProblem], status: int
    ) -> web.Response:
        return self._pages.page(
            "acknowledge.html",
            status=status,
            banner=STATUS_BANNERS.get(shown.status),
            reference=shown.reference,
            kind=KINDS[shown.kind],
            limits={"name": LONGEST_NAME, "redirected_to": LONGEST_REDIRECT},
            answered=shown.state == "acknowledged",
            choices=[{"value": code, "text": label} for code, label in CHOICES],
            errors=problems,
            errors_by={name: " ".join(p.message for p in problems if p.field == name) for name in FIELDS},
            name=given.get("name", "")[:SHOWN_AGAIN],
            answer=given.get("answer", ""),
            redirected_to=given.get("redirected_to", "")[:SHOWN_AGAIN],
        )


def _fields(body: bytes) -> dict[str, str]:
    """The form's fields; what cannot be read is as if it were empty, and is then asked for again."""
    try:
        values = parse_qs(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="replace"
        )
    except ValueError:
        values = {}
    return {name: values.get(name, [""])[0].strip() for name in FIELDS}
