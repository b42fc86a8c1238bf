"""``fingerpost retention``, ``hold`` and ``keys backup``, typed beside a ledger that a hub has written."""

import json
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.app.ledger import open_ledger
from hub.edge.ids import SeededIds
from hub.edge.key_backups import STAMP, too_old
from hub.settings import load
from tests.contract.test_retention import over
from tests.kit.commands import run
from tests.kit.failing import ledger
from tests.kit.hub import hub_environment
from tests.kit.records import Story

LEDGER = "fingerpost.sqlite3"
KEYS = "keys.sqlite3"


@dataclass
class Typed:
    """A ledger with a child whose time has been up for long, and what to type beside it."""

    folder: Path
    environment: Mapping[str, str]
    story: Story

    def run(self, *arguments: str) -> tuple[int, str, str]:
        return run(self.environment, *arguments)

    def audit(self) -> list[str]:
        return [
            str(row[3])
            for row in ledger(self.folder, LEDGER)["audit"]
            if str(row[3]).startswith(("child.", "hold.", "keys."))
        ]


@pytest.fixture
async def typed(tmp_path: Path) -> Typed:
    environment = hub_environment(tmp_path, smtp_port=2525, key_backups_folder=str(tmp_path / "backups"))
    story = Story(SeededIds("typed"), now=datetime(2016, 3, 1, tzinfo=UTC))
    async with open_ledger(load(environment=environment)) as store:
        await over(store, story)

        async def age(unit: object) -> None:
            await unit._run(_age)  # type: ignore[attr-defined]

        await store.write(age)
    return Typed(folder=tmp_path, environment=environment, story=story)


def _age(session: object) -> None:
    then = int(datetime(2016, 3, 1, tzinfo=UTC).timestamp() * 1_000_000)
    for table, column in (("episodes", "ended_at"), ("events", "arrived_at"), ("children", "created_at")):
        session.connection.exec_driver_sql(f"UPDATE {table} SET {column} = {then}")  # type: ignore[attr-defined]


def test_what_goes_and_what_a_hold_keeps(typed: Typed) -> None:
    story = typed.story
    (listed,) = json.loads(typed.run("retention", "list", "--json")[1])
    assert (listed["child"], listed["kept_by"]) == (story.child, [])
    assert story.child in typed.run("retention", "list", "--due")[1]
    status, said, _ = typed.run("retention", "run", "--dry-run")
    assert status == 0 and "Steps due: 1" in said and f"{story.child}: its time is up" in said
    assert typed.audit() == [], "a dry run does nothing"
    status, hold, _ = typed.run("hold", "add", story.episode, "--code", "court", "--reason", "Marker against Council")
    assert status == 0
    assert "Marker against Council" in typed.run("hold", "list")[1]
    assert "hold" in typed.run("retention", "list")[1]
    assert typed.run("retention", "run")[1] == "Steps taken: 0.\n"
    assert typed.run("hold", "lift", hold.strip())[0] == 0
    assert typed.run("hold", "lift", hold.strip())[0] != 0
    assert typed.run("retention", "run")[1] == "Steps taken: 1.\n", "from here on there is a day"
    assert typed.audit() == ["hold.added", "hold.lifted", "child.time_up"]
    for wrong in (("ep_none", "x"), (story.child, " ")):
        assert typed.run("hold", "add", wrong[0], "--code", "other", "--reason", wrong[1])[0] != 0


def test_children_whose_keys_no_backup_has_are_given_up_when_somebody_says_so(typed: Typed) -> None:
    def keys(statement: str) -> None:
        with closing(sqlite3.connect(typed.folder / KEYS)) as store, store:
            store.execute(statement)

    child = typed.story.child
    assert typed.run("keys", "lost") == (0, "", "Of 1 children 0 have no data key.\n")
    keys("DELETE FROM data_keys WHERE scope <> 'hub'")
    status, _, told = typed.run("retention", "list")
    assert (status, "none of the children of this ledger" in told, "keys lost" in told) == (1, True, True)
    status, said, told = typed.run("keys", "lost")
    assert (status, said) == (0, f"{child}\n") and "Of 1 children 1" in told and "--for-good" in told
    assert typed.run("retention", "list")[0] == 1, "nothing was done"
    assert typed.run("keys", "lost", "--for-good")[:2] == (0, f"{child}\n")
    assert typed.run("retention", "run")[1] == "Steps taken: 1.\n"
    assert typed.audit() == ["keys.given_up", "child.erasing", "child.erasing"]
    keys("DELETE FROM data_keys")
    status, _, told = typed.run("keys", "lost", "--for-good")
    assert (status, "the key store is empty" in told) == (1, True)
    status, said, told = typed.run("keys", "backup")
    assert (status, said, "holds no key" in told) == (1, "", True) and not list(
        (typed.folder / "backups").glob("*.sq*")
    )


def test_backups_of_the_key_store_end_with_the_deadline(typed: Typed) -> None:
    folder = typed.folder / "backups"
    folder.mkdir()
    now = datetime.now(UTC)
    old = folder / f"keys-{now - timedelta(days=31):{STAMP}}.sqlite3"
    theirs = folder / "dump.sql"
    for path in (old, theirs):
        path.write_bytes(b"old")
    os.utime(theirs, (now.timestamp() - 40 * 86_400,) * 2)
    assert too_old(folder, timedelta(days=30), now) == (theirs, old)
    assert too_old(typed.folder / "nowhere", timedelta(days=30), now) == ()
    status, said, told = typed.run("keys", "backup")
    assert status == 0 and old.name in told
    made = Path(said.strip())
    assert not old.exists() and theirs.exists(), "what is another's is not deleted, but alarmed about"
    assert made.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(made)) as copy, closing(sqlite3.connect(typed.folder / KEYS)) as own:
        statement = "SELECT scope, wrapped FROM data_keys ORDER BY scope"
        assert copy.execute(statement).fetchall() == own.execute(statement).fetchall() != []
