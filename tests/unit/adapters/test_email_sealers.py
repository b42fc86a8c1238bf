"""Sealing apart: whatever becomes of who seals, every message is sealed, once, and no key goes further than it must.

Who seals is a thread with a socket here; tests/integration/email/test_sealing_apart.py has a process.
"""

import asyncio
import errno
import hashlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from adapters.email.chain import Trust
from adapters.email.frames import LENGTH, framed, unframed
from adapters.email.identities import HUB_ALONE
from adapters.email.prepare import Letterhead, Message
from adapters.email.sealer import sealed, serve
from adapters.email.sealers import AHEAD, KEPT, MOST, WITHIN, Crew, Rush, Sealers, as_needed, environment
from adapters.email.sealing import Here, Seal
from adapters.email.smime import Signer
from adapters.port import Attachment, Content, Envelope, Rejected, Unwritten
from tests.kit.pki import NOW, curve_key, intermediate, person, root
from tests.kit.transport import content

RECIPIENT = person("jo.worker@council.example", issuer=intermediate())
HUB = person("notices@hub.example", issuer=intermediate(), key=curve_key("hub"))
SEAL = Seal(
    letterhead=Letterhead(
        sender="notices@hub.example",
        mail_domain="hub.example",
        return_path="notices@hub.example",
        size_limit=10_000_000,
    ),
    signer=Signer(certificate=HUB.certificate, key=HUB.key, chain=(intermediate().certificate,)),
    trust=Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,)),
    identities=HUB_ALONE,
)
PLAIN = Envelope(
    delivery="dl_0",
    reference="FP-2345-6789",
    address="jo.worker@council.example",
    body=content(),
    certificates=(RECIPIENT.der,),
)


def words(text: str, common: MutableMapping[Any, Any]) -> Content:
    """Something to be written elsewhere, which counts how many were written together."""
    common["count"] = common.get("count", 0) + 1
    return content(text=f"{text}, number {common['count']}\n")


def impossible(common: MutableMapping[Any, Any]) -> Content:
    raise LookupError("no words")


def envelope(number: int, write: Callable[[MutableMapping[Any, Any]], Content] | None = None) -> Envelope:
    return replace(PLAIN, delivery=f"dl_{number}", body=Unwritten(write=write or partial(words, "the notice")))


class Thread:
    """Serves one end of a socket, as a process would. ``kill`` closes it."""

    def __init__(self, hub: socket.socket, work: Callable[[socket.socket], None] = serve) -> None:
        self._hub = hub.dup()
        self._thread = threading.Thread(target=work, args=(self._hub,))
        self._thread.start()

    def kill(self) -> None:
        try:
            self._hub.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it closed it itself

    def wait(self) -> int:
        self._thread.join()
        return 0


def dying(hub: socket.socket) -> None:
    """Makes ready, takes what it is given, and is gone."""
    with hub:
        frame(hub)
        hub.sendall(framed(None))
        frame(hub)


def hanging(hub: socket.socket) -> None:
    """Makes ready, and answers nothing until it is killed."""
    with hub:
        frame(hub)
        hub.sendall(framed(None))
        while hub.recv(4096):
            pass


def raving(hub: socket.socket) -> None:
    """Takes all it is given at once, and answers what nobody asked."""
    with hub:
        frame(hub)
        hub.sendall(framed(None))
        for _ in range(AHEAD // MOST + 1):
            frame(hub)  # what is left unread would reset the connection before the answer is read
        hub.sendall(framed(None))


def losing(hub: socket.socket) -> None:
    """Seals for others what it was given, but for the first of them."""
    with hub:
        seal, _ = frame(hub)
        hub.sendall(framed(None))
        (made,) = sealed(seal, frame(hub))
        hub.sendall(framed(made[1:]))
        while hub.recv(4096):
            pass


class OutOfMemory(socket.socket):
    """The kernel has none for what is sent the third time."""

    sent = 0

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.sent += 1
        if self.sent == 3:
            raise OSError(errno.ENOBUFS, "no buffer space")
        super().sendall(data, flags)


def out_of_memory(hub: socket.socket) -> None:
    serve(OutOfMemory(fileno=hub.detach()))


def never_ready(hub: socket.socket) -> None:
    with hub:
        while hub.recv(65_536):
            pass


def frame(hub: socket.socket) -> Any:
    (length,) = LENGTH.unpack(hub.recv(LENGTH.size, socket.MSG_WAITALL))
    return unframed(hub.recv(length, socket.MSG_WAITALL))


@asynccontextmanager
async def apart(start: Callable[[socket.socket], Thread], count: int = 1, **more: Any) -> AsyncIterator[Sealers]:
    """Sealers of which the first is ready."""
    sealers = Sealers(SEAL, Crew(count=count), start=start, **more)
    try:
        with sealers.sending():
            assert isinstance(await sealers.prepare(PLAIN, NOW), Message)  # here: nobody is ready
        async with asyncio.timeout(10):
            while sealers.ready < count:
                await asyncio.sleep(0.001)
        yield sealers
    finally:
        await sealers.aclose()


def test_all_that_is_needed_to_seal_goes_through_a_frame_and_keys_through_no_other() -> None:
    there = unframed(framed(SEAL, keys=True)[LENGTH.size :])
    assert there.signer.key.private_numbers() == HUB.key.private_numbers()  # type: ignore[union-attr]  # on a curve
    assert (there.signer.certificate, there.signer.chain) == (HUB.certificate, SEAL.signer.chain)
    assert (there.trust, there.letterhead) == (SEAL.trust, SEAL.letterhead)
    with pytest.raises(TypeError):
        framed(SEAL)


def test_what_is_written_together_shares_and_one_that_cannot_be_written_ends_no_other() -> None:
    (together,) = sealed(SEAL, [(envelope(0), NOW), (envelope(1, impossible), NOW), (envelope(2), NOW)])
    assert [delivery for delivery, _ in together] == ["dl_0", "dl_1", "dl_2"]
    made = [message for _, message in together]
    assert made[1] == Rejected(reason="unknown", detail="not sealed: LookupError", technical=True)
    for number, message in ((0, made[0]), (2, made[2])):
        assert (message.delivery, message.recipient) == (f"dl_{number}", PLAIN.address)
        assert message.certificate == RECIPIENT.fingerprint
        assert message.digest == hashlib.sha256(message.data).hexdigest()
        assert b"the notice" not in message.data


def test_mails_with_a_photo_go_one_by_one_and_what_follows_them_together() -> None:
    photo = Attachment(name="photo.jpg", media_type="image/jpeg", data=b"\xff\xd8\xff" * 100_000)
    heavy = replace(PLAIN, body=content(attachments=(photo,)))
    made = list(sealed(SEAL, [(one, NOW) for one in (heavy, heavy, PLAIN, PLAIN)]))
    assert [len(some) for some in made] == [1, 1, 2]


def test_none_of_the_settings_goes_along() -> None:
    given = environment({"FINGERPOST_SMTP_PASSWORD": "secret", "fingerpost_kek": "secret", "TZ": "UTC"})
    assert given["TZ"] == "UTC"
    assert "secret" not in given.values()


async def test_every_envelope_comes_back_as_its_own_message() -> None:
    async with apart(Thread, count=2) as sealers:
        made = await asyncio.gather(*(sealers.prepare(envelope(number), NOW) for number in range(40)))
        assert [one.delivery for one in made if isinstance(one, Message)] == [f"dl_{number}" for number in range(40)]


@pytest.mark.parametrize("work", [dying, hanging, raving, losing, out_of_memory])
async def test_what_is_lost_there_is_sealed_here(work: Callable[[socket.socket], None]) -> None:
    lost: list[int | None] = []
    async with apart(
        partial(Thread, work=work), lost=lost.append, patience=0.2 if work in (hanging, raving) else 5.0
    ) as sealers:
        async with asyncio.timeout(30):
            made = await asyncio.gather(*(sealers.prepare(envelope(number), NOW) for number in range(20)))
        assert [one.delivery for one in made if isinstance(one, Message)] == [f"dl_{number}" for number in range(20)]
        await until(lambda: lost == [0])
        assert sealers.ready == 0


async def test_where_none_can_be_started_all_is_sealed_here() -> None:
    def start(hub: socket.socket) -> Thread:
        raise OSError("no more processes")

    lost: list[int | None] = []
    sealers = Sealers(SEAL, Crew(count=1), start=start, lost=lost.append)
    try:
        for number in range(2):
            with sealers.sending():
                assert isinstance(await sealers.prepare(envelope(number), NOW), Message)
            await asyncio.sleep(0.01)
        assert lost == [None]
    finally:
        await sealers.aclose()


async def test_who_gives_up_waiting_is_not_sealed_for_and_holds_up_nobody() -> None:
    async with apart(Thread) as sealers:
        waiting = [asyncio.ensure_future(sealers.prepare(envelope(number), NOW)) for number in range(30)]
        await asyncio.sleep(0)
        for one in waiting[::2]:
            one.cancel()
        left = await asyncio.gather(*waiting[1::2])
        assert [one.delivery for one in left if isinstance(one, Message)] == [
            f"dl_{number}" for number in range(1, 30, 2)
        ]


async def test_after_the_end_all_is_sealed_here() -> None:
    async with apart(Thread) as sealers:
        pass
    with sealers.sending():
        assert isinstance(await sealers.prepare(envelope(1), NOW), Message)
    assert (sealers.ready, asyncio.all_tasks()) == (0, {asyncio.current_task()})


async def test_here_what_is_not_written_yet_is_written() -> None:
    made = await Here(SEAL).prepare(envelope(1), NOW)
    assert isinstance(made, Message)


async def test_what_is_written_here_shares_with_what_it_was_claimed_with_and_takes_none_of_it_along() -> None:
    common: dict[Any, Any] = {"count": 6}
    body = Unwritten(write=partial(words, "the notice"), common=common)
    made = unframed(framed(body)[LENGTH.size :])
    assert (made.common, made.write.args) == ({}, ("the notice",))
    assert isinstance(await Here(SEAL).prepare(replace(PLAIN, body=body), NOW), Message)
    assert common == {"count": 7}


def test_a_rush_is_many_soon_after_each_other_and_neither_a_few_nor_a_steady_flow_nor_a_slow_relay() -> None:
    few, steady, many = (Rush(50) for _ in range(3))
    assert not any(few.begins(0.0) for _ in range(49))
    assert not any(steady.begins(number * WITHIN / 40) for number in range(500))
    # Each of them is out before the next begins, as where it is the processor that they wait for.
    assert [many.begins(number / 100) for number in range(60)] == [False] * 49 + [True] * 11
    assert not many.begins(10.0)


def test_they_are_kept_from_the_last_rush_on() -> None:
    one = Rush(3, kept=300.0)
    assert one.until < 0
    for now, comes in ((10.0, 3), (20.0, 2), (200.0, 4), (250.0, 1)):
        for _ in range(comes):
            one.begins(now)
    assert one.until == 500.0


def test_there_are_as_many_as_are_of_use_and_none_on_a_single_processor() -> None:
    assert [as_needed(processors).count for processors in (1, 2, 3, 64)] == [0, 1, 2, 2]
    assert as_needed(2).rush > 10
    assert as_needed(2).kept == KEPT


@asynccontextmanager
async def rushed(start: Callable[[socket.socket], Thread], kept: float, **more: Any) -> AsyncIterator[Sealers]:
    """Sealers for a rush of five, of whom none is there yet."""
    sealers = Sealers(SEAL, Crew(count=2, rush=5, kept=kept), start=start, **more)
    try:
        yield sealers
    finally:
        await sealers.aclose()


async def rush(sealers: Sealers, messages: int) -> list[Message | Rejected]:
    """So many under way at once."""
    with ExitStack() as under_way:
        for _ in range(messages):
            under_way.enter_context(sealers.sending())
        return await asyncio.gather(*(sealers.prepare(envelope(number), NOW) for number in range(messages)))


async def rushing(sealers: Sealers) -> None:
    """A rush for as long as it takes until two are ready, which on a busy machine is longer than they are kept here."""
    async with asyncio.timeout(10):
        while sealers.ready < 2:
            with ExitStack() as under_way:
                for _ in range(5):
                    under_way.enter_context(sealers.sending())
            await asyncio.sleep(0.001)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.001)


async def test_they_come_with_a_rush_go_when_it_is_long_over_and_come_again() -> None:
    started: list[Thread] = []
    lost: list[int | None] = []

    def start(hub: socket.socket) -> Thread:
        started.append(Thread(hub))
        return started[-1]

    async with rushed(start, kept=0.15, lost=lost.append) as sealers:
        for _ in range(4):
            await rush(sealers, 1)
        await asyncio.sleep(0.01)
        assert started == []
        for time in (1, 2):
            await rushing(sealers)
            made = await rush(sealers, 4)
            assert [one.delivery for one in made if isinstance(one, Message)] == [f"dl_{n}" for n in range(4)]
            await until(lambda: sealers.ready == 0 and len(asyncio.all_tasks()) == 1)
            assert (len(started), lost) == (2 * time, [])
            assert isinstance(await sealers.prepare(envelope(1), NOW), Message)


async def test_messages_of_which_each_is_out_before_the_next_comes_are_a_rush_too() -> None:
    async with rushed(Thread, kept=60.0) as sealers:
        for _ in range(5):
            await rush(sealers, 1)
        await until(lambda: sealers.ready == 2)


async def test_what_they_have_in_hand_when_their_time_is_over_is_sealed_here() -> None:
    lost: list[int | None] = []
    async with rushed(partial(Thread, work=hanging), kept=0.15, lost=lost.append) as sealers:
        await rushing(sealers)
        async with asyncio.timeout(10):  # long before anybody's patience ends
            made = await asyncio.gather(*(sealers.prepare(envelope(number), NOW) for number in range(20)))
        assert [one.delivery for one in made if isinstance(one, Message)] == [f"dl_{number}" for number in range(20)]
        assert (sealers.ready, lost) == (0, [])


async def test_one_that_dies_in_a_rush_is_replaced_and_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.email.sealers.FIRST_PAUSE", 0.001)
    works = [dying, dying, serve, serve]
    lost: list[int | None] = []
    async with rushed(lambda hub: Thread(hub, works.pop(0)), kept=60.0, lost=lost.append) as sealers:
        await rush(sealers, 5)
        await until(lambda: sealers.ready == 2)
        assert all(isinstance(one, Message) for one in await rush(sealers, 20))
        await until(lambda: sealers.ready == 2 and not works)
        assert lost == [0, 0]
        assert all(isinstance(one, Message) for one in await rush(sealers, 20))


async def test_a_stop_while_they_are_started_waits_for_none_of_them() -> None:
    lost: list[int | None] = []
    async with rushed(partial(Thread, work=never_ready), kept=60.0, lost=lost.append) as sealers:
        await rush(sealers, 5)
        await asyncio.sleep(0)  # they have begun
        async with asyncio.timeout(5):
            await sealers.aclose()
        await rush(sealers, 5)
    assert (lost, asyncio.all_tasks()) == ([], {asyncio.current_task()})
