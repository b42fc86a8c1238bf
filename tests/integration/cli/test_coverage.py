"""``fingerpost directory coverage``: now, by day, by night; of a country or of a list of placements; as CSV."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

from contacts.fictional import fictional_bundle
from contacts.model import Hours
from tests.integration.cli.test_placements import NIGHT, NOON, READY, SILENT, directory, listed
from tests.kit.commands import run

LEEDS, DONCASTER = "E08000035", "E06000013"


def report(folder: Path, *arguments: str, **changes: Any) -> tuple[int, str]:
    env = {"FINGERPOST_DATA_FOLDER": str(folder / "hub")}
    status, out, err = run(env, "directory", "coverage", *arguments, "--directory", directory(folder, **changes))
    assert not err, err
    return status, out


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_whole_directory_covers_everybody(tmp_path: Path) -> None:
    status, out = report(tmp_path, "--at", NOON)
    assert status == 0
    assert "now: 3758 on duty" in out and "3758 covered at all times; 0 not, of 0 organisations." in out
    status, out = report(tmp_path, "--at", NOON, "--csv")
    assert status == 0 and len(rows(out)) == 3758
    status, out = report(tmp_path, "--at", NOON, "--csv", "--organisation", LEEDS)
    assert (status, {row["organisation"] for row in rows(out)}) == (0, {LEEDS})


def test_an_office_without_a_duty_team_is_missing_by_night_and_the_report_says_so(tmp_path: Path) -> None:
    """The made-up directory has somebody everywhere at all times, so one desk is given an office's hours."""
    bundle = fictional_bundle()
    hours = (*bundle.hours, Hours(name="leeds-office", times="mon-fri 09:00-17:00"))
    left = tuple(
        replace(c, hours="leeds-office") if (c.organisation, c.desk) == (LEEDS, "social_work_team") else c
        for c in bundle.contacts
        if (c.organisation, c.desk) != (LEEDS, "emergency_duty_team")
    )
    status, out = report(tmp_path, "--at", NIGHT, "--csv", contacts=left, hours=hours)
    found = {row["role"]: row for row in rows(out) if row["organisation"] == LEEDS}
    assert status == 1
    duty = found["social_worker"]
    assert (duty["now"], duty["by_day"], duty["by_night"]) == ("off_duty", "on_duty", "off_duty")
    status, out = report(tmp_path, "--at", NOON, contacts=left, hours=hours)
    assert status == 1 and "Leeds" in out and "off duty" in out and "of 1 organisations" in out


def test_of_placements_only_what_they_need_with_how_many_need_it(tmp_path: Path) -> None:
    bundle = fictional_bundle()
    gone = tuple(o for o in bundle.organisations if o.code != DONCASTER)
    keep = {"organisations": gone,
            "desks": tuple(d for d in bundle.desks if d.organisation != DONCASTER),
            "contacts": tuple(c for c in bundle.contacts if c.organisation != DONCASTER)}  # fmt: skip
    file = listed(tmp_path, READY, {**READY, "ref": "SECOND"}, SILENT)
    status, out = report(tmp_path, "--at", NOON, "--placements", file, "--csv", **keep)
    found = {(row["organisation"], row["role"]): row for row in rows(out)}
    assert status == 1
    assert found[LEEDS, "responsible_authority"]["placements"] == "2"
    assert found[LEEDS, "responsible_authority"]["now"] == "on_duty"
    assert found[DONCASTER, "host_authority"]["now"] == "no_organisation"
    assert found[DONCASTER, "host_authority"]["placements"] == "1"
    assert {organisation for organisation, _ in found} < {LEEDS, DONCASTER, *(o.code for o in gone)}
    status, out = report(tmp_path, "--at", NOON, "--placements", file, **keep)
    assert status == 1 and "not in the directory" in out and LEEDS not in out
