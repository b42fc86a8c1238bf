"""Pytest inside the processes of mutants: only the chosen tests, quick ones first, each with a limit of time."""

import resource
import signal
from collections.abc import Callable, Mapping

import pytest
from hypothesis import Phase, settings
from processes import ERROR, KILLED, SURVIVED, End

OPTIONS = ("-q", "-s", "-x", "--no-header", "--tb=no", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider",
           "-W", "ignore::pytest.PytestAssertRewriteWarning")  # fmt: skip
MEMORY = 4 << 30  # bytes: a mutant that wants all there is fails by itself, and not the machine
LOADING = 60  # seconds
GRACE = 10  # seconds, and as many times what the test takes otherwise: other work goes on here


def limited(seconds: float) -> None:
    """What takes longer ends the process with SIGALRM, wherever it is: a handler would have to wait until
    ``10 ** 10 ** 10`` is worked out. Anew at each call."""
    signal.alarm(round(seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


class Plugin:
    """``loop`` takes the place of running what was collected."""

    def __init__(self, chosen: Mapping[str, float], loop: Callable[[pytest.Session], None] | None = None) -> None:
        self.chosen, self.loop = chosen, loop
        self.failed = ""

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
            session.testsfailed += bool(self.failed)
        return True

    def run(self, items: list[pytest.Item]) -> None:
        """The chosen of these, until one fails. In ``chosen``'s order: a sum of seconds tells which are worth it."""
        here = {item.nodeid: item for item in items}
        queue = [here[test] for test in self.chosen if test in here]
        for item, following in zip(queue, [*queue[1:], None], strict=False):
            limited(GRACE + GRACE * self.chosen[item.nodeid])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = f"{report.nodeid}, as it is loaded"


def run_tests(chosen: Mapping[str, float]) -> End:
    """Collect and run these tests (id -> seconds), until one fails."""
    plugin = Plugin(chosen)
    code = pytest.main([*OPTIONS, *dict.fromkeys(test.partition("::")[0] for test in chosen)], plugins=[plugin])
    if plugin.failed:
        return KILLED, plugin.failed
    return (SURVIVED, "") if code == pytest.ExitCode.OK else (ERROR, f"pytest ended with {code}")
