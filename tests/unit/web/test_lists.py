"""Lists: sorted, narrowed and turned by what an address says; what it says that there is not, nobody minds."""

from collections.abc import Mapping
from typing import Any

from hub.web.pages.lists import Arranged, Column, Filter, arranged

ROWS = [("b", 2, "new"), ("a", 3, "new"), ("c", 1, "old"), ("d", 3, "new")]
Row = tuple[str, int, str]
COLUMNS: list[Column[Row]] = [
    Column(name="name", heading="Name", key=lambda row: row[0]),
    Column(name="size", heading="Size", key=lambda row: row[1]),
    Column(name="note", heading="Note"),
]
STATE: Filter[Row] = Filter(
    name="state", label="State", of=lambda row: row[2], choices=[("new", "New"), ("old", "Old"), ("odd", "Odd")]
)


def shown(asked: Mapping[str, str], **options: Any) -> Arranged[Row]:
    return arranged(ROWS, asked, "/here", **{"columns": COLUMNS, "filters": [STATE], "per": 2, **options})


def names(found: Arranged[Row]) -> str:
    return "".join(row[0] for row in found.rows)


def test_as_they_come_page_by_page() -> None:
    first, second = shown({}), shown({"page": "2"})
    assert (names(first), names(second)) == ("ba", "cd")
    assert (first.earlier, first.later) == (None, "/here?page=2")
    assert (second.earlier, second.later, second.number, second.pages) == ("/here?page=1", None, 2, 2)
    assert [one.sorted for one in first.headings] == ["none", "none", None]


def test_sorted_either_way_and_rows_alike_stay_as_they_were() -> None:
    up = shown({"sort": "size"}, per=9)
    assert names(up) == "cbad"
    assert [(one.sorted, one.address) for one in up.headings] == [
        ("none", "/here?sort=name"),
        ("ascending", "/here?sort=-size"),
        (None, None),
    ]
    down = shown({"sort": "-size"}, per=9)
    assert names(down) == "adbc"
    assert (down.headings[1].sorted, down.headings[1].address) == ("descending", "/here?sort=size")


def test_narrowed_and_still_sorted_on_the_next_page() -> None:
    found = shown({"sort": "name", "state": "new"})
    assert (names(found), found.total, found.later) == ("ab", 3, "/here?state=new&sort=name&page=2")
    assert [(one.text, one.count, one.chosen) for one in found.filters[0].choices] == [
        ("All", 4, False),
        ("New", 3, True),
        ("Old", 1, False),
    ]
    assert [one.address for one in found.filters[0].choices] == [
        "/here?sort=name",
        "/here?state=new&sort=name",
        "/here?state=old&sort=name",
    ]


def test_a_choice_that_leaves_nothing_can_be_taken_back() -> None:
    found = shown({"state": "odd"})
    assert (names(found), found.pages, found.total) == ("", 1, 0)
    assert found.filters[0].choices[0].address == "/here"
    assert found.filters[0].choices[-1].chosen


def test_what_there_is_not_is_not_asked_for() -> None:
    asked = {"sort": "note", "state": "<b>", "page": "99999999", "other": "x"}
    found = shown(asked)
    assert (names(found), found.number, found.later) == ("ba", 1, "/here?page=2")
    assert names(shown({"page": "7"})) == "cd", "the last page there is"
    assert names(shown({"page": "²"})) == "ba"
    assert arranged([], {}, "/here", filters=[STATE]).filters == ()
