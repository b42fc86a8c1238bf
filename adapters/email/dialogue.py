"""How a transaction is put to the relay: one command at a time, or all of them in one write (RFC 2920).

Both give the answers one by one, in order, so that what each of them means stands once (connection.py). Pipelined, the
commands have left before the first is answered; so a refusal is followed by answers to what nobody wants any more, and
perhaps by a server that waits for content.
"""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

import aiosmtplib

from adapters.email.answers import Answers, OutOfStep

_END: Final = b".\r\n"
_SLICE: Final = 128 * 1024
"""Bytes of content in one write; then the server's pace counts."""
_UNSAFE: Final = re.compile(rb"[\x00-\x1f\x7f]")


class Dialogue(Protocol):
    """One transaction after another. Raises SMTPException and OSError where the connection breaks, which is then good
    for nothing."""

    content_out: bool
    """Some of the content of the present message has been handed to the network. Taken back by whoever begins anew."""

    @property
    def in_step(self) -> bool:
        """Connected, and nothing is said that was not asked, or asked and not answered."""
        ...

    def ask(self, commands: Sequence[bytes]) -> None:
        """The commands of one transaction, the last of them DATA; each is answered by one :meth:`answer`."""
        ...

    async def answer(self, seconds: float) -> aiosmtplib.SMTPResponse:
        """The next of them, within so many seconds."""
        ...

    async def hand_over(self, data: bytes, seconds: float) -> aiosmtplib.SMTPResponse:
        """The content, its dots doubled, after a 354, and its end; the answer is what becomes of it."""
        ...

    async def settle(self, seconds: float) -> bool:
        """After a refusal: back to where MAIL may follow. Whether it came to that; ``seconds`` for each answer."""
        ...

    async def quit(self, seconds: float) -> None:
        """Say goodbye."""
        ...


class Stepwise:
    """Each command waits for the answer to the one before it."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self.content_out = False
        self._client = client
        self._left: deque[bytes] = deque()

    @property
    def in_step(self) -> bool:
        return self._client.is_connected

    def ask(self, commands: Sequence[bytes]) -> None:
        self._left = deque(commands)

    async def answer(self, seconds: float) -> aiosmtplib.SMTPResponse:
        return await self._client.execute_command(self._left.popleft(), timeout=seconds)

    async def hand_over(self, data: bytes, seconds: float) -> aiosmtplib.SMTPResponse:
        protocol = self._client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        self.content_out = True
        protocol.write(data + _END)
        return await protocol.read_response(timeout=seconds)

    async def settle(self, seconds: float) -> bool:
        return (await self._client.execute_command(b"RSET", timeout=seconds)).code == 250

    async def quit(self, seconds: float) -> None:
        await self._client.quit(timeout=seconds)


class Pipelined:
    """All commands in one write. Takes the transport over for good: ``aiosmtplib`` loses answers that come together."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.content_out = False
        self._whole = True
        self._transport = transport
        self._answers = Answers()
        transport.set_protocol(self._answers)

    @property
    def in_step(self) -> bool:
        return self._whole and not self._transport.is_closing() and self._answers.in_step

    def ask(self, commands: Sequence[bytes]) -> None:
        if any(_UNSAFE.search(command) for command in commands):
            raise ValueError("a command holds a control character")
        self._write(b"\r\n".join((*commands, b"")), answers=len(commands))

    async def answer(self, seconds: float) -> aiosmtplib.SMTPResponse:
        return await self._answers.take(seconds)

    async def hand_over(self, data: bytes, seconds: float) -> aiosmtplib.SMTPResponse:
        if not self._answers.in_step:
            # Goodbye, or the beginning of what would be taken for an answer to the content.
            raise aiosmtplib.SMTPServerDisconnected("more is said than was asked")
        whole = len(data) <= _SLICE
        self._write(data + _END if whole else data[:_SLICE], answers=1)
        self.content_out = True
        if not whole:
            try:
                async with asyncio.timeout(seconds):
                    await self._pour(data)
            except TimeoutError as error:
                raise aiosmtplib.SMTPReadTimeoutError("it does not read") from error
        reply = await self.answer(seconds)
        if not self._whole and not 400 <= reply.code <= 599:
            raise OutOfStep("it cannot have taken what it has not got")
        return reply

    async def _pour(self, data: bytes) -> None:
        """The rest of the content, as fast as it is read. Who answers before the end does not want the rest."""
        self._whole = False
        for start in range(_SLICE, len(data), _SLICE):
            if not await self._answers.room():
                return
            last = start + _SLICE >= len(data)
            self._write(data[start : start + _SLICE] + (_END if last else b""), answers=0)
        self._whole = True

    async def settle(self, seconds: float) -> bool:
        """What was asked too much is answered first. A server that waits for content gets the end of it (RFC 2920 3.1);
        unless it has taken the recipient, who would be sent an empty message: then the connection is given up."""
        codes = [(await self.answer(seconds)).code for _ in range(self._answers.due)]
        if codes and codes[-1] == 354:
            if any(200 <= code < 300 for code in codes):
                return False
            self._write(_END, answers=1)
            await self.answer(seconds)
        self._write(b"RSET\r\n", answers=1)
        return (await self.answer(seconds)).code == 250

    async def quit(self, seconds: float) -> None:
        self._write(b"QUIT\r\n", answers=1)
        await self.answer(seconds)

    def _write(self, data: bytes, *, answers: int) -> None:
        if self._transport.is_closing():
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        self._answers.due += answers
        self._transport.write(data)
