"""The mail server of the load and kill runs, as a process of its own: it outlives every death of the hub.

``python -m tests.kit.fire_sink FOLDER CHAIN.pem`` listens on a free port of 127.0.0.1, over STARTTLS only, and prints
the port. Each mail is appended to ``mails`` and then, as one JSON line, to ``index`` before it is answered with 250:
what a client was promised stands there, and what stands there was all that ever came. It knows nothing of the hub.
"""

import asyncio
import json
import signal
import ssl
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP

LARGEST = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One mail that the sink took, as its index has it."""

    message_id: str
    recipients: tuple[str, ...]
    at: float
    """Seconds since the epoch, by the sink's clock."""
    tls: bool
    start: int
    length: int


class Sink:
    """aiosmtpd's handler."""

    def __init__(self, folder: Path) -> None:
        # Without a buffer: a line is in the kernel's hands, and so safe from any death of ours, when write returns.
        self._mails = (folder / "mails").open("ab", buffering=0)
        self._index = (folder / "index").open("ab", buffering=0)
        self._end = self._mails.seek(0, 2)
        self._parser = BytesHeaderParser()

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        """aiosmtpd calls this for each mail; the name is its own."""
        content = bytes(envelope.content)
        self._mails.write(content)
        line = {
            "message_id": str(self._parser.parsebytes(content)["Message-ID"]),
            "recipients": list(envelope.rcpt_tos),
            "at": time.time(),
            "tls": session.ssl is not None,
            "start": self._end,
            "length": len(content),
        }
        self._end += len(content)
        self._index.write(json.dumps(line).encode() + b"\n")
        return "250 2.0.0 Taken"


def arrivals(folder: Path) -> Iterator[Arrival]:
    """Every mail so far, in the order of arrival."""
    path = folder / "index"
    if path.exists():
        for line in path.read_bytes().splitlines():
            fields = json.loads(line)
            yield Arrival(**{**fields, "recipients": tuple(fields["recipients"])})


def content_of(folder: Path, arrival: Arrival) -> bytes:
    """The mail as it came over the wire."""
    with (folder / "mails").open("rb") as mails:
        mails.seek(arrival.start)
        return mails.read(arrival.length)


async def listen(folder: Path, chain: Path) -> None:
    """Take mail until SIGTERM."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(chain)
    loop = asyncio.get_running_loop()
    sink = Sink(folder)

    def connection() -> SMTP:
        return SMTP(
            sink, hostname="sink.example", data_size_limit=LARGEST, tls_context=tls, require_starttls=True, loop=loop
        )

    server = await loop.create_server(connection, "127.0.0.1", 0)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(listen(Path(sys.argv[1]), Path(sys.argv[2])))
