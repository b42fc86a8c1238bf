"""What was answered for is on the disk: seen from outside the process, and after it was killed."""

import asyncio
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.store import SqliteStore
from tests.kit.records import SOURCE
from tests.kit.store import sqlite_store

ROOT = Path(__file__).parents[2]
KILLS = 6


def command(folder: Path, node: str, clients: int, writes: int) -> list[str]:
    return [sys.executable, "-m", "tests.kit.store_writer", str(folder), node, str(clients), str(writes)]


def test_every_answer_comes_after_a_sync_of_the_ledger_and_before_it_of_its_keys(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (Debian package strace)")
    trace = tmp_path / "trace"
    options = ["-f", "-y", "-qq", "-s", "64", "-e", "trace=fsync,fdatasync,pwrite64,write", "-o", str(trace)]
    done = subprocess.run(
        [strace, *options, *command(tmp_path / "data", "1", 1, 3)],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = trace.read_text().splitlines()
    answers = [n for n, line in enumerate(lines) if re.search(r'write\(1<.*"saved ', line)]
    assert len(answers) == 3
    start = next(n for n, line in enumerate(lines) if re.search(r'write\(1<.*"open', line))
    for answer in answers:
        between = lines[start:answer]
        writes = [n for n, line in enumerate(between) if "pwrite64(" in line and "ledger.sqlite3-wal>" in line]
        syncs = [n for n, line in enumerate(between) if re.search(r"f(data)?sync\(.*ledger\.sqlite3-wal>", line)]
        assert writes and syncs, "\n".join(between)
        assert max(syncs) > max(writes), "the log was written to after its last sync"
        start = answer
    # The first child's key: made, and on the disk, before anything sealed with it went into the ledger.
    first = lines[: answers[0]]
    keys_synced = max(n for n, line in enumerate(first) if re.search(r"f(data)?sync\(.*keys\.sqlite3-wal>", line))
    opened = next(n for n, line in enumerate(first) if re.search(r'write\(1<.*"open', line))
    ledger_written = next(n for n, line in enumerate(first) if n > opened and "pwrite64(" in line and "ledger" in line)
    assert keys_synced < ledger_written


async def test_killed_at_any_moment_nothing_that_was_answered_is_missing(tmp_path: Path) -> None:
    answered: set[str] = set()
    for kill in range(KILLS):
        process = await asyncio.create_subprocess_exec(
            *command(tmp_path, str(kill), 8, 10_000),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None and process.stderr is not None
        # Not by the clock: each time after another number of answers, in the middle of the others' writes.
        for _ in range(2 + 17 * kill):
            line = await process.stdout.readline()
            assert line, (await process.stderr.read()).decode()
            answered.add(line.decode().strip())
        process.send_signal(signal.SIGKILL)
        answered |= {line.strip() for line in (await process.stdout.read()).decode().splitlines()}
        await process.wait()
    answered = {line.removeprefix("saved ") for line in answered if line.startswith("saved ")}
    assert len(answered) >= KILLS
    store = await sqlite_store(tmp_path, node="after")
    await check(store, answered)
    await store.aclose()


async def check(store: SqliteStore, answered: set[str]) -> None:
    for name in answered:
        found = await store.read(lambda unit, name=name: unit.episode(SOURCE, name))
        assert found is not None and found.record.ref == name and found.doc
        notices = await store.read(lambda unit, episode=found.record.id: unit.notices(episode))
        assert len(notices) == 3
        for notice in notices:
            assert len(await store.read(lambda unit, wanted=notice.id: unit.deliveries(wanted))) == 1
    # What was written and not answered for is there whole or not at all.
    for record in await store.read(lambda unit: unit.episode_list(100_000)):
        assert len(await store.read(lambda unit, episode=record.id: unit.notices(episode))) == 3
