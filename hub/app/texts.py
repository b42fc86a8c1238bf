"""The way out by text message, made from the settings. What each provider needs is imported only where it is chosen:
``fingerpost[sms]`` is an extra."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from adapters.port import Transport
from adapters.sms.inbound import Inbound
from hub.service.ports import Clock
from hub.settings import Settings, wrong

Inbox = Callable[[Inbound, bytes], Awaitable[None]]
"""Stores what came back, and as what bytes it came; raises where it cannot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A provider of text messages."""

    transport: Transport
    run: Callable[[asyncio.Event], Coroutine[Any, Any, None]] | None = None
    """Keeps its connection up until the event given is set; None where there is none to keep."""
    amiss: Callable[[], Mapping[str, int]] = dict
    """For health."""


def texts(settings: Settings, inbox: Inbox, clock: Clock) -> Texts | None:
    """None where no provider is chosen. Raises SettingsError if it cannot be used."""
    if settings.sms_provider == "none":
        return None
    try:
        made: Texts = import_module(f"hub.app.{settings.sms_provider}").texts(settings, inbox, clock)
    except ModuleNotFoundError as error:
        raise wrong("SMS_PROVIDER", f"needs {error.name}: pip install 'fingerpost[sms]'") from None
    return made
