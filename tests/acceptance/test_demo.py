"""``fingerpost demo`` as a user runs it: in a process of its own, with real HTTP, SMTP, SQLite and openssl."""

import io
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hub.demo import events
from hub.demo.case import CHILD, EXPECTED, WITHHELD
from hub.demo.run import play
from hub.demo.world import Keyrings
from tests.kit.commands import run
from tests.kit.logs import logs_as_before

ROOT = Path(__file__).parent.parent.parent
MAILS = sum(len(readers) for readers in EXPECTED.values())
DEMO = ("-m", "hub", "demo")
LONGEST = 90
"""Seconds; it takes a tenth of that on a machine with nothing else to do."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Everything temporary goes where it can be looked at afterwards."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    return os.environ | {"TMPDIR": str(temporary), "COLUMNS": "110", "PYTHONUNBUFFERED": "1"}


def test_once_ends_well_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    status, said, errors = run({}, "demo", "--once", columns=110)
    assert status == 0, said + errors
    assert errors == ""
    assert f"Everything was as it should be: {MAILS} mails" in said
    assert said.count("opened, verified") == MAILS
    assert f"withheld   {WITHHELD}" in said
    assert "The notice is now acknowledged." in said
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def standing(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo that does not end by itself; ended, whatever becomes of the test."""
    command = [sys.executable, "-W", "error", *DEMO]
    with (
        (tmp_path / "errors").open("wb") as errors,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        watchdog = threading.Timer(LONGEST, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def test_without_once_it_stays_to_be_looked_at(
    standing: subprocess.Popen[str], environment: dict[str, str], tmp_path: Path
) -> None:
    lines = iter(standing.stdout or ())
    found = (re.search(r"See the whole episode at (http://127\.0\.0\.1:\d+/)", line) for line in lines)
    url = next((match[1] for match in found if match), None)
    assert url is not None, "it ended without saying where to look"
    with urllib.request.urlopen(url, timeout=10) as page:
        assert page.status == 200
        assert page.headers["Cache-Control"] == "no-store"
        text = page.read().decode()
    assert "police" in text and "withheld" in text and "acknowledged" in text
    # The folder with the ledger, the keys and every mailbox is there only while it runs.
    assert len(list(Path(environment["TMPDIR"]).iterdir())) == 1
    standing.send_signal(signal.SIGINT)
    assert standing.wait(timeout=20) == 0
    assert "Stopped." in "".join(lines)
    assert (tmp_path / "errors").read_text() == ""
    assert list(Path(environment["TMPDIR"]).iterdir()) == []


def in_this_process() -> tuple[int, str]:
    """Status and what was said; a process of its own takes a second to start."""
    said = io.StringIO()
    with logs_as_before():
        status = play(Console(file=said, highlight=False, width=110), once=True)
    return status, said.getvalue()


def test_it_fails_if_the_other_parent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "WITHHELD", events.TOLD_PARENT)
    monkeypatch.setattr(events, "TOLD_PARENT", WITHHELD)
    status, said = in_this_process()
    assert status == 1, said
    assert "Not as it should be" in said
    assert f"parent {WITHHELD} got a mail and must not get any (report)" in said.replace("\n", " "), said


def test_it_fails_if_a_mail_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Keyrings.__init__

    def forgetful(self: Keyrings, folder: Path, mailboxes: Mapping[str, Any], hub: Any, root: Any) -> None:
        other = next(iter(mailboxes.values()))
        made(self, folder, dict.fromkeys(mailboxes, other), hub, root)

    monkeypatch.setattr(Keyrings, "__init__", forgetful)
    status, said = in_this_process()
    assert status == 1, said
    assert "Not as it should be" in said
    assert "could not be opened: openssl cms -decrypt" in said.replace("\n", " "), said


def test_without_openssl_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    status, said = in_this_process()
    assert status == 1
    assert "openssl, which is not installed" in said
    assert CHILD not in said
