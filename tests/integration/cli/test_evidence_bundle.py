"""``fingerpost evidence`` and ``subject-access``, typed beside a ledger that a hub has written."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hub.app.ledger import open_ledger
from hub.edge.audit_keys import as_pem, public_keys
from hub.settings import load
from tests.kit.commands import run
from tests.kit.events import CHILD, SOURCE, reported
from tests.kit.evidence import episode
from tests.kit.hub import hub_environment
from tests.kit.node import a_hub


@dataclass
class Typed:
    """A ledger with an episode, and what to type beside it."""

    folder: Path
    environment: Mapping[str, str]
    episode: str

    def run(self, *arguments: str) -> tuple[int, str, str]:
        return run(self.environment, *arguments)

    async def audit(self) -> list[tuple[str, Mapping[str, str]]]:
        """Action and detail of the lines about giving out."""
        async with open_ledger(load(environment=self.environment)) as store:
            await store.write(lambda unit: unit.trail.link(1000))
            found: list[Any] = list(await store.read(lambda unit: unit.trail.lines(self.episode)))
        return [(one.line.action, one.line.detail) for one in found if one.line.action.endswith(".made")]


@pytest.fixture
async def typed(tmp_path: Path) -> Typed:
    environment = hub_environment(tmp_path, smtp_port=2525)
    async with open_ledger(load(environment=environment)) as store:
        hub = await a_hub(store)
        await hub.post(reported())
        return Typed(folder=tmp_path, environment=environment, episode=await episode(hub))


async def test_a_bundle_is_made_of_the_installation_as_it_is_and_verifies_with_its_public_key(typed: Typed) -> None:
    out, key = typed.folder / "bundle.zip", typed.folder / "audit.pem"
    asked = ("evidence", typed.episode, "--out", str(out), "--reason", "inspection", "--reference", "INS-4")
    status, said, noted = typed.run(*asked)
    assert (status, "records" in said, "personal data" in noted) == (0, True, True), noted
    assert out.stat().st_mode & 0o777 == 0o600
    (public,) = public_keys(typed.folder / "keys").values()
    key.write_text(as_pem(public))
    verifier = typed.folder / "verify.py"
    verifier.write_bytes(Path("hub/service/evidence/verify.py").read_bytes())
    done = subprocess.run([sys.executable, "-I", verifier, "--key", key, out], cwd=typed.folder, capture_output=True,
                          env={"PATH": os.environ["PATH"]}, text=True)  # fmt: skip
    assert (done.returncode, "Everything in this bundle is shown." in done.stdout) == (0, True), done.stdout
    assert await typed.audit() == [("evidence.made", {"why": "inspection", "reference": "INS-4"})]
    before = out.read_bytes()
    status, _, noted = typed.run(*asked)
    assert (status, "there already" in noted, out.read_bytes()) == (2, True, before)


async def test_nothing_is_written_down_of_what_is_not_made(typed: Typed) -> None:
    out = str(typed.folder / "out.zip")
    for wanted, *arguments in (
        ("There is no episode ep_unknown", "evidence", "ep_unknown", "--out", out, "--reason", "court"),
        ("--reason: one of court", "evidence", typed.episode, "--out", out, "--reason", "I want to know"),
        ("1 to 40 letters", "evidence", typed.episode, "--out", out, "--reason", "court", "--reference", "Robin E."),
        ("There is no folder", "evidence", typed.episode, "--out", "/nowhere/at/all.zip", "--reason", "court"),
        ("Nothing is held", "subject-access", "--out", out, "--source", SOURCE, "--child-ref", "unknown"),
        ("Nothing is held", "subject-access", "--out", out, "--source", "urn:other", "--child-ref", CHILD),
        ("Say which child", "subject-access", "--out", out, "--source", SOURCE),
        ("Say which child", "subject-access", "--out", out, "--child", "ch_1", "--child-ref", CHILD),
    ):
        status, said, noted = typed.run(*arguments)
        assert status in (1, 2) and wanted in noted and not said, (wanted, noted)
    assert not Path(out).exists() and await typed.audit() == []
    for path in (typed.folder / "keys").glob("audit-*"):
        path.unlink()
    status, _, noted = typed.run("evidence", typed.episode, "--out", out, "--reason", "court")
    assert (status, "keys audit --new" in noted, await typed.audit()) == (2, True, [])


async def test_what_is_held_comes_out_for_its_owners_eyes_and_says_what_is_to_be_decided(typed: Typed) -> None:
    out = typed.folder / "held.zip"
    status, said, noted = typed.run("subject-access", "--out", str(out), "--source", SOURCE, "--child-ref", CHILD)
    assert (status, "1 episodes" in said, "to-review/list.json" in noted) == (0, True, True), noted
    assert out.stat().st_mode & 0o777 == 0o600
    assert await typed.audit() == [("subject_access.made", {"why": "subject-access"})]
