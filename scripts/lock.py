"""Write requirements/*.txt: each package that some purpose needs, one version of it, and the digests of its files.

Versions stay as they are where they still fit; ``--upgrade`` takes the newest that pyproject.toml allows. Only names,
versions and digests are written: where packages come from is the business of whoever installs them.
"""

import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
HEADER = "# What {what} needs, pinned, with the digests of its files. Made by `make lock`; do not edit.\n"
PURPOSES: dict[str, tuple[str, tuple[str, ...]]] = {
    "dev": ("making, testing and checking Fingerpost", ("dev", "mutants", "build")),
    "build": ("building packages", ("build",)),
    "hub": ("a hub", ("postgresql", "sms")),
    "demo": ("the demonstration", ("demo",)),
    "supply": ("looking after these lists", ("supply",)),
    "fuzz": ("fuzzing", ("fuzz",)),
    "peers": ("measuring what others would use instead", ("peers",)),
    "node": ("a build on a machine without npm", ("node",)),
}
"""File -> what for, and the extras of pyproject.toml. The first holds for the others."""
APART = ("build", "supply", "fuzz", "node", "peers")
"""Extras that stand alone: nothing of Fingerpost's own goes with them."""


def wanted(extras: Sequence[str]) -> str:
    """What pyproject.toml asks for, one a line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    lines = [] if set(extras) <= set(APART) else list(project["dependencies"])
    for extra in extras:
        for line in optional[extra]:
            if line.startswith("fingerpost["):
                lines += [one for name in line[len("fingerpost[") : -1].split(",") for one in optional[name]]
            else:
                lines.append(line)
    return "".join(f"{line}\n" for line in lines)


def lock(name: str, *, upgrade: bool) -> None:
    """Write one of the files."""
    what, extras = PURPOSES[name]
    target, first = FOLDER / f"{name}.txt", FOLDER / "dev.txt"
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    command += ["--python-version", "3.11", "--no-annotate", "--no-header", "--no-emit-index-url", "-"]
    command += ["--upgrade"] if upgrade else []
    if name != "dev":
        command += ["-c", str(first)]
    # Where pip of this machine looks, uv looks too.
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "get", "global.index-url"], capture_output=True)
    index = os.environ.get("PIP_INDEX_URL") or asked.stdout.decode().strip()
    environment = {**os.environ, **({"UV_DEFAULT_INDEX": index} if index else {})}
    kept: list[str] = [] if upgrade or not target.exists() else ["-c", str(target)]
    made = subprocess.run(
        [*command, *kept], cwd=ROOT, check=True, stdout=subprocess.PIPE, input=wanted(extras).encode(), env=environment
    )
    target.write_text(HEADER.format(what=what) + made.stdout.decode(), encoding="utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for one in PURPOSES:
        lock(one, upgrade="--upgrade" in sys.argv[1:])
    print(f"lock: wrote {FOLDER.relative_to(ROOT)}/")
