"""Where the link of an alert leads: to the notice where nothing sealed went to its reader, else to the answer."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.port import Alert
from adapters.sms.text import code_text, gsm
from contacts.directory import Directory
from contacts.model import Certificate
from hub.core.records import ClaimedDelivery
from hub.core.tokens import ack_token, pickup_token, token_digest
from hub.notices.helplines import load_helplines
from tests.kit.directory import small_bundle
from tests.unit.service.test_envelopes import DOC, NAME, SECRET, claimed, composer

READ = f"https://hub.example/p/{pickup_token(SECRET, 'dl_1')}"
ANSWER = f"https://hub.example/a/{ack_token(SECRET, 'dl_1')}"
MAILBOX = "missing-persons-unit@police.example"
CERTIFIED = Directory.of(
    replace(small_bundle(), certificates=(Certificate(address=MAILBOX, der=b"one", fingerprint="01" * 32),))
)


def waiting(**changes: Any) -> ClaimedDelivery:
    one = claimed()
    return replace(one, delivery=replace(one.delivery, pickup_digest=token_digest("any"), **changes))


def text_message(*beside: dict[str, Any], **changes: Any) -> ClaimedDelivery:
    """An alert by text message, and the ways of the content beside it."""
    ways = tuple(
        replace(claimed().delivery, id=f"dl_{n}", **{"state": "due", **one}) for n, one in enumerate(beside, 2)
    )
    return replace(waiting(channel="sms", address="+447700900123", carries="alert", **changes), beside=ways)


def said(one: ClaimedDelivery, directory: Directory | None = None) -> str:
    body = composer(directory).alert(one).body
    assert isinstance(body, Alert)
    return body.text


def test_an_alert_by_mail_in_place_of_the_notice_leads_to_it_and_says_how():
    words = said(waiting())
    assert READ in words and ANSWER not in words
    assert "sends a code" in words and "Nobody will ever ring or write to ask you for that code" in words
    assert "Ring 01632 960000." in words, "there is another way for whoever gets no code"
    assert "Robin" not in words and NAME not in words


def test_one_of_before_there_were_pages_leads_nowhere():
    assert "https://" not in said(claimed())


@pytest.mark.parametrize(
    ("beside", "directory", "link"),
    [
        ([], CERTIFIED, READ),
        ([{}], CERTIFIED, ANSWER),
        ([{}], None, READ),
        ([{"state": "sent"}], None, ANSWER),
        ([{"state": "leased"}], CERTIFIED, ANSWER),
        ([{"purpose": "chase"}], CERTIFIED, ANSWER),
        ([{"purpose": "handover", "state": "sent"}], CERTIFIED, READ),
        ([{"purpose": "deputy", "state": "sent"}], CERTIFIED, READ),
    ],
)
def test_a_text_message_leads_to_the_notice_unless_the_content_goes_sealed_to_the_same_reader(
    beside: list[dict[str, Any]], directory: Directory | None, link: str
):
    words = said(text_message(*beside), directory)
    assert [url for url in (READ, ANSWER) if url in words] == [link]
    assert len(gsm(words)) <= 160


def test_the_deputy_who_was_sent_sealed_content_answers():
    sent = {"purpose": "deputy", "state": "sent"}
    assert ANSWER in said(text_message(sent, purpose="deputy"))


def test_the_page_shows_the_same_facts_as_the_mail_and_attaches_nothing():
    made, one = composer(), waiting()
    shown = made.shown(one, DOC)
    mailed = made.content(one).body
    page = repr(shown.document.blocks)
    assert NAME in shown.document.subject
    assert "notice.json" not in page and "/a/" not in page and "Answer here" not in page
    assert "notice.json" in mailed.text, "the mail has it attached"  # type: ignore[union-attr]


def test_what_the_reader_may_not_see_any_more_is_left_out_of_the_page():
    place = DOC["episode"]["last_seen"]["place"]
    one = replace(claimed("iro"), delivery=waiting().delivery)
    assert place in repr(composer().shown(one, DOC).document)
    hidden = {**DOC, "episode": {**DOC["episode"], "trafficking_suspected": True}}
    assert place not in repr(composer().shown(one, hidden).document)


def test_that_a_parent_must_not_be_told_is_said_as_it_stands_now():
    withheld = {**DOC, "people": [{"role": "parent", "name": "Sam Example", "notify": {"decision": "withhold"}}]}
    assert "must not be told" in repr(composer().shown(waiting(), withheld).document)


def test_the_duty_manager_is_shown_whom_to_ring_and_no_fact():
    shown = composer().shown(waiting(purpose="handover"), DOC)
    assert "Please ring" in shown.document.subject and NAME not in repr(shown.document)


def test_a_code_is_one_part_and_says_that_nobody_asks_for_it():
    for status in ("actual", "exercise", "test"):
        text = code_text("FP-2345-6789", "1234 5678", 10, status=status)  # type: ignore[arg-type]
        assert "1234 5678" in text and "Nobody will ask you for it" in text
        assert len(gsm(text)) <= 160
        assert status == "actual" or status.upper() in text
    for wrong in ("12 34 Robin", "", "Robin"):
        with pytest.raises(ValueError):
            code_text("FP-2345-6789", wrong, 10)
    with pytest.raises(ValueError):
        code_text("Robin", "1234 5678", 10)


def test_the_helplines_stand_in_one_file():
    assert [(one.name, one.number) for one in load_helplines()] == [
        ("Missing People", "116 000"),
        ("Childline", "0800 1111"),
    ]
