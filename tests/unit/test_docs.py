"""The documentation hangs together: it builds without a warning, and every decision record can be found."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from contacts.areas import load_areas
from contacts.tables import load
from hub.cli.commands import app as cli

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


def commands(text: str) -> Iterator[str]:
    """What a page has its reader type: blocks, and what stands in a line between backticks."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    within = re.findall(r"`(fingerpost [^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for line in (*lines, *within):
        yield from re.findall(r"^(?:\$ )?fingerpost ([a-z].*)", line)


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "security").glob("*.md"))]


def test_each_command_that_the_documentation_names_is_there_with_its_options() -> None:
    found = [(path.name, line) for path in PAGES for line in commands(path.read_text(encoding="utf-8"))]
    assert len(found) > 60
    whole: Any = get_command(cli)
    unknown = []
    for page, line in found:
        command, words = whole, line.partition("#")[0].split()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        asked = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
        # A group alone stands for all that it has; a word behind it that it does not know is a mistake.
        if asked - options or (hasattr(command, "commands") and words and words[0].isalpha()):
            unknown.append((page, line))
    assert unknown == []


def test_the_first_directory_of_the_documentation_can_be_imported() -> None:
    text = (ROOT / "docs" / "directory.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^### A first file$.*?^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    done = load(block.encode(), load_areas(), datetime(2026, 3, 4, 12, 0, tzinfo=UTC))
    assert (done.problems, done.bundle is not None) == ((), True)


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
