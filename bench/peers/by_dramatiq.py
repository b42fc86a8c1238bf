"""dramatiq, as one of its applications."""

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from bench.peers.sending import facts_of, send

dramatiq.set_broker(RedisBroker(url=os.environ["BENCH_BROKER"]))


@dramatiq.actor(queue_name="notices")
def notify(facts: dict[str, Any]) -> None:
    send(facts)


def put(count: int) -> None:
    """So many notices into the queue."""
    for number in range(count):
        notify.send(facts_of(number))
