"""``fingerpost directory proofs``: who has confirmed, how long ago, who has not; the status a script asks for."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest

from contacts.model import Contact
from hub.app.ledger import open_ledger
from hub.core.verification import Place, Terms, Verification, asked, claimed, failed, proved, waiting
from hub.edge.clock import SystemClock
from tests.kit.commands import run
from tests.kit.hub import hub_environment, hub_settings

SECRET = b"s" * 32
TERMS = Terms(every=timedelta(days=90), within=timedelta(days=7), per_hour=240)
NOW = SystemClock().now()
THEN = NOW - timedelta(days=3)


def place(number: int) -> Place:
    contact = Contact(id=f"bromley-{number}", organisation="E09000006", desk="mash", channel="email",
                      address=f"marked-{number}@bromley.example")  # fmt: skip
    return Place(mark=bytes([number]) * 16, place=bytes([number]) * 16, contacts=(contact,))


def row(number: int, state: str) -> Verification:
    new = waiting(place(number), f"pv_{number}", SECRET, THEN)
    if state == "waiting":
        return new
    out = asked(claimed(new, place(number), "pv_0", SECRET, THEN), None, THEN)
    match state:
        case "proved":
            return proved(out, TERMS, THEN)
        case "failed":
            return failed(out, "rejected", THEN)
        case _:
            return out


async def shown(folder: Path, rows: list[Verification], *arguments: str) -> tuple[int, str]:
    async with open_ledger(hub_settings(folder)) as store:
        await store.write(lambda unit: unit.assurance.put_places(rows))
    status, out, err = run(hub_environment(folder, smtp_port=25), "directory", "proofs", *arguments)
    assert not err and "marked" not in out
    return status, out


async def test_what_is_not_proved_is_listed_and_a_failure_is_told_by_the_status(tmp_path: Path) -> None:
    rows = [row(1, "proved"), row(2, "failed"), row(3, "waiting")]
    status, out = await shown(tmp_path, rows)
    assert status == 1
    assert "bromley-1" not in out and "bromley-2" in out and "FAILED" in out and "rejected" in out
    assert "3 addresses: 1 not asked yet, 1 proved, 1 failed; 1 failed or late." in out
    status, out = await shown(tmp_path, [], "--all")
    assert "bromley-1" in out and "3 days ago" in out


async def test_as_csv_all_rows_with_codes(tmp_path: Path) -> None:
    status, out = await shown(tmp_path, [row(1, "proved"), row(2, "asked")], "--csv")
    found = list(csv.DictReader(io.StringIO(out)))
    assert status == 0
    assert [(one["contact"], one["state"], bool(one["proved_at"])) for one in found] == [
        ("bromley-1", "proved", True), ("bromley-2", "asked", False),
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["waiting", "asked"])
async def test_who_still_has_time_is_no_failure_and_who_has_not_is(tmp_path: Path, state: str) -> None:
    assert (await shown(tmp_path, [row(1, state)]))[0] == 0
    aged = claimed(row(2, "waiting"), place(2), "pv_0", SECRET, NOW - timedelta(days=8))
    assert (await shown(tmp_path, [aged]))[0] == 1
