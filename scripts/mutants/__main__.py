"""Change routing/ in every way cosmic-ray knows, one change at a time, and see whether a test notices.

``python scripts/mutants [--json FILE] [MODULE …]``. Works on a copy of the tree, so that it disturbs nobody, and in a
process for each mutant. Killed is one that a test fails on; what takes too long or ends in another way is not. One
that does not even load (``def f(*, x)`` made ``def f(/, x)``) is counted apart: it speaks neither for nor against the
tests. Asked for all modules, it writes the list of those that live to tests/mutants/survivors.md.
"""

import argparse
import importlib
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from report import ENOUGH, enough, summary, survivors
from sites import mutated
from tries import say, try_all

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = "routing"
LIST = ROOT / "tests" / "mutants" / "survivors.md"
SHARED = ("hypothesis.strategies", "pydantic", "contacts.addresses", "contacts.areas", "contacts.roles")
"""What every process needs, loaded once before there are any; nothing of what is changed."""
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".hypothesis", "site")


def main() -> int:
    """Set up the copy, try everything there, report."""
    parser = argparse.ArgumentParser(prog="mutants", description="see whether the tests notice changes to routing/")
    parser.add_argument("modules", nargs="*", help="such as routing/clocks.py; without any: all, and the list is kept")
    parser.add_argument("--json", type=Path, help="keep every mutant's end in this file")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    every = sorted(str(path.relative_to(ROOT)) for path in (ROOT / PACKAGE).rglob("*.py"))
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder).resolve() / "tree"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        os.chdir(copy)
        sys.path.insert(0, str(copy))
        os.environ |= {"CI": "true", "TMPDIR": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        tempfile.tempdir = None
        for name in SHARED:
            importlib.import_module(name)
        sources = {path: Path(path).read_text("utf-8") for path in options.modules or every}
        try:
            results = try_all(PACKAGE, sources, options.workers)
        except RuntimeError as error:
            sys.exit(f"mutants: {error}")
        finally:
            os.chdir(ROOT)
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=1), "utf-8")
    if not options.modules:
        LIST.parent.mkdir(exist_ok=True)
        LIST.write_text(survivors(results, sources, mutated), "utf-8")
    print(summary(results))
    if not enough(results):
        say(f"fewer than {ENOUGH} % are killed")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
