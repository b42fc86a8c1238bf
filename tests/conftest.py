"""What holds for every test: nothing from outside, the same examples in CI, no silent skips there, and nothing personal
or secret in what is printed or logged."""

import asyncio
import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.spills import spilled

STRICT = os.environ.get("CI") == "true"
LONG = tuple(Path(__file__).parent / name for name in ("acceptance", "browser"))
MEMORY = "/dev/shm"
ENOUGH = 2 * 1024**3
"""Bytes; a run leaves a quarter of that."""

# Before 3.12 get_event_loop makes a loop where none was ever set; pytest-asyncio asks for one at its first test and
# forgets it, and the warning that it was not closed then fails whichever test the garbage collector runs in.
asyncio.set_event_loop(None)

# How long an example takes says something about the machine, not about the code: no deadlines.
# Fewer examples than hypothesis draws by default: there are hundreds of properties, and many runs.
settings.register_profile("local", deadline=None, max_examples=30)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True,
                          suppress_health_check=[HealthCheck.too_slow])  # fmt: skip
settings.load_profile("ci" if STRICT else "local")


def pytest_configure() -> None:
    gc.disable()
    if _has_room(MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", MEMORY)


def _has_room(folder: str) -> bool:
    """Whether ``tmp_path`` may be there: a hub asks for its syncs there too, and waits for no disk. What a process
    wrote before it was killed is there after it, as on a disk."""
    try:
        there = os.statvfs(folder)
    except OSError:
        return False
    return not there.f_flag & os.ST_NOEXEC and there.f_bavail * there.f_frsize >= ENOUGH


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, else one of them comes last and the other workers wait for it."""
    items.sort(key=lambda item: not any(item.path.is_relative_to(folder) for folder in LONG))


def pytest_collection_finish() -> None:
    """What was collected stays to the end. Looked through again and again it takes a tenth of the time of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    gc.enable()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("FINGERPOST_")]:
        monkeypatch.delenv(name)


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if STRICT and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"A skipped test fails where CI=true: {reason}"


def _fail_if_spilled(report: pytest.TestReport) -> None:
    """Whatever a test leaves in the captured output is what the code under it would have logged."""
    if report.when != "teardown" or report.outcome != "passed":
        return
    for title, text in report.sections:
        line = spilled(text)
        if line is not None:
            report.outcome = "failed"
            report.longrepr = f"Personal or secret, and printed or logged ({title}): {line[:200]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report)
    _fail_if_spilled(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report)
    return report
