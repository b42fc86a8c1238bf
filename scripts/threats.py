"""The threat model: docs/security/threat-model.md, made from docs/security/threats.toml, and its tests tried out.

``python -m scripts.threats`` writes the page; ``--check`` says whether it is current. ``--try`` takes each control that
names how out of a copy of the code, runs its tests there, and fails unless they fail: a test that passes without its
control shows nothing. ``--try W1 N1`` does so for these alone.
"""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "docs" / "security" / "threats.toml"
TARGET: Final = ROOT / "docs" / "security" / "threat-model.md"
RESULTS: Final = ROOT / "bench" / "results"
COPIED: Final = (
    "adapters", "contacts", "hub", "routing", "scripts", "tests", "docs", "pyproject.toml", "deploy", "requirements",
)  # fmt: skip
STRIDE: Final = {
    "S": "spoofing",
    "T": "tampering",
    "R": "repudiation",
    "I": "information disclosure",
    "D": "denial of service",
    "E": "elevation of privilege",
}
PATIENCE: Final = 300
"""Seconds for the tests of one control."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Without:
    """How the control is taken out: ``find``, which stands once in ``file``, becomes ``replace``."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """One line of the model."""

    id: str
    flow: str
    stride: str
    threat: str
    control: str
    where: str
    tests: tuple[str, ...]
    without: Without | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The data flows, by name with what they are, and what threatens them."""

    intro: str
    flows: dict[str, str]
    threats: tuple[Threat, ...]


def load(path: Path = SOURCE) -> Model:
    """Raises KeyError and TypeError for a file of another form."""
    found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    threats = []
    for row in found["threat"]:
        without = Without(**row.pop("without")) if "without" in row else None
        threats.append(Threat(tests=tuple(row.pop("tests")), without=without, **row))
    return Model(
        intro=found["intro"], flows={one["name"]: one["what"] for one in found["flow"]}, threats=tuple(threats)
    )


def page(model: Model) -> str:
    """The page, whole."""
    tried = sum(one.without is not None for one in model.threats)
    lines = [
        "# Threat model",
        "",
        "<!-- Made by scripts/threats.py from docs/security/threats.toml; change that. -->",
        "",
        *model.intro.strip().splitlines(),
        "",
        "Each line is a threat by STRIDE ("
        + ", ".join(f"{letter} {word}" for letter, word in STRIDE.items())
        + f"), the control against it, and the tests that show that it holds. Of the {len(model.threats)} controls "
        f"{tried} are marked ✗: `make controls` takes each of these out of a copy of the code, and its tests fail "
        "there (results with their date in `bench/results/`).",
    ]
    for name, what in model.flows.items():
        rows = [one for one in model.threats if one.flow == name]
        lines += [
            "",
            f"## {name}",
            "",
            what.strip(),
            "",
            "| | | threat | control | where | tests |",
            "|---|---|---|---|---|---|",
        ]
        for one in rows:
            tests = "<br>".join(f"`{test}`" for test in one.tests)
            mark = " ✗" if one.without else ""
            lines.append(f"| {one.id}{mark} | {one.stride} | {one.threat} | {one.control} | `{one.where}` | {tests} |")
    return "\n".join(lines) + "\n"


def holds_without(threat: Threat) -> str | None:
    """None if the tests fail once the control is gone, as they must; else what is wrong."""
    without = threat.without
    if without is None:
        return "nothing says how to take the control out"
    with tempfile.TemporaryDirectory(prefix="fp-control-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy(source, copy / name)
        target = copy / without.file
        text = target.read_text(encoding="utf-8")
        if text.count(without.find) != 1:
            return f"{without.file}: what is to be taken out stands there {text.count(without.find)} times"
        target.write_text(text.replace(without.find, without.replace), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-x", "-p", "no:cacheprovider", *threat.tests]
        try:
            done = subprocess.run(
                command,
                cwd=copy,
                env={"PYTHONPATH": str(copy), "PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(copy)},
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"its tests did not end within {PATIENCE} s"
    match done.returncode:
        case 1:
            return None
        case 0:
            return "its tests pass without it"
        case _:
            return f"its tests did not run:\n{done.stdout[-1500:]}{done.stderr[-500:]}"


def try_out(threats: Sequence[Threat]) -> int:
    """Take each control out in turn, two at once. Prints and keeps what came of it; 1 if a test did not notice."""
    wanted = [one for one in threats if one.without is not None]
    said: dict[str, str] = {}
    failed = False
    with ThreadPoolExecutor(2) as pool:
        for one, wrong in zip(wanted, pool.map(holds_without, wanted), strict=True):
            failed |= wrong is not None
            came = f"WRONG: {wrong}" if wrong else "taken out, and its tests fail"
            line = f"{one.id}: {one.control} — {came}"
            print(line, flush=True)
            said[one.id] = f"- {line.splitlines()[0]}"
    print(f"{len(wanted)} controls taken out")
    keep(said)
    return int(failed)


def keep(said: Mapping[str, str]) -> None:
    """Write the results of today: of all, or what was tried again of them."""
    day = f"{datetime.now(UTC):%Y-%m-%d}"  # noqa: TID251 - the date of a report
    path = RESULTS / f"{day}-controls.md"
    all_of_them = [one.id for one in load().threats if one.without is not None]
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {line[2:].partition(":")[0]: line for line in before if line.startswith("- ")}
    if known or set(said) == set(all_of_them):
        lines = [{**known, **said}[one] for one in all_of_them if one in known or one in said]
        path.write_text("\n".join([f"# Controls taken out, {day}", "", *lines]) + "\n", encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Write the page, check it, or try the controls."""
    model = load()
    if arguments[:1] == ["--try"]:
        return try_out([one for one in model.threats if not arguments[1:] or one.id in arguments[1:]])
    if arguments == ["--check"]:
        return int(TARGET.read_text(encoding="utf-8") != page(model))
    TARGET.write_text(page(model), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
