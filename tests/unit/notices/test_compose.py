"""What leaves with a notice: what its reader may see, what is wanted of them, and nothing else."""

import json
import re
from dataclasses import fields
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.port import Attachment
from hub.notices.brief import Brief, Said
from hub.notices.clean import lines
from hub.notices.compose import alert, compose
from hub.notices.labels import LABELS
from routing.decision import Kind, Rule
from routing.needtoknow import COLUMNS, View
from routing.needtoknow import view as need_to_know
from tests.kit.notices import ACKNOWLEDGE, JPEG, Page, brief, everything, full_view, view

KINDS = get_args(Kind)
ROLES = sorted(COLUMNS)
DUE = datetime(2026, 3, 4, 19, 30, tzinfo=UTC)
REMOVE = datetime(2026, 9, 1, 18, 30, tzinfo=UTC)
EVERYTHING_SET: dict[str, Any] = {
    "person": "Jo Worker",
    "changed": ("episode.clothing", "people", "form", "child.photo", "episode.vehicle"),
    "previous": {"episode.clothing": "blue coat", "form": {"Anything else": "yes"}},
    "remove_at": REMOVE,
    "remove_now": True,
    "duty": "return_interview",
    "due_at": DUE,
    "in_person": ("Sam Example",),
    "abduction": True,
    "withheld_parent": True,
}


def _about(kind: Kind) -> dict[str, Any]:
    return {"kind": kind, "duty": "return_interview" if kind in {"duty_due", "duty_overdue", "message"} else None}


# --- everybody, everything ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_for_each_role_with_nothing_to_show(kind: Kind) -> None:
    for role in ROLES:
        content = compose(
            view(role), brief(**_about(kind), roles=(role,), organisation_name=None, ring=(), rules=(), why="")
        )
        assert content.subject
        assert "What we ask you to do" in content.text
        assert "{" not in content.text
        assert [a.name for a in content.attachments] == ["notice.json"]
        for value in ("Robin", "Example Lane", "None", "episode."):
            assert value not in content.subject + content.text


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_for_each_role_with_everything_set(kind: Kind) -> None:
    for role in ROLES:
        content = compose(full_view(role), brief(**(EVERYTHING_SET | {"kind": kind}), roles=(role,)))
        page = Page(content.html)
        for part in (content.text, page.text):
            assert ("Robin Example" in part) == (role != "operator")
            assert "{" not in part
        assert "None" not in content.text


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_as_a_gap(kind: Kind) -> None:
    for gap_role in ROLES:
        content = compose(full_view(), brief(**_about(kind), roles=("responsible_authority",), gap_role=gap_role))
        assert re.search(
            r"No contact is known for .+ of Example Police\. Please make sure they are told\.", content.text
        )


def test_every_field_of_the_view_is_in_both_prints() -> None:
    content = compose(full_view(), brief())
    page = Page(content.html).text
    for words in (
        *("Robin Example", "Bobby Example", "17 August 2011", "1.60 m, slim", "brown eyes", "+447700900123"),
        *("inhaler", "Care order", "Sunday 1 March 2026, 19:30 GMT", "High Street", "Alex Companion", "Kit Companion"),
        *("red coat", "High", "CAD 1234", "1 Example Lane", "London Borough of Bromley (E09000006)"),
        *("North Lincolnshire Council", "Sam Example", "contact would put the child at risk", "about ten pounds"),
    ):
        assert words in content.text
        assert words in page


# --- need to know ------------------------------------------------------------------------------------------------


def _marked() -> dict[str, Any]:
    """The facts of an episode in which every text is a marker of its own."""
    doc: dict[str, Any] = {}
    for number, (path, words) in enumerate(LABELS.items()):
        if words.reading in {"text", "choice", "authority", "date", "instant"}:
            *above, leaf = path.split(".")
            at = doc
            for key in above:
                at = at.setdefault(key, {})
            at[leaf] = f"Marker{number:03d}x"
    doc["people"] = [
        {"role": "parent", "name": "MarkerParentx", "phone": "MarkerPhonex", "notify": {"reason": "MarkerReasonx"}},
        {"role": "associate", "name": "MarkerAssociatex"},
    ]
    doc["form"] = {"MarkerQuestionx": "MarkerAnswerx"}
    return doc


def _markers(value: Any) -> set[str]:
    return set(re.findall(r"Marker\w+?x", json.dumps(value)))


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_what_the_role_may_see_stands_in_the_notice(kind: Kind) -> None:
    for role in ROLES:
        doc = _marked()
        seen = need_to_know(doc, [role], kind)
        content = compose(seen, brief(**_about(kind), roles=(role,)))
        shown = _markers(dict(seen.fields))
        assert _markers(doc) > shown
        assert _markers(everything(content)) == shown
        assert _markers(content.text) == shown
        assert _markers(Page(content.html).text) == shown
        assert set(json.loads(content.attachments[-1].data)["fields"]) == set(seen.fields)


VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
VIEWS = st.dictionaries(st.sampled_from(sorted(LABELS)) | st.text(max_size=12), VALUES, max_size=8)


@given(fields=VIEWS, kind=st.sampled_from(KINDS), role=st.sampled_from(ROLES), changed=st.booleans())
def test_whatever_a_view_holds_it_is_composed(fields: dict[str, Any], kind: Kind, role: str, changed: bool) -> None:
    news = tuple(fields) if changed else ()
    content = compose(
        View(roles=(role,), fields=fields), brief(**_about(kind), roles=(role,), changed=news, previous=fields)
    )
    assert "\n" not in content.subject
    content.html.encode("utf-8")
    document = json.loads(content.attachments[-1].data)
    assert set(document["fields"]) == (set() if role == "operator" else set(fields))
    if role != "operator":
        for path, value in fields.items():
            words = LABELS.get(path)
            if isinstance(value, str) and (words is None or words.reading == "text"):
                assert all(part in content.text for part in lines(value))


@pytest.mark.parametrize("kind", KINDS)
def test_the_operator_learns_nothing_about_a_child(kind: Kind) -> None:
    content = compose(
        full_view("operator"),
        brief(
            **(EVERYTHING_SET | {"kind": kind}), roles=("operator",), gap_role="school", organisation_name="Hill School"
        ),
    )
    said = everything(content)
    for value in ("Robin", "Sam Example", "Jo Worker", "red coat", "blue coat", "Hill School", "Lane", "photo.jpg"):
        assert value not in said


def test_a_familys_notice_holds_nothing_meant_for_staff() -> None:
    for role in ("parent", "carer"):
        content = compose(view(role, child__name="Robin Example"), brief(**EVERYTHING_SET, roles=(role,), rules=()))
        said = everything(content)
        assert "must not be told" not in said.lower()
        assert "in person" not in said
        assert "Sam Example" not in said
        assert "abduction is suspected" not in said
        assert "register" not in content.text
        document = json.loads(content.attachments[-1].data)
        assert (document["abduction"], document["withheld_parent"], document["in_person"]) == (False, False, [])


def test_suspected_abduction_is_for_the_police_alone() -> None:
    for role in sorted(set(ROLES) - {"police", "police_missing_from", "police_responsible", "police_senior_officer"}):
        content = compose(view(role), brief(roles=(role,), abduction=True))
        assert "bduction is suspected" not in everything(content)
        assert json.loads(content.attachments[-1].data)["abduction"] is False


# --- what is wanted ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "role", "wanted"),
    [
        ("missing", "police", "Treat this as a missing person report."),
        ("missing", "school", "Tell us at once if Robin Example comes to school"),
        ("missing", "parent", "We are sorry to bring you this news."),
        ("missing", "home_office", "every week until Robin Example is found"),
        ("missing", "home_office_evidence", "Check your own records"),
        ("missing", "iro", "Consider whether the care plan has to be reviewed."),
        ("missing", "circulation:london", "Check your own records for Robin Example"),
        ("missing", "police_missing_from", "went missing from your area"),
        ("away", "police", "It is not a missing person report."),
        ("away", "group_manager", "so long that you have to know"),
        ("concern", "police", "concern for the safety of a child"),
        ("found", "carer", "Get ready for Robin Example to come back."),
        ("returned", "police", "Close the search for Robin Example."),
        ("retraction", "parent", "We are sorry for the worry"),
        ("renotification", "circulation:national", "Renew the entry"),
    ],
)
def test_the_action_wanted_stands_on_top(kind: Kind, role: str, wanted: str) -> None:
    text = compose(view(role, child__name="Robin Example", episode__since="x"), brief(kind=kind, roles=(role,))).text
    assert wanted in text
    top = text.index("What we ask you to do")
    assert top < text.index("Who to ring") < text.index("What is known") < text.index("Why you are told")


def test_a_child_who_is_back_harmed_is_another_concern_than_one_away_in_danger() -> None:
    away = compose(view(child__name="Robin Example", episode__at_risk=True), brief(kind="concern")).text
    back = compose(view(child__name="Robin Example", returned__crime_alleged=True), brief(kind="concern")).text
    assert "away from placement and believed to be in danger" in away
    assert "Attend without delay" in back
    assert "away from placement" not in back


def test_merged_police_roles_get_the_actions_of_both() -> None:
    text = compose(view(), brief(roles=("police", "police_missing_from"))).text
    assert "Treat this as a missing person report." in text
    assert "went missing from your area" in text


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [("B-50", "more than three times within 28 days"), ("B-98", "MASE panel"), ("D-50", "independent person")],
)
def test_a_threshold_says_what_its_rule_asks_for(rule: str, wanted: str) -> None:
    rules = (Rule(pack="bromley", rule=rule, source="s", quote="q"),)
    assert wanted in compose(view("mash"), brief(kind="threshold", roles=("mash",), rules=rules)).text


def test_a_threshold_of_an_authoritys_own_pack_has_words_too() -> None:
    rules = (Rule(pack="ours", rule="X-1", source="s", quote="q"),)
    assert "together" in compose(view("mash"), brief(kind="threshold", roles=("mash",), rules=rules)).text


# --- first lines -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ["police", "police_missing_from", "police_responsible"])
def test_999_comes_first_on_the_first_line(kind: Kind, role: str) -> None:
    content = compose(full_view(role), brief(**_about(kind), roles=(role,), abduction=True))
    assert content.text.splitlines()[0].startswith("999 comes first")
    assert Page(content.html).texts[1].startswith("999 comes first")  # the first is the title of the page


def test_without_suspected_abduction_no_notice_to_the_police_speaks_of_999() -> None:
    assert "999" not in compose(full_view(), brief()).text


def test_whoever_has_to_tell_the_police_reads_999_first_too() -> None:
    text = compose(view("host_authority"), brief(roles=("host_authority",), gap_role="police", abduction=True)).text
    assert text.splitlines()[0].endswith("If nobody has rung 999 yet, ring 999 now.")


@pytest.mark.parametrize(("status", "word"), [("exercise", "EXERCISE"), ("test", "TEST")])
@pytest.mark.parametrize("abduction", [False, True])
def test_an_exercise_is_marked_at_the_very_top_and_in_the_subject(status: str, word: str, abduction: bool) -> None:
    content = compose(full_view(), brief(status=status, abduction=abduction))
    assert content.subject.startswith(f"{word} – ")
    assert content.text.startswith(f"{word}. ")
    assert Page(content.html).texts[1].startswith(f"{word}. ")
    assert ("Do not ring 999" in content.text.splitlines()[0]) == abduction


def test_nobody_is_asked_to_ring_999_in_an_exercise() -> None:
    for role in ROLES:
        assert "999 in immediate danger" not in compose(view(role), brief(status="exercise", roles=(role,))).text


def test_an_actual_notice_bears_no_mark() -> None:
    content = compose(full_view(), brief())
    assert content.subject == "Missing child: Robin Example"
    assert content.text.startswith("Missing child: Robin Example\n")


def test_the_subject_names_the_child_only_where_the_view_does() -> None:
    assert compose(view(episode__category="missing"), brief()).subject == "Missing child"
    assert compose(view(), brief(kind="duty_due", duty="return_interview", due_at=DUE)).subject == (
        "Duty due: Independent return interview"
    )


# --- warnings ----------------------------------------------------------------------------------------------------


def test_a_withheld_parent_is_not_to_be_told() -> None:
    text = compose(full_view(), brief(withheld_parent=True)).text
    assert "A parent has NOT been told, and must not be told." in text
    assert "“People” below says who." in text
    assert "“People”" not in compose(view("iro"), brief(roles=("iro",), withheld_parent=True)).text
    assert "NOT been told" not in compose(full_view(), brief()).text


def test_who_has_to_be_told_in_person_is_named_and_the_child_is_said_not_to_be_safe() -> None:
    content = compose(
        view("responsible_authority", child__name="Robin Example"),
        brief(kind="found", roles=("responsible_authority",), in_person=("Sam Example", "Pat Example")),
    )
    assert "Robin Example has been found, but is NOT safe." in content.text
    assert "- Sam Example\n- Pat Example" in content.text
    assert "agree at once how to bring them to safety" in content.text


def test_found_but_not_safe_is_said_to_everybody_who_may_know() -> None:
    for role in ("police", "iro", "home_office", "school"):
        assert "NOT safe" in compose(view(role, found__safe=False), brief(kind="found", roles=(role,))).text
    assert "NOT safe" not in compose(view(found__safe=True), brief(kind="found")).text


# --- registers, updates, duties, reasons -------------------------------------------------------------------------


def test_an_entry_in_a_register_has_its_removal_date() -> None:
    text = compose(full_view(), brief(remove_at=REMOVE)).text
    assert "Remove the entry on Tuesday 1 September 2026, 19:30 BST" in text


@pytest.mark.parametrize("kind", ["found", "returned", "retraction"])
def test_an_entry_in_a_register_goes_when_it_is_over(kind: Kind) -> None:
    content = compose(full_view(), brief(kind=kind, remove_now=True))
    assert "remove the entry now" in content.text
    assert json.loads(content.attachments[-1].data)["remove_now"] is True
    assert "remove the entry" not in compose(full_view(), brief(kind=kind)).text


def test_an_update_says_what_changed_before_what_is_known() -> None:
    content = compose(
        full_view(),
        brief(kind="update", changed=("episode.clothing",), previous={"episode.clothing": "blue coat", "x": "secret"}),
    )
    assert "Clothing:\n  Before: blue coat\n  Now: red coat\n" in content.text
    assert content.text.index("What has changed") < content.text.index("What is known")
    assert "secret" not in everything(content)
    assert [h.get("scope") for h in Page(content.html).all("th")].count("col") >= 3


def test_a_reminder_tells_the_owner_what_when_why_and_how_to_report() -> None:
    text = compose(
        view("responsible_authority", child__name="Robin Example"),
        brief(
            kind="duty_overdue", priority="low", roles=("responsible_authority",), duty="return_interview", due_at=DUE
        ),
    ).text
    assert "This was due on Wednesday 4 March 2026, 19:30 GMT" in text
    assert "Please do it now: hold the independent return interview" in text
    assert "Whose: Yours" in text
    assert "duty.completed with the duty “return_interview” and the outcome: held, declined, not_required." in text
    assert "“Inform the police.”" in text


def test_who_is_only_told_of_a_duty_is_not_asked_to_do_it() -> None:
    text = compose(
        view("carer"), brief(kind="duty_overdue", roles=("carer",), duty="return_interview", due_at=DUE)
    ).text
    assert "It is not your task." in text
    assert "Report it done" not in text


def test_a_sender_without_a_name_reads_well_inside_a_sentence() -> None:
    text = compose(view(), brief(sender="The notifying authority")).text
    assert "Tell the notifying authority your incident number" in text
    assert "From: The notifying authority" in text


def test_a_fallback_desk_reads_for_staff_even_where_it_reads_for_a_parent() -> None:
    for roles in (("parent",), ("responsible_authority",)):
        content = compose(
            full_view(*roles),
            brief(kind="found", roles=roles, gap_role="parent", person="Pat Example", in_person=("Sam Example",)),
        )
        assert "No contact is known for a parent (Pat Example) of Example Police." in content.text
        assert "- Sam Example" in content.text
        assert "your organisation is acting on this" in content.text


def test_a_parent_hears_that_the_police_should_ring() -> None:
    text = compose(view("parent"), brief(kind="message", roles=("parent",), duty="police_update", due_at=DUE)).text
    assert "The police should give you an update now." in text
    assert "duty.completed" not in text


def test_a_duty_of_an_authoritys_own_pack_has_words_too() -> None:
    text = compose(view(), brief(kind="duty_due", duty="visit_the_home", due_at=DUE)).text
    assert "Visit the home" in text


def test_the_reason_names_pack_version_rule_source_and_quotation() -> None:
    text = compose(full_view(), brief()).text
    assert "Why you are told" in text
    assert "Protocol “national” 2014.1, rule B-13: Missing children, section 6.4\n  “Inform the police.”" in text


def test_the_link_to_answer_stands_in_full_and_only_where_there_is_one() -> None:
    content = compose(full_view(), brief())
    assert ACKNOWLEDGE in content.text.splitlines()
    assert [a["href"] for a in Page(content.html).all("a")] == [ACKNOWLEDGE]
    silent = compose(full_view(), brief(acknowledge_url=""))
    assert "Please answer" not in silent.text
    assert Page(silent.html).all("a") == []


def test_who_to_ring_is_given_with_what_to_quote() -> None:
    text = compose(full_view("iro"), brief(roles=("iro",))).text
    assert "- The police: 999 in immediate danger, otherwise 101\n- Example Council, duty team: +447700900111" in text
    assert "- Quote to the police: CAD 1234\n- Quote to us: FP-AB12-CD34" in text


def test_the_photo_is_attached_under_a_name_that_says_nothing() -> None:
    content = compose(full_view(), brief())
    assert [(a.name, a.media_type) for a in content.attachments] == [
        ("photo.jpg", "image/jpeg"),
        ("notice.json", "application/json"),
    ]
    assert content.attachments[0].data == JPEG


# --- attack ------------------------------------------------------------------------------------------------------


def test_a_name_can_forge_neither_subject_nor_lines_nor_wording() -> None:
    name = "Robin\r\nBcc: everybody@evil.example\n\nWhat we ask you to do\n\u202e{sender} {0} %s <b>x</b>"
    content = compose(view(child__name=name), brief())
    assert "\n" not in content.subject
    assert "\r" not in content.subject
    assert "\u202e" not in content.subject + content.text + Page(content.html).text
    assert content.text.splitlines().count("What we ask you to do") == 1
    assert "{sender} {0} %s <b>x</b>" in content.text
    assert Page(content.html).all("b") == []
    assert json.loads(content.attachments[-1].data)["fields"]["child.name"] == name


def test_very_long_values_are_cut_in_the_print_and_whole_in_the_attachment() -> None:
    content = compose(view(child__name="N" * 9_999, episode__circumstances="long " * 50_000), brief())
    assert len(content.subject) < 200
    assert len(content.text) < 20_000 + 5_000
    assert "the whole text is in notice.json" in content.text
    assert json.loads(content.attachments[-1].data)["fields"]["episode.circumstances"] == "long " * 50_000


@pytest.mark.parametrize("field", ["sender", "why", "reference", "organisation_name", "person"])
def test_no_part_of_a_brief_can_forge_a_line(field: str) -> None:
    content = compose(view(), brief(**{field: "x\n\nWho to ring\n\n- evil.example\u202e"}))
    assert "\u202e" not in content.text
    assert content.text.splitlines().count("Who to ring") == 1


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "hub.example/a/x", " https://hub.example"])
def test_a_link_that_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="acknowledge_url"):
        brief(acknowledge_url=url)


@pytest.mark.parametrize("field", ["issued_at", "remove_at", "due_at"])
def test_an_instant_without_an_offset_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        brief(**{field: datetime(2026, 3, 1)})


def test_nothing_personal_prints() -> None:
    content = compose(full_view(), brief(**EVERYTHING_SET))
    for printed in (repr(content), repr(brief(**EVERYTHING_SET)), repr(full_view())):
        for value in ("Robin", "Sam", "blue coat", "unguessable"):
            assert value not in printed


# --- the page ----------------------------------------------------------------------------------------------------


def test_the_page_is_accessible_and_loads_nothing() -> None:
    content = compose(full_view(), brief(**EVERYTHING_SET, kind="update"))
    page = Page(content.html)
    assert page.all("html") == [{"lang": "en-GB"}]
    assert len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(header.get("scope") in {"row", "col"} for header in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {table["aria-labelledby"] for table in page.all("table") if "aria-labelledby" in table} == set(ids)
    assert not {"script", "style", "link", "img", "iframe", "form", "base", "object"} & {
        tag for tag, _ in page.elements
    }
    assert not re.search(r"\s(src|background|srcset|on[a-z]+)\s*=|url\(|@import", content.html)


def test_composing_is_a_pure_function() -> None:
    assert compose(full_view(), brief(**EVERYTHING_SET)) == compose(full_view(), brief(**EVERYTHING_SET))


def test_the_briefs_personal_fields_are_the_ones_that_do_not_print() -> None:
    hidden = {field.name for field in fields(Brief) if not field.repr}
    assert hidden == {"person", "previous", "in_person", "ring", "acknowledge_url", "said"}


# --- what somebody wrote -----------------------------------------------------------------------------------------


def _said(**changes: Any) -> Said:
    values: dict[str, Any] = {
        "id": "ms_1",
        "thread": "th_1",
        "purpose": "sighting",
        "whereabouts": True,
        "author": "Kit Writer",
        "organisation": "Example Borough",
        "sent_at": datetime(2026, 3, 1, 20, 15, tzinfo=UTC),
        "text": "Seen at the station.\nGot into a red car.",
        "pictures": (Attachment(name="picture-1.jpg", media_type="image/jpeg", data=JPEG),),
        "count": 1,
        "url": "https://hub.example/conversations/th_1",
        "in_reply_to": "ms_0",
        "replies_url": "https://hub.example/v1/threads/th_1/messages",
    }
    return Said(**values | changes)


def test_a_message_is_printed_with_who_wrote_it_and_its_pictures_are_attached() -> None:
    content = compose(view("police", child__name="Robin Example"), brief(kind="conversation", said=_said()))
    assert content.subject == "A message about Robin Example"
    for part in (content.text, Page(content.html).text):
        for words in ("Kit Writer, Example Borough", "A sighting of the child", "1 March 2026", "Got into a red car."):
            assert words in part
        assert "the police are told" in part and "1, attached" in part
        assert "https://hub.example/conversations/th_1" in part
    assert [(one.name, one.data) for one in content.attachments[:-1]] == [("picture-1.jpg", JPEG)]
    document = json.loads(content.attachments[-1].data)
    assert document["kind"] == "conversation" and document["fields"] == {"child.name": "Robin Example"}
    assert document["message"] == {
        "id": "ms_1", "thread": "th_1", "purpose": "sighting", "whereabouts": True, "author": "Kit Writer",
        "organisation": "Example Borough", "sent_at": "2026-03-01T20:15:00Z",
        "text": "Seen at the station.\nGot into a red car.", "pictures": ["picture-1.jpg"],
        "in_reply_to": "ms_0", "replies_url": "https://hub.example/v1/threads/th_1/messages",
    }  # fmt: skip


def test_no_line_of_a_message_can_pass_for_one_of_the_notice() -> None:
    forged = "Nothing.\nWhat we ask you to do\n---------------------\n- Tell the parents"
    text = compose(view("police"), brief(kind="conversation", said=_said(text=forged, pictures=()))).text
    assert text.count("\nWhat we ask you to do\n") == 1 and "\n- Tell the parents" not in text
    assert "in the secure mail, and in the conversation" in text


def test_the_operator_reads_no_message_that_could_not_be_placed() -> None:
    content = compose(full_view("operator"), brief(kind="conversation", roles=("operator",), said=_said()))
    assert [one.name for one in content.attachments] == ["notice.json"]
    assert not re.search("station|Kit|picture-1", everything(content))


# --- in clear ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["actual", "exercise", "test"])
def test_an_alert_says_a_reference_and_how_to_collect_and_nothing_else(status: Any) -> None:
    said = alert("FP-AB12-CD34", status, "Ring Example Council on +447700900111.")
    assert said.subject == "[OFFICIAL-SENSITIVE] Secure notice FP-AB12-CD34"
    assert "FP-AB12-CD34" in said.text
    assert "Ring Example Council on +447700900111." in said.text
    assert not re.search("missing|child|police|school|parent|found", said.text, re.IGNORECASE)
    assert said.text.startswith(status.upper()) == (status != "actual")


def test_an_alert_has_one_line_for_a_subject() -> None:
    assert alert("FP-1\r\nBcc: x", "actual", "").subject.splitlines() == [
        "[OFFICIAL-SENSITIVE] Secure notice FP-1 Bcc: x"
    ]
