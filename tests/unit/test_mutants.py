"""``make mutants`` judges the tests of routing/, so its own judgement is tested: what counts as killed, and how a
mutant comes about without a file being touched."""

import importlib
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "scripts" / "mutants"


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Loads one of the scripts' modules; afterwards none of them is left."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(FOLDER) in str(sys.modules[name].__file__):
            del sys.modules[name]


def results(report: ModuleType, **counts: int) -> list[Any]:
    return [
        report.Result(
            report.Mutant(path="routing/x.py", operator="core/AddNot", occurrence=n, line=2, last=2, function="f",
                          statement=(2,)),
            outcome, "",
        )
        for outcome, number in counts.items()
        for n in range(number)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "rate", "enough"),
    [
        ({"killed": 85, "survived": 15}, 85, True),
        ({"killed": 84, "survived": 16}, 84, False),
        ({"killed": 84, "timeout": 16}, 84, False),
        ({"killed": 84, "error": 16}, 84, False),
        ({"killed": 84, "survived": 16, "broken": 100}, 84, False),
        ({"broken": 100}, 0, False),
    ],
)
def test_only_what_a_test_fails_on_is_killed(module: Any, counts: dict[str, int], rate: float, enough: bool) -> None:
    report = module("report")
    found = results(report, **counts)
    assert (report.rate(found), report.enough(found)) == (rate, enough)


def test_the_list_names_everything_that_lives_with_its_change(module: Any) -> None:
    report = module("report")
    found = results(report, killed=1, broken=1, survived=1, timeout=1, error=1)
    source, changed = "def f(x):\n    return x\n", "def f(x):\n    return not x\n"
    text = report.survivors(found, {"routing/x.py": source}, lambda mutant, source: changed)
    assert "| routing/x.py | 5 | 1 | 1 | 1 | 1 | 1 | 25.0 |\n| all | 5 | 1 | 1 | 1 | 1 | 1 | 25.0 |\n" in text
    change = "\n\n```diff\n-    return x\n+    return not x\n```\n"
    for end in ("", ": timeout", ": error"):
        assert text.count(f"\nline 2, `f`, AddNot{end}{change}") == 1


def test_a_process_that_hangs_or_dies_is_not_a_kill() -> None:
    script = """
        import os, signal, time
        from processes import each

        def work(task):
            match task:
                case "hangs":
                    signal.alarm(1)
                    time.sleep(60)
                case "dies":
                    os._exit(3)
                case "raises":
                    raise ValueError("no")
            return "killed", task

        for task, (outcome, _) in sorted(each(["fails", "hangs", "dies", "raises"], work, 2)):
            print(task, outcome)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True, timeout=50)
    assert done.stdout.split("\n") == ["dies error", "fails killed", "hangs timeout", "raises error", ""]


MADE_UP = """
from functools import cached_property, lru_cache

class Value:
    @property
    def short(self):
        return 1 < 2

@lru_cache
def cached(x):
    return x < 2

def outer(y):
    return lambda x: x < y

kept = outer(2)
"""


def test_functions_change_in_place_behind_decorators_and_in_closures(module: Any, tmp_path: Path) -> None:
    ways = module("ways")
    path = tmp_path / "made_up.py"
    space: dict[str, Any] = {}
    exec(compile(MADE_UP, str(path), "exec"), space)
    assert (space["Value"]().short, space["cached"](2), space["kept"](2)) == (True, False, False)
    known = ways.functions(tmp_path)
    assert ways.change_in_place(ways.compiled(MADE_UP.replace("<", "<="), str(path)), known)
    space["cached"].cache_clear()
    assert (space["Value"]().short, space["cached"](2), space["kept"](2)) == (True, True, True)
    assert not ways.change_in_place(ways.compiled(MADE_UP.replace("x < y", "x < 2"), str(path)), known)
    assert not path.exists()


def test_a_module_is_loaded_changed_and_its_file_is_left_alone(
    module: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = module("ways")
    path = tmp_path / "made_up_module.py"
    path.write_text("LIMIT = 1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    ways.load_changed(ways.compiled("LIMIT = 2\n", str(path)), "made_up_module.py")
    assert sys.modules.pop("made_up_module").LIMIT == 2
    assert path.read_text(encoding="utf-8") == "LIMIT = 1\n"
    with pytest.raises(ZeroDivisionError):
        ways.load_changed(ways.compiled("LIMIT = 1 // 0\n", str(path)), "made_up_module.py")
