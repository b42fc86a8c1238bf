"""Every mutant before the tests: first those that can be tried with everything loaded, then the others, from nothing.

See ``ways`` for the two ways. Which tests a mutant has to face is known from one run of them all (``reach``).
"""

import gc
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from processes import AGAIN, BROKEN, SURVIVED, End, answer, each, in_child
from reach import Reach, measured, measuring, run_all
from report import Mutant, Result
from session import LOADING, OPTIONS, Plugin, limited, run_tests
from sites import mutants, mutated
from ways import change_in_place, compiled, functions, load_changed

OWN = "tests/unit/routing"
"""The tests of the package itself."""
TESTS = (OWN, "tests/unit/core")
Sources = dict[str, str]


@dataclass(frozen=True, slots=True)
class Task:
    """A mutant, and the tests that it has to face, with their seconds."""

    mutant: Mutant
    tests: dict[str, float]


@dataclass(slots=True)
class Work:
    """What became of the mutants tried so far, and those that are left."""

    results: list[Result]
    left: list[Task]
    reach: Reach


def try_all(package: str, sources: Sources, workers: int) -> list[Result]:
    """What becomes of every mutant of these modules. Raises RuntimeError where there are no tests."""
    work = answer(*in_child(lambda: _with_all_loaded(package, sources, workers)))
    if not isinstance(work, Work):
        raise RuntimeError(str(work[1]))
    _from_nothing(work, sources, workers)
    return work.results


def _with_all_loaded(package: str, sources: Sources, workers: int) -> Work:
    """In a process that loads and collects everything once; each mutant's process begins as a copy of it."""
    done: list[Work] = []

    def loop(session: pytest.Session) -> None:
        loading.stop()
        reach = answer(*in_child(lambda: run_all(session, package)))
        reach.loading = measured(loading)
        work = Work([], [], reach)
        done.append(work)
        if reach.failed:
            say(f"these tests fail as they are, so they count for nothing: {', '.join(reach.failed)}")
        known = functions(Path(package).resolve())

        def in_place(task: Task) -> End:
            limited(LOADING)
            try:
                code = _compiled(task.mutant, sources)
            except SyntaxError:
                return BROKEN, "SyntaxError"
            if not change_in_place(code, known):
                return AGAIN, ""
            plugin.chosen = task.tests
            return plugin.run(session.items)

        tasks: list[Task] = []
        for path, source in sources.items():
            for mutant in mutants(path, source):
                lines = {*mutant.statement, *range(mutant.line, mutant.last + 1)}
                task = Task(mutant, reach.in_order(reach.tests(path, lines)))
                (work.left if lines & reach.loading.get(path, {}).keys() else tasks).append(task)
        say(f"{len(tasks)} to be tried with everything loaded, {len(work.left)} from nothing")
        gc.freeze()
        _note(work, tasks, in_place, workers, AGAIN)

    plugin = Plugin({}, loop)
    loading = measuring(package)
    loading.start()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    code = pytest.main([*OPTIONS, *TESTS], plugins=[plugin])
    if not done:
        raise RuntimeError(f"the tests cannot be collected: {code!r}")
    return done[0]


def _from_nothing(work: Work, sources: Sources, workers: int) -> None:
    """First before the tests in the file closest to the module, where most end; then before all the package's own, as
    what is done once, at the beginning, concerns nobody knows whom, and whichever others run the line."""

    def anew(task: Task) -> End:
        limited(LOADING)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        try:
            load_changed(_compiled(task.mutant, sources), task.mutant.path)
        except BaseException as error:  # whatever it is, it does not load
            return BROKEN, type(error).__name__
        return run_tests(task.tests) if task.tests else (SURVIVED, "")

    own = {test for test in work.reach.seconds if test.startswith(f"{OWN}/")}
    reached = {task.mutant: task.tests for task in work.left}

    def closest(path: str) -> set[str]:
        files = Counter(test.partition("::")[0] for test in work.reach.of(path) & own)
        named = f"{OWN}/test_{Path(path).stem}.py"
        file = named if named in files else next((file for file, _ in files.most_common(1)), "")
        return {test for test in own if test.startswith(f"{file}::")}

    first = {path: closest(path) for path in sources}
    tasks, work.left = [replace(task, tests=work.reach.in_order(first[task.mutant.path])) for task in work.left], []
    _note(work, tasks, anew, workers, SURVIVED)
    tasks = [
        replace(task, tests=work.reach.in_order({*own, *reached[task.mutant]} - task.tests.keys()))
        for task in work.left
    ]
    work.left = []
    _note(work, tasks, anew, workers, AGAIN)


def _note(work: Work, tasks: list[Task], way: Callable[[Task], End], workers: int, undecided: str) -> None:
    for number, (task, end) in enumerate(each(tasks, way, workers), 1):
        if end[0] == undecided:
            work.left.append(task)
        else:
            work.results.append(Result(task.mutant, *end))
        if number % 100 == 0 or number == len(tasks):
            counts = Counter(result.outcome for result in work.results)
            say(f"{number} of {len(tasks)}; " + ", ".join(f"{n} {what}" for what, n in counts.most_common()))


def _compiled(mutant: Mutant, sources: Sources) -> object:
    return compiled(mutated(mutant, sources[mutant.path]), str(Path(mutant.path).resolve()))


def say(text: str) -> None:
    """How far it is, to whoever waits."""
    print(f"mutants: {text}", file=sys.stderr, flush=True)
