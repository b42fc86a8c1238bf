"""Fuzz one target, or all in turn, by coverage: ``python -m tests.fuzz.fuzz [NAME …] --seconds N``. See README.md.

atheris counts the branches that each input takes; libFuzzer mutates the corpus. Every target runs in a process of its
own, whose end with anything but 0 is a crash, and whose input is then in the work folder.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CORPUS = HERE / "corpus"
SLOW = 5
"""Seconds that one input may take."""
MEMORY = 1024
"""Mebibytes that one process may take."""
LONGEST = 65_536
"""Bytes of one input."""
KEPT, KEPT_BYTES = 6, 1024
"""How many inputs that were found go into the corpus of one target, and how large they may be."""


def alone(name: str, arguments: list[str]) -> None:
    """In this process, until libFuzzer ends it."""
    import atheris  # noqa: PLC0415 – only where it is installed

    with atheris.instrument_imports(include=["adapters", "contacts", "hub", "smpp34", "asn1crypto"]):
        from tests.fuzz.targets import run  # noqa: PLC0415 – instrumented as it is imported

    prefix = next(one.partition("=")[2] for one in arguments if one.startswith("-artifact_prefix="))

    def kept(data: bytes) -> None:
        try:
            run(name, data)
        except Exception:
            Path(f"{prefix}crash-{hashlib.sha1(data).hexdigest()}").write_bytes(data)
            raise

    atheris.Setup([sys.argv[0], *arguments], kept)
    atheris.Fuzz()


def each(names: list[str], seconds: int, work: Path) -> int:
    """One after the other; how many crashed."""
    crashed = 0
    for name in names:
        own = work / name
        own.mkdir(parents=True, exist_ok=True)
        options = [
            f"-max_total_time={seconds}", f"-timeout={SLOW}", f"-rss_limit_mb={MEMORY}", f"-max_len={LONGEST}",
            f"-artifact_prefix={own}-", "-print_final_stats=1", str(own), str(CORPUS / name),
        ]  # fmt: skip
        print(f"== {name}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.fuzz", "--alone", name, *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        crashed += done.returncode != 0
    return crashed


def minimise(names: list[str], work: Path) -> None:
    """Keep of what was found the smallest set that covers as much, and of that a few small ones in the corpus."""
    for name in names:
        if not (work / name).is_dir():
            continue
        with tempfile.TemporaryDirectory() as merged:
            options = ["-merge=1", f"-timeout={SLOW}", f"-artifact_prefix={merged}/", merged, str(work / name)]
            command = [sys.executable, "-m", "tests.fuzz.fuzz", "--alone", name, *options]
            subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
            small = sorted((path.stat().st_size, path) for path in Path(merged).iterdir())
            for _, path in [one for one in small if one[0] <= KEPT_BYTES][-KEPT:]:
                (CORPUS / name / path.name).write_bytes(path.read_bytes())


def main() -> int:
    if sys.argv[1:2] == ["--alone"]:
        alone(sys.argv[2], sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="targets; all where none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--work", type=Path, help="where what was found is kept")
    parser.add_argument("--minimise", action="store_true", help="bring what was found into the corpus")
    given = parser.parse_args()
    names = given.names or sorted(path.name for path in CORPUS.iterdir() if path.is_dir())
    work = given.work or Path(tempfile.mkdtemp(prefix="fingerpost-fuzz-"))
    if given.minimise:
        minimise(names, work)
        return 0
    crashed = each(names, given.seconds, work)
    print(f"fuzz: {len(names)} targets, {crashed} crashed; what was found is in {work}")
    return 1 if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
