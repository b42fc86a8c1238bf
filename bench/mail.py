"""E-mail alone: what making and handing over one message costs, how many connections are worth having, and how long a
photo for 152 authorities holds the event loop.

The relay is a process of its own that speaks SMTP over TLS and keeps nothing, so that its time is not ours. Processor
time is the least of several runs, as other work on the machine makes it longer; the ratios say more than the times.
"""

import asyncio
import os
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from adapters.email.chain import Trust
from adapters.email.connection import Relay, Timeouts
from adapters.email.pool import Pool
from adapters.email.prepare import Letterhead, Message, prepare
from adapters.email.smime import Signer
from adapters.email.smtp import EmailTransport
from adapters.port import Accepted, Attachment, Content, Envelope
from tests.kit.pki import NOW, PrivateKey, curve_key, intermediate, person, root, rsa_key
from tests.kit.smtp import server_context

ROOT = Path(__file__).resolve().parent.parent
SENDER = "notices@hub.example"
MESSAGES, RUNS = 2000, 5
AUTHORITIES, PHOTO, AT_ONCE = 152, 400_000, 16
CONNECTIONS = (1, 2, 4, 8, 16)
DELAYS = (0.0, 0.005)
"""Seconds a relay takes to answer the content: one that keeps nothing, and one that syncs a disk."""
TRUST = Trust(anchors=(root().certificate,), intermediates=(intermediate().certificate,))
LINE = "{:<66} {:>9.3f} ms {:>8.2f}"


def main() -> None:
    """Measure and print."""
    print(f"load average {os.getloadavg()[0]:.1f} of {os.cpu_count()} processors")
    making()
    asyncio.run(handing_over())
    asyncio.run(circulation())


def making() -> None:
    """From the envelope to the bytes for DATA, beside the bare signature."""
    print(f"{'one notice of 5 KB, processor time':<66} {'':>12} {'ratio':>8}")
    envelopes = [envelope(number) for number in range(MESSAGES // RUNS)]
    for name, key in (("P-256", curve_key("hub")), ("RSA-2048", rsa_key("hub"))):
        signer = signer_of(key)
        bare = least(lambda key=key: [signature(key) for _ in envelopes]) / len(envelopes)
        whole = least(lambda signer=signer: [sealed(one, signer) for one in envelopes]) / len(envelopes)
        print(LINE.format(f"a bare {name} signature", bare * 1000, 1))
        print(LINE.format(f"sealed for its reader, signed with {name}", whole * 1000, whole / bare))
    print()


async def handing_over() -> None:
    """One message after another on each connection: processor time of ours, and messages a second."""
    messages = [sealed(envelope(number), signer_of(curve_key("hub"))) for number in range(MESSAGES // RUNS)]
    base = 0.0
    for name, pipelining in (("step by step", False), ("pipelined", True)):
        async with relay(pipelining=pipelining) as to:
            spent = min([(await hand(messages, to, 1))[1] for _ in range(RUNS)])
        base = base or spent
        print(LINE.format(f"handed over, one connection, {name}: processor time", spent * 1000, spent / base))
    for delay in DELAYS:
        print(
            f"\nconnections to a relay that answers the content after {delay * 1000:.0f} ms: messages/s (processor ms)"
        )
        for name, pipelining in (("step by step", False), ("pipelined", True)):
            found = []
            async with relay(pipelining=pipelining, delay=delay) as to:
                for size in CONNECTIONS:
                    runs = [await hand(messages, to, size) for _ in range(3)]
                    found.append(f"{size}: {1 / min(r[0] for r in runs):5.0f} ({min(r[1] for r in runs) * 1000:.2f})")
            print(f"  {name:<14} " + "   ".join(found))
    print()


async def hand(messages: Sequence[Message], to: Relay, size: int) -> tuple[float, float]:
    """Seconds a message, by the clock and of processor time. Connecting is not counted."""
    pool = Pool(to, size)
    waiting = iter(messages)

    async def one() -> None:
        async with pool.lease("council.example") as connection:
            for message in waiting:
                assert isinstance(await connection.send(message), Accepted)

    for _ in range(size):
        await pool.try_out()
    began, before = time.perf_counter(), time.process_time()
    await asyncio.gather(*(one() for _ in range(size)))
    found = (time.perf_counter() - began) / len(messages), (time.process_time() - before) / len(messages)
    await pool.aclose()
    return found


async def circulation() -> None:
    """One event with a photo to all authorities, through the whole transport."""
    photo = Attachment(name="photo.jpg", media_type="image/jpeg", data=os.urandom(PHOTO))
    envelopes = [envelope(number, photo) for number in range(AUTHORITIES)]
    for name, key in (("P-256", curve_key("hub")), ("RSA-2048", rsa_key("hub"))):
        async with relay(pipelining=True) as to:
            transport = EmailTransport(
                host=to.host, port=to.port, tls_context=to.tls_context, tls="implicit", sender=SENDER,
                mail_domain="hub.example", signer=signer_of(key), trust=TRUST,
            )  # fmt: skip
            runs = [await circulate(transport, envelopes) for _ in range(3)]
            await transport.aclose()
        seconds, spent = min(runs)[0], min(run[1] for run in runs)
        held = sorted(hold for run in runs for hold in run[2])
        print(
            f"- circulation, {AUTHORITIES} with a photo of {PHOTO // 1000} KB, {name}: {seconds:.2f} s, "
            f"{spent / AUTHORITIES * 1000:.1f} ms of processor time each; the event loop was held for "
            f"{held[-1] * 1000:.1f} ms at most, {statistics.quantiles(held, n=100)[98] * 1000:.1f} ms at p99"
        )


async def circulate(transport: EmailTransport, envelopes: Sequence[Envelope]) -> tuple[float, float, list[float]]:
    """Seconds, processor time, and for how long the loop was held each time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(sent: Envelope) -> None:
        async with places:
            assert isinstance(await transport.deliver(sent, NOW), Accepted)

    with probe() as held:
        began, before = time.perf_counter(), time.process_time()
        await asyncio.gather(*(one(sent) for sent in envelopes))
        return time.perf_counter() - began, time.process_time() - before, held


@contextmanager
def probe() -> Iterator[list[float]]:
    """How late the loop comes to what is due every millisecond."""
    loop = asyncio.get_running_loop()
    held: list[float] = []

    def look(due: float) -> None:
        held.append(max(0.0, loop.time() - due))
        nonlocal handle
        again = loop.time() + 0.001
        handle = loop.call_at(again, look, again)

    start = loop.time() + 0.001
    handle = loop.call_at(start, look, start)
    try:
        yield held
    finally:
        handle.cancel()


def envelope(number: int, *attached: Attachment) -> Envelope:
    """About 5 KB of content for one of twenty recipients."""
    recipient = RECIPIENTS[number % len(RECIPIENTS)]
    notice = Attachment(name="notice.json", media_type="application/json", data=b'{"child.sex": "female"}' * 50)
    return Envelope(
        delivery=f"dl_{number}",
        reference="FP-2345-6789",
        address=f"jo{number % len(RECIPIENTS)}@council.example",
        body=Content(
            subject="Missing: a child",
            text="What has happened, and who has to do what about it until when.\n" * 28,
            html="<p>What has happened, and who has to do what about it.</p>\n" * 36,
            attachments=(notice, *attached),
        ),
        receipt_token="abcdefghijklmnopqrstuvwxyz234567",
        certificates=(recipient,),
    )


RECIPIENTS = [person(f"jo{n}@council.example", issuer=intermediate(), key=rsa_key("reader")).der for n in range(20)]
HEAD = Letterhead(sender=SENDER, mail_domain="hub.example", return_path=SENDER, size_limit=10_000_000)


def sealed(one: Envelope, signer: Signer) -> Message:
    message = prepare(one, NOW, HEAD, signer, TRUST)
    assert isinstance(message, Message)
    return message


def signer_of(key: PrivateKey) -> Signer:
    own = person(SENDER, issuer=intermediate(), key=key)
    return Signer(certificate=own.certificate, key=key, chain=(intermediate().certificate,))


def signature(key: PrivateKey) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(b"x", ec.ECDSA(hashes.SHA256()))
    return key.sign(b"x", padding.PKCS1v15(), hashes.SHA256())


def least(step: Callable[[], object]) -> float:
    """Seconds of processor time, of several runs the quickest."""
    times = []
    for _ in range(RUNS):
        before = time.process_time()
        step()
        times.append(time.process_time() - before)
    return min(times)


@asynccontextmanager
async def relay(*, pipelining: bool, delay: float = 0.0) -> AsyncIterator[Relay]:
    """The sink, as a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "pipelining" if pipelining else "-", str(delay)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(await asyncio.to_thread(process.stdout.readline))
            authority = process.stdout.readline().strip()
            context = ssl.create_default_context(cadata=bytes.fromhex(authority))
            yield Relay(
                host="localhost", port=port, tls_context=context, tls="implicit", local_hostname="hub.example",
                timeouts=Timeouts(),
            )  # fmt: skip
        finally:
            process.terminate()


class Sink(asyncio.Protocol):
    """Takes everything, keeps nothing, and answers what comes together together."""

    def __init__(self, extensions: bytes, delay: float) -> None:
        self._extensions = extensions
        self._delay = delay
        self._unread = bytearray()
        self._content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink.example\r\n")

    def data_received(self, data: bytes) -> None:
        seen = max(0, len(self._unread) - 4)
        self._unread += data
        answers = []
        while True:
            mark = b"\r\n.\r\n" if self._content else b"\r\n"
            end = self._unread.find(mark, seen)
            if end < 0:
                break
            verb = bytes(self._unread[:4])
            del self._unread[: end + len(mark)]
            seen = 0
            if self._content:
                self._content = False
                taken = b"250 2.0.0 Ok: queued as 4XYZ12\r\n"
                if self._delay:
                    asyncio.get_running_loop().call_later(self._delay, self._transport.write, taken)
                else:
                    answers.append(taken)
            elif verb == b"EHLO":
                answers.append(b"250-sink.example\r\n" + self._extensions + b"250 SIZE 33554432\r\n")
            elif verb == b"DATA":
                self._content = True
                answers.append(b"354 Go on\r\n")
            else:
                answers.append(b"250 2.0.0 Ok\r\n")
        if answers:
            self._transport.write(b"".join(answers))


async def serve(extensions: bytes, delay: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(extensions, delay), "127.0.0.1", 0, ssl=server_context())
    print(server.sockets[0].getsockname()[1], root().der.hex(), sep="\n", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(serve(b"250-PIPELINING\r\n" if sys.argv[1] == "pipelining" else b"", float(sys.argv[2])))
    else:
        main()
