"""The house rules of the test run itself: with CI=true nothing is skipped silently, and examples are repeatable."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"
SKIPPING = {
    "marked": "import pytest\n@pytest.mark.skip(reason='no tool')\ndef test_it(): pass\n",
    "called": "import pytest\ndef test_it(): pytest.skip('no tool')\n",
    "fixture": "import pytest\n@pytest.fixture\ndef tool(): pytest.skip('no tool')\ndef test_it(tool): pass\n",
    "module": "import pytest\npytest.skip('no tool', allow_module_level=True)\n",
}
SPILLING = {
    "printed": "def test_it(): print('Robin Example is missing')\n",
    "warned": "import sys\ndef test_it(): print('Bearer ' + 'a' * 20, file=sys.stderr)\n",
    "logged": "import logging\ndef test_it(): logging.getLogger('x').warning('+447700900123')\n",
    "at_the_end": "import pytest\n@pytest.fixture\ndef end():\n    yield\n    print('fpt_' + 'a' * 20)\n"
    "def test_it(end): pass\n",
}
PASSING = {
    "expected": "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_it(): assert False\n",
    "settings": "import os\ndef test_it(): assert 'FINGERPOST_DATABASE_URL' not in os.environ\n",
    "examples": "import os, hypothesis\n"
    "def test_it(): assert hypothesis.settings().derandomize == ('CI' in os.environ)\n",
}

Run = Callable[[dict[str, str], str], subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(samples: dict[str, str], ci: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
        (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        for name, text in samples.items():
            (tmp_path / f"test_{name}.py").write_text(text, encoding="utf-8")
        environment = {name: os.environ[name] for name in os.environ if name != "CI" and not name.startswith("PYTEST_")}
        environment |= {"CI": ci} if ci else {}
        environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "FINGERPOST_DATABASE_URL": "sqlite:///mine"}
        environment |= {"PYTHONPATH": str(CONFTEST.parent.parent)}
        command = [sys.executable, "-m", "pytest", "-q", "-rA", "--continue-on-collection-errors"]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_in_ci_every_way_of_skipping_fails(run: Run) -> None:
    said = run(SKIPPING, "true").stdout
    for name in SKIPPING:
        assert re.search(rf"^(FAILED|ERROR) test_{name}.py.* fails where CI=true: .*no tool", said, re.MULTILINE)
    assert "1 failed, 3 errors in" in said.splitlines()[-1]


def test_elsewhere_a_skip_is_only_told_of(run: Run) -> None:
    done = run(SKIPPING, "")
    assert f"{len(SKIPPING)} skipped" in done.stdout
    assert "failed" not in done.stdout and "error" not in done.stdout


def test_what_is_personal_or_secret_is_not_printed_nor_logged_anywhere(run: Run) -> None:
    said = run(SPILLING, "").stdout
    for name in SPILLING:
        assert re.search(rf"^ERROR test_{name}.py.* printed or logged", said, re.MULTILINE), said
    assert f"{len(SPILLING)} passed, {len(SPILLING)} errors in" in said.splitlines()[-1]


@pytest.mark.parametrize("ci", ["true", ""])
def test_expected_failures_the_environment_and_examples(ci: str, run: Run) -> None:
    done = run(PASSING, ci)
    assert done.returncode == 0, done.stdout
    assert "2 passed, 1 xfailed" in done.stdout
