"""Valid events: what is kept, what is turned into its normal form, what is only warned of."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hub.core.events import (
    EpisodeEvent,
    Invalid,
    NotJson,
    Problem,
    canonical,
    instant,
    instant_text,
    parse,
    source_of,
    validate_document,
)
from hub.core.wire_checks import MAX_ANSWERS
from hub.core.wire_json import MAX_BYTES
from hub.core.wire_models import DATA_MODELS
from hub.core.wire_values import PHOTO_BYTES
from tests.kit.events import (
    BROMLEY,
    DROP,
    DUTIES,
    EVERY,
    NORTH_LINCOLNSHIRE,
    TINY_JPEG,
    duty_completed,
    leaves,
    merged,
    parsed,
    raw,
    reported,
    reported_in_full,
    updated,
    wire_rules,
)


def problems_of(event: dict[str, Any]) -> list[Problem]:
    result = parse(raw(event), wire_rules())
    assert isinstance(result, Invalid)
    return list(result.problems)


@pytest.mark.parametrize("build", EVERY, ids=lambda f: f.__name__)
def test_every_type_is_read_as_it_was_sent_without_a_warning(build: Any) -> None:
    sent = build()
    event = parsed(sent)
    assert event.data == sent["data"]
    assert (event.id, event.source, event.type) == (sent["id"], sent["source"], sent["type"])
    assert event.time == instant(sent["time"])
    assert event.warnings == ()
    assert event.arrives is None and event.subject is None


def test_the_builders_cover_every_type() -> None:
    assert {build()["type"] for build in EVERY} == set(DATA_MODELS)


def test_kind_and_ref() -> None:
    event = parsed(duty_completed())
    assert event.kind == "duty.completed"
    assert event.ref == "BRM-EP-0001"


@pytest.mark.parametrize("build", EVERY, ids=lambda f: f.__name__)
def test_nothing_the_sender_said_stands_in_a_repr(build: Any) -> None:
    sent = build(id="Robin Example", subject="Robin Example")
    shown = repr(parsed(sent))
    assert [leaf for leaf in leaves(sent["data"]) if leaf in shown] == []
    assert "Robin" not in shown


def test_only_given_keys_come_out_and_no_default_is_filled_in() -> None:
    event = parsed(updated(episode={"risk": {"level": "high"}}))
    assert event.data == {"episode": {"ref": "BRM-EP-0001", "risk": {"level": "high"}}}


def test_null_is_kept_in_an_update_as_it_clears() -> None:
    changes = {
        "episode": {"risk": None, "police": {"incident_number": None}, "status": None},
        "child": {"photo": None, "mobile": None, "looked_after": None},
        "placement": {"responsible_authority": None},
        "school": None,
        "people": None,
        "form": {"Score": None},
    }
    data = parsed(updated(**changes)).data
    assert data == merged({"episode": {"ref": "BRM-EP-0001"}}, changes)


def test_null_in_a_report_is_the_same_as_not_given() -> None:
    event = parsed(
        reported(
            episode={"noticed_at": None, "risk": {"level": None}, "abduction_suspected": None},
            child={"gender": None, "photo": None, "care_leaver": None},
            placement={"district": None, "starts_on": None},
            school=None,
            form=None,
        )
    )
    assert event.data["episode"]["risk"]["level"] is None
    assert event.data["school"] is None


def test_reports_without_any_optional_part() -> None:
    bare = reported(
        school=DROP,
        people=DROP,
        episode={key: DROP for key in ("since", "last_seen", "missing_from", "circumstances", "clothing", "risk")},
        child={key: DROP for key in ("description", "medication", "mobile", "legal_status")},
        placement={key: DROP for key in ("type", "provider", "address", "phone")},
    )
    assert parsed(bare).data == bare["data"]


def test_a_key_with_the_name_of_a_keyword() -> None:
    assert parsed(reported()).data["episode"]["last_seen"]["with"] == "a friend"


def test_a_byte_order_mark_is_no_reason_to_refuse() -> None:
    assert isinstance(parse(b"\xef\xbb\xbf" + raw(reported()), wire_rules()), EpisodeEvent)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-07-01T20:30:00+01:00", "2026-07-01T19:30:00Z"),
        ("2026-03-01T19:30:00+00:00", "2026-03-01T19:30:00Z"),
        ("2026-03-01T19:30:00-00:00", "2026-03-01T19:30:00Z"),
        ("2026-03-01t19:30:00z", "2026-03-01T19:30:00Z"),
        ("2026-03-01T19:30:00.25Z", "2026-03-01T19:30:00.250000Z"),
        ("2026-03-01T19:30:00.000Z", "2026-03-01T19:30:00Z"),
        ("2026-03-01T19:30:00.123456789Z", "2026-03-01T19:30:00.123456Z"),
        ("2026-03-02T00:15:00+14:00", "2026-03-01T10:15:00Z"),
        ("2000-01-01T00:00:00Z", "2000-01-01T00:00:00Z"),
        ("2099-12-31T23:59:59.999999Z", "2099-12-31T23:59:59.999999Z"),
        ("2028-02-29T12:00:00Z", "2028-02-29T12:00:00Z"),
    ],
)
def test_instants_become_utc(sent: str, kept: str) -> None:
    event = parsed(reported(time="2026-01-01T00:00:00Z", episode={"noticed_at": sent}))
    assert event.data["episode"]["noticed_at"] == kept
    assert instant_text(instant(kept)) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        "2026-03-01 19:30:00Z",
        "2026-03-01T19:30Z",
        "2026-03-01T19:30:00",
        "2026-03-01T19:30:60Z",
        "2026-03-01T19:60:00Z",
        "2026-03-01T19:30:00+24:00",
        "2026-03-01T19:30:00+01",
        "2026-03-01T19:30:00.Z",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "2099-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
        "２０２６-03-01T19:30:00Z",
        " 2026-03-01T19:30:00Z",
        "2026-03-01T19:30:00Z\n",
        "",
    ],
)
def test_what_is_no_instant(wrong: str) -> None:
    (problem,) = problems_of(reported(episode={"noticed_at": wrong}))
    assert problem.path == "data.episode.noticed_at"


def test_time_and_arrives_are_instants_in_utc() -> None:
    event = parsed(reported(time="2026-07-01T20:30:00+01:00", arrives="2026-07-01T21:00:00+01:00"))
    assert event.time == datetime(2026, 7, 1, 19, 30, tzinfo=UTC)
    assert event.arrives == datetime(2026, 7, 1, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("305", BROMLEY),
        ("e09000006", BROMLEY),
        (" E09000006 ", BROMLEY),
        ("E08000016", "E08000038"),  # Barnsley's code until 2025
        ("813", NORTH_LINCOLNSHIRE),
    ],
)
def test_codes_become_todays_gss_codes(sent: str, kept: str) -> None:
    event = parsed(
        reported(
            episode={"missing_from_authority": sent},
            placement={"responsible_authority": sent, "host_authority": sent},
        )
    )
    assert event.data["placement"]["responsible_authority"] == kept
    assert event.data["placement"]["host_authority"] == kept
    assert event.data["episode"]["missing_from_authority"] == kept


def test_an_ambiguous_former_code_is_settled_by_the_district() -> None:
    placement = {"responsible_authority": "E10000021", "host_authority": "E10000021", "district": "E06000062"}
    event = parsed(reported(placement=placement))
    assert event.data["placement"]["responsible_authority"] == "E06000062"
    assert event.data["placement"]["host_authority"] == "E06000062"
    assert event.data["placement"]["district"] == "E06000062"


def test_the_district_of_the_placement_says_nothing_about_another_responsible_authority() -> None:
    event = parsed(reported(placement={"district": NORTH_LINCOLNSHIRE}))
    assert event.data["placement"]["responsible_authority"] == BROMLEY
    assert event.warnings == ()


@pytest.mark.parametrize("host", ["W06000015", "S12000036", "N09000003"])
def test_a_host_in_another_nation_is_accepted(host: str) -> None:
    assert parsed(reported(placement={"host_authority": host})).data["placement"]["host_authority"] == host


def test_contact_details_are_normalised_where_they_can_be() -> None:
    event = parsed(
        reported(
            child={"mobile": "07700 900123"},
            placement={"phone": "01632 960001"},
            school={"email": "Office@SCHOOL.Example"},
            people=[{"role": "carer", "name": "Chris Carer", "email": "chris@HOME.example", "phone": "07700 900-100"}],
        )
    )
    assert event.data["child"]["mobile"] == "+447700900123"
    assert event.data["placement"]["phone"] == "+441632960001"
    assert event.data["school"]["email"] == "Office@school.example"
    assert event.data["people"][0]["email"] == "chris@home.example"
    assert event.data["people"][0]["phone"] == "+447700900100"
    assert event.warnings == ()


def test_contact_details_nobody_can_use_are_kept_with_a_warning_without_them() -> None:
    people = [{"role": "carer", "name": "Chris Carer", "email": "ask at the desk", "phone": "07700 900100 (after six)"}]
    event = parsed(reported(people=people))
    assert event.data["people"] == people
    assert len(event.warnings) == 2
    assert event.warnings[0].startswith("data.people[0].email cannot be used")
    assert event.warnings[1].startswith("data.people[0].phone cannot be used")
    assert "desk" not in event.warnings[0] and "900100" not in event.warnings[1]


def test_names_are_the_same_whatever_their_blanks_and_accents_are_made_of() -> None:
    event = parsed(reported(people=[{"role": "parent", "name": " Jose\u0301 \u00a0 Example "}]))
    assert event.data["people"][0]["name"] == "Jos\u00e9 Example"


@pytest.mark.parametrize(
    "again",
    [
        "Jose\u0301 Example",
        " Jos\u00e9\u00a0\u2003Example",
        "Jose\u200b\u0301 Exam\u00adple\ufeff",
        "Jos\u00e9 Example\u200e",
        "\u2068Jos\u00e9 Example\u2069",
    ],
)
def test_a_withheld_parent_cannot_come_twice_under_a_name_that_looks_the_same(again: str) -> None:
    withheld = {"decision": "withhold", "reason": "a risk", "decided_by": "Jo Worker"}
    people = [
        {"role": "parent", "name": "Jos\u00e9 Example", "notify": withheld},
        {"role": "parent", "name": again, "notify": {"decision": "notify"}},
    ]
    assert [p.path for p in problems_of(reported(people=people))] == ["data.people[1]"]
    assert parsed(reported(people=people[1:])).data["people"][0]["name"] == "Jos\u00e9 Example"


def test_a_name_keeps_the_joiners_its_letters_need() -> None:
    assert (
        parsed(reported(child={"name": "\u0645\u06cc\u200c\u062e"})).data["child"]["name"] == "\u0645\u06cc\u200c\u062e"
    )


def test_references_are_never_changed() -> None:
    event = parsed(reported(episode={"ref": "A  1/e\u0301"}, child={"ref": "c\u00a01"}))
    assert event.ref == "A  1/e\u0301"
    assert event.data["child"]["ref"] == "c\u00a01"


def test_text_may_have_lines() -> None:
    told = "Left at six.\r\nSpoke of:\n\t- the sea"
    assert parsed(reported(episode={"circumstances": told})).data["episode"]["circumstances"] == told


@pytest.mark.parametrize("size", [1, PHOTO_BYTES - 1, PHOTO_BYTES])
def test_photos_up_to_the_limit(size: int) -> None:
    data = base64.b64encode((b"\xff\xd8\xff" + bytes(size))[:size]).decode()
    event = parsed(reported(child={"photo": {"media_type": "image/jpeg", "data_base64": data}}))
    assert event.data["child"]["photo"]["data_base64"] == data


@pytest.mark.parametrize("size", [PHOTO_BYTES + 1, PHOTO_BYTES + 2, PHOTO_BYTES + 3, PHOTO_BYTES + 9000])
def test_a_photo_over_the_limit_is_refused(size: int) -> None:
    data = base64.b64encode(bytes(size)).decode()
    (problem,) = problems_of(reported(child={"photo": {"media_type": "image/jpeg", "data_base64": data}}))
    assert problem.path == "data.child.photo.data_base64"
    assert "512 KiB" in problem.message


def test_line_breaks_in_base64_are_taken_out() -> None:
    broken = "\r\n".join(TINY_JPEG[i : i + 76] for i in range(0, len(TINY_JPEG), 76))
    event = parsed(reported(child={"photo": {"media_type": "image/jpeg", "data_base64": broken}}))
    assert event.data["child"]["photo"]["data_base64"] == TINY_JPEG


def test_a_body_over_one_mebibyte() -> None:
    body = raw(reported())
    assert isinstance(parse(body + b" " * (MAX_BYTES - len(body)), wire_rules()), EpisodeEvent)
    result = parse(body + b" " * (MAX_BYTES - len(body) + 1), wire_rules())
    assert isinstance(result, Invalid)
    assert [p.path for p in result.problems] == [""]


def test_a_form_with_too_many_answers() -> None:
    at_the_limit = {f"Question {i}": "Yes" for i in range(MAX_ANSWERS - 1)}
    assert parsed(reported(form=at_the_limit)).data["form"] == at_the_limit
    (problem,) = problems_of(reported(form={**at_the_limit, "One more": "No"}))
    assert problem.path == "data.form"


@pytest.mark.parametrize(
    ("event", "warning"),
    [
        (reported(subject="Robin"), "subject is not the episode's reference"),
        (reported(episode={"since": "2026-03-01T19:45:01Z"}), "data.episode.since is later"),
        (reported(child={"date_of_birth": "2026-03-02"}), "data.child.date_of_birth is later"),
        (reported(child={"date_of_birth": "2008-03-01"}), "data.child.date_of_birth makes this person 18 or older"),
        (reported(child={"looked_after": DROP}), "data.child.looked_after is not given and counts as false"),
        (
            reported(child={"known_to_childrens_services": None}),
            "data.child.known_to_childrens_services is not given and counts as false",
        ),
        (
            reported(child={"photo": {"media_type": "image/png", "data_base64": TINY_JPEG}}),
            "data.child.photo does not look like its media_type",
        ),
        (
            reported(
                people=[
                    {
                        "role": "parent",
                        "name": "Sam Example",
                        "suspected_abductor": True,
                        "notify": {"decision": "notify"},
                    }
                ]
            ),
            "data.people[0] is named as the suspected abductor",
        ),
        (
            updated(
                people=[{"role": "associate", "name": "Alex Friend"}, {"role": "associate", "name": "Alex  Friend"}]
            ),
            "data.people[1] has the role and name of another entry",
        ),
        (reported(placement={"district": "E08000035"}), "data.placement.district is not in the area"),
        (reported(placement={"district": "E07999999"}), "data.placement.district is not a district that is known"),
    ],
)
def test_what_is_odd_but_no_reason_to_refuse(event: dict[str, Any], warning: str) -> None:
    """readings.md C17: the report counts."""
    (said,) = parsed(event).warnings
    assert said.startswith(warning)
    assert [leaf for leaf in leaves(event["data"]) if leaf in said] in ([], ["placement"])  # a word of the path


def test_seventeen_until_the_birthday() -> None:
    assert parsed(reported(child={"date_of_birth": "2008-03-02"})).warnings == ()


def test_one_name_in_two_roles_is_two_people() -> None:
    people = [
        {"role": "parent", "name": "Sam Example", "notify": {"decision": "notify"}},
        {"role": "carer", "name": "Sam Example"},
    ]
    assert parsed(reported(people=people)).data["people"] == people


@pytest.mark.parametrize("duty", sorted(DUTIES))
def test_every_known_duty(duty: str) -> None:
    assert parsed(duty_completed(duty, "done")).data["duty"] == duty


@pytest.mark.parametrize("duty", ["strategy_discussion", "strategy_discussion_28d"])
@pytest.mark.parametrize("outcome", ["held", "done", "declined", "not_required"])
def test_a_strategy_discussion_may_circulate(duty: str, outcome: str) -> None:  # B12 names no other condition
    event = parsed(duty_completed(duty, outcome, circulate=["london", "national"]))
    assert event.data["circulate"] == ["london", "national"]


@pytest.mark.parametrize("circulate", [None, []])
def test_not_to_circulate_is_any_duty_s_right(circulate: Any) -> None:
    assert parsed(duty_completed("return_interview", "held", circulate=circulate)).data["circulate"] == circulate


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", None])
def test_attributes_of_cloudevents(kind: str | None) -> None:
    event = reported(
        datacontenttype=kind,
        dataschema="https://hub.example/v1/schema/fingerpost.episode.reported.v1",
        subject=None,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        sequence=3,
        partitioned=True,
        expirytime=None,
    )
    assert parsed(event).subject is None


def test_at_most_thirty_two_extension_attributes() -> None:
    assert parsed(reported(**{f"ext{i}": "x" for i in range(32)}))
    (problem,) = problems_of(reported(**{f"ext{i}": "x" for i in range(33)}))
    assert problem.path == ""


def test_numbers_written_with_a_point_are_the_same_numbers() -> None:
    body = raw(reported(child={"previous_episodes": 2})).replace(b'"previous_episodes": 2', b'"previous_episodes": 2.0')
    event = parse(body, wire_rules())
    assert isinstance(event, EpisodeEvent)
    assert json.dumps(event.data["child"]["previous_episodes"]) == "2"


# The facts after a merge


def facts(**changes: Any) -> dict[str, Any]:
    return merged(parsed(reported_in_full()).data, changes)


def test_a_whole_document_is_valid() -> None:
    assert validate_document(facts(), wire_rules()) == ()
    assert validate_document(facts(school=None, people=None, form=None), wire_rules()) == ()


def test_what_else_the_fold_keeps_in_the_document_is_not_looked_at() -> None:
    assert validate_document(facts(found={"by": "police"}, memory=object()), wire_rules()) == ()


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"episode": {"whereabouts_known": True}}, "data.episode.whereabouts_known"),
        ({"episode": {"category": DROP}}, "data.episode.category"),
        ({"placement": {"responsible_authority": None}}, "data.placement.responsible_authority"),
        ({"placement": {"responsible_authority": DROP}}, "data.placement.responsible_authority"),
        ({"placement": {"responsible_authority": "S12000036"}}, "data.placement.responsible_authority"),
        ({"placement": DROP}, "data.placement"),
        ({"child": {"photo": {"media_type": DROP}}}, "data.child.photo.media_type"),
        ({"child": {"name": DROP}}, "data.child.name"),
        (
            {"people": [{"role": "parent", "name": "Sam Example", "notify": {"decision": "withhold", "reason": "x"}}]},
            "data.people[0].notify.decided_by",
        ),
    ],
)
def test_what_a_merge_can_break(changes: dict[str, Any], path: str) -> None:
    assert [p.path for p in validate_document(facts(**changes), wire_rules())] == [path]


def test_a_child_no_longer_looked_after_needs_no_responsible_authority() -> None:
    doc = facts(child={"looked_after": False}, placement={"responsible_authority": None})
    assert validate_document(doc, wire_rules()) == ()


# Equal events


def test_equal_json_has_equal_bytes() -> None:
    sent = reported_in_full()
    shuffled = dict(reversed(sent.items()))
    assert canonical(raw(sent)) == canonical(raw(shuffled)) == canonical(sent)
    assert canonical(json.dumps(sent, indent=4).encode()) == canonical(raw(sent))
    assert canonical(json.dumps(sent, ensure_ascii=True).encode("utf-8-sig")) == canonical(raw(sent))


def test_arrives_makes_no_difference_but_everything_else_does() -> None:
    sent = reported()
    assert canonical({**sent, "arrives": "2026-03-05T10:00:00Z"}) == canonical(sent)
    assert canonical({**sent, "time": "2026-03-01T19:45:00+00:00"}) != canonical(sent)
    assert canonical({**sent, "extra": "x"}) != canonical(sent)
    assert canonical(merged(sent, {"data": {"child": {"gender": None}}})) != canonical(sent)


def test_one_and_one_point_nought_are_equal() -> None:
    assert canonical(b'{"a": [1.0, 100, -0.0]}') == canonical(b'{"a": [1, 1e2, 0]}') == b'{"a":[1,100,0]}'


@pytest.mark.parametrize("body", [b"", b"[]", b'{"a": NaN}', b'{"a": 1, "a": 1}', b'{"a": "\\ud800"}', b'{"a": 1e999}'])
def test_what_has_no_canonical_form(body: bytes) -> None:
    with pytest.raises(NotJson):
        canonical(body)


@pytest.mark.parametrize("value", [2**53, float("nan"), "\ud800", b"Robin", {1: "Robin"}])
def test_an_object_that_is_no_json_is_refused_without_being_repeated(value: Any) -> None:
    with pytest.raises(NotJson) as caught:
        canonical({"a": value})
    assert "Robin" not in str(caught.value) and str(2**53) not in str(caught.value)
    assert caught.value.__suppress_context__


def test_who_it_is_from_is_known_before_it_is_believed() -> None:
    assert source_of(raw(reported())) == "urn:fingerpost:source:bromley-care"
    assert source_of(b'{"source": "urn:a", "data": {"score": NaN}}') == "urn:a"


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{}", b'{"source": 1}', b'{"source": "urn:a", "source": "urn:b"}', b"[" * 100_000]
)
def test_who_it_is_from_cannot_be_told(body: bytes) -> None:
    assert source_of(body) is None
