"""notice.json: exactly the view, in a documented format."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import jsonschema
import pytest

from hub.notices.attachment import NoticeDocument, notice_json, schema
from hub.notices.photo import photo
from routing.decision import Kind
from routing.needtoknow import View
from tests.kit.notices import FIELDS, brief, full_view, view

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / "reference" / "notice.v1.schema.json"


def _read(the_view: View, **changes: Any) -> dict[str, Any]:
    attached = notice_json(the_view, brief(**changes), photo(the_view.fields.get("child.photo")))
    assert (attached.name, attached.media_type) == ("notice.json", "application/json")
    assert attached.data.isascii()
    document: dict[str, Any] = json.loads(attached.data)
    jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker()).validate(document)
    assert NoticeDocument.model_validate(document).model_dump() == document, "it is not written as the model would"
    assert list(document) == list(NoticeDocument.model_fields)
    return document


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_keeps_to_the_schema(kind: Kind) -> None:
    due = datetime(2026, 3, 4, 19, 30, tzinfo=UTC)
    document = _read(full_view(), kind=kind, duty="return_interview", due_at=due, remove_at=due)
    assert document["format"] == "fingerpost.notice.v1"
    assert document["kind"] == kind
    assert document["duty"] == {"code": "return_interview", "due_at": "2026-03-04T19:30:00Z"}
    assert document["remove_at"] == "2026-03-04T19:30:00Z"


def test_fields_are_those_of_the_view_and_the_photo_is_a_reference() -> None:
    document = _read(full_view())
    expected = FIELDS | {"child.photo": {"attachment": "photo.jpg", "media_type": "image/jpeg"}}
    assert document["fields"] == expected
    assert list(document["fields"]) == list(FIELDS)


def test_nothing_is_given_where_nothing_may_be_seen() -> None:
    document = _read(view("operator"), acknowledge_url="", rules=(), why="")
    assert document["fields"] == {}
    assert document["acknowledge_url"] is None
    assert document["duty"] is None


def test_a_photo_that_cannot_be_attached_is_still_named_as_a_field() -> None:
    document = _read(view(child__photo={"media_type": "image/svg+xml", "data_base64": "PHN2Zy8+"}))
    assert document["fields"] == {"child.photo": {"attachment": None, "media_type": None}}


def test_only_the_before_of_what_changed_is_repeated() -> None:
    document = _read(
        full_view(),
        kind="update",
        changed=("episode.clothing", "episode.vehicle", "child.photo"),
        previous={
            "episode.clothing": "blue coat",
            "child.description": "not news",
            "child.photo": FIELDS["child.photo"],
        },
    )
    assert document["changed"] == ["episode.clothing", "episode.vehicle", "child.photo"]
    assert document["previous"] == {
        "episode.clothing": "blue coat",
        "child.photo": {"attachment": None, "media_type": None},
    }


def test_immutable_values_become_plain_ones() -> None:
    document = _read(view(form=MappingProxyType({"q": (1, True, None, 1.5)}), child__name="Robin \ud800 Example"))
    assert document["fields"] == {"form": {"q": [1, True, None, 1.5]}, "child.name": "Robin \ufffd Example"}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("half a pair \udc00", "half a pair \ufffd"),
        ("a whole pair \U0001f600", "a whole pair \U0001f600"),
        (r"no pair: C:\udata", r"no pair: C:\udata"),
    ],
)
def test_half_a_surrogate_pair_is_replaced_however_deep_it_stands_and_nothing_else(given: str, read: str) -> None:
    assert _read(view(form={"q": [{given: given}]}))["fields"] == {"form": {"q": [{read: read}]}}


def test_instants_are_utc_whatever_they_were_given_in() -> None:
    issued = datetime.fromisoformat("2026-07-01T12:00:00+01:00")
    assert _read(view(), issued_at=issued)["issued_at"] == "2026-07-01T11:00:00Z"


def test_it_says_which_episode_and_child_it_is_of() -> None:
    read = _read(view(), episode="ep_1", child="ch_1")
    assert (read["episode"], read["child"]) == ("ep_1", "ch_1")


def test_the_published_schema_is_the_models() -> None:
    """docs/reference/notice.v1.schema.json is json.dumps(schema(), indent=2)."""
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == schema()


def test_the_schema_explains_itself() -> None:
    published = schema()
    assert published["$schema"].endswith("2020-12/schema")
    assert set(published["required"]) >= set(NoticeDocument.model_fields) - {"format"}
    properties: Mapping[str, Any] = published["properties"]
    assert set(properties) == set(NoticeDocument.model_fields)
