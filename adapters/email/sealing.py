"""Where messages are prepared: in this process, off the event loop where that would hold it."""

import asyncio
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from adapters.email.chain import Trust
from adapters.email.identities import Identities
from adapters.email.mime import Lines
from adapters.email.prepare import Common, Letterhead, Message, prepare
from adapters.email.shared import Shared
from adapters.email.smime import Signer
from adapters.port import Content, Envelope, Rejected, Unwritten, written

_IN_A_THREAD: Final = 256 * 1024
"""Bytes of content from which sealing would hold the event loop for longer than a thread costs (measured: a notice
without a photo takes 0.3 to 0.6 ms, and a megabyte about 12 ms more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """All that an envelope becomes a message with."""

    letterhead: Letterhead
    signer: Signer = field(repr=False)
    trust: Trust = field(repr=False)
    identities: Identities = field(repr=False)

    def prepare(
        self, envelope: Envelope, now: datetime, lines: Lines, common: Common | None = None
    ) -> Message | Rejected:
        """See :func:`adapters.email.prepare.prepare`."""
        return prepare(envelope, now, self.letterhead, self.signer, self.trust, self.identities, lines, common)


class Sealing(Protocol):
    """Makes messages of envelopes."""

    def sending(self) -> AbstractContextManager[None]:
        """While one message is under way."""
        ...

    async def prepare(self, envelope: Envelope, now: datetime) -> Message | Rejected:
        """One message."""
        ...

    async def aclose(self) -> None:
        """There are no more."""
        ...


class Here:
    """In this process."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._shared = Shared()
        self._beside = asyncio.Lock()

    def sending(self) -> AbstractContextManager[None]:
        return self._shared.sending()

    async def prepare(self, envelope: Envelope, now: datetime) -> Message | Rejected:
        if isinstance(envelope.body, Unwritten):
            envelope = replace(envelope, body=written(envelope.body))
        if _weight(envelope) < _IN_A_THREAD:
            return self._seal.prepare(envelope, now, self._shared.lines)
        # One thread: each more keeps the event loop waiting for its turn at the interpreter by 5 ms, and, as little of
        # the work is done without the interpreter, gets no more done.
        async with self._beside:
            return await asyncio.to_thread(self._seal.prepare, envelope, now, self._shared.lines)

    async def aclose(self) -> None:
        pass


def _weight(envelope: Envelope) -> int:
    body = envelope.body
    if not isinstance(body, Content):
        return 0
    return len(body.text) + len(body.html) + sum(len(attachment.data) for attachment in body.attachments)
