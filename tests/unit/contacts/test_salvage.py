"""What can still be read of a directory after a list it leans on has changed."""

import json
from typing import Any

import pytest

from contacts.areas import load_areas
from contacts.directory import Directory
from contacts.model import Reached
from contacts.salvage import load_readable
from contacts.tables import dumps, load_json
from tests.kit.directory import BROMLEY, MET, NOW, small_bundle

AREAS = load_areas()


def stored(**changes: Any) -> bytes:
    """The small directory as the hub stored it, some tables changed."""
    document = json.loads(dumps(small_bundle()))
    return json.dumps(document | changes).encode()


def table(name: str) -> list[dict[str, Any]]:
    return list(json.loads(dumps(small_bundle()))[name])


def test_what_is_whole_is_taken_as_it_is() -> None:
    assert load_readable(stored(), AREAS, NOW) == load_json(stored(), AREAS, NOW)


def test_an_organisation_that_is_known_no_more_goes_with_its_desks_and_contacts_and_nothing_else() -> None:
    def renamed(rows: list[dict[str, Any]], column: str) -> list[dict[str, Any]]:
        return [row | {column: "E09999999"} if row[column] == BROMLEY else row for row in rows]

    data = stored(
        organisations=renamed(table("organisations"), "code"),
        desks=renamed(table("desks"), "organisation"),
        contacts=renamed(table("contacts"), "organisation"),
    )
    assert load_json(data, AREAS, NOW).bundle is None
    loaded = load_readable(data, AREAS, NOW)
    assert loaded.bundle is not None
    assert loaded.problems
    assert {o.code for o in loaded.bundle.organisations} == {MET, "operator"}
    assert isinstance(Directory.of(loaded.bundle).resolve("police", MET, NOW), Reached)


def test_a_row_that_others_lean_on_takes_them_along() -> None:
    rows = [row | {"times": "whenever"} if row["name"] == "office" else row for row in table("hours")]
    loaded = load_readable(stored(hours=rows), AREAS, NOW)
    assert loaded.bundle is not None
    kept = {c.id for c in loaded.bundle.contacts}
    assert "e09000006.front_door" not in kept
    assert {"e23000001.missing_persons_unit", "e09000006.emergency_duty_team", "operator.operator"} <= kept


def test_a_table_or_a_column_of_a_newer_version_is_left_out() -> None:
    rows = [row | {"pager": "1"} if row["organisation"] == MET else row for row in table("contacts")]
    loaded = load_readable(stored(pagers=[], contacts=rows), AREAS, NOW)
    assert loaded.bundle is not None
    assert {p.path.partition("[")[0] for p in loaded.problems} >= {"pagers", "contacts"}
    assert len(loaded.bundle.contacts) == len(small_bundle().contacts) - 1


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"format": "another"}', b'{"a": 1, "a": 2}', b"\xff"])
def test_what_is_no_directory_at_all_is_none(data: bytes) -> None:
    loaded = load_readable(data, AREAS, NOW)
    assert loaded.bundle is None
    assert loaded.problems
