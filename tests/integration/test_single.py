"""One hub a SQLite ledger: a second is refused in a sentence."""

import asyncio
import signal
from pathlib import Path

import pytest

from hub.edge.single import AlreadyRunning, only_process
from tests.kit.serving import PATIENCE, said, serving, site, start


async def test_a_second_serve_on_one_ledger_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    made = await site(tmp_path / "site", 2525, certified=None)
    async with serving(made) as hub:
        second = await start(made)
        assert await asyncio.wait_for(second.wait(), PATIENCE) == 1
        words = said(made)
        assert "Another hub works on this ledger" in words
        assert "FINGERPOST_DATABASE_URL" in words
        assert "Traceback" not in words
        assert (await hub.ask("GET", "/health/ready")).status == 200
        # As from a keyboard. That the lock of a killed one goes with it, tests/acceptance/test_kill.py shows.
        hub.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(hub.process.wait(), PATIENCE) == 0, said(made)


def test_a_lock_is_per_ledger_and_given_back(tmp_path: Path) -> None:
    one, other = tmp_path / "one.sqlite3", tmp_path / "other.sqlite3"
    with only_process(one):
        with pytest.raises(AlreadyRunning), only_process(one):
            raise AssertionError("two processes on one ledger")
        with only_process(other):
            pass
    with only_process(one):
        pass
