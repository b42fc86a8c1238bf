"""``fingerpost placements check``: told, held, gaps, nights, and the status that a script asks for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contacts.fictional import fictional_bundle
from contacts.tables import dumps
from tests.kit.commands import run
from tests.kit.hub import hub_environment

NOON = "2026-03-04T12:00:00+00:00"
NIGHT = "2026-03-04T03:00:00+00:00"
READY: dict[str, Any] = {
    "ref": "READY",
    "child": {"looked_after": True, "known_to_childrens_services": True, "legal_status": "care_order"},
    "placement": {"type": "foster_care", "responsible_authority": "E08000035", "host_authority": "E08000035"},
    "people": [
        {
            "role": "parent", "name": "Sam Example", "phone": "+447700900123",
            "notify": {"decision": "notify", "reason": "agreed", "decided_by": "Jo Worker"},
        }
    ],
}  # fmt: skip
UNDECIDED = {
    **READY,
    "ref": "UNDECIDED",
    "people": [{"role": "parent", "name": "Sam Example", "phone": "+447700900123"}],
}
SILENT = {
    "ref": "SILENT",
    "child": {"looked_after": False, "known_to_childrens_services": False},
    "placement": {"type": "family_home", "host_authority": "E06000013"},
    "people": [{"role": "parent", "name": "Kim Example"}],
}


def listed(folder: Path, *placements: dict[str, Any]) -> str:
    file = folder / "placements.json"
    file.write_text(json.dumps(placements), "utf-8")
    return str(file)


def directory(folder: Path, **changes: Any) -> str:
    file = folder / "directory.json"
    file.write_bytes(dumps(replace(fictional_bundle(), **changes)))
    return str(file)


def check(folder: Path, *arguments: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    env = {"FINGERPOST_DATA_FOLDER": str(folder / "hub")}
    status, out, err = run(
        env, "placements", "check", *arguments, "--directory", directory(folder, **changes), "--json"
    )
    assert out, err
    return status, {one["ref"]: one for one in json.loads(out)["placements"]}


def test_ready_is_0_and_says_who_would_be_told_and_what_would_run(tmp_path: Path) -> None:
    status, found = check(tmp_path, listed(tmp_path, READY), "--at", NOON)
    assert status == 0
    one = found["READY"]
    assert (one["ready"], one["findings"], one["packs"]) == (True, [], ["national"])
    assert {"roles": ["responsible_authority"], "organisation": "E08000035"} in one["told"]
    assert {"roles": ["parent"], "organisation": None} in one["told"]
    duties = [duty["code"] for duty in one["duties"]]
    assert duties[0] == "daily_contact"
    assert "adulthood" not in duties


def test_an_undecided_parent_and_one_without_an_address_are_not_ready(tmp_path: Path) -> None:
    status, found = check(tmp_path, listed(tmp_path, READY, UNDECIDED, SILENT), "--at", NOON)
    assert status == 1
    assert [(ref, one["ready"]) for ref, one in found.items()] == [
        ("READY", True), ("UNDECIDED", False), ("SILENT", False),
    ]  # fmt: skip
    assert [(f["kind"], f["roles"]) for f in found["UNDECIDED"]["findings"]] == [("undecided", ["parent"])]
    assert [(f["kind"], f["reason"]) for f in found["SILENT"]["findings"]] == [("gap", "no_address")]


def test_a_desk_that_the_directory_lacks_is_a_gap(tmp_path: Path) -> None:
    bundle = fictional_bundle()
    gone = ("E08000035", "iro_service")
    contacts = tuple(c for c in bundle.contacts if (c.organisation, c.desk) != gone)
    desks = tuple(d for d in bundle.desks if (d.organisation, d.function) != ("E08000035", "front_door"))
    contacts = tuple(c for c in contacts if (c.organisation, c.desk) != ("E08000035", "front_door"))
    status, found = check(tmp_path, listed(tmp_path, READY), "--at", NOON, contacts=contacts, desks=desks)
    assert status == 1
    assert {(tuple(f["roles"]), f["reason"]) for f in found["READY"]["findings"]} == {
        (("iro",), "no_contact"), (("responsible_authority",), "no_desk"),
    }  # fmt: skip


def test_at_night_somebody_has_to_be_on_duty(tmp_path: Path) -> None:
    bundle = fictional_bundle(office_hours=True)
    contacts = tuple(c for c in bundle.contacts if c.desk != "emergency_duty_team")
    changes = {"contacts": contacts, "hours": bundle.hours}
    status, by_day = check(tmp_path, listed(tmp_path, READY), "--at", NOON, **changes)
    assert (status, by_day["READY"]["findings"]) == (0, [])
    status, by_night = check(tmp_path, listed(tmp_path, READY), "--at", NIGHT, **changes)
    assert {f["kind"] for f in by_night["READY"]["findings"]} == {"off_duty"}
    # It will be read in the morning: worth knowing, but not a gap.
    assert status == 0


def test_the_report_for_people_names_no_person_and_sums_up(tmp_path: Path) -> None:
    env = {"FINGERPOST_DATA_FOLDER": str(tmp_path / "hub")}
    file = listed(tmp_path, READY, UNDECIDED, SILENT)
    status, out, _ = run(env, "placements", "check", file, "--directory", directory(tmp_path), "--at", NOON)
    assert status == 1
    assert "READY: ready" in out
    assert "GAP parent: neither e-mail nor phone is known" in out
    assert "3 placements: 1 ready, 2 not." in out
    assert "Sam" not in out
    assert "Kim" not in out


def test_the_imported_directory_is_the_default(tmp_path: Path) -> None:
    env = hub_environment(tmp_path, smtp_port=2525)
    file = listed(tmp_path, READY)
    status, _, err = run(env, "placements", "check", file)
    assert (status, "No directory was imported" in err) == (1, True)
    assert run(env, "directory", "import", directory(tmp_path))[0] == 0
    assert run(env, "placements", "check", file)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{none}"], "cannot read"),
        (["{file}", "--at", "tomorrow"], "--at is not a moment"),
        (["{file}", "--at", "2026-03-04T03:00:00"], "needs an offset"),
        (["{bad}"], "placement.type"),
    ],
)
def test_mistakes_in_the_question_are_2(tmp_path: Path, arguments: list[str], said: str) -> None:
    places = {
        "{file}": listed(tmp_path, READY),
        "{none}": str(tmp_path / "none.json"),
        "{bad}": str(tmp_path / "bad.csv"),
    }
    (tmp_path / "bad.csv").write_text("ref,placement.type,placement.host_authority\nA,castle,E06000013\n")
    env = {"FINGERPOST_DATA_FOLDER": str(tmp_path / "hub")}
    status, _, err = run(
        env, "placements", "check", *(places.get(a, a) for a in arguments), "--directory", directory(tmp_path)
    )
    assert status == 2
    assert said in err
