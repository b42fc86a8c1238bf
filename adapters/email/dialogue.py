"""How a transaction is put to the relay: one command at a time, or all of them in one write (RFC 2920).

Either way the answers are given one by one, in order, so that what each means stands once (connection.py). Pipelined,
the commands have left before the first is answered; so a refusal is followed by answers to what nobody wants any more,
and perhaps by a server that waits for content.
"""

import asyncio
import re
from collections import deque
from collections.abc import Sequence
from typing import Final

import aiosmtplib

from adapters.email.answers import Answers, OutOfStep

_END: Final = b".\r\n"
_SLICE: Final = 128 * 1024
"""Bytes of content in one write; then the server's pace counts."""
_UNSAFE: Final = re.compile(rb"[\x00-\x1f\x7f]")


class Dialogue:
    """One transaction after another. Takes the transport over for good: of answers that come together ``aiosmtplib``
    loses some, or takes one for the answer to what is asked next. Raises SMTPException and OSError where the connection
    breaks, which is then good for nothing.

    ``at_once``: all commands of a transaction in one write; else each waits for the answer to the one before it.
    """

    def __init__(self, transport: asyncio.Transport, *, at_once: bool) -> None:
        self.at_once = at_once
        self.content_out = False
        """Some of the content of the present message has been handed to the network. Taken back by whoever begins
        anew."""
        self._left: deque[bytes] = deque()
        self._whole = True
        self._transport = transport
        self._answers = Answers()
        transport.set_protocol(self._answers)

    @property
    def in_step(self) -> bool:
        """Connected, and nothing is said that was not asked, or asked and not answered."""
        return self._whole and not self._transport.is_closing() and self._answers.in_step

    def ask(self, commands: Sequence[bytes]) -> None:
        """The commands of one transaction, the last of them DATA; each is answered by one :meth:`answer`."""
        if any(_UNSAFE.search(command) for command in commands):
            raise ValueError("a command holds a control character")
        if self.at_once:
            self._write(b"\r\n".join((*commands, b"")), answers=len(commands))
        else:
            self._left = deque(commands)

    async def answer(self, seconds: float) -> aiosmtplib.SMTPResponse:
        """The next of them, within so many seconds."""
        if self._left:
            self._write(self._left.popleft() + b"\r\n", answers=1)
        return await self._answers.take(seconds)

    async def hand_over(self, data: bytes, seconds: float) -> aiosmtplib.SMTPResponse:
        """The content, its dots doubled, after a 354, and its end; the answer is what becomes of it."""
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
        """After a refusal: back to where MAIL may follow. Whether it came to that; ``seconds`` for each answer.

        What was asked too much is answered first. A server that waits for content gets the end of it (RFC 2920 3.1);
        unless it has taken the recipient, who would be sent an empty message: then the connection is given up."""
        self._left.clear()
        codes = [(await self.answer(seconds)).code for _ in range(self._answers.due)]
        if codes and codes[-1] == 354:
            if any(200 <= code < 300 for code in codes):
                return False
            self._write(_END, answers=1)
            await self.answer(seconds)
        self._write(b"RSET\r\n", answers=1)
        return (await self.answer(seconds)).code == 250

    async def quit(self, seconds: float) -> None:
        """Say goodbye."""
        self._write(b"QUIT\r\n", answers=1)
        await self.answer(seconds)

    def _write(self, data: bytes, *, answers: int) -> None:
        if self._transport.is_closing():
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        self._answers.due += answers
        self._transport.write(data)
