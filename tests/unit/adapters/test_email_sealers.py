"""Sealing apart: whatever becomes of who seals, every message is sealed, once, and no key goes further than it must.

Who seals is a thread with a socket here; tests/integration/email/test_sealing_apart.py has a process.
"""

import asyncio
import hashlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from adapters.email.chain import Trust
from adapters.email.frames import LENGTH, framed, unframed
from adapters.email.identities import HUB_ALONE
from adapters.email.prepare import Letterhead, Message
from adapters.email.sealer import sealed, serve
from adapters.email.sealers import AHEAD, Sealers, environment
from adapters.email.sealing import Here, Seal
from adapters.email.smime import Signer
from adapters.port import Content, Envelope, Rejected, Unwritten
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
        for _ in range(AHEAD):
            frame(hub)  # what is left unread would reset the connection before the answer is read
        hub.sendall(framed([]))


def frame(hub: socket.socket) -> Any:
    (length,) = LENGTH.unpack(hub.recv(LENGTH.size, socket.MSG_WAITALL))
    return unframed(hub.recv(length, socket.MSG_WAITALL))


@asynccontextmanager
async def apart(start: Callable[[socket.socket], Thread], count: int = 1, **more: Any) -> AsyncIterator[Sealers]:
    """Sealers of which the first is ready."""
    sealers = Sealers(SEAL, count, start=start, **more)
    try:
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
    made = sealed(SEAL, [(envelope(0), NOW), (envelope(1, impossible), NOW), (envelope(2), NOW)])
    assert made[1] == Rejected(reason="unknown", detail="not sealed: LookupError", technical=True)
    for number, message in ((0, made[0]), (2, made[2])):
        assert (message.delivery, message.recipient) == (f"dl_{number}", PLAIN.address)
        assert message.certificate == RECIPIENT.fingerprint
        assert message.digest == hashlib.sha256(message.data).hexdigest()
        assert b"the notice" not in message.data


def test_none_of_the_settings_goes_along() -> None:
    given = environment({"FINGERPOST_SMTP_PASSWORD": "secret", "fingerpost_kek": "secret", "TZ": "UTC"})
    assert given["TZ"] == "UTC"
    assert "secret" not in given.values()


async def test_every_envelope_comes_back_as_its_own_message() -> None:
    async with apart(Thread, count=2) as sealers:
        made = await asyncio.gather(*(sealers.prepare(envelope(number), NOW) for number in range(40)))
        assert [one.delivery for one in made if isinstance(one, Message)] == [f"dl_{number}" for number in range(40)]


@pytest.mark.parametrize("work", [dying, hanging, raving])
async def test_what_is_lost_there_is_sealed_here(work: Callable[[socket.socket], None]) -> None:
    lost: list[int | None] = []
    async with apart(partial(Thread, work=work), lost=lost.append, patience=5.0 if work is dying else 0.2) as sealers:
        async with asyncio.timeout(30):
            made = await asyncio.gather(*(sealers.prepare(envelope(number), NOW) for number in range(20)))
        assert [one.delivery for one in made if isinstance(one, Message)] == [f"dl_{number}" for number in range(20)]
        assert (sealers.ready, lost) == (0, [0])


async def test_where_none_can_be_started_all_is_sealed_here() -> None:
    def start(hub: socket.socket) -> Thread:
        raise OSError("no more processes")

    lost: list[int | None] = []
    sealers = Sealers(SEAL, 1, start=start, lost=lost.append)
    try:
        for number in range(2):
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
    assert isinstance(await sealers.prepare(envelope(1), NOW), Message)


async def test_here_what_is_not_written_yet_is_written() -> None:
    made = await Here(SEAL).prepare(envelope(1), NOW)
    assert isinstance(made, Message)
