"""Which tests run which line, and how long each takes: one run of them all on the code as it is."""

import gc
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from time import process_time

import coverage
import pytest

Lines = Mapping[str, Mapping[int, list[str]]]
"""Module -> line -> the contexts it ran in."""
ENOUGH = 10  # seconds of tests for a mutant: what the quick ones let live is taken to live
LRU = type(lru_cache(len))


@dataclass(slots=True)
class Reach:
    """What a run showed."""

    seconds: dict[str, float]
    """Test -> the processor time it took, of those that pass."""
    lines: Lines
    """Module -> line -> the tests that run it."""
    failed: list[str]
    loading: Lines = field(default_factory=dict)
    """Module -> the lines that run while modules, tests among them, are loaded."""

    def tests(self, path: str, lines: Iterable[int]) -> set[str]:
        """The tests that run any of these lines."""
        return {test for line in lines for test in self.lines.get(path, {}).get(line, ()) if test in self.seconds}

    def of(self, path: str) -> set[str]:
        """The tests that run any line of a module."""
        return self.tests(path, self.lines.get(path, {}))

    def in_order(self, tests: Iterable[str]) -> dict[str, float]:
        """With their seconds, quick ones first, as many as ten seconds are enough for."""
        chosen, spent = {}, 0.0
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            spent += self.seconds[test]
            if spent > ENOUGH:
                break
            chosen[test] = self.seconds[test]
        return chosen


def measuring(package: str) -> coverage.Coverage:
    """What notes the lines of a package as they run."""
    return coverage.Coverage(data_file=None, include=[f"{package}/*"], config_file=False)


def measured(measure: coverage.Coverage) -> Lines:
    """What it noted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it was loaded before it was measured
        data = measure.get_data()
    return {
        str(Path(file).relative_to(Path.cwd())): dict(data.contexts_by_lineno(file)) for file in data.measured_files()
    }


def run_all(session: pytest.Session, package: str) -> Reach:
    """Run everything that was collected, and see."""
    reports: list[pytest.TestReport] = []
    session.config.pluginmanager.register(_Reports(reports))
    caches = [found for found in gc.get_objects() if isinstance(found, LRU) and found.cache_parameters()["maxsize"]]
    seconds = {}
    measure = measuring(package)
    measure.start()
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        for cache in caches:  # or the first test alone would seem to run what many need
            cache.cache_clear()
        measure.switch_context(item.nodeid)
        start = process_time()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        seconds[item.nodeid] = round(process_time() - start, 3)
    measure.stop()
    failed = list(dict.fromkeys(report.nodeid for report in reports if report.failed))
    return Reach({test: taken for test, taken in seconds.items() if test not in failed}, measured(measure), failed)


class _Reports:
    def __init__(self, reports: list[pytest.TestReport]) -> None:
        self.reports = reports

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.reports.append(report)
