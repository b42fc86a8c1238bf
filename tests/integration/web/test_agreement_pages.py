"""Agreements over the real server: a form says by name who is asked, and they answer where they read it."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hub.service.peers.ports import Outcome
from hub.service.ports import Unit
from tests.kit.accounts import audit
from tests.kit.desk import Desk, at_the_desk_and_the_council
from tests.kit.pickup import BROMLEY, FORCE
from tests.kit.visitor import Visitor
from tests.kit.web import fictional_called

TO_DOOR = f"{BROMLEY}|front_door"
TO_FORCE = f"{FORCE}|missing_persons_unit"
POLICE = fictional_called(FORCE)
TERMS = {"kind": "lead", "to": TO_DOOR, "does_it": TO_DOOR, "deadline": "1d"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_the_desk_and_the_council(tmp_path) as made:
        yield made


async def proposed(desk: Desk, jo: Visitor, **fields: Any) -> str:
    """Jo asks the council; the address of the conversation."""
    new = f"/agreements/of/{desk.told.story.episode}/new"
    form = await jo.get(new)
    assert form.status == 200 and "Front door, London Borough of Bromley" in form.text
    done = await jo.post(new, TERMS | fields)
    assert done.status == 303, done.text
    return done.location.removesuffix("?sent")


def of(page: str) -> str:
    """The address of the proposal on a page."""
    return next(one for one in page.split('"') if one.startswith("/agreements/ag_"))


async def test_who_leads_is_proposed_and_accepted_in_the_conversation(desk: Desk, tmp_path: Path) -> None:
    jo, kit = await desk.visitor(), await desk.visitor(organisation=BROMLEY, name="Kit Door")
    thread = await proposed(desk, jo, text="You <b>know</b> her.", whereabouts="no", when="2026-03-02 09:00")
    assert "Proposed: who leads on this absence." in (await jo.get(f"{thread}?sent")).text
    seen = await kit.get(thread)
    assert "Who leads on this absence: waits for an answer" in seen.text and "Accept" in seen.text
    assert "&lt;b&gt;know&lt;/b&gt;" in seen.html and "Monday 2 March 2026, 09:00 GMT" in seen.text
    one = of(seen.html)
    done = await kit.post(one, {"move": "accept"})
    assert (done.status, done.location) == (303, f"{thread}?sent")
    told = await desk.told.web.store.read(lambda unit: unit.notices(desk.told.story.episode))
    states = {one.organisation: one.state for one in told if one.kind == "conversation"}
    assert states == {BROMLEY: "acknowledged", FORCE: "pending"}, "who answers has it"
    listed = await jo.get(f"/agreements/of/{desk.told.story.episode}")
    assert "Agreed" in listed.text and one in listed.html
    after = await kit.get(one)
    assert "Agreed" in after.text and "Your answer" not in after.text
    await kit.get(thread)
    late = await kit.post(one, {"move": "decline"})
    assert late.status == 409 and "it is over" in late.text and "Agreed" in late.text
    lines = [line[1] for line in audit(tmp_path)]
    assert [lines.count(f"agreement.{one}") for one in ("proposed", "accepted", "declined")] == [1, 1, 0]
    assert lines.count("agreements.listed") == 3, "a form that came back shows it too"


async def test_something_else_is_proposed_and_what_is_wrong_is_said_beside_each_field(desk: Desk) -> None:
    jo, kit = await desk.visitor(), await desk.visitor(organisation=BROMLEY, name="Kit Door")
    new = f"/agreements/of/{desk.told.story.episode}/new"
    await jo.get(new)
    wrong = await jo.post(new, {"text": "x", "to": TO_DOOR})
    assert wrong.status == 422
    for said in (
        "Choose what the proposal is about",
        "Choose who does it",
        "Choose by when you want",
        "Say whether what",
    ):
        assert wrong.text.count(said) == 2, said
    assert "Give the time as in" in (await jo.post(new, TERMS | {"when": "at noon"})).text
    assert "Choose who is asked" in (await jo.post(new, {name: TERMS[name] for name in TERMS if name != "to"})).text
    one = of((await kit.get(await proposed(desk, jo))).html)
    form = await kit.get(one)
    assert "Propose something else" in form.text
    nothing = await kit.post(one, {"move": "counter"})
    assert nothing.status == 422 and nothing.text.count("Choose who does it") == 2
    done = await kit.post(one, {"move": "counter", "does_it": TO_FORCE, "deadline": "4h"})
    assert done.status == 303, done.text
    seen = await jo.get(done.location)
    assert "Proposed instead: who leads on this absence." in seen.text
    assert "Something else was proposed" in (await jo.get(one)).text
    assert "Withdraw it" not in (await jo.get(of(seen.html))).text


async def test_who_takes_no_part_or_may_not_answer_finds_nothing(desk: Desk) -> None:
    jo = await desk.visitor()
    thread = await proposed(desk, jo)
    one = of((await jo.get(thread)).html)
    stranger = await desk.visitor(organisation="E09000007", name="Nobody There")
    for path in (one, f"/agreements/of/{desk.told.story.episode}", f"/agreements/of/{desk.told.story.episode}/new"):
        assert (await stranger.get(path)).status == 404, path
    assert (await jo.get("/agreements/ag_00000000000000000000000000")).status == 404
    assert "Withdraw it" in (await jo.get(one)).text


async def test_what_another_hub_keeps_is_answered_here_and_the_page_says_what_came_of_it(desk: Desk) -> None:
    jo, kit = await desk.visitor(), await desk.visitor(organisation=BROMLEY, name="Kit Door")
    thread = await proposed(desk, jo)
    await desk.came_from_another_hub(begun=thread.rpartition("/")[2])
    one = of((await kit.get(thread)).html)
    assert (await kit.post(one, {"move": "accept"})).status == 303
    index = f"/agreements/of/{desk.told.story.episode}"
    waiting = await kit.get(one)
    assert "has not yet said whether it counts" in waiting.text and "Waits for an answer" in waiting.text
    assert "Your answer" not in waiting.text and "Agreed" not in waiting.text
    assert "Answered, not yet confirmed by the other hub" in (await kit.get(index)).text
    assert "It counts once the hub that keeps the agreement has taken it." in (await kit.get(thread)).text
    late = await kit.post(one, {"move": "decline"})
    assert late.status == 409 and "is on its way to the hub that keeps the agreement" in late.text
    store = desk.told.web.store
    (post,) = await store.read(lambda unit: unit.peers.carried(thread.rpartition("/")[2]))
    outcomes: tuple[tuple[Outcome, str | None, str], ...] = (
        ("refused", None, "The other hub does not take it: ring them."),
        ("sent", None, "The other hub has it as words only, and counts nothing: ring them."),
        ("sent", "over", "does not count it. This was not recorded, as it is over."),
    )
    for outcome, answer, words in outcomes:
        settled = partial(_settled, post, outcome, answer)
        await store.write(settled)
        seen = await kit.get(one)
        assert words in seen.text and "Your answer" in seen.text, "they can answer again"
        assert "not yet confirmed" not in (await kit.get(index)).text
    new = f"{index}/new?thread={thread.rpartition('/')[2]}"
    assert (await kit.get(new)).status == 200
    theirs = TERMS | {"kind": "collection", "to": TO_FORCE, "does_it": TO_FORCE}
    assert (await kit.post(new, theirs)).status == 303
    assert "has not yet said whether it counts" in (await kit.get(index)).text, "it is listed, and is not said to stand"


async def _settled(post: str, outcome: Outcome, answer: str | None, unit: Unit) -> None:
    await unit.peers.settle_post(post, outcome, answer)
