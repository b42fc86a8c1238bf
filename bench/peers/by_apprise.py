"""Apprise, as a program that tells people by mail. It has no queue, and signs and seals nothing; two processes share
the work."""

import time
from concurrent.futures import ProcessPoolExecutor

import apprise
from apprise.attachment.memory import AttachMemory

from bench.peers.sending import HOST, PORT, SAMPLE, SENDER, facts_of

PROCESSES = 2


def tell(numbers: range) -> int:
    """How many it said that it sent."""
    sent = 0
    for number in numbers:
        subject, _, page = SAMPLE.rendered(facts_of(number))
        # One for each reader, as each has an address of their own; to the same one it would wait 5.5 s between two.
        told = apprise.Apprise()
        assert told.add(f"mailto://{HOST}:{PORT}?from={SENDER}&to={SAMPLE.address}&format=html")
        attached = AttachMemory(content=SAMPLE.document, name="notice.json", mimetype="application/json")
        sent += bool(
            told.notify(
                title=subject,
                body=page,
                body_format=apprise.NotifyFormat.HTML,
                attach=apprise.AppriseAttachment(attached),
            )
        )
    return sent


def put(count: int) -> None:
    """Send so many."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        sent = sum(pool.map(tell, [range(first, count, PROCESSES) for first in range(PROCESSES)]))
    time.sleep(1)  # so that whoever watches sees what its processes spent
    assert sent == count, f"it says that it sent {sent} of {count}"
