"""Write constraints.txt: the newest version of every package that ``.[dev,mutants]`` allows, as pip resolves it today.

Only names and versions: where packages come from is the business of whoever installs them.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "constraints.txt"
HEADER = "# Every package that `.[dev,mutants]` needs, pinned. Made by `make constraints`; do not edit.\n"


def resolve() -> list[str]:
    """``name==version`` of each package pip would install into an empty environment, sorted."""
    command = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
    done = subprocess.run([*command, "--report", "-", ".[dev,mutants]"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found = (item["metadata"] for item in json.loads(done.stdout)["install"])
    pins = {re.sub(r"[-_.]+", "-", item["name"]).lower(): item["version"] for item in found}
    pins.pop("fingerpost")
    return [f"{name}=={version}" for name, version in sorted(pins.items())]


if __name__ == "__main__":
    TARGET.write_text(HEADER + "\n".join(resolve()) + "\n", encoding="utf-8")
    print(f"constraints: wrote {TARGET.relative_to(ROOT)}")
