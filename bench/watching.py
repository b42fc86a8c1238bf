"""Watching somebody send: how fast the mail comes in, and what processor time they spend on it."""

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import sink
from bench.hubs import Sink

PAUSE: Final = 0.005
PATIENCE: Final = 300.0
TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One burst, after its warm-up."""

    notices: int
    seconds: float
    """From the last mail of the warm-up to the end of the last one."""
    processor: float
    """Seconds of the senders' processor time, their servers' not."""
    servers: float = 0.0
    """Seconds of the processor time of the broker or database they need, where it is a process of its own."""

    @property
    def rate(self) -> float:
        """Notices a second."""
        return self.notices / self.seconds


def watched(
    mail: Sink,
    *,
    total: int,
    warm: int,
    senders: Callable[[], Collection[int]],
    servers: Callable[[], Collection[int]] = tuple,
    done: Callable[[], bool] = lambda: True,
    alive: Callable[[], bool] = lambda: True,
) -> Run:
    """Wait until ``total`` mails came and ``done``; the first ``warm`` do not count. ``senders``: their process ids."""
    end = time.monotonic() + PATIENCE
    while (count := mail.count) < warm:
        _still(end, alive, count)
        time.sleep(PAUSE)
    began, spent, served = count, processor(senders()), processor(servers())
    while (count := mail.count) < total:
        _still(end, alive, count)
        time.sleep(PAUSE)
    while not done():
        _still(end, alive, count)
        time.sleep(PAUSE)
    over = time.time()
    spent, served = processor(senders()) - spent, processor(servers()) - served
    times = [at for at, _ in sink.arrivals(mail.folder)]
    share = (total - warm) / (total - began)
    return Run(notices=total - warm, seconds=over - times[warm - 1], processor=spent * share, servers=served * share)


def rounds(most: int, seconds: float) -> Iterator[int]:
    """As many rounds as ``most``, or as fit into the time: at least one, and none that would probably end later."""
    began = before = time.monotonic()
    longest = 0.0
    for number in range(most):
        yield number
        now = time.monotonic()
        longest, before = max(longest, now - before), now
        if number + 1 < most and now + longest > began + seconds:
            print(f"  {number + 1} of {most} rounds: another would take longer than there is time for", flush=True)
            return


def family(root: int) -> list[int]:
    """A process and all that it started."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            fields = _stat(int(entry.name))
            if fields:
                parents[int(entry.name)] = int(fields[1])
    found = [root]
    for one in found:
        found += [pid for pid, parent in parents.items() if parent == one]
    return found


def processor(pids: Iterable[int]) -> float:
    """Seconds of processor time so far, all threads, and of children that ended (proc(5), stat: utime to cstime)."""
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _stat(pid))) / TICK


def _stat(pid: int) -> list[str]:
    """The fields after the name, none if the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def _still(end: float, alive: Callable[[], bool], count: int) -> None:
    if not alive():
        raise RuntimeError(f"it ended after {count} mails")
    if time.monotonic() > end:
        raise TimeoutError(f"only {count} mails came")
