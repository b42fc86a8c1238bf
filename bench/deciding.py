"""What deciding costs where as many packs apply as can, and what half a year and more of simulation costs.

Processor time, so that other work on the machine hardly counts; and beside it, how often the same run could have read
the report from its JSON, or started a bare interpreter, in that time.
"""

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
from tests.kit.events import found, parsed, raw, reported, reported_in_full, returned, updated, wire_rules
from tests.kit.fire import ROOT
from tests.kit.scenarios import numbered

TIMES = 300
LONG = {"058": "a year without an end", "053": "a short one, for comparison"}
DECIDE_LIMIT, SIMULATE_LIMIT = 0.001, 0.5
LINE = "{:<58} {:>9.3f} ms {:>8.2f}"
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
    body = raw(reported())
    reading = _median(lambda: json.loads(body), TIMES)
    print(f"{'decide: react(), by event':<58} {'median':>12} {'readings':>10}")
    print(LINE.format("reading the JSON of the report", reading * 1000, 1.0))
    for name, report in (("", reported()), ("grave: ", reported_in_full(episode=GRAVE, child=KNOWN))):
        costs = []
        for event, packs, decisions, seconds in _history(report):
            costs.append(seconds)
            title = f"{name}{event.kind.removeprefix('episode.')}, {packs} packs, {decisions} decisions"
            print(LINE.format(title, seconds * 1000, seconds / reading))
        print(
            LINE.format(
                f"{name}the median of the four", statistics.median(costs) * 1000, statistics.median(costs) / reading
            )
            + f"  (limit {DECIDE_LIMIT * 1000:.0f} ms)"
        )


def _history(report: dict[str, Any]) -> Iterator[tuple[EpisodeEvent, int, int, float]]:
    """Each event with the packs that apply, the decisions it leads to, and the seconds of deciding."""
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
        seconds = _median(lambda: react(episode, event, context), TIMES)  # noqa: B023  # called before the next turn
        episode = outcomes[-1].episode
        yield event, len(packs.select(episode.doc).packs), len(outcomes[0].decisions), seconds


def simulating() -> None:
    """The work of a run, once everything is loaded; then the whole command, by the clock and in processor time."""
    bare = statistics.median(_command(["-c", "pass"])[0] for _ in range(5))
    print(f"{'simulate':<58} {'median':>12} {'bare':>10}")
    print(LINE.format("a bare interpreter, in processor time", bare * 1000, 1.0))
    for number, title in LONG.items():
        scenario = numbered(number)
        decisions = len(simulate(scenario)["decisions"])
        work = _median(lambda: simulate(scenario), 7)  # noqa: B023  # called before the next turn
        limit = f"  (limit {SIMULATE_LIMIT * 1000:.0f} ms)" if work > SIMULATE_LIMIT / 10 else ""
        print(LINE.format(f"{title}: {decisions} decisions, work alone", work * 1000, work / bare) + limit)
        with tempfile.TemporaryDirectory(prefix="fp-deciding-") as folder:
            file = Path(folder) / "scenario.json"
            file.write_text(json.dumps(scenario), "utf-8")
            runs = [_command(["-m", "hub", "simulate", str(file), "--json"]) for _ in range(5)]
        cpu, wall = (statistics.median(times) for times in zip(*runs, strict=True))
        print(LINE.format("the same by the command line, in processor time", cpu * 1000, cpu / bare))
        print(LINE.format("and by the clock", wall * 1000, wall / bare))


def _command(arguments: Sequence[str]) -> tuple[float, float]:
    """Seconds of processor time, and by the clock."""
    before, began = os.times(), time.perf_counter()
    # Compiled files are kept, as they are wherever Fingerpost is installed.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True, env=environment)
    seconds, after = time.perf_counter() - began, os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, seconds


def _median(step: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        began = time.thread_time()
        step()
        found.append(time.thread_time() - began)
    return statistics.median(found)


if __name__ == "__main__":
    main()
