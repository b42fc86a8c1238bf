"""What a server says, as replies in the order they came: several in one packet, or one in several (RFC 5321 4.2)."""

import asyncio
import math
from collections import deque
from typing import Final

import aiosmtplib

_MARKS: Final = frozenset({b"", b" ", b"-"})
"""What follows the code; with a hyphen the reply goes on in the next line."""
_LONGEST: Final = 64 * 1024
"""Bytes of one reply."""
_NEVER: Final = math.inf


class OutOfStep(aiosmtplib.SMTPException):
    """The server has said more than it was asked, so that nobody knows what its answers are to."""


class Answers(asyncio.Protocol):
    """For one who asks several things at once: they are kept until they are taken, and no more than were asked for."""

    def __init__(self) -> None:
        self.due = 0
        """What was asked and has not been taken. Raise it in the same breath as the question is written."""
        self._ready: deque[aiosmtplib.SMTPResponse] = deque()
        self._unread = b""
        self._lines: list[bytes] = []
        self._size = 0
        self._unasked = False
        self._goodbye = False
        self._broken: Exception | None = None
        self._paused = False
        self._news: asyncio.Future[None] | None = None
        self._until = _NEVER
        self._bell: asyncio.TimerHandle | None = None

    @property
    def in_step(self) -> bool:
        """Everything asked was answered, and nothing else was said; not even goodbye."""
        said = self.due or self._unread or self._lines or self._unasked or self._goodbye
        return not said and self._broken is None

    async def take(self, seconds: float) -> aiosmtplib.SMTPResponse:
        """The next one, within so many seconds. Raises SMTPException: SMTPReadTimeoutError, SMTPServerDisconnected,
        OutOfStep, SMTPResponseException for what is no reply. What was answered before the connection was lost is still
        given."""
        if not self._ready and self._broken is None:
            await self._wait(seconds)
        if self._unasked:
            raise OutOfStep("more answers than questions")
        if not self._ready:
            raise self._broken or aiosmtplib.SMTPServerDisconnected("connection lost")
        self.due -= 1
        return self._ready.popleft()

    async def _wait(self, seconds: float) -> None:
        """For an answer, or that there will be none."""
        loop = asyncio.get_running_loop()
        self._until = loop.time() + seconds
        self._wind(self._until)
        try:
            while not self._ready and self._broken is None:
                if loop.time() >= self._until:
                    raise aiosmtplib.SMTPReadTimeoutError("no answer")
                await self._change()
        finally:
            self._until = _NEVER

    def _wind(self, at: float) -> None:
        """One bell for all that is waited for: what is answered within milliseconds needs no timer of its own."""
        if self._bell is not None and self._bell.when() > at:
            self._bell.cancel()
            self._bell = None
        if self._bell is None:
            self._bell = asyncio.get_running_loop().call_at(at, self._ring)

    def _ring(self) -> None:
        self._bell = None
        if self._until <= asyncio.get_running_loop().time():
            self._tell()
        elif self._until < _NEVER:
            self._wind(self._until)

    async def room(self) -> bool:
        """Let others have a turn, and wait until more may be written. False: it is no use, as the answer is there, or
        the connection is not."""
        asyncio.get_running_loop().call_soon(self._tell)
        await self._change()
        while self._paused and not self._ready and self._broken is None:
            await self._change()
        return not self._ready and self._broken is None

    async def _change(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            if self._broken is None:
                self._read(line.removesuffix(b"\r"))
        if self._size + len(self._unread) > _LONGEST:
            self._fail(aiosmtplib.SMTPResponseException(-1, "reply too long"))
        self._tell()

    def _read(self, line: bytes) -> None:
        code, mark = line[:3], line[3:4]
        if len(code) < 3 or not code.isdigit() or mark not in _MARKS or (self._lines and self._lines[0][:3] != code):
            self._fail(aiosmtplib.SMTPResponseException(-1, "no reply"))
            return
        self._lines.append(line)
        self._size += len(line)
        if mark == b"-":
            return
        text = b"\n".join([one[4:].strip() for one in self._lines]).decode("utf-8", "surrogateescape")
        self._lines, self._size = [], 0
        if len(self._ready) < self.due:
            self._ready.append(aiosmtplib.SMTPResponse(int(code), text))
        elif code == b"421":
            self._goodbye = True  # which it may say at any time (RFC 5321 3.8), and not in answer to anything
        else:
            self._unasked = True

    def eof_received(self) -> None:
        self._fail(aiosmtplib.SMTPServerDisconnected("connection lost"))
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        lost = aiosmtplib.SMTPServerDisconnected("connection lost")
        lost.__cause__ = exc
        self._fail(lost)
        self._tell()
        if self._bell is not None:
            self._bell.cancel()

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._tell()

    def _fail(self, error: Exception) -> None:
        self._broken = self._broken or error
