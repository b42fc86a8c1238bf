"""Writes down what a hub is made of, as CycloneDX JSON: the locked packages, and what its pages have from npm."""

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "hub.txt"
NPM = ROOT / "scripts" / "assets" / "package-lock.json"
SBOM = ROOT / "build" / "sbom.json"


def npm_components() -> list[Mapping[str, Any]]:
    """The style sheet and script of the pages, which are in the wheel."""
    packages = json.loads(NPM.read_text(encoding="utf-8"))["packages"]
    found = []
    for path, package in packages.items():
        if not path:
            continue
        name, version = path.rpartition("node_modules/")[2], package["version"]
        purl = f"pkg:npm/{name}@{version}"
        algorithm, _, value = package["integrity"].partition("-")
        assert algorithm == "sha512", f"{name} is locked by {algorithm}"
        digest = {"alg": "SHA-512", "content": base64.b64decode(value).hex()}
        found.append(
            {"bom-ref": purl, "type": "library", "name": name, "version": version, "purl": purl, "hashes": [digest]}
        )
    return found


def main() -> int:
    """0: it is written and fits the schema. The same lock makes the same file."""
    SBOM.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--pyproject", str(ROOT / "pyproject.toml")]
    command += ["--mc-type", "application", "--output-reproducible", "--sv", "1.6", "--of", "JSON", "-o", str(SBOM)]
    subprocess.run([*command, str(LOCK)], check=True, stderr=subprocess.DEVNULL)
    made = json.loads(SBOM.read_text(encoding="utf-8"))
    made["components"] += npm_components()
    text = json.dumps(made, indent=2, sort_keys=True) + "\n"
    if JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is not None:
        print("sbom: what was made does not fit the schema of CycloneDX 1.6", file=sys.stderr)
        return 1
    SBOM.write_text(text, encoding="utf-8")
    print(f"sbom: {len(made['components'])} components in {SBOM.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
