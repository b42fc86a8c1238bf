"""Pytest inside the processes of mutants: only the chosen tests, quick ones first, each with a limit of time."""

import resource
import signal
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import Phase, settings
from processes import ERROR, KILLED, SURVIVED, TIMEOUT, End

OPTIONS = ("-q", "-s", "-x", "--no-header", "--tb=no", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider",
           "-W", "ignore::pytest.PytestAssertRewriteWarning")  # fmt: skip
MEMORY = 4 << 30  # bytes: a mutant that wants all there is fails by itself, and not the machine
LOADING = 60  # seconds
GRACE = 5  # seconds of processor time for a test, and as many times what it takes otherwise
BUSY = 20  # as much longer may it take by the clock on the wall: other work goes on here
HANGS = 3  # so many tests may hang before the rest is not asked any more


class Hung(BaseException):
    """A test took too long."""


def limited(seconds: float, *, hang: bool = False) -> None:
    """From now on: after so many seconds of processor time Hung is raised, if ``hang``; after BUSY times as many by
    the clock the process ends by SIGALRM, wherever it is (no handler would be called before ``10 ** 10 ** 10`` is
    worked out)."""
    if hang:
        signal.signal(signal.SIGPROF, _hang)
        signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(round(seconds * BUSY) if hang else round(seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _hang(*_: Any) -> None:
    raise Hung


class Plugin:
    """``loop`` takes the place of running what was collected."""

    def __init__(self, chosen: Mapping[str, float], loop: Callable[[pytest.Session], None] | None = None) -> None:
        self.chosen, self.loop = chosen, loop
        self.failed = ""
        self.hung: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        # that a test fails is enough: how small an example can be made interests nobody here
        settings.register_profile("mutants", settings.default, phases=(Phase.explicit, Phase.generate))
        settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if self.loop is not None:
            self.loop(session)
        else:
            self.run(session.items)
        return True

    def run(self, items: list[pytest.Item]) -> End:
        """The chosen of these, in the order chosen, until one fails. One that hangs is passed over: that says nothing,
        but another may fail."""
        here = {item.nodeid: item for item in items}
        queue = [here[test] for test in self.chosen if test in here]
        for item, following in zip(queue, [*queue[1:], None], strict=False):
            limited(GRACE + GRACE * self.chosen[item.nodeid], hang=True)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            signal.setitimer(signal.ITIMER_PROF, 0)
            if self.failed or len(self.hung) == HANGS:
                break
        return self.end()

    def end(self) -> End:
        """What became of the mutant."""
        if self.failed:
            return KILLED, self.failed
        return (TIMEOUT, self.hung[0]) if self.hung else (SURVIVED, "")

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo is not None and call.excinfo.errisinstance(Hung):
            self.hung.append(item.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed and report.nodeid not in self.hung:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = f"{report.nodeid}, as it is loaded"


def run_tests(chosen: Mapping[str, float]) -> End:
    """Collect and run these tests (id -> seconds), until one fails."""
    plugin = Plugin(chosen)
    code = pytest.main([*OPTIONS, *dict.fromkeys(test.partition("::")[0] for test in chosen)], plugins=[plugin])
    if plugin.end()[0] != SURVIVED or code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return plugin.end()
    return ERROR, f"pytest ended with {code}"
