"""Run the measurements: every file in this folder that has ``main()``, or with ``--soak`` every one with ``soak()``.

``bench/run.py [--soak] [NAME …]``. Each runs in a process of its own, so that none warms up another. What a soak
prints (Markdown) is kept, dated, in bench/results/.
"""

import argparse
import ast
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
CALL = "import runpy, sys; runpy.run_path(sys.argv[1])[sys.argv[2]]()"


def having(function: str, names: list[str]) -> list[Path]:
    """The files that define ``function`` at top level, all of them or those named; found without importing them."""
    found = []
    for path in sorted(HERE.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if path != Path(__file__).resolve() and function in defined and (not names or path.stem in names):
            found.append(path)
    return found


def measure(path: Path, function: str, record: Path | None, heading: str) -> bool:
    """Run one file, show what it prints as it comes, and keep it in ``record`` if one is given."""
    environment = os.environ | {"PYTHONPATH": str(HERE.parent), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", CALL, str(path), function]
    lines = []
    with subprocess.Popen(command, cwd=HERE.parent, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(f"  {line}", end="", flush=True)
            lines.append(line)
    if record is not None:
        record.parent.mkdir(exist_ok=True)
        record.write_text("".join([heading, "\n\n", *lines]), encoding="utf-8")
    return process.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these files")
    parser.add_argument("--soak", action="store_true", help="the long runs")
    chosen = parser.parse_args()
    function = "soak" if chosen.soak else "main"
    paths = having(function, chosen.names)
    if unknown := set(chosen.names) - {path.stem for path in paths}:
        print(f"bench: no {function}() in bench/ under the name {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    day = datetime.now(UTC).date().isoformat()
    heading = f"{day}, Python {platform.python_version()}, {os.cpu_count()} processors"
    print(heading)
    failed = []
    for path in paths:
        print(f"\n{path.stem}", flush=True)
        record = HERE / "results" / f"{day}-{path.stem}.md" if chosen.soak else None
        if not measure(path, function, record, heading):
            failed.append(path.stem)
    if failed:
        print(f"\nbench: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
