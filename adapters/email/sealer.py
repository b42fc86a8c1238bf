"""A process that does nothing but seal. Its only way in and out is a socket to the hub that started it, and when that
is closed, as it is by the kernel when the hub dies, it ends. Keys come over that socket too, so that none is on a
command line, in an environment or in a file of its own.
"""

import gc
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from adapters.email.frames import LENGTH, framed, unframed
from adapters.email.prepare import Message
from adapters.email.sealing import Seal
from adapters.email.shared import Shared
from adapters.port import Envelope, Rejected

_TOGETHER: Final = 256 * 1024
"""Bytes of messages from which they go: a mail with a photo alone, those of a batch without one together."""


def main() -> None:
    """Serve the socket that is standard input."""
    # Whoever stops the hub may mean all its processes; what is under way is finished as long as the hub wants it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve(socket.socket(fileno=0), ready=_collect_garbage)


def _collect_garbage() -> None:
    """From now on, and of what came since."""
    gc.freeze()
    gc.enable()


def serve(hub: socket.socket, ready: Callable[[], None] = lambda: None) -> None:
    """Make ready, say so, and seal whatever comes, until the socket is closed."""
    with hub, suppress(EOFError, OSError), ThreadPoolExecutor(1) as sending:
        seal: Seal
        seal, beforehand = _taken(hub)
        for make_ready in beforehand:
            make_ready()
        ready()
        hub.sendall(framed(None))
        while True:
            for made in sealed(seal, _taken(hub)):
                # Beside the next: the socket takes less than one mail with a photo, and the hub reads when it has time.
                sending.submit(_send, hub, framed(made))


def _send(hub: socket.socket, frame: bytes) -> None:
    """Or end: what comes behind one that is missing would be taken for it."""
    try:
        hub.sendall(frame)
    except BaseException:
        with suppress(OSError):
            hub.shutdown(socket.SHUT_RDWR)
        raise


def sealed(seal: Seal, batch: Sequence[tuple[Envelope, datetime]]) -> Iterator[list[tuple[str, Any]]]:
    """The messages of a batch in their order, each with the delivery it is for, some at a time. What they have in
    common is worked out once, and forgotten with it."""
    shared, common = Shared(), dict[Any, Any]()
    with shared.sending():
        made: list[tuple[str, Any]] = []
        for envelope, now in batch:
            made.append((envelope.delivery, _one(seal, envelope, now, shared, common)))
            if sum(_weight(one) for _, one in made) >= _TOGETHER:
                yield made
                made = []
        if made:
            yield made


def _weight(made: Any) -> int:
    return len(made.data) if isinstance(made, Message) else 0


def _one(seal: Seal, envelope: Envelope, now: datetime, shared: Shared, common: dict[Any, Any]) -> Any:
    try:
        return seal.prepare(envelope, now, shared.lines, common)
    except Exception as error:  # one that cannot be sealed must not end the others
        return Rejected(reason="unknown", detail=f"not sealed: {type(error).__name__}", technical=True)


def _taken(hub: socket.socket) -> Any:
    (length,) = LENGTH.unpack(_read(hub, LENGTH.size))
    return unframed(_read(hub, length))


def _read(hub: socket.socket, count: int) -> bytearray:
    data = bytearray(count)
    left = memoryview(data)
    while left:
        came = hub.recv_into(left)
        if not came:
            raise EOFError
        left = left[came:]
    return data
