"""A process for each piece of work, a few at a time: nothing that a mutant does outlives it."""

import os
import pickle
import select
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

SURVIVED, KILLED, TIMEOUT, BROKEN, ERROR = "survived", "killed", "timeout", "broken", "error"
AGAIN = "again"
"""This way does not tell: another one has to be tried."""
End = tuple[str, str]
"""What became of a mutant, and what brought it about: a test, an exception."""
Task = TypeVar("Task")


def in_child(work: Callable[[], Any]) -> tuple[int, int]:
    """Do it in a process of its own, which puts what came of it into a pipe: (process, pipe)."""
    sys.stdout.flush()
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        try:
            said = work()
        except BaseException:  # whatever it is, the parent has to hear of it
            said = ERROR, traceback.format_exc()
        with os.fdopen(writing, "wb") as stream:
            pickle.dump(said, stream)
    finally:
        os._exit(0)


def answer(process: int, pipe: int) -> Any:
    """What the child said; if it died instead, of what, as an End."""
    with os.fdopen(pipe, "rb") as stream:
        said = stream.read()
    _, status = os.waitpid(process, 0)
    if said:
        return pickle.loads(said)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        return TIMEOUT, ""
    return ERROR, f"ended with status {status}"


def each(tasks: Iterable[Task], work: Callable[[Task], End], workers: int) -> Iterator[tuple[Task, End]]:
    """Do all of them, ``workers`` at a time; yields each with its end, as it comes."""
    left = iter(tasks)
    running: dict[int, tuple[int, Task]] = {}
    while True:
        while len(running) < workers and (task := next(left, None)) is not None:
            process, pipe = in_child(partial(work, task))
            running[pipe] = process, task
        if not running:
            return
        for pipe in select.select(list(running), [], [])[0]:
            process, task = running.pop(pipe)
            yield task, answer(process, pipe)
