"""The mail server of the measurements, as a process of its own: it takes whatever comes, as fast as it can, and counts.

``python bench/sink.py FOLDER [CHAIN.pem]`` listens on a free port of 127.0.0.1, in clear, or with a chain over TLS from
the first byte, and prints the port. For each mail it appends to ``arrivals``, before its ``250``, the instant (seconds
since the epoch) and the size (bytes) as two doubles; the first few mails are kept whole, for whoever wants to look.

It is the same for everybody who is measured: it pipelines (RFC 2920), takes DSN parameters, and does not check what it
is told, so that what is measured is the client. It knows nothing of the hub and needs nothing but Python.
"""

import asyncio
import os
import signal
import ssl
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ARRIVAL: Final = struct.Struct("dd")
KEPT: Final = 20
"""Mails that are kept whole."""
EXTENSIONS: Final = ("PIPELINING", "8BITMIME", "SIZE 33554432", "DSN", "ENHANCEDSTATUSCODES")
END: Final = b"\r\n.\r\n"
GREETING: Final = b"220 sink.example ESMTP\r\n"
EHLO: Final = b"".join(
    f"250{'-' if number < len(EXTENSIONS) else ' '}{word}\r\n".encode()
    for number, word in enumerate(("sink.example", *EXTENSIONS))
)
OK: Final = b"250 2.0.0 Ok\r\n"
GO_ON: Final = b"354 Go on\r\n"


class Book:
    """What came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Without a buffer: whoever watches sees each at once.
        self._arrivals = (folder / "arrivals").open("ab", buffering=0)
        self._count = 0

    def take(self, mail: bytes) -> None:
        """``mail`` as it came over the wire, dots doubled."""
        self._count += 1
        if self._count <= KEPT:
            (self._folder / f"mail-{self._count}").write_bytes(mail)
        self._arrivals.write(ARRIVAL.pack(time.time(), len(mail)))

    def close(self) -> None:
        self._arrivals.close()


class Session(asyncio.Protocol):
    """One client."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._waiting = bytearray()
        self._looked = 0
        self._content = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(GREETING)

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        said: list[bytes] = []
        while self._mail(said) if self._content else self._line(said):
            pass
        if said and self._transport is not None:
            self._transport.write(b"".join(said))

    def _mail(self, said: list[bytes]) -> bool:
        end = self._waiting.find(END, max(self._looked - len(END), 0))
        if end < 0:
            self._looked = len(self._waiting)
            return False
        self._book.take(bytes(self._waiting[: end + 2]))
        del self._waiting[: end + len(END)]
        self._content, self._looked = False, 0
        said.append(OK)
        return True

    def _line(self, said: list[bytes]) -> bool:
        end = self._waiting.find(b"\r\n")
        if end < 0:
            return False
        verb = bytes(self._waiting[:4]).upper()
        del self._waiting[: end + 2]
        if verb == b"DATA":
            self._content = True
            said.append(GO_ON)
        elif verb == b"EHLO":
            said.append(EHLO)
        elif verb == b"QUIT":
            said.append(b"221 2.0.0 Bye\r\n")
        else:
            said.append(OK)
        return True


def arrivals(folder: Path) -> Sequence[tuple[float, float]]:
    """Instant and size of every mail so far, in order."""
    path = folder / "arrivals"
    data = path.read_bytes() if path.exists() else b""
    return list(ARRIVAL.iter_unpack(data[: len(data) // ARRIVAL.size * ARRIVAL.size]))


def count(folder: Path) -> int:
    """How many came so far."""
    path = folder / "arrivals"
    return os.stat(path).st_size // ARRIVAL.size if path.exists() else 0


async def listen(folder: Path, chain: str | None) -> None:
    """Take mail until SIGTERM."""
    tls = None
    if chain is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(chain)
    book, loop, stop = Book(folder), asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: Session(book), "127.0.0.1", 0, ssl=tls, backlog=1024)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()
    book.close()


if __name__ == "__main__":
    asyncio.run(listen(Path(sys.argv[1]), sys.argv[2] if sys.argv[2:] else None))
