"""Everything that the published OpenAPI document describes, 20,000 times and with every check, asked of a real hub.

schemathesis makes the requests up: what the document allows, what it does not, and sequences of both. Nothing may fail
its checks, and nothing may be answered with 5xx. ``make test`` asks a hundredth of it (tests/integration/web).
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.kit.contract import Outcome, published, schemathesis
from tests.kit.fire import ROOT

REQUESTS = 20_000
FIRST, EXAMPLES = 25, 400
"""For each operation, in the first round and in the others. The first asks besides what every combination of parameters
makes, and sequences; events are in it only, as each takes long to make up."""
ROUNDS = 8


def soak() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    print(f"Commit {commit.stdout.strip() or 'unknown'}. Load average before the start: {os.getloadavg()[0]:.1f}.\n")
    began = time.monotonic()
    answers: dict[int, int] = {}
    for number in range(1, ROUNDS + 1):
        outcome = asyncio.run(_asked(number))
        for status, count in outcome.answers.items():
            answers[status] = answers.get(status, 0) + count
        if outcome.status or any(status >= 500 for status in outcome.answers):
            print(outcome.words)
            sys.exit(f"round {number}: schemathesis found something")
        print(f"- round {number}: {sum(outcome.answers.values())} requests", flush=True)
        if sum(answers.values()) >= REQUESTS:
            break
    asked = sum(answers.values())
    if asked < REQUESTS:
        sys.exit(f"only {asked} requests were made")
    print(f"- {asked} requests, no check failed, none answered with 5xx, in {time.monotonic() - began:.0f} s")
    print("- by status: " + ", ".join(f"{status}: {count}" for status, count in sorted(answers.items())))


async def _asked(number: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="fp-contract-") as folder:
        async with published(Path(folder) / "hub") as hub:
            if number == 1:
                options = ["--phases", "coverage,fuzzing,stateful", "--max-examples", str(FIRST)]
            else:
                options = ["--phases", "fuzzing", "--max-examples", str(EXAMPLES), "--exclude-path", "/v1/events"]
            return await schemathesis(hub, Path(folder), *options, "--seed", str(number))


if __name__ == "__main__":
    soak()
