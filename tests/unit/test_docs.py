"""The documentation hangs together: it builds without a warning, and every decision record can be found."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))


def nav_files(entry: object) -> list[str]:
    match entry:
        case str():
            return [entry]
        case list():
            return [file for item in entry for file in nav_files(item)]
        case dict():
            return [file for item in entry.values() for file in nav_files(item)]
        case _:
            raise AssertionError(f"odd navigation entry: {entry!r}")


LOADED = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"'](?:https?:)?//", re.IGNORECASE)


def test_the_site_builds_without_a_warning_and_loads_nothing_from_outside(tmp_path: Path) -> None:
    # Not --quiet: mkdocs counts only those warnings that it would print.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) >= len(RECORDS)
    assert [page.name for page in pages if LOADED.search(page.read_text(encoding="utf-8"))] == []


def test_decision_records_are_numbered_without_holes() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_each_decision_record_is_listed_and_in_shape(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# {path.name[:4]}: \S", text)
    assert re.search(r"^Status: (accepted|replaced by \d{4})\. \d{4}-\d\d-\d\d\.$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Why it came up", "What was decided", "What follows"]
    index = (ROOT / "docs" / "adr" / "index.md").read_text(encoding="utf-8")
    assert f"({path.name})" in index
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert f"adr/{path.name}" in nav_files(nav)


def test_no_path_that_is_an_authority_is_left_to_the_proxys_log() -> None:
    routes = (path.read_text(encoding="utf-8") for path in (ROOT / "hub" / "web").rglob("*.py"))
    authorities = {f"`{found}`" for text in routes for found in re.findall(r'"(/[a-z]+/)\{token\}', text)}
    assert {"`/a/`", "`/c/`"} <= authorities
    said = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    sentence = said[said.index("Do not let the proxy log") :]
    assert authorities <= set(re.findall(r"`[^`]+`", sentence[: sentence.index(":")]))
