"""One connection to an SMSC, bound to send and to receive, from its bind to its end.

After the bind everything is asked and answered at once over the one stream, told apart by sequence numbers. What a lost
connection means for a message depends on one thing: whether it was written. Before, nothing was sent; after, anything
may have been.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from adapters.email.credentials import Secret
from adapters.port import Deferred, Rejected
from adapters.sms import smpp_wire as wire
from adapters.sms.smpp_codes import RINVBNDSTS, RINVCMDID, RMSGQFUL, ROK, RX_T_APPN, classify
from adapters.sms.smpp_wire import Command, Pdu

_INBOX: Final = 100
"""``deliver_sm`` that may wait to be stored. Past that the SMSC is told to keep them, and it offers them again."""
_LAST_SEQUENCE: Final = 0x7FFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Smsc:
    """Where to bind, and as whom; times are seconds."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    """None only on a line that is private by itself (a VPN, this machine): the password goes over it."""
    system_id: str
    password: Secret = field(repr=False)
    system_type: str = ""
    connect: float = 10.0
    answer: float = 30.0
    keep_alive: float = 30.0
    """Of silence, after which the SMSC is asked whether it is there."""
    close: float = 2.0
    window: int = 10
    """Messages that may await their answers."""


class NotBound(Exception):
    """The SMSC could not be reached or did not let us in; ``result`` says what that means for a message."""

    def __init__(self, result: Deferred | Rejected) -> None:
        super().__init__(result.detail)
        self.result = result


class Lost(Exception):
    """The connection ended while an answer was awaited."""

    def __init__(self, *, written: bool) -> None:
        super().__init__("written" if written else "not written")
        self.written = written


class _Ended(Exception):
    """The stream is at its end, or out of step."""


class Session:
    """Made by :meth:`open`; when ``ended`` is set, nothing can be done with it any more."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        smsc: Smsc,
        inbox: Callable[[bytes], Awaitable[None]],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._smsc = smsc
        self._inbox = inbox
        self._offered: asyncio.Queue[Pdu] = asyncio.Queue(_INBOX)
        self._awaited: dict[int, asyncio.Future[Pdu]] = {}
        self._sequence = 0
        self._heard = asyncio.Event()
        self.ended = asyncio.Event()
        self.window = asyncio.Semaphore(smsc.window)
        self._life = asyncio.create_task(self._live(), name="smpp")

    @classmethod
    async def open(cls, smsc: Smsc, inbox: Callable[[bytes], Awaitable[None]]) -> "Session":
        """Connect and bind. ``inbox`` stores one ``deliver_sm``: it is acknowledged once that has returned, and offered
        again later if it raised. Raises NotBound."""
        try:
            async with asyncio.timeout(smsc.connect):
                reader, writer = await asyncio.open_connection(
                    smsc.host,
                    smsc.port,
                    ssl=smsc.tls,
                    server_hostname=smsc.host if smsc.tls else None,
                    limit=wire.LARGEST,
                )
        except ssl.SSLError as exc:
            raise NotBound(Deferred(reason="tls_failed", detail=type(exc).__name__)) from exc
        except TimeoutError as exc:
            raise NotBound(Deferred(reason="provider_unavailable", detail="connect TimeoutError")) from exc
        except OSError as exc:
            raise NotBound(Deferred(reason="connection_failed", detail=type(exc).__name__)) from exc
        session = cls(reader, writer, smsc, inbox)
        try:
            await session._bind()
        except BaseException:
            await session._cut()
            raise
        return session

    async def _bind(self) -> None:
        smsc = self._smsc
        try:
            answer = await self.ask(
                lambda sequence: wire.bind(sequence, smsc.system_id, smsc.password.reveal(), smsc.system_type)
            )
        except TimeoutError as exc:
            raise NotBound(Deferred(reason="provider_unavailable", detail="bind TimeoutError")) from exc
        except Lost as exc:
            raise NotBound(Deferred(reason="connection_failed", detail="bind Lost")) from exc
        if answer.status != ROK:
            raise NotBound(classify(answer.status))

    async def ask(
        self,
        compose: Callable[[int], bytes],
        written: Callable[[], None] = lambda: None,
        *,
        within: float | None = None,
    ) -> Pdu:
        """Send a request and await its answer, whatever that says. ``written`` is called once the request is out.

        Raises Lost, and TimeoutError after ``within`` seconds (else the SMSC's ``answer``).
        """
        if self.ended.is_set():
            raise Lost(written=False)
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        sequence = self._sequence
        raw = compose(sequence)
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._awaited[sequence] = answer
        try:
            self._writer.write(raw)
            written()
            async with asyncio.timeout(self._smsc.answer if within is None else within):
                return await answer
        finally:
            self._awaited.pop(sequence, None)

    async def aclose(self) -> None:
        """Unbind, in ``close`` seconds at most. What still awaits an answer is lost."""
        try:
            await self.ask(lambda sequence: wire.plain(Command.UNBIND, sequence), within=self._smsc.close)
        except (Lost, TimeoutError):
            pass
        finally:
            await self._cut()

    def give_up(self) -> None:
        """End it at once, without a word."""
        self.ended.set()
        self._life.cancel()

    async def _cut(self) -> None:
        self._life.cancel()
        await asyncio.wait((self._life,))

    async def _live(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for part in (self._read(), self._keep_alive(), self._hand_over()):
                    group.create_task(part)
        except* (_Ended, OSError, asyncio.IncompleteReadError, TimeoutError, Lost):
            pass  # each means the same: there is nobody at the other end
        finally:
            self.ended.set()
            self._writer.transport.abort()
            for answer in self._awaited.values():
                if not answer.done():
                    answer.set_exception(Lost(written=True))

    async def _read(self) -> None:
        while True:
            length = await self._reader.readexactly(4)
            size = int.from_bytes(length)
            if not wire.HEADER.size <= size <= wire.LARGEST:
                raise _Ended
            pdu = wire.pdu(length + await self._reader.readexactly(size - 4))
            self._heard.set()
            if pdu.is_response:
                answer = self._awaited.get(pdu.sequence)
                if answer is not None and not answer.done():
                    answer.set_result(pdu)
            else:
                self._requested(pdu)

    def _requested(self, pdu: Pdu) -> None:
        match pdu.command:
            case Command.DELIVER_SM:
                try:
                    self._offered.put_nowait(pdu)
                except asyncio.QueueFull:
                    self._acknowledge(pdu, RMSGQFUL)
            case Command.ENQUIRE_LINK:
                self._writer.write(wire.plain(Command.ENQUIRE_LINK_RESP, pdu.sequence))
            case Command.UNBIND:
                self._writer.write(wire.plain(Command.UNBIND_RESP, pdu.sequence))
                raise _Ended
            case Command.ALERT_NOTIFICATION | Command.OUTBIND:
                pass  # neither is ever answered (4.12.1, 4.1.7)
            case _:
                self._writer.write(wire.plain(Command.GENERIC_NACK, pdu.sequence, status=RINVCMDID))

    async def _hand_over(self) -> None:
        while True:
            pdu = await self._offered.get()
            try:
                await self._inbox(pdu.raw)
            except Exception:
                # Whatever kept it from being stored, the SMSC still has it: nothing is lost, and it comes again.
                self._acknowledge(pdu, RX_T_APPN)
            else:
                self._acknowledge(pdu, ROK)

    def _acknowledge(self, pdu: Pdu, status: int) -> None:
        self._writer.write(wire.plain(Command.DELIVER_SM_RESP, pdu.sequence, status=status, strings=("",)))

    async def _keep_alive(self) -> None:
        while True:
            self._heard.clear()
            try:
                async with asyncio.timeout(self._smsc.keep_alive):
                    await self._heard.wait()
            except TimeoutError:
                answer = await self.ask(lambda sequence: wire.plain(Command.ENQUIRE_LINK, sequence))
                if answer.status == RINVBNDSTS:
                    raise _Ended from None
