"""Asks pip-audit what is known against the packages of a hub: 0 nothing; 1 something; 2 nobody could be asked."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "hub.txt"
UNASKED = (
    "the service of known vulnerabilities could not be asked, so nothing is known about these packages now: {why}. "
    "Try again on a machine that reaches it."
)


def judged(said: str, complained: str) -> tuple[int, list[str]]:
    """The exit status, and what to say. ``said``: pip-audit's JSON; it exits with 1 for both kinds of failure."""
    try:
        found = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        why = (complained.strip().splitlines() or ["it said nothing"])[-1].partition("(")[0]
        return 2, [UNASKED.format(why=why[:200])]
    lines = [
        f"{one['name']} {one['version']} has {each['id']}, mended in {', '.join(each['fix_versions']) or 'no version'}"
        for one in found
        for each in one.get("vulns", ())
    ]
    if found and all("skip_reason" in one for one in found):
        # Packages that pip has just installed are known: whoever answered, as a mirror does, knows no vulnerabilities.
        why = str(found[0]["skip_reason"]).partition(":")[0]
        return 2, [UNASKED.format(why=f"of all {len(found)} it was said: {why[:200]}")]
    unasked = [f"{one['name']} was left out: {one['skip_reason']}" for one in found if "skip_reason" in one]
    if lines or unasked:
        return 1, lines + unasked
    return 0, [f"nothing is known against the {len(found)} packages of {LOCK.relative_to(ROOT)}"]


def main() -> int:
    """Ask, and say what came of it."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "-r", str(LOCK)]
    done = subprocess.run([*command, "--format", "json", "--progress-spinner", "off"], capture_output=True, text=True)
    status, lines = judged(done.stdout, done.stderr)
    for line in lines:
        print(f"audit-deps: {line}", file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
