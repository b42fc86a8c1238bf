"""An SMSC, made from the settings, and the connection to it that has to stand."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from adapters.sms.smpp import Account, SmppTransport
from adapters.sms.smpp_session import Smsc
from hub.app.files import secret_in, tls_client
from hub.app.texts import Inbox, Texts
from hub.service.ports import Clock
from hub.settings import Settings, wrong


def texts(settings: Settings, inbox: Inbox, clock: Clock) -> Texts:
    """What comes back comes over the same connection. Raises SettingsError."""
    host, system_id, source = settings.smpp_host, settings.smpp_system_id, settings.smpp_source
    password = settings.smpp_password_file
    if host is None or system_id is None or source is None or password is None:
        raise wrong("SMPP_HOST", "is required, and the account's name, password and source too")
    try:
        transport = SmppTransport(
            smsc=Smsc(
                host=host,
                port=settings.smpp_port,
                tls=tls_client("SMPP_CA_FILE", settings.smpp_ca_file) if settings.smpp_tls == "required" else None,
                system_id=system_id,
                password=secret_in("SMPP_PASSWORD_FILE", password),
                system_type=settings.smpp_system_type,
                connect=settings.sms_timeout / 6,
                answer=settings.sms_timeout / 2,
                close=0.8,
                window=settings.smpp_window,
            ),
            account=Account(
                source=source,
                submit_ids=settings.smpp_submit_ids,
                receipt_ids=settings.smpp_receipt_ids,
                alphabet=settings.smpp_alphabet,
                tag=settings.smpp_tag or None,
                validity=timedelta(seconds=settings.smpp_validity) if settings.smpp_validity else None,
            ),
            inbox=inbox,
            now=clock.now,
            total=settings.sms_timeout,
        )
    except ValueError as error:
        raise wrong("SMS_PROVIDER", str(error)) from None
    line = Line(transport, clock, patience=settings.overdue_after)
    return Texts(transport=transport, run=line.run, amiss=line.amiss)


LOOK_EVERY: Final = 1.0
"""Seconds between looks whether the connection stands."""


class Line:
    """Keeps the connection up. ``patience``: seconds without one after which health says so: receipts stay away."""

    def __init__(self, transport: SmppTransport, clock: Clock, *, patience: float) -> None:
        self._transport = transport
        self._clock = clock
        self._patience = patience
        self._bound_at = clock.now()
        """When it last stood, as far as anybody looked."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; the connection is closed with its transport."""
        tasks = [
            asyncio.create_task(self._transport.keep_bound(self._clock.sleep), name="smpp.bound"),
            asyncio.create_task(self._look(), name="smpp.look"),
            asyncio.create_task(_until(stop), name="smpp.stopping"),
        ]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def amiss(self) -> Mapping[str, int]:
        """For health: seconds without a connection, once they are too many."""
        if self._transport.is_bound:
            return {}
        seconds = (self._clock.now() - self._bound_at).total_seconds()
        return {"smpp_unbound_seconds": int(seconds)} if seconds > self._patience else {}

    async def _look(self) -> None:
        while True:
            if self._transport.is_bound:
                self._bound_at = self._clock.now()
            await self._clock.sleep(LOOK_EVERY)


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
