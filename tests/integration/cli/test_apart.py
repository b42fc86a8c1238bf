"""What is kept apart is listed without a word of it, and whoever reads one of them is written down."""

from datetime import timedelta
from pathlib import Path

import pytest

from hub.cli import apart
from hub.core.records import ReceiptRecord
from hub.edge.clock import SystemClock
from tests.kit.failing import ledger
from tests.kit.store import sqlite_store


async def test_all_of_them_are_listed_and_one_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "AT_A_TIME", 2)
    store, now = await sqlite_store(tmp_path), SystemClock().now()
    for number, days in enumerate((40, 5, 5, 3, 1)):
        record = ReceiptRecord(id=f"rc_{number}", arrived_at=now - timedelta(days=days), channel="email", kind=None,
                               why="plain", raw=b"She is safe")  # fmt: skip
        await store.write(lambda unit, record=record: unit.add_receipt(record))
    rows = await store.read(lambda unit: apart._rows(unit, 31))
    assert [row[0] for row in rows] == ["rc_1", "rc_2", "rc_3", "rc_4"]
    assert {(row[1], row[3], row[4]) for row in rows} == {("email", "plain", "11")}
    found = await store.write(lambda unit: apart._read(unit, "rc_0"))
    assert found is not None
    assert found.raw == b"She is safe"
    assert await store.write(lambda unit: apart._read(unit, "rc_9")) is None
    await store.aclose()
    (line,) = ledger(tmp_path)["audit"]
    assert {"operator", "receipt.read", "rc_0"} <= set(line)
