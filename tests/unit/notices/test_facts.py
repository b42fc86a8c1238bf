"""Every fact of a view is printed, in words, and what changed shows before and now."""

from typing import Any

import pytest

from hub.notices import facts
from hub.notices.document import Changes, Facts
from hub.notices.labels import LABELS
from hub.notices.photo import photo
from routing.needtoknow import COLUMNS
from tests.kit.notices import FIELDS, ISSUED, PHOTO


def _said(**fields: Any) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    given = {path.replace("__", "."): value for path, value in fields.items()}
    tables = facts.groups(given, ISSUED, photo(given.get("child.photo")))
    return [(str(t.caption), [(str(label), [str(v) for v in value]) for label, value in t.rows]) for t in tables]


def _changed(changed: tuple[str, ...], before: dict[str, Any], now: dict[str, Any]) -> Changes | None:
    return facts.changes(changed, before, now, ISSUED)


def test_each_path_that_anybody_may_see_has_words() -> None:
    visible = frozenset[str]().union(*COLUMNS.values())
    assert visible <= set(LABELS)


@pytest.mark.parametrize(
    ("path", "value", "printed"),
    [
        ("child.date_of_birth", "2011-08-17", "17 August 2011 (aged 14)"),
        ("child.date_of_birth", "2030-01-01", "1 January 2030"),
        ("child.date_of_birth", "unknown", "unknown"),
        ("episode.since", "2026-07-01T12:00:00Z", "Wednesday 1 July 2026, 13:00 BST"),
        ("episode.since", "2026-07-01T12:00:00", "2026-07-01T12:00:00"),
        ("episode.since", "yesterday", "yesterday"),
        ("episode.category", "away", "Away from placement without authorisation"),
        ("episode.category", "a new one", "a new one"),
        ("episode.risk.level", "none_apparent", "No apparent risk"),
        ("episode.abduction_suspected", True, "Yes"),
        ("found.safe", False, "No"),
        ("placement.host_authority", "E06000013", "North Lincolnshire Council (E06000013)"),
        ("placement.host_authority", "E99999999", "E99999999"),
        ("child.previous_episodes", 3, "3"),
        ("child.medication", 'insulin, "now"', 'insulin, "now"'),
    ],
)
def test_values_are_put_into_words(path: str, value: Any, printed: str) -> None:
    assert [row[1] for _, rows in _said(**{path: value}) for row in rows] == [[printed]]


def test_facts_are_grouped_and_ordered_whatever_the_order_of_the_view() -> None:
    backwards = dict(reversed(FIELDS.items()))
    assert [t.caption for t in facts.groups(backwards, ISSUED, None)] == [
        "The child",
        "What has happened",
        "Risk",
        "Police",
        "Health",
        "Legal position and plans",
        "Placement or home",
        "People",
        "Recorded answers on the local form",
    ]
    assert facts.groups(backwards, ISSUED, None) == facts.groups(FIELDS, ISSUED, None)


def test_a_path_nobody_foresaw_is_printed_under_its_own_name() -> None:
    assert _said(episode__shoe_size="38") == [("Other facts", [("episode.shoe_size", ["38"])])]


def test_people_stand_with_the_decision_about_them() -> None:
    assert _said(people=FIELDS["people"]) == [
        (
            "People",
            [
                (
                    "Parent",
                    [
                        "Sam Example",
                        "Phone: +447700900124",
                        "Has parental responsibility",
                        "MUST NOT BE TOLD, by a recorded decision",
                        "Reason: contact would put the child at risk",
                        "Decided by: Jo Worker, social worker",
                        "Decided: Monday 2 February 2026, 10:00 GMT",
                    ],
                ),
                ("Social worker", ["Jo Worker", "E-mail: jo.worker@council.example"]),
            ],
        )
    ]


@pytest.mark.parametrize(
    ("person", "printed"),
    [
        ({"role": "parent", "name": "Sam Example"}, ("Parent", ["Sam Example"])),
        (
            {"role": "parent", "name": "A", "suspected_abductor": True, "parental_responsibility": False},
            ("Parent", ["A", "Has no parental responsibility", "Suspected abductor: must not be told"]),
        ),
        (
            {"role": "parent", "name": "A", "notify": {"decision": "undecided"}},
            ("Parent", ["A", "Not decided yet whether to tell"]),
        ),
        (
            {"role": "parent", "name": "A", "notify": {"decision": "notify", "decided_by": "Jo Worker"}},
            ("Parent", ["A", "May be told, by a recorded decision", "Decided by: Jo Worker"]),
        ),
        ({"role": "neighbour", "name": "A", "dog": "Rex"}, ("neighbour", ["A", "dog: Rex"])),
        ({"name": "A"}, ("Person", ["A"])),
        ("somebody", ("Person", ["somebody"])),
    ],
)
def test_nothing_of_a_person_is_lost(person: Any, printed: tuple[str, list[str]]) -> None:
    assert _said(people=[person]) == [("People", [printed])]


def test_the_answers_of_a_form_stand_under_their_questions() -> None:
    answers = {"Risk": {"Phone": True, "Money": None, "Friends": ["Alex", "Kit"]}, "Notes": {}, "Last": 0}
    assert _said(form=answers) == [
        (
            "Recorded answers on the local form",
            [
                ("Risk – Phone", ["Yes"]),
                ("Risk – Money", ["not given"]),
                ("Risk – Friends", ["Alex", "Kit"]),
                ("Notes", ["not given"]),
                ("Last", ["0"]),
            ],
        )
    ]


def test_a_photo_says_where_it_is() -> None:
    assert _said(child__photo=PHOTO)[0][1] == [("Photo", ["Attached: photo.jpg"])]
    lost = _said(child__photo={"media_type": "image/svg+xml", "data_base64": "PHN2Zy8+"})[0][1]
    assert "could not be attached" in lost[0][1][0]


@pytest.mark.parametrize(
    ("path", "before", "now", "row"),
    [
        ("episode.clothing", "blue coat", "red coat", ("Clothing", ("blue coat",), ("red coat",))),
        ("episode.clothing", None, "red coat", ("Clothing", ("not given",), ("red coat",))),
        ("episode.clothing", "blue coat", None, ("Clothing", ("blue coat",), ("no longer given",))),
        ("episode.at_risk", True, None, ("Believed at risk of harm where they are", ("Yes",), ("No",))),
        ("episode.at_risk", None, True, ("Believed at risk of harm where they are", ("No",), ("Yes",))),
        ("child.photo", None, PHOTO, ("Photo", ("not given",), ("a photo",))),
        ("placement.address", "1 Lane", "2 Lane", ("Placement or home: address", ("1 Lane",), ("2 Lane",))),
        ("school.urn", "1", "2", ("School: URN", ("1",), ("2",))),
    ],
)
def test_changes_show_before_and_now(path: str, before: Any, now: Any, row: tuple[Any, ...]) -> None:
    old = {} if before is None else {path: before}
    new = {} if now is None else {path: now}
    table = _changed((path,), old, new)
    assert table is not None
    assert table.rows == (row,)


def test_of_a_form_only_the_changed_answers_show() -> None:
    table = _changed(("form",), {"form": {"a": "1", "b": "2"}}, {"form": {"b": "3", "c": {"d": True}}})
    assert table is not None
    assert table.rows == (
        ("Local form: a", ("1",), ("no longer given",)),
        ("Local form: b", ("2",), ("3",)),
        ("Local form: c – d", ("not given",), ("Yes",)),
    )


def test_a_form_that_is_new_shows_all_its_answers() -> None:
    table = _changed(("form",), {}, {"form": {"a": "1"}})
    assert table is not None
    assert table.rows == (("Local form: a", ("not given",), ("1",)),)


def test_what_did_not_change_is_not_among_the_changes() -> None:
    assert _changed((), {"episode.clothing": "blue"}, {"episode.clothing": "red"}) is None


def test_what_changed_twice_stands_once() -> None:
    table = _changed(("episode.vehicle", "episode.vehicle"), {}, {"episode.vehicle": "bicycle"})
    assert table is not None
    assert len(table.rows) == 1


def test_every_table_has_rows() -> None:
    tables: tuple[Facts, ...] = facts.groups(FIELDS, ISSUED, photo(PHOTO))
    assert all(table.rows for table in tables)
