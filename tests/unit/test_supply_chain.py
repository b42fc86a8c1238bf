"""What is installed was locked, the same source makes the same wheel, and the service may do no more than it must."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / "requirements").glob("*.txt"))}
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts" / "lock.py"))
ENTRY = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;\\]+)(?: ;[^\\]*)? \\\n(?P<rest>(?:    --hash=.*\n?)+)", re.M
)
HASHES = re.compile(r"(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+")


def entries(name: str) -> Iterator[re.Match[str]]:
    return ENTRY.finditer(LOCKS[name])


def test_there_is_a_lock_for_every_purpose() -> None:
    assert set(LOCKS) == set(SCRIPT["PURPOSES"])


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_digests_and_none_says_where_it_comes_from(name: str) -> None:
    lines = [line for line in LOCKS[name].splitlines() if not line.startswith(("#", "    --hash="))]
    found = list(entries(name))
    assert len(found) == len(lines) > 0
    assert all(HASHES.fullmatch(one["rest"]) for one in found)
    assert not re.search(r"://|--index|--find-links|@ ", LOCKS[name])


@pytest.mark.parametrize("name", LOCKS)
def test_what_pyproject_asks_for_is_locked(name: str) -> None:
    locked = {one["name"]: one["version"] for one in entries(name)}
    for line in SCRIPT["wanted"](SCRIPT["PURPOSES"][name][1]).splitlines():
        wanted = Requirement(line)
        version = locked.get(re.sub(r"[-_.]+", "-", wanted.name).lower())
        assert version is not None and wanted.specifier.contains(version), f"{line}: run `make lock`"


def test_one_package_has_one_version_whatever_it_is_for() -> None:
    versions: dict[str, set[str]] = {}
    for name in LOCKS:
        for one in entries(name):
            versions.setdefault(one["name"], set()).add(one["version"])
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_tests_run_on_what_a_hub_runs_on() -> None:
    assert {one["name"] for one in entries("hub")} <= {one["name"] for one in entries("dev")}


def test_what_builds_the_wheel_is_locked() -> None:
    [backend] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    version = next(one["version"] for one in entries("build") if one["name"] == "hatchling")
    assert Requirement(backend).specifier.contains(version)


@pytest.mark.parametrize(
    ("said", "complained", "status", "sentence"),
    [
        (json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}), "", 0, "nothing is known against"),
        (
            json.dumps({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "V-1", "fix_versions": []}]}]}),
            "Found 1 known vulnerability",
            1,
            "a 1 has V-1, mended in no version",
        ),
        (
            json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found"}, {"name": "b", "vulns": []}]}),
            "",
            1,
            "a was left out: not found",
        ),
        (
            json.dumps({"dependencies": [{"name": name, "skip_reason": f"not found: {name}"} for name in "ab"]}),
            "",
            2,
            "nothing is known about these packages now: of all 2 it was said: not found. Try",
        ),
        (
            "",
            "Trace\nrequests.ProxyError: Pool(host='there')",
            2,
            "known about these packages now: requests.ProxyError: Pool.",
        ),
        ("[]", "", 2, "it said nothing"),
    ],
)
def test_an_audit_that_could_not_ask_does_not_say_that_all_is_well(
    said: str, complained: str, status: int, sentence: str
) -> None:
    judged = runpy.run_path(str(ROOT / "scripts" / "audit_deps.py"))["judged"]
    got, lines = judged(said, complained)
    assert got == status and sentence in lines[0] and "there" not in lines[0]


def test_two_folders_make_the_same_wheel(tmp_path: Path) -> None:
    made = []
    for name in ("one", "other/deeper"):
        folder = tmp_path / name
        folder.mkdir(parents=True)
        for part in ("hub/web", "contacts", "scripts/assets"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        for part in ("adapters", "routing"):
            (folder / part).mkdir()
            shutil.copy(ROOT / part / "__init__.py", folder / part)
        for file in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
            shutil.copy(ROOT / file, folder)
        os.utime(folder / "LICENSE", (len(made), len(made)))  # when it was brought there says nothing
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "SOURCE_DATE_EPOCH": "1760000000"}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        [wheel] = (folder / "dist").glob("*.whl")
        made.append(wheel.read_bytes())
    assert made[0] == made[1]


def test_the_service_has_no_rights_to_spare() -> None:
    unit = (ROOT / "deploy" / "fingerpost.service").read_text(encoding="utf-8")
    given = {line for line in unit.splitlines() if line and not line.startswith(("#", "["))}
    assert {
        "DynamicUser=yes", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "ProtectHome=yes",
        "PrivateTmp=yes", "PrivateDevices=yes", "PrivateUsers=yes", "ProtectProc=invisible", "RestrictNamespaces=yes",
        "MemoryDenyWriteExecute=yes", "SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "UMask=0077", "LimitCORE=0",
    } <= given  # fmt: skip
