"""The outbox over the API. Reading takes a token with ``episodes:read``, changing it one with ``outbox:write``.

An order that is not confirmed does nothing, and is answered with what it would do.
"""

from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from hub.core.records import DeliveryState, Sought
from hub.service.outbox import MOST, WHYS, Deed, Outbox, Why
from hub.service.ports import Clock
from hub.web.api.asked import valid, whole
from hub.web.api.episodes import BEARER
from hub.web.api.ledger import done_body, inspected_body, page_body
from hub.web.bodies import Bodies, Refused
from hub.web.problems import json_response, problem

LONGEST_ORDER: Final = 256 * 1024
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")]


class Narrowed(BaseModel):
    """What narrows the outbox down; all of it has to hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: DeliveryState | Literal["late", "stuck"] | None = Field(
        None, description="Left out: all that is not settled (due, leased, failed)."
    )
    channel: Code | None = Field(None, description="`email`, `sms` or `push`.")
    organisation: Code | None = Field(None, description="Whose desk it is for.")
    reason: Code | None = Field(None, description="Of the newest attempt.")
    older_than: Annotated[int, Field(ge=0, le=10**9), BeforeValidator(whole)] | None = Field(
        None, description="Seconds since it was made."
    )

    def sought(self, now: datetime, deliveries: tuple[str, ...] = ()) -> Sought:
        """The same as the services put it."""
        before = None if self.older_than is None else now - timedelta(seconds=self.older_than)
        return Sought(state=self.state, channel=self.channel, organisation=self.organisation, reason=self.reason,
                      created_before=before, deliveries=deliveries)  # fmt: skip


class OutboxQuestion(Narrowed):
    """The query of a list."""

    after: Code | None = Field(None, description="The last page's `after`.")
    limit: int = Field(100, ge=1, le=MOST, description="How many on one page.")


class OutboxOrder(Narrowed):
    """Which deliveries, why, and whether it is meant: else the answer says what would be done, and nothing is."""

    deliveries: tuple[Code, ...] = Field((), max_length=MOST, description="These only.")
    why: Why | None = Field(
        None,
        description="Goes with `confirm`. " + "; ".join(f"{deed}: {', '.join(whys)}" for deed, whys in WHYS.items()),
    )
    confirm: bool = Field(False, strict=True)


class OutboxApi:
    """/v1/outbox, /v1/outbox/{delivery}, /v1/outbox/redrive and /v1/outbox/cancel."""

    def __init__(self, outbox: Outbox, bodies: Bodies, clock: Clock) -> None:
        self._outbox = outbox
        self._bodies = bodies
        self._clock = clock

    async def index(self, request: web.Request) -> web.Response:
        """Deliveries, oldest first, a page at a time, and how many are not settled."""
        asked = valid(OutboxQuestion, dict(request.query))
        if isinstance(asked, web.Response):
            return asked
        page = await self._outbox.page(asked.sought(self._clock.now()), after=asked.after, limit=asked.limit)
        return json_response(page_body(page))

    async def one(self, request: web.Request) -> web.Response:
        """One delivery: what happened to it, what happens next, what can be done."""
        found = await self._outbox.one(request.match_info["delivery"])
        return problem(404, "No delivery has this id.") if found is None else json_response(inspected_body(found))

    async def redrive(self, request: web.Request) -> web.Response:
        """Put failed deliveries back."""
        return await self._order(request, "redrive")

    async def cancel(self, request: web.Request) -> web.Response:
        """Call deliveries off."""
        return await self._order(request, "cancel")

    async def _order(self, request: web.Request, deed: Deed) -> web.Response:
        try:
            raw = await self._bodies.read(request, LONGEST_ORDER)
        except Refused as refused:
            return refused.response
        order = valid(OutboxOrder, raw)
        if isinstance(order, web.Response):
            return order
        sought = order.sought(self._clock.now(), order.deliveries)
        act = self._outbox.redrive if deed == "redrive" else self._outbox.cancel
        try:
            done = await act(sought, actor=f"token:{request[BEARER]}", why=order.why, confirm=order.confirm)
        except ValueError as error:
            return problem(400, f"{str(error).capitalize()}.")
        return json_response(done_body(done))
