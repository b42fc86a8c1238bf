"""Celery, as one of its applications."""

import os
from typing import Any

from celery import Celery

from bench.peers.sending import facts_of, send

app = Celery("notices", broker=os.environ["BENCH_BROKER"])
if os.environ.get("BENCH_LATE"):
    app.conf.update(task_acks_late=True)


@app.task(name="notify", ignore_result=True)
def notify(facts: dict[str, Any]) -> None:
    send(facts)


def put(count: int) -> None:
    """So many notices into the queue."""
    for number in range(count):
        notify.delay(facts_of(number))
