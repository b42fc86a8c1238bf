"""The pick-up page, over the real services and a real store: only codes go over made-up transports."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.port import Accepted, Deferred, Receipt, Rejected
from hub.core.pickup import CODE_LIFE, MOST_CODES_AN_HOUR, MOST_TRIES, SESSION, Limits
from hub.core.records import Changes, Chased, Silenced
from hub.core.tokens import ack_token, pickup_token, token_digest
from hub.edge.ids import SeededIds
from hub.service.inbox import Inbox
from hub.service.receipts import Receipts
from tests.kit.notices import JPEG
from tests.kit.pickup import (
    BASE,
    DOC,
    MAIL,
    MAILBOX,
    MOBILE,
    OTHER_MAIL,
    PARENT,
    PARENTS_MOBILE,
    PHONE,
    SECOND_MAILBOX,
    Browser,
    Waiting,
    code_in,
    directory_of,
    waiting,
)
from tests.kit.records import moved
from tests.kit.web import ACK_SECRET

SECRETS = ("Robin", "Example Street", "Marker High Street", "Sam Example", "inhaler", "missing child", "Missing child")
RING = "+442079460111"
EDGE = timedelta(seconds=1)


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Waiting]:
    async with waiting(tmp_path) as made:
        yield made


async def text(response: Any) -> str:
    return re.sub(r"\s+", " ", await response.text())


async def nothing_shown(response: Any) -> None:
    page = await response.text()
    assert [secret for secret in SECRETS if secret in page] == []


async def same_as_unknown(made: Waiting, response: Any) -> None:
    """There is no telling a dead link from one that never was."""
    unknown = await made.browser().get("/p/" + "B" * 43)
    assert (response.status, await response.text()) == (404, await unknown.text())
    assert "Set-Cookie" not in response.headers


async def found(made: Waiting) -> None:
    """The child is found: what was told before is overtaken."""
    story = made.story
    event = story.event(type="fingerpost.episode.found.v1")
    decision = story.decision(event.id, kind="found")
    await made.change(
        Changes(
            event=event,
            episode=moved(made.changes, state="found", revision=2),
            expected_version=made.changes.episode.version,
            doc=DOC,
            decisions=(decision,),
            notices=(story.notice(decision, revision=2),),
            supersede=True,
            supersede_kinds=("missing",),
        )
    )


# the way in


async def test_the_link_shows_the_reference_and_where_a_code_would_go_and_nothing_else(told: Waiting) -> None:
    before = await told.notice()
    for _ in range(3):
        response = await told.browser().get(told.link)
        assert (response.status, response.content_type) == (200, "text/html")
        page = await text(response)
        assert before.reference in page and "a text message to the number ending 123" in page
        assert MOBILE not in page and told.token not in page and told.story.episode not in page
        await nothing_shown(response)
        assert "Set-Cookie" not in response.headers
        async with told.web.session.head(f"{told.web.url}{told.link}") as head:
            assert head.status == 200
    assert (await told.visits(), await told.receipts(), await told.notice()) == ([], [], before)
    assert told.sent() == []


@pytest.mark.parametrize("reader", [{}, {"role": "parent", "person": PARENT}])
async def test_before_the_code_no_page_says_what_it_is_about(tmp_path: Path, reader: dict[str, Any]) -> None:
    """Not even that it is about a child: a withheld parent may hold the mailbox of the other."""
    async with waiting(tmp_path, **reader) as made:
        browser = made.browser()
        pages = [
            await browser.get(made.link),
            await browser.get("/p/" + "B" * 43),
            await browser.post(made.link),
            await browser.post(made.link),
            await browser.get(f"{made.link}/code"),
            await browser.post(f"{made.link}/code", {"code": "1"}),
            await made.browser().post(f"{made.link}/code", {"code": "1234 5678"}),
        ]
        for response in pages:
            said = (await text(response)).lower()
            for word in ("child", "missing", "parent", "police_", "robin", "helpline", "116 000"):
                assert word not in said, (word, response.status)


async def test_a_code_by_text_message_leads_to_the_notice_as_its_reader_may_see_it(told: Waiting) -> None:
    browser = told.browser()
    asked = await browser.post(told.link)
    assert (asked.status, asked.headers["Location"]) == (303, f"{BASE}{told.link}/code")
    (message,) = told.sent()
    assert (message.address, message.reference) == (MOBILE, (await told.notice()).reference)
    page = await text(await browser.get(f"{told.link}/code"))
    assert "a text message to the number ending 123" in page and 'autocomplete="one-time-code"' in page
    entered = await browser.post(f"{told.link}/code", {"code": told.code()})
    assert (entered.status, entered.headers["Location"]) == (303, f"{BASE}{told.link}/notice")
    shown = await browser.get(f"{told.link}/notice")
    page = await text(shown)
    assert shown.status == 200
    for value in (
        "Missing child: Robin Example",
        "Marker High Street",
        "inhaler",
        "What we ask you to do",
        "Sam Example",
    ):
        assert value in page, value
    assert f"<title>Notice {(await told.notice()).reference} – Fingerpost</title>" in page, "browsers keep titles"
    assert "notice.json" not in page and "/a/" not in page
    photo = await browser.get(f"{told.link}/photo")
    assert (photo.status, photo.content_type, photo._body) == (200, "image/jpeg", JPEG)
    assert photo.headers["Cache-Control"] == "no-store"


async def test_what_is_shown_is_what_the_role_may_see(tmp_path: Path) -> None:
    async with waiting(tmp_path, role="school") as made:
        browser = await made.let_in()
        page = await text(await browser.get(f"{made.link}/notice"))
        assert "Robin Example" in page
        for hidden in ("Marker High Street", "inhaler", "Sam Example", "Example Street"):
            assert hidden not in page, hidden
        assert "Attached" not in page


async def test_a_view_is_a_receipt_once_a_visit_and_a_line_of_the_audit_each_time(told: Waiting) -> None:
    browser = await told.let_in()
    assert (await told.notice()).state == "pending"
    for _ in range(3):
        assert (await browser.get(f"{told.link}/notice")).status == 200
    (receipt,) = await told.receipts()
    assert (receipt.kind, receipt.code, receipt.channel, receipt.attempt) == ("displayed", "pickup", "email", None)
    assert (await told.notice()).state == "receipted", "shown, and not acknowledged by that"
    assert await told.answers() == []
    await told.web.clock.advance(31)
    second = await told.let_in()
    await second.get(f"{told.link}/notice")
    assert len(await told.receipts()) == 2


async def test_an_answer_from_the_page_is_recorded_as_any(told: Waiting) -> None:
    browser = await told.let_in()
    wrong = await browser.post(f"{told.link}/notice", {"name": "", "answer": "accepted"})
    page = await text(wrong)
    assert wrong.status == 422 and "There is a problem" in page and 'href="#name"' in page
    assert "Robin Example" in page, "the notice is still there"
    given = {"name": "Jo Worker", "answer": "accepted", "redirected_to": "", "words": "desk"}
    response = await browser.post(f"{told.link}/notice", given)
    assert response.status == 200 and "Your answer is recorded" in await text(response)
    (answer,) = await told.answers()
    assert (answer.name, answer.answer, answer.delivery) == ("Jo Worker", "accepted", told.delivery.id)
    assert (await told.notice()).state == "acknowledged"
    again = await text(await browser.get(f"{told.link}/notice"))
    assert "already been accepted" in again


async def test_nobody_answers_or_sees_the_photo_without_the_code(told: Waiting) -> None:
    browser = told.browser()
    for path in ("/notice", "/code"):
        response = await browser.get(f"{told.link}{path}")
        assert (response.status, response.headers["Location"]) == (303, f"{BASE}{told.link}")
    assert (await browser.get(f"{told.link}/photo")).status == 404
    given = {"name": "Jo Worker", "answer": "accepted"}
    assert (await browser.post(f"{told.link}/notice", given)).status == 303
    await browser.post(told.link)
    assert (await browser.post(f"{told.link}/notice", given)).status == 303
    assert (await browser.get(f"{told.link}/notice")).status == 303
    assert await told.answers() == []


# parents


async def test_a_parent_gets_plain_words_helplines_and_the_code_on_the_phone_in_the_event(tmp_path: Path) -> None:
    async with waiting(tmp_path, role="parent", person=PARENT) as made:
        start = await text(await made.browser().get(made.link))
        assert "Something waits here for you to read" in start and "ending 456" in start
        browser = await made.let_in()
        assert [one.address for one in made.sent()] == [PARENTS_MOBILE]
        page = await text(await browser.get(f"{made.link}/notice"))
        assert "We are sorry to bring you this news" in page and "I have read this" in page
        assert "Missing People: 116 000" in page and "Childline: 0800 1111" in page
        assert "my organisation" not in page
        for hidden in ("Marker High Street", "inhaler"):
            assert hidden not in page, hidden
        given = {"name": "Sam Example", "answer": "accepted", "words": "family"}
        thanks = await text(await browser.post(f"{made.link}/notice", given))
        assert "Thank you for letting us know" in thanks and "0800 1111" in thanks


async def test_a_parent_with_one_address_only_is_told_to_ring(tmp_path: Path) -> None:
    lonely = {**DOC, "people": [{"role": "parent", "name": PARENT, "email": "sam@home.example"}]}
    async with waiting(tmp_path, role="parent", person=PARENT, doc=lonely) as made:
        response = await made.browser().get(made.link)
        page = await text(response)
        assert response.status == 200 and "Please ring now" in page and RING in page
        assert "Send me the code" not in page
        await nothing_shown(response)
        assert (await made.browser().post(made.link)).status == 409
        assert made.sent() == made.sent("email") == []


async def test_a_landline_gets_no_code(tmp_path: Path) -> None:
    people = [{"role": "parent", "name": PARENT, "email": "sam@home.example", "phone": "+441632960123"}]
    async with waiting(tmp_path, role="parent", person=PARENT, doc={**DOC, "people": people}) as made:
        assert "Please ring now" in await text(await made.browser().get(made.link))


# which channel


async def test_without_a_mobile_another_mailbox_of_the_desk_gets_the_code(tmp_path: Path) -> None:
    async with waiting(tmp_path, contacts=(MAILBOX, SECOND_MAILBOX)) as made:
        assert "an e-mail to d…@police.example" in await text(await made.browser().get(made.link))
        await made.let_in("email")
        assert [one.address for one in made.sent("email")] == [OTHER_MAIL]


async def test_a_link_by_text_message_has_its_code_go_by_mail(tmp_path: Path) -> None:
    way = {"channel": "sms", "contact": "co_phone", "address": MOBILE, "carries": "alert", "state": "sent"}
    async with waiting(tmp_path, contacts=(MAILBOX, PHONE), delivery=way) as made:
        await made.let_in("email")
        assert [one.address for one in made.sent("email")] == [MAIL]
        assert made.sent() == []


async def test_a_contact_that_was_taken_off_gets_no_code_and_one_that_was_replaced_the_new_one(told: Waiting) -> None:
    told.directory.append(directory_of(MAILBOX, replace(PHONE, address="+447700900777")))
    await told.let_in()
    assert [one.address for one in told.sent()] == ["+447700900777"]
    told.directory.append(directory_of())
    await same_as_unknown(told, await told.browser().get(told.link))


async def test_the_link_of_a_contact_who_went_to_another_desk_opens_nothing_there(told: Waiting) -> None:
    told.directory.append(directory_of(*(replace(one, desk="front_counter") for one in (MAILBOX, PHONE))))
    await same_as_unknown(told, await told.browser().get(told.link))
    await same_as_unknown(told, await told.browser().post(told.link))
    assert told.sent() == []


# breaking it


async def test_a_code_of_another_browser_opens_nothing(told: Waiting) -> None:
    one, other = told.browser(), told.browser()
    await one.post(told.link)
    first = told.code()
    await told.web.clock.advance(31)
    await other.post(told.link)
    second = told.code()
    wrong = await one.post(f"{told.link}/code", {"code": second})
    assert wrong.status == 422 and "You have 4 tries left" in await text(wrong)
    assert (await other.post(f"{told.link}/code", {"code": first})).status == 422
    for browser, code in ((one, first), (other, second)):
        assert (await browser.post(f"{told.link}/code", {"code": code})).status == 303
        assert (await browser.get(f"{told.link}/notice")).status == 200


async def test_without_the_browsers_own_mark_the_right_code_is_none(told: Waiting) -> None:
    await told.browser().post(told.link)
    response = await told.browser().post(f"{told.link}/code", {"code": told.code()})
    assert response.status == 409 and "no longer works" in await text(response)


async def test_a_code_works_once(told: Waiting) -> None:
    browser = await told.let_in()
    stolen = told.code()
    again = await browser.post(f"{told.link}/code", {"code": stolen})
    assert again.headers["Location"].endswith("/notice"), "who is inside already stays there"
    assert sum(one.opened_at is not None for one in await told.visits()) == 1
    await told.web.clock.advance(SESSION.total_seconds())
    assert (await browser.post(f"{told.link}/code", {"code": stolen})).status == 409
    assert (await browser.get(f"{told.link}/notice")).status == 303


async def test_what_the_browser_bore_before_the_code_opens_nothing_after_it(told: Waiting) -> None:
    browser = told.browser()
    await browser.post(told.link)
    before = dict(browser.cookies)
    await browser.post(f"{told.link}/code", {"code": told.code()})
    assert browser.cookies != before
    assert (await Browser(told.web, before).get(f"{told.link}/notice")).status == 303


async def test_five_wrong_codes_and_the_right_one_is_dead_too(told: Waiting) -> None:
    browser = told.browser()
    await browser.post(told.link)
    right = told.code()
    guess = "0000 0000" if right != "0000 0000" else "1111 1111"
    statuses = [(await browser.post(f"{told.link}/code", {"code": guess})).status for _ in range(MOST_TRIES)]
    assert statuses == [422] * (MOST_TRIES - 1) + [409]
    assert (await browser.post(f"{told.link}/code", {"code": right})).status == 409
    await nothing_shown(await browser.get(f"{told.link}/notice"))


async def test_many_tries_at_once_are_counted_one_by_one(told: Waiting) -> None:
    browser = told.browser()
    await browser.post(told.link)
    right = told.code()
    guess = "00000000" if right != "0000 0000" else "11111111"
    answers = await asyncio.gather(*(browser.post(f"{told.link}/code", {"code": guess}) for _ in range(12)))
    assert sorted(one.status for one in answers) == [409] * 8 + [422] * 4
    assert [one.tries for one in await told.visits()] == [MOST_TRIES]


@pytest.mark.parametrize("typed", ["", "123", "abcdefgh", "123456789", "１２３４５６７８", "1" * 5000, "\x00"])
async def test_what_is_no_code_costs_no_try(told: Waiting, typed: str) -> None:
    browser = told.browser()
    await browser.post(told.link)
    response = await browser.post(f"{told.link}/code", {"code": typed})
    assert response.status == 422 and "Enter the 8 digits" in await text(response)
    assert [one.tries for one in await told.visits()] == [0]


@pytest.mark.parametrize("spelt", ["{a}{b}", "{a} {b}", " {a}-{b} "])
async def test_a_code_may_be_typed_with_or_without_its_space(told: Waiting, spelt: str) -> None:
    browser = told.browser()
    await browser.post(told.link)
    a, b = told.code().split()
    assert (await browser.post(f"{told.link}/code", {"code": spelt.format(a=a, b=b)})).status == 303


async def test_a_code_asked_for_a_hundred_times_goes_out_five_times_an_hour(told: Waiting) -> None:
    statuses = []
    for _ in range(100):
        statuses.append((await told.browser().post(told.link)).status)
        await told.web.clock.advance(35)
    assert statuses.count(303) == MOST_CODES_AN_HOUR
    assert set(statuses) == {303, 429}
    assert len(told.sent()) == MOST_CODES_AN_HOUR
    response = await told.browser().post(told.link)
    assert "Too many codes" in await text(response) and RING in await text(response)
    await told.web.clock.advance(3600)
    assert (await told.browser().post(told.link)).status == 303


async def test_a_second_press_at_once_sends_no_second_code(told: Waiting) -> None:
    browser = told.browser()
    assert (await browser.post(told.link)).status == 303
    second = await browser.post(told.link)
    assert second.status == 429 and "a moment ago" in await text(second)
    assert (await browser.post(f"{told.link}/code", {"code": told.code()})).status == 303


async def test_a_code_and_a_session_end_in_time(told: Waiting) -> None:
    browser = told.browser()
    await browser.post(told.link)
    await told.web.clock.advance((CODE_LIFE - EDGE).total_seconds())
    assert (await browser.get(f"{told.link}/code")).status == 200
    await told.web.clock.advance(1)
    assert (await browser.post(f"{told.link}/code", {"code": told.code()})).status == 409
    inside = await told.let_in()
    await told.web.clock.advance((SESSION - EDGE).total_seconds())
    assert (await inside.get(f"{told.link}/notice")).status == 200
    await told.web.clock.advance(1)
    assert (await inside.get(f"{told.link}/notice")).status == 303
    assert (await inside.get(f"{told.link}/photo")).status == 404


async def test_a_clock_that_is_set_back_lengthens_nothing(told: Waiting) -> None:
    browser = told.browser()
    await browser.post(told.link)
    clock: Any = told.web.clock
    clock._now -= timedelta(hours=1)
    assert (await browser.post(f"{told.link}/code", {"code": told.code()})).status == 409
    clock._now += timedelta(hours=1)
    assert (await browser.post(f"{told.link}/code", {"code": told.code()})).status == 303
    clock._now -= timedelta(hours=1)
    assert (await browser.get(f"{told.link}/notice")).status == 303


async def test_the_token_of_another_delivery_and_the_one_to_answer_by_open_nothing(told: Waiting) -> None:
    browser = await told.let_in()
    (value, _) = browser.cookies["fp_pickup"]
    answering = ack_token(ACK_SECRET, told.delivery.id)
    await same_as_unknown(told, await told.browser().get(f"/p/{answering}"))
    assert (await told.browser().get(f"/a/{told.token}")).status == 404
    other = await _another(told)
    bearing = Browser(told.web, {"fp_pickup": (value, "/")})
    response = await bearing.get(f"{other}/notice")
    assert (response.status, response.headers["Location"]) == (303, f"{BASE}{other}")
    assert (await bearing.get(f"{other}/photo")).status == 404
    assert (await bearing.post(f"{other}/notice", {"name": "Jo", "answer": "accepted"})).status == 303
    await told.web.clock.advance(31)
    asking = told.browser()
    await asking.post(told.link)
    (value, _) = asking.cookies["fp_pickup"]
    crossed = await Browser(told.web, {"fp_pickup": (value, "/")}).post(f"{other}/code", {"code": told.code()})
    assert crossed.status == 409, "the code of one delivery on the page of another"


async def _another(told: Waiting) -> str:
    """The link of another delivery of the same notice."""
    made = told.story.delivery(told.changes.notices[0], state="sent", contact="co_mail", address=MAIL)
    token = pickup_token(ACK_SECRET, made.id)
    made = replace(made, pickup_digest=token_digest(token))
    notice = await told.notice()
    await told.web.store.write(lambda unit: unit.chase(Chased(notice=notice, deliveries=(made,)), told.story.child))
    return f"/p/{token}"


@pytest.mark.parametrize("token", ["B" * 43, "short", "..%2f..%2fetc", "B" * 4000])
async def test_every_token_that_is_none_gets_the_same_page(told: Waiting, token: str) -> None:
    for path in ("", "/code"):
        await same_as_unknown(told, await told.browser().post(f"/p/{token}{path}", {"code": "1234 5678"}))
    await same_as_unknown(told, await told.browser().get(f"/p/{token}"))
    assert (await told.browser().get(f"/p/{token}/photo")).status == 404


# the end of a link


async def test_it_dies_after_so_many_openings(tmp_path: Path) -> None:
    async with waiting(tmp_path, limits=Limits(openings=2, life=timedelta(days=7))) as made:
        first = await made.let_in()
        for _ in range(20):
            assert (await first.get(f"{made.link}/notice")).status == 200, "looking again is no opening"
        await made.web.clock.advance(31)
        second = await made.let_in()
        await same_as_unknown(made, await made.browser().get(made.link))
        await same_as_unknown(made, await made.browser().post(made.link))
        assert (await second.get(f"{made.link}/notice")).status == 200, "who is inside stays there"


async def test_it_dies_after_its_time(tmp_path: Path) -> None:
    async with waiting(tmp_path, limits=Limits(openings=10, life=timedelta(days=1))) as made:
        await made.web.clock.advance(86_399)
        browser = made.browser()
        assert (await browser.post(made.link)).status == 303
        await made.web.clock.advance(1)
        for path in ("", "/code"):
            await same_as_unknown(made, await browser.post(f"{made.link}{path}", {"code": made.code()}))


async def test_it_dies_when_the_child_is_found_and_who_is_inside_sees_nothing_more(told: Waiting) -> None:
    inside, before = await told.let_in(), told.browser()
    await told.web.clock.advance(31)
    await before.post(told.link)
    await told.web.clock.advance(31)
    looking = await told.let_in()
    assert (await looking.get(f"{told.link}/notice")).status == 200
    assert (await looking.get(f"{told.link}/photo")).status == 200
    await found(told)
    assert (await looking.get(f"{told.link}/photo")).status == 404
    over = await inside.get(f"{told.link}/notice")
    assert over.status == 410
    page = await text(over)
    assert "no longer current" in page and RING in page
    await nothing_shown(over)
    assert (await inside.get(f"{told.link}/photo")).status == 404
    assert len(await told.receipts()) == 1, "what was not shown is no view"
    await same_as_unknown(told, await before.post(f"{told.link}/code", {"code": told.code()}))
    await same_as_unknown(told, await told.browser().get(told.link))


async def test_it_dies_when_a_parent_is_withheld_whatever_the_notice_says(tmp_path: Path) -> None:
    async with waiting(tmp_path, role="parent", person=PARENT, notice={"state": "notified"}) as made:
        inside, before = await made.let_in(), made.browser()
        await made.web.clock.advance(31)
        await before.post(made.link)
        made.kept.append("withheld")
        over = await inside.get(f"{made.link}/notice")
        assert over.status == 410
        await nothing_shown(over)
        await same_as_unknown(made, await before.post(f"{made.link}/code", {"code": made.code()}))
        await same_as_unknown(made, await made.browser().get(made.link))


async def test_it_dies_when_the_ledger_says_withheld(tmp_path: Path) -> None:
    async with waiting(tmp_path, role="parent", person=PARENT) as made:
        silenced = Silenced(role="parent", person=PARENT, state="withheld")
        await made.change(
            Changes(
                event=made.story.event(),
                episode=moved(made.changes),
                expected_version=made.changes.episode.version,
                silenced=(silenced,),
            )
        )
        await same_as_unknown(made, await made.browser().get(made.link))


async def test_what_the_reader_may_not_see_any_more_is_not_shown_any_more(told: Waiting) -> None:
    async def locations(browser: Browser) -> bool:
        return "Marker High Street" in await text(await browser.get(f"{told.link}/notice"))

    browser = await told.let_in()
    assert await locations(browser)
    trafficked = {**DOC, "episode": {**DOC["episode"], "trafficking_suspected": True}}
    await told.change(
        Changes(
            event=told.story.event(type="fingerpost.episode.updated.v1"),
            episode=moved(told.changes, revision=2),
            expected_version=told.changes.episode.version,
            doc=trafficked,
        )
    )
    assert await locations(browser), "the police go on seeing places"


async def test_a_place_that_was_hidden_since_is_hidden_here(tmp_path: Path) -> None:
    async with waiting(tmp_path, role="iro") as made:
        browser = await made.let_in()
        assert "Marker High Street" in await text(await browser.get(f"{made.link}/notice"))
        trafficked = {**DOC, "episode": {**DOC["episode"], "trafficking_suspected": True}}
        await made.change(
            Changes(
                event=made.story.event(type="fingerpost.episode.updated.v1"),
                episode=moved(made.changes, revision=2),
                expected_version=made.changes.episode.version,
                doc=trafficked,
            )
        )
        page = await text(await browser.get(f"{made.link}/notice"))
        assert "Robin Example" in page and "Marker High Street" not in page


# what fails


@pytest.mark.parametrize(
    "answer", [Deferred(reason="provider_unavailable"), Rejected(reason="rejected"), RuntimeError("Robin Example")]
)
async def test_a_provider_that_does_not_take_the_code_is_said_and_may_be_tried_again(
    told: Waiting, answer: Any
) -> None:
    told.web.sinks["sms"].answers = [answer, Accepted()]
    browser = told.browser()
    response = await browser.post(told.link)
    page = await text(response)
    assert response.status == 503 and "could not be sent" in page and RING in page and "Try again" in page
    assert "Set-Cookie" not in response.headers
    assert "code_not_sent" in await told.alarms()
    await told.let_in()
    assert len(told.sent()) == 2


async def test_a_channel_that_failed_gives_way_to_another(tmp_path: Path) -> None:
    async with waiting(tmp_path, contacts=(MAILBOX, PHONE, SECOND_MAILBOX)) as made:
        made.web.sinks["sms"].answers = [Deferred(reason="provider_unavailable")]
        assert (await made.browser().post(made.link)).status == 503
        await made.let_in("email")
        assert [one.address for one in made.sent("email")] == [OTHER_MAIL]


async def test_a_store_that_is_away_shows_and_sends_nothing(told: Waiting) -> None:
    inside = await told.let_in()
    store: Any = told.web.store
    store.away = True
    for ask in (told.browser().get(told.link), told.browser().post(told.link), inside.get(f"{told.link}/notice")):
        response = await ask
        assert (response.status, "Retry-After" in response.headers) == (503, True)
        await nothing_shown(response)
    assert len(told.sent()) == 1


async def test_whoever_has_no_link_keeps_no_writer_busy(told: Waiting) -> None:
    """The writer is that of the reports: a flood of tokens that somebody made up must not fill its queue."""
    store: Any = told.web.store
    written, write = [], store.write

    async def noted(work: Any) -> Any:
        written.append(work)
        return await write(work)

    store.write = noted
    browser, made_up = told.browser(), "/p/" + "B" * 43
    asked = [
        browser.post(made_up),
        browser.post(f"{made_up}/code", {"code": "12345678"}),
        browser.get(f"{made_up}/notice"),
    ]
    assert [(await one).status for one in asked] == [404, 404, 303]
    assert written == []
    await told.let_in()
    assert written != []


async def test_others_who_hold_the_link_do_not_slow_down_the_reader_who_is_inside(told: Waiting) -> None:
    inside = await told.let_in()
    stranger = told.browser()
    while (await stranger.get(f"{told.link}/notice")).status != 429:
        pass
    assert (await stranger.post(told.link)).status == 429
    assert "Robin" in await text(await inside.get(f"{told.link}/notice"))
    for _ in range(60):
        last = await inside.get(f"{told.link}/notice")
    assert last.status == 429, "each has a measure"


async def test_whoever_asks_too_fast_is_slowed_down(told: Waiting) -> None:
    inside = await told.let_in()
    statuses = [(await inside.get(f"{told.link}/notice")).status for _ in range(40)]
    assert statuses[0] == 200 and statuses[-1] == 429
    await told.web.clock.advance(60)
    assert (await inside.get(f"{told.link}/notice")).status == 200


async def test_what_comes_back_about_a_code_is_no_receipt_and_no_alarm(told: Waiting) -> None:
    await told.browser().post(told.link)
    (message,) = told.sent()
    web = told.web
    inbox = Inbox(
        receipts=Receipts(
            store=web.store, clock=web.clock, ids=SeededIds("back"), meter=web.metrics, nudge=lambda: None
        ),
        store=web.store,
        clock=web.clock,
        directory=lambda: told.directory[-1],
        secret=ACK_SECRET,
    )
    now = web.clock.now()
    await inbox.take_text(Receipt(channel="sms", kind="delivered", at=now, delivery=message.delivery), b"as it came")
    assert await told.receipts() == []
    assert await web.store.read(lambda unit: unit.count_apart(now - timedelta(hours=1))) == 0
    assert await told.alarms() == set()


async def test_that_a_code_did_not_go_out_is_over_once_its_reader_is_in(told: Waiting) -> None:
    told.web.sinks["sms"].answers = [Deferred(reason="provider_unavailable"), Accepted()]
    await told.browser().post(told.link)
    assert "code_not_sent" in await told.alarms()
    await told.let_in()
    assert "code_not_sent" not in await told.alarms()


# the pages themselves


async def test_nothing_is_kept_indexed_framed_or_leaked(told: Waiting) -> None:
    browser = told.browser()
    pages = [
        await browser.get(told.link),
        await browser.get("/p/" + "B" * 43),
        await browser.post(told.link),
        await browser.post(told.link),
        await browser.get(f"{told.link}/code"),
        await browser.post(f"{told.link}/code", {"code": "1"}),
        await browser.post(f"{told.link}/code", {"code": told.code()}),
        await browser.get(f"{told.link}/notice"),
        await browser.get(f"{told.link}/photo"),
        await browser.post(f"{told.link}/notice", {"name": "Jo Worker", "answer": "accepted"}),
    ]
    assert [one.status for one in pages] == [200, 404, 303, 429, 200, 422, 303, 200, 200, 200]
    for response in pages:
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        if response.content_type == "text/html" and response.status != 303:
            html = await response.text()
            assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=|javascript:|https?://(?!www\.w3\.org)", html)
            ids = re.findall(r'\bid="([^"]+)"', html)
            assert len(ids) == len(set(ids)) and html.count("<h1") == 1


async def test_the_cookie_goes_to_this_link_alone_and_to_no_script(told: Waiting) -> None:
    browser = told.browser()
    asked = await browser.post(told.link)
    entered = await browser.post(f"{told.link}/code", {"code": told.code()})
    for response, seconds in ((asked, 600), (entered, 900)):
        cookie = response.headers["Set-Cookie"]
        for part in (f"Path={BASE}{told.link}", "HttpOnly", "Secure", "SameSite=Strict", f"Max-Age={seconds}"):
            assert part in cookie, part
    assert "Location" in entered.headers and told.code() not in entered.headers["Location"]


async def test_other_bodies_than_the_forms_are_refused(told: Waiting) -> None:
    browser = told.browser()
    await browser.post(told.link)
    headers = {"Content-Type": "application/json"}
    assert (await browser.post(f"{told.link}/code", {"code": told.code()}, **headers)).status == 415
    assert (await browser.post(f"{told.link}/code", {"code": "1" * 20_000})).status == 413


async def test_what_was_typed_comes_back_escaped(told: Waiting) -> None:
    nasty = '"><script>alert(1)</script>{{ 7*7 }}'
    browser = await told.let_in()
    html = await (await browser.post(f"{told.link}/notice", {"name": nasty, "answer": nasty})).text()
    assert "<script>alert" not in html and ">49<" not in html


async def test_codes_and_links_stand_nowhere_in_clear(told: Waiting, tmp_path: Path) -> None:
    browser = await told.let_in()
    await browser.get(f"{told.link}/notice")
    bears = browser.cookies["fp_pickup"][0]
    code = code_in(told.sent()[-1])
    needles = [told.token, bears, code, code.replace(" ", ""), MOBILE]
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert [needle for needle in needles if needle.encode() in content] == [], path.name
    assert [needle for needle in needles if needle in repr((told.web.log.lines, await told.visits()))] == []
