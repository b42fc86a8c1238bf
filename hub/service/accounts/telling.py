"""A content-free word by e-mail to somebody whose account was touched. It bears no link that could be imitated."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.port import Accepted, Alert, Envelope, Transport, Unconfirmed
from hub.service.alarming import ALARM_IDS
from hub.service.ports import Clock, Ids
from hub.service.supervise import Log

PATIENCE: Final = 10.0
"""Seconds that whoever started the recovery may be kept waiting for the relay."""
TEXT: Final = (
    "Somebody of your organisation, or the operator of Fingerpost, has started a recovery of your account. Your old "
    "password and codes no longer work. They will give you a new link themselves.\n\n"
    "If you did not ask for this, ring them now.\n"
)


def telling(
    transport: Transport | None, clock: Clock, ids: Ids, log: Log, *, patience: float = PATIENCE
) -> Callable[[str], Awaitable[None]]:
    """Sends to an address, once, and says in the log if it did not go out; None: there is no mail. ``patience``:
    seconds that it may take."""

    async def tell(address: str) -> None:
        if transport is None:
            return
        now = clock.now()
        envelope = Envelope(
            # What a provider reports of it is about no notice, as of an alarm.
            delivery=ids.new(ALARM_IDS.removesuffix("_"), now),
            reference=ids.reference(),
            address=address,
            body=Alert(subject="Your account", text=TEXT),
        )
        try:
            async with asyncio.timeout(patience):
                result = await transport.deliver(envelope, now)
        except TimeoutError:
            log.error("account.not_told", reason="provider_timeout")
            return
        if not isinstance(result, Accepted | Unconfirmed):
            log.error("account.not_told", reason=result.reason)

    return tell
