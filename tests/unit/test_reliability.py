"""docs/reliability.md says what the tests show: every test it names exists, and nothing they break is left out."""

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from hub.core.completeness import LACKS, MEANING, OUTSIDE
from tests.integration.delivery.test_faults import ON_THE_WAY, POINTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<fault>.+?) \| `(?P<test>tests/[^`]+)` \| (?P<lost>\S+) \| (?P<twice>.+?) \| (?P<told>.+?) \|$", re.M
)
ROWS = [found.groupdict() for found in ROW.finditer(PAGE)]


def with_and_without(names: Iterable[str]) -> frozenset[str]:
    """Tests as pytest calls them, with and without their parameters."""
    return frozenset(form for name in names for form in (name, name.partition("[")[0]))


def collected_of(files: Sequence[str]) -> frozenset[str]:
    """Every test of these files, by asking pytest anew."""
    command = [sys.executable, "-m", "pytest", "-o", "addopts=--import-mode=importlib", "--collect-only", "-q", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return with_and_without(line for line in done.stdout.splitlines() if "::" in line)


def test_every_test_that_the_page_names_exists(request: pytest.FixtureRequest) -> None:
    assert len(ROWS) > 40
    named = {row["test"] for row in ROWS}
    # In a run of everything they have been collected already; asking anew takes seconds.
    missing = named - with_and_without(item.nodeid for item in request.session.items)
    assert not missing or not missing - collected_of(sorted({name.partition("::")[0] for name in missing}))


def test_nothing_is_lost_and_somebody_is_told_in_every_row() -> None:
    assert {row["lost"] for row in ROWS} == {"0"}
    assert {row["twice"] for row in ROWS} == {"0", "1", "1 a kill"}
    assert all(row["told"].strip() for row in ROWS)


def test_every_fault_and_every_point_of_the_way_is_a_row() -> None:
    named = {row["test"].partition("[")[2].rstrip("]") for row in ROWS}
    assert set(ON_THE_WAY) <= named
    assert set(POINTS) <= named
    for number, point in enumerate(POINTS, start=1):
        assert f"| {number} `{point}` |" in PAGE
        assert any(row["fault"] == f"`SIGKILL` at point {number}" and f"[{point}]" in row["test"] for row in ROWS)


def test_what_the_hub_says_about_itself_is_current() -> None:
    for what in LACKS:
        kind = "stalled" if what in OUTSIDE else "incomplete"
        assert f"| `{kind}` | `{what}` | {MEANING[what]} |" in PAGE
