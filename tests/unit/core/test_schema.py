"""What is published: valid by others' rules, and the same as what is accepted."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from hub.core import answers
from hub.core.events import Problem
from hub.core.wire_models import DATA_MODELS
from hub.web.openapi import openapi, schema_of
from tests.kit.events import EVERY, merged, reported_in_full

BAD = Path(__file__).parents[2] / "data" / "bad"
EVENTS = [build() for build in EVERY]


def problems(event: Any, type: str = "fingerpost.episode.reported.v1") -> list[str]:
    schema = schema_of(type)
    assert schema is not None
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(event)]


@pytest.mark.parametrize("type", DATA_MODELS)
def test_every_type_has_a_valid_schema_of_its_own(type: str) -> None:
    schema = schema_of(type)
    assert schema is not None
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == type
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize("type", ["", "episode.reported", "fingerpost.episode.reported.v2", "../openapi.json"])
def test_no_other_type_has_one(type: str) -> None:
    assert schema_of(type) is None


@pytest.mark.parametrize("event", EVENTS, ids=[event["id"] + event["type"] for event in EVENTS])
def test_valid_events_keep_to_it(event: Any) -> None:
    assert problems(event, event["type"]) == []


@pytest.mark.parametrize(
    "name",
    [
        "envelope-empty",
        "type-unknown",
        "attribute-with-capital",
        "attribute-an-object",
        "data-as-text",
        "unknown-key-in-child",
        "category-unknown",
        "missing-with-whereabouts-known",
        "boolean-as-text",
        "responsible-authority-missing",
        "responsible-authority-null",
        "withhold-without-reason",
        "withhold-with-blank-reason",
        "withhold-the-second-parent",
        "host-authority-a-name",
        "photo-a-script",
        "companions-too-many",
        "child-name-too-long",
        "previous-episodes-negative",
        "report-with-found",
    ],
)
def test_it_refuses_what_the_hub_refuses_where_a_schema_can_say_it(name: str) -> None:
    case = json.loads((BAD / f"{name}.json").read_text(encoding="utf-8"))
    assert problems(case["event"])


def test_every_word_of_the_specification_has_a_place_in_it() -> None:
    """The report with every field given has every property that the schema of a report knows, and no other."""
    schema = schema_of("fingerpost.episode.reported.v1")
    assert schema is not None
    given = reported_in_full()["data"]
    for name, section in (
        ("EpisodeReport", given["episode"]),
        ("LastSeen", given["episode"]["last_seen"]),
        ("Police", given["episode"]["police"]),
        ("Risk", given["episode"]["risk"]),
        ("ChildReport", given["child"]),
        ("Photo", given["child"]["photo"]),
        ("PlacementReport", given["placement"]),
        ("School", given["school"]),
        ("Notify", given["people"][0]["notify"]),
        ("ReportedData", given),
    ):
        assert set(schema["$defs"][name]["properties"]) == set(section), name


def test_the_openapi_document_is_valid() -> None:
    document = json.loads(json.dumps(openapi()))
    validate(document)
    assert document["openapi"].startswith("3.1")


def test_it_names_every_answer_of_the_specification() -> None:
    responses = openapi()["paths"]["/v1/events"]["post"]["responses"]
    assert {"202", "200", "401", "403", "409", "413", "422", "429", "503"} <= set(responses)
    assert all("Retry-After" in responses[status]["headers"] for status in ("429", "503"))


def test_it_offers_every_type_of_event() -> None:
    body = openapi()["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/cloudevents+json"]
    names = [part["$ref"].rpartition("/")[2] for part in body["schema"]["oneOf"]]
    assert [f"fingerpost.{name}" for name in names] == list(DATA_MODELS)
    assert set(names) <= set(openapi()["components"]["schemas"])


# The answers


def answer_problems(name: str, body: Any) -> list[str]:
    document = openapi()
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(body)]


ACCEPTED = answers.accepted(event="E1", episode="EP-1", notices=6, withheld=1, gaps=["iro"], warnings=[])


def test_accepted_is_what_the_specification_lists() -> None:
    assert ACCEPTED.status == 202
    assert dict(ACCEPTED.body) == {
        "event": "E1",
        "episode": "EP-1",
        "duplicate": False,
        "notices": 6,
        "withheld": 1,
        "gaps": ["iro"],
        "warnings": [],
    }
    assert answer_problems("AcceptedBody", ACCEPTED.body) == []


def test_a_duplicate_is_the_first_answer_again() -> None:
    again = answers.duplicate_of(ACCEPTED.body)
    assert again.status == 200
    assert again.body == merged(ACCEPTED.body, {"duplicate": True})
    assert ACCEPTED.body["duplicate"] is False


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (answers.conflict(), 409),
        (answers.forbidden(quarantine="qu_1"), 403),
        (answers.invalid([Problem(path="data.child.name", message="is blank")], "qu_1"), 422),
        (answers.refused(401, "Sign again.", reason="stale_signature", quarantine="qu_1"), 401),
        (answers.refused(418, "No."), 418),
    ],
)
def test_refusals_are_problem_details(answer: answers.Answer, status: int) -> None:
    assert answer.status == answer.body["status"] == status
    assert answer.body["type"] == "about:blank" and answer.body["title"]
    assert answer_problems("ProblemDetails", answer.body) == []
    assert None not in answer.body.values()


def test_an_invalid_event_is_answered_with_every_problem_and_where_it_is_kept() -> None:
    found_problems = [Problem(path="", message="is not JSON"), Problem(path="data.child.name", message="is blank")]
    body = answers.invalid(found_problems, "qu_1").body
    assert body["problems"] == [{"path": p.path, "message": p.message} for p in found_problems]
    assert body["quarantine"] == "qu_1"


def test_an_answer_does_not_print_the_sender_s_ids() -> None:
    assert "E1" not in repr(ACCEPTED)
