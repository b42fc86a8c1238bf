"""What deciding costs where as many packs apply as can, and what half a year and more of simulation costs.

Processor time. Other work on the machine makes it longer too, up to twice: so the fastest stands beside the median,
and how often the report could have been copied (in Python as well, and measured in turns), or a bare interpreter
started, in the same time.
"""

import copy
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from contacts.areas import load_areas
from contacts.directory import Directory
from contacts.fictional import fictional_bundle
from hub.core.course import Context, Refused
from hub.core.episode import Episode
from hub.core.events import EpisodeEvent, validate_document
from hub.core.plan import react
from hub.service.ledger import reach
from hub.simulate import simulate
from routing.packs import load_packs
from tests.kit.events import found, parsed, reported, reported_in_full, returned, updated, wire_rules
from tests.kit.fire import ROOT
from tests.kit.scenarios import numbered

TIMES = 300
LONG = {"058": "a year without an end", "053": "three weeks"}
DECIDE_LIMIT, SIMULATE_LIMIT = 0.001, 0.5
LINE = "{:<54} {:>9.3f} ms {:>9.3f} ms {:>8.2f}"
GRAVE = {
    "at_risk": True, "sexual_exploitation_suspected": True, "criminal_exploitation_suspected": True,
    "trafficking_suspected": True, "radicalisation_suspected": True, "risk": {"level": "high"},
}  # fmt: skip
KNOWN = {"care_leaver": True, "child_protection_plan": True, "section_47_enquiry": True, "early_help": True}


def main() -> None:
    """Measure and print."""
    deciding()
    print()
    simulating()


def deciding() -> None:
    """A natural history, event by event: the ordinary report, and one of which nearly every condition holds."""
    print(f"{'decide: react(), by event':<54} {'median':>12} {'fastest':>12} {'copies':>8}")
    for name, report in (("", reported()), ("grave: ", reported_in_full(episode=GRAVE, child=KNOWN))):
        taken = []
        for event, packs, decisions, times, copies in _history(report):
            taken.append((statistics.median(times), min(times), statistics.median(copies)))
            title = f"{name}{event.kind.removeprefix('episode.')}, {packs} packs, {decisions} decisions"
            _line(title, *taken[-1])
        _line(
            f"{name}median of the four (limit {DECIDE_LIMIT * 1000:.0f} ms)",
            *map(statistics.median, zip(*taken, strict=True)),
        )


def _history(report: dict[str, Any]) -> Iterator[tuple[EpisodeEvent, int, int, list[float], list[float]]]:
    """Each event with the packs that apply, the decisions it leads to, and the seconds of deciding and of copying."""
    change = updated(episode={"risk": {"level": "high", "basis": "A threat was made"}, "circumstances": "Seen since"})
    packs, areas, rules = load_packs(), load_areas(), wire_rules()
    directory = Directory.of(fictional_bundle())
    first = parsed(report)
    episode = Episode(ref=first.ref)
    for event in (first, *map(parsed, (change, found(), returned()))):
        context = Context(
            packs=packs,
            areas=areas,
            reach=reach(directory, event.time, episode.doc or event.data),
            now=event.time,
            check=lambda doc: [(p.path, p.message) for p in validate_document(doc, rules)],
        )
        outcomes = react(episode, event, context)
        assert not isinstance(outcomes, Refused)
        times: list[float] = []
        copies: list[float] = []
        for _ in range(TIMES):
            times.append(_seconds(lambda: react(episode, event, context)))  # noqa: B023  # called before the next turn
            copies.append(_seconds(lambda: copy.deepcopy(report)))
        episode = outcomes[-1].episode
        yield event, len(packs.select(episode.doc).packs), len(outcomes[0].decisions), times, copies


def simulating() -> None:
    """The work of a run, once everything is loaded; then the whole command, by the clock and in processor time."""
    bare = statistics.median(_command(["-c", "pass"])[0] for _ in range(5))
    print(f"{'simulate':<54} {'median':>12} {'fastest':>12} {'bare':>8}")
    _line("a bare interpreter, in processor time", bare, bare, bare)
    for number, title in LONG.items():
        scenario = numbered(number)
        decisions = len(simulate(scenario)["decisions"])
        work = [_seconds(lambda: simulate(scenario)) for _ in range(9)]  # noqa: B023  # called before the next turn
        _line(f"{title}: {decisions} decisions, work", statistics.median(work), min(work), bare)
        with tempfile.TemporaryDirectory(prefix="fp-deciding-") as folder:
            file = Path(folder) / "scenario.json"
            file.write_text(json.dumps(scenario), "utf-8")
            runs = [_command(["-m", "hub", "simulate", str(file), "--json"]) for _ in range(5)]
        for said, times in zip(("in processor time", "by the clock"), zip(*runs, strict=True), strict=True):
            _line(f"  the whole command, {said}", statistics.median(times), min(times), bare)
    print(f"limit of the work: {SIMULATE_LIMIT * 1000:.0f} ms")


def _command(arguments: Sequence[str]) -> tuple[float, float]:
    """Seconds of processor time, and by the clock."""
    before, began = os.times(), time.perf_counter()
    # Compiled files are kept, as they are wherever Fingerpost is installed.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True, env=environment)
    seconds, after = time.perf_counter() - began, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, seconds


def _seconds(step: Callable[[], object]) -> float:
    began = time.thread_time()
    step()
    return time.thread_time() - began


def _line(title: str, median: float, fastest: float, base: float) -> None:
    print(LINE.format(title, median * 1000, fastest * 1000, median / base), flush=True)


if __name__ == "__main__":
    main()
