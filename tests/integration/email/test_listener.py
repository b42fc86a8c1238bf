"""The listener, asked by a real client: what it takes, what it refuses, and that 250 means stored."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiosmtplib
import pytest

from adapters.email.listener import Limits, Listener
from adapters.email.verp import ReceiptsAddress
from tests.kit.smtp import client_context, server_context

TOKEN = "abcdefghijklmnopqrstuvwxyz234567"
ADDRESSES = (
    ReceiptsAddress.of_template("r+{token}@hub.example"),
    ReceiptsAddress.of_template("read-{token}@receipts.hub.example"),
)
TO = f"r+{TOKEN}@hub.example"
REPORT = b"From: MAILER-DAEMON@mail.example\r\nSubject: x\r\n\r\n.dots\r\n..more\r\n\xff\xfe\r\n"


@dataclass(slots=True)
class Store:
    """Keeps what it is given, and fails or waits as a test says."""

    kept: list[tuple[bytes, str]] = field(default_factory=list)
    failing: Exception | None = None
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, raw: bytes, recipient: str, sender: str) -> None:
        self.entered.set()
        if self.failing is not None:
            raise self.failing
        if self.gate is not None:
            await self.gate.wait()
        self.kept.append((raw, recipient))


@asynccontextmanager
async def listening(store: Store | None = None, **options: Any) -> AsyncIterator[tuple[Store, Listener, int]]:
    kept = store or Store()
    listener = Listener(kept, addresses=ADDRESSES, hostname="hub.example", **options)
    port = await listener.start("localhost", 0)
    try:
        yield kept, listener, port
    finally:
        await listener.stop(0.5)


@asynccontextmanager
async def client(port: int, **options: Any) -> AsyncIterator[aiosmtplib.SMTP]:
    settings: dict[str, Any] = {"start_tls": False, "timeout": 5, "local_hostname": "mail.example"}
    one = aiosmtplib.SMTP(hostname="localhost", port=port, **(settings | options))
    await one.connect()
    try:
        yield one
    finally:
        one.close()


async def send(one: aiosmtplib.SMTP, *recipients: str, data: bytes = REPORT, sender: str = "<>") -> int:
    await one.ehlo()
    reply = await one.execute_command(b"MAIL", b"FROM:" + sender.encode())
    assert reply.code == 250
    for recipient in recipients:
        reply = await one.execute_command(b"RCPT", b"TO:<" + recipient.encode() + b">")
        if reply.code != 250:
            return reply.code
    try:
        return (await one.data(data)).code
    except aiosmtplib.SMTPDataError as refused:
        return refused.code


class Raw:
    """A client that says just what it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def connected(cls, port: int) -> AsyncIterator["Raw"]:
        reader, writer = await asyncio.open_connection("localhost", port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def answer(self) -> bytes:
        async with asyncio.timeout(5):
            line = await self._reader.readline()
            while line[3:4] == b"-":
                line = await self._reader.readline()
            return line

    async def say(self, line: bytes) -> bytes:
        self._writer.write(line + b"\r\n")
        return await self.answer()

    def hang_up(self) -> None:
        self._writer.transport.abort()


async def test_a_bounce_is_taken_as_it_came() -> None:
    async with listening() as (store, _, port), client(port) as one:
        assert await send(one, TO) == 250
        assert store.kept == [(REPORT, TO)]


async def test_both_addresses_and_any_token_are_taken_and_no_other_address() -> None:
    taken = [TO, f"READ-{TOKEN.upper()}@receipts.hub.example", "r+forged@hub.example", f"r+{'z' * 32}@HUB.example"]
    async with listening() as (store, _, port), client(port) as one:
        for recipient in taken:
            assert await send(one, recipient, sender="<person@council.example>") == 250
        assert [recipient for _, recipient in store.kept] == taken
        for recipient in (
            "notices@hub.example",
            "r+@hub.example",
            "r@hub.example",
            f"r+{TOKEN}@council.example",
            f"read-{TOKEN}@hub.example",
            f"x-r+{TOKEN}@hub.example",
        ):
            assert await send(one, recipient) == 550
            await one.rset()
        assert len(store.kept) == len(taken)


async def test_what_could_not_be_stored_stays_with_the_mail_server_and_comes_again() -> None:
    async with listening(Store(failing=OSError("disk full"))) as (store, _, port), client(port) as one:
        assert await send(one, TO) == 451
        assert store.kept == []
        store.failing = None
        assert await send(one, TO) == 250
        assert store.kept == [(REPORT, TO)]


async def test_nothing_of_a_failure_is_told_outside() -> None:
    async with listening(Store(failing=RuntimeError("secret at db.internal"))) as (_, _, port), client(port) as one:
        await one.ehlo()
        await one.execute_command(b"MAIL", b"FROM:<>")
        await one.execute_command(b"RCPT", b"TO:<" + TO.encode() + b">")
        with pytest.raises(aiosmtplib.SMTPDataError) as refused:
            await one.data(REPORT)
        assert refused.value.message == "4.3.0 Not stored; try again later"


async def test_the_answer_waits_until_it_is_stored() -> None:
    async with listening(Store(gate=asyncio.Event())) as (store, _, port), client(port) as one:
        sending = asyncio.create_task(send(one, TO))
        await store.entered.wait()
        await asyncio.sleep(0.05)
        assert not sending.done()
        assert store.gate is not None
        store.gate.set()
        assert await sending == 250
        assert len(store.kept) == 1


async def test_a_store_that_takes_too_long_did_not_store() -> None:
    async with (
        listening(Store(gate=asyncio.Event()), limits=Limits(take=0.05)) as (store, _, port),
        client(port) as one,
    ):
        assert await send(one, TO) == 451
        assert store.kept == []


async def test_one_recipient_a_transaction() -> None:
    async with listening() as (store, _, port), client(port) as one:
        assert await send(one, TO, TO) == 452
        assert (await one.data(REPORT)).code == 250
        assert store.kept == [(REPORT, TO)]


async def test_a_mail_over_the_limit_is_refused_and_the_next_is_taken() -> None:
    async with listening(limits=Limits(size=10_000)) as (store, _, port), client(port) as one:
        assert await send(one, TO, data=b"x: y\r\n\r\n" + b"line\r\n" * 5000) == 552
        assert await send(one, TO) == 250
        assert len(store.kept) == 1


async def test_a_bounce_with_a_whole_notice_and_lines_longer_than_allowed_is_taken() -> None:
    data = b"x: y\r\n\r\n" + (b"A" * 20_000 + b"\r\n") * 1000
    async with listening() as (store, _, port), client(port) as one:
        assert await send(one, TO, data=data) == 250
        assert store.kept[0][0] == data


async def test_more_connections_than_allowed_are_asked_to_come_later() -> None:
    async with listening(limits=Limits(connections=2)) as (_, listener, port):
        async with Raw.connected(port) as first, Raw.connected(port) as second:
            assert (await first.answer()).startswith(b"220 ")
            assert (await second.answer()).startswith(b"220 ")
            async with Raw.connected(port) as third:
                assert await third.answer() == b"421 4.3.2 Too many connections; try again later\r\n"
                assert await third.answer() == b""
            assert listener.connections == 2
            assert (await first.say(b"QUIT")).startswith(b"221 ")
            assert await first.answer() == b""
            async with Raw.connected(port) as fourth:
                assert (await fourth.answer()).startswith(b"220 ")


async def test_a_client_that_says_nothing_is_hung_up_on() -> None:
    async with listening(limits=Limits(idle=0.1)) as (_, listener, port), Raw.connected(port) as one:
        assert (await one.answer()).startswith(b"220 ")
        assert await one.answer() == b""
        assert listener.connections == 0


async def test_a_client_that_hangs_up_in_the_middle_has_stored_nothing() -> None:
    async with listening() as (store, listener, port):
        async with Raw.connected(port) as one:
            await one.answer()
            for line in (b"EHLO mail.example", b"MAIL FROM:<>", f"RCPT TO:<{TO}>".encode(), b"DATA"):
                assert (await one.say(line))[:1] in b"23"
            one._writer.write(b"Subject: half of it\r\n")
            await one._writer.drain()
            one.hang_up()
        async with asyncio.timeout(5):
            while listener.connections:
                await asyncio.sleep(0.01)
        assert store.kept == []


async def test_starttls_is_offered_and_can_be_insisted_on() -> None:
    options = {"tls_context": server_context(), "require_tls": True}
    async with listening(**options) as (store, _, port):
        async with client(port) as plain:
            await plain.ehlo()
            assert (await plain.execute_command(b"MAIL", b"FROM:<>")).code == 530
        async with client(port, start_tls=True, tls_context=client_context()) as one:
            assert await send(one, TO) == 250
        assert store.kept == [(REPORT, TO)]


async def test_without_a_certificate_no_tls_is_offered() -> None:
    async with listening() as (_, _, port), client(port) as one:
        await one.ehlo()
        assert not one.supports_extension("starttls")
        assert one.supports_extension("size")


async def test_lmtp() -> None:
    async with listening(protocol="lmtp") as (store, _, port), Raw.connected(port) as one:
        assert (await one.answer()).startswith(b"220 ")
        assert (await one.say(b"EHLO mail.example")).startswith(b"500 ")
        assert (await one.say(b"LHLO mail.example")).startswith(b"250 ")
        assert (await one.say(b"MAIL FROM:<>")).startswith(b"250 ")
        assert (await one.say(f"RCPT TO:<{TO}>".encode())).startswith(b"250 ")
        assert (await one.say(f"RCPT TO:<r+{'2' * 32}@hub.example>".encode())).startswith(b"452 ")
        assert (await one.say(b"DATA")).startswith(b"354 ")
        assert await one.say(b"Subject: x\r\n\r\ny\r\n.") == b"250 2.0.0 Stored\r\n"
        assert (await one.say(b"QUIT")).startswith(b"221 ")
        assert store.kept == [(b"Subject: x\r\n\r\ny\r\n", TO)]


async def test_stop_finishes_what_is_being_stored_and_hangs_up() -> None:
    store = Store(gate=asyncio.Event())
    async with listening(store) as (_, listener, port), client(port) as one, Raw.connected(port) as idle:
        await idle.answer()
        sending = asyncio.create_task(send(one, TO))
        await store.entered.wait()
        stopping = asyncio.create_task(listener.stop(5))
        await asyncio.sleep(0.05)
        assert not stopping.done()
        assert store.gate is not None
        store.gate.set()
        await stopping
        assert await sending == 250
        assert await idle.answer() == b""
        with pytest.raises(OSError):
            await asyncio.open_connection("localhost", port)


async def test_stop_is_bounded_and_what_was_not_stored_was_not_promised() -> None:
    store = Store(gate=asyncio.Event())
    async with listening(store) as (_, listener, port), client(port) as one:
        sending = asyncio.create_task(send(one, TO))
        await store.entered.wait()
        async with asyncio.timeout(3):
            await listener.stop(0.05)
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await sending
        assert store.kept == []


@pytest.mark.parametrize("options", [{"require_tls": True}, {"addresses": ()}])
def test_settings_that_cannot_work_are_refused_at_the_start(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="receipts: "):
        Listener(Store(), **({"addresses": ADDRESSES, "hostname": "hub.example"} | options))


async def test_the_address_that_notices_come_from_takes_answers_and_it_is_said_who_sent_them() -> None:
    senders: list[str] = []

    class Told(Store):
        async def __call__(self, raw: bytes, recipient: str, sender: str) -> None:
            senders.append(sender)
            await super().__call__(raw, recipient, sender)

    async with listening(Told(), mailboxes=("notices@hub.example",)) as (kept, _, port), client(port) as one:
        assert await send(one, "Notices@HUB.example", sender="<jo@council.example>") == 250
        assert await send(one, "notices@hub.example") == 250
        assert await send(one, "others@hub.example") == 550
    assert (senders, len(kept.kept)) == (["jo@council.example", "<>"], 2)
