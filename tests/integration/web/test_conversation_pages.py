"""Conversations over the real server: written in one's own name, to whom the form names, and read by nobody else."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hub.service.peers.ports import Outcome
from hub.service.ports import Unit
from tests.kit.accounts import audit
from tests.kit.conversing import JPEG
from tests.kit.desk import Desk, at_the_desk_and_the_council
from tests.kit.pickup import BROMLEY, FORCE
from tests.kit.visitor import Visitor
from tests.kit.web import fictional_called

POLICE = fictional_called(FORCE)
TO_DOOR = f"{BROMLEY}|front_door"
QUESTION = {"purpose": "question", "whereabouts": "no", "text": "Was she <b>there</b>?\nWe ask since ten."}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_the_desk_and_the_council(tmp_path) as made:
        yield made


async def opened(desk: Desk, jo: Visitor, **fields: Any) -> str:
    """Jo writes to the council; the address of the conversation."""
    of = f"/conversations/of/{desk.told.story.episode}"
    form = await jo.get(f"{of}/new")
    assert form.status == 200 and "Front door, London Borough of Bromley" in form.text
    done = await jo.upload(f"{of}/new", JPEG, {**QUESTION, "to": TO_DOOR, **fields}, name="picture-1")
    assert done.status == 303, done.text
    return done.location.removesuffix("?sent")


async def test_a_question_is_written_read_and_answered(desk: Desk, tmp_path: Path) -> None:
    jo, kit = await desk.visitor(), await desk.visitor(organisation=BROMLEY, name="Kit Door")
    assert (
        "Your desks take part in no conversation" in (await jo.get(f"/conversations/of/{desk.told.story.episode}")).text
    )
    assert f"/conversations/of/{desk.told.story.episode}" in (await jo.get(desk.notice)).html
    thread = await opened(desk, jo)
    sent = await jo.get(f"{thread}?sent")
    assert "Your message is on its way to: Front door, London Borough of Bromley." in sent.text
    seen = await kit.get(thread)
    assert f"Jo Worker, Missing persons unit, {POLICE}" in seen.text
    assert "&lt;b&gt;there&lt;/b&gt;" in seen.html, seen.html
    (picture,) = [one for one in seen.html.split('"') if "/conversations/pictures/" in one]
    async with desk.told.web.session.get(
        desk.told.web.url + picture, headers={"Cookie": f"fingerpost={kit.cookies['fingerpost']}"}
    ) as response:
        assert (response.status, response.content_type, await response.read()) == (200, "image/jpeg", JPEG)
    assert f"Who reads it Missing persons unit, {POLICE}" in seen.text
    done = await kit.post(thread, {"purpose": "information", "whereabouts": "no", "text": "No, she was not."})
    assert (done.status, done.location) == (303, f"{thread}?sent")
    told = await desk.told.web.store.read(lambda unit: unit.notices(desk.told.story.episode))
    states = {one.organisation: one.state for one in told if one.kind == "conversation"}
    assert states == {BROMLEY: "acknowledged", FORCE: "pending"}, "who replies has it"
    newer = (await jo.get(f"{thread}?sent")).text
    assert "No, she was not." in newer
    assert "Your message is on its way to: Front door, London Borough of Bromley." in newer, "and not Kit's"
    listed = (await jo.get(f"/conversations/of/{desk.told.story.episode}")).text
    assert "Front door, London Borough of Bromley" in listed and "No, she was not." not in listed
    assert [one.organisation for one in told if one.kind == "conversation"] == [BROMLEY, FORCE]
    notice = next(one for one in told if one.kind == "conversation" and one.organisation == BROMLEY)
    page = await kit.get(f"/notices/{notice.id}")
    assert "Jo Worker, Example Police" in page.text and thread in page.html and "We ask since ten." in page.text
    lines = [line[1] for line in audit(tmp_path)]
    assert lines.count("message.sent") == 2 and lines.count("thread.opened") == 1
    assert lines.count("message.read") == 4 and lines.count("conversations.listed") == 3


async def test_a_conversation_about_an_exercise_is_marked(desk: Desk) -> None:
    jo = await desk.visitor()
    of, thread = f"/conversations/of/{desk.told.story.episode}", await opened(desk, jo)

    async def marked() -> list[bool]:
        return ["EXERCISE. This is not a real case." in (await jo.get(page)).text for page in (of, f"{of}/new", thread)]

    assert not any(await marked())
    await desk.only_rehearsed()
    assert all(await marked())


async def test_sent_twice_it_is_one_message_and_changed_it_is_refused(desk: Desk) -> None:
    jo = await desk.visitor()
    thread = await opened(desk, jo)
    form = jo.page
    again = await opened_again(desk, jo)
    assert again == thread
    jo.page = form
    of = f"/conversations/of/{desk.told.story.episode}/new"
    other = await jo.upload(of, JPEG, {**QUESTION, "to": TO_DOOR, "text": "Another"}, name="picture-1")
    assert other.status == 422 and "sent from this form already" in other.text and "Another" in other.html
    assert (await jo.upload(of, JPEG, {**QUESTION, "to": TO_DOOR, "key": "x"}, name="picture-1")).status == 404


async def opened_again(desk: Desk, jo: Visitor) -> str:
    """The same form is sent once more, as by a double click."""
    of = f"/conversations/of/{desk.told.story.episode}/new"
    done = await jo.upload(of, JPEG, {**QUESTION, "to": TO_DOOR}, name="picture-1")
    return done.location.removesuffix("?sent")


async def test_what_is_wrong_is_said_beside_each_field(desk: Desk) -> None:
    jo = await desk.visitor()
    of = f"/conversations/of/{desk.told.story.episode}/new"
    await jo.get(of)
    wrong = await jo.upload(of, b"%PDF-1.7", {"text": " "}, name="picture-2")
    assert wrong.status == 422
    for said in (
        "Enter the message",
        "Choose what the message is",
        "Say whether it is about where",
        "Only JPEG and PNG",
    ):
        assert wrong.text.count(said) == 2, said
    nobody = await jo.upload(of, b"", {**QUESTION}, name="picture-1")
    assert nobody.status == 422 and "Choose who it is for" in nobody.text
    thread = await opened(desk, jo)
    await jo.get(thread)
    bad = await jo.post(thread, {"purpose": "question", "text": "And?"})
    assert bad.status == 422 and "Say whether it is about where" in bad.text and "And?" in bad.html


async def test_who_was_not_told_or_may_not_answer_finds_nothing(desk: Desk) -> None:
    jo = await desk.visitor()
    thread = await opened(desk, jo)
    of = f"/conversations/of/{desk.told.story.episode}"
    (picture,) = [one for one in (await jo.get(thread)).html.split('"') if "/conversations/pictures/" in one]
    for visitor in (
        await desk.visitor(organisation="E09000007"),
        await desk.visitor(organisation=BROMLEY, desks=("mash",)),
        await desk.visitor("directory_admin"),
        await desk.visitor("operator", organisation="operator"),
    ):
        for path in (of, f"{of}/new", thread, picture, "/conversations/none"):
            assert (await visitor.get(path)).status == 404, path
        visitor.page = await visitor.get("/account")
        assert (await visitor.post(thread, QUESTION)).status == 404
        assert (await visitor.upload(f"{of}/new", JPEG, {**QUESTION, "to": TO_DOOR}, name="picture-1")).status == 404


async def test_who_has_joined_since_the_form_was_loaded_is_shown_before_it_is_sent(desk: Desk) -> None:
    jo, kit = await desk.visitor(), await desk.visitor(organisation=BROMLEY, name="Kit Door")
    thread = await opened(desk, jo)
    form = (await kit.get(thread)).hidden
    assert form["shown"] == f"{FORCE}|missing_persons_unit"
    kit.page = None
    fields = {name: value for name, value in form.items() if name != "shown"}
    early = await kit.upload(thread, JPEG, {**QUESTION, **fields}, name="picture-1")
    assert early.status == 422 and "Somebody has joined the conversation" in early.text
    await jo.get(thread)
    assert (await jo.post(thread, QUESTION)).status == 303
    assert (await kit.upload(thread, JPEG, {**QUESTION, **fields, **early.hidden}, name="picture-1")).status == 303
    told = await desk.told.web.store.read(lambda unit: unit.notices(desk.told.story.episode))
    states = [one.state for one in told if one.kind == "conversation" and one.organisation == BROMLEY]
    assert states == ["acknowledged"] * 2, "whoever replies has read all of it"


async def test_the_authority_that_sent_a_case_is_written_to_and_the_page_says_what_came_of_it(desk: Desk) -> None:
    source, jo = await desk.came_from_another_hub(), await desk.visitor()
    of = f"/conversations/of/{desk.told.story.episode}"
    form = await jo.get(f"{of}/new")
    assert "The authority that sent this" in form.text and "Its hub knows the child" in form.text
    (box,) = [one for one in form.html.split("<input") if f'value="{source}|front_door"' in one]
    assert "checked" in box.partition(">")[0], "it is for them unless somebody chooses otherwise"
    fields = {**QUESTION, "to": f"{source}|front_door"}
    done = await jo.upload(f"{of}/new", JPEG, fields, name="picture-1")
    assert done.status == 303, done.text
    thread = done.location.removesuffix("?sent")
    seen = await jo.get(done.location)
    assert "Your message is on its way to: The authority that sent this." in seen.text
    assert "its hub has not yet said that it has it" in seen.text and source not in seen.text
    store = desk.told.web.store
    (post,) = await store.read(lambda unit: unit.peers.carried(thread.rpartition("/")[2]))
    marks = [mark(seen.html)]
    outcomes: tuple[tuple[Outcome, str], ...] = (
        ("refused", "does not take it. Ring them: they have not been told."),
        ("sent", "The hub of the authority that sent this has it."),
    )
    for outcome, words in outcomes:

        async def settle(unit: Unit, outcome: Outcome = outcome) -> None:
            await unit.peers.settle_post(post, outcome)

        await store.write(settle)
        seen = await jo.get(thread)
        assert words in seen.text
        marks.append(mark(seen.html))
    assert marks[0] != marks[1], "an open page hears of it"
    listed = (await jo.get(of)).text
    assert "The authority that sent this" in listed
    await jo.get(thread)
    assert (await jo.post(thread, {**QUESTION, "purpose": "sighting", "whereabouts": "yes"})).status == 303
    assert "The police are told from there: ring them yourself." in (await jo.get(thread)).text


def mark(html: str) -> str:
    """By which an open page is known to be as things are."""
    return html.partition('data-mark="')[2].partition('"')[0]
