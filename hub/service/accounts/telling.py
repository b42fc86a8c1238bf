"""A content-free word by e-mail to somebody whose account was touched. It bears no link that could be imitated."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from adapters.port import Accepted, Alert, Envelope, Transport, Unconfirmed
from hub.service.alarming import ALARM_IDS
from hub.service.ports import Clock, Ids
from hub.service.supervise import Log

Tell = Callable[[str], Awaitable[None]]
"""Sends a content-free word to the address of whose account was touched; never raises."""
PATIENCE: Final = 10.0
"""Seconds that whoever touched the account may be kept waiting for the relay."""
RECOVERY: Final = (
    "Somebody of your organisation, or the operator of Fingerpost, has started a recovery of your account. Your old "
    "password and codes no longer work. They will give you a new link themselves.\n\n"
    "If you did not ask for this, ring them now.\n"
)
PASSKEY: Final = (
    "A passkey was added to your account. Whoever has it can sign in as you.\n\n"
    "If that was not you, ring an administrator of your organisation now, and have them start a recovery: it removes "
    "all passkeys.\n"
)


def telling(
    transport: Transport | None,
    clock: Clock,
    ids: Ids,
    log: Log,
    *,
    text: str = RECOVERY,
    subject: str = "Your account",
    patience: float = PATIENCE,
) -> Tell:
    """Sends ``text`` to an address, once, and says in the log if it did not go out; None: there is no mail.
    ``patience``: seconds that it may take."""

    async def tell(address: str) -> None:
        if transport is None:
            return
        now = clock.now()
        envelope = Envelope(
            # What a provider reports of it is about no notice, as of an alarm.
            delivery=ids.new(ALARM_IDS.removesuffix("_"), now),
            reference=ids.reference(),
            address=address,
            body=Alert(subject=subject, text=text),
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
