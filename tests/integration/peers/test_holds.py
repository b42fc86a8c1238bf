"""What the police ask where the child is known stands at the other hub too, and goes when they lift it."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.port import Accepted, Attachment
from hub.core.conversation import Message
from hub.core.holds import Act
from hub.core.peer_cases import NotUnderstood
from hub.core.peer_conversations import message_files, wrote
from hub.core.peer_holds import hold_deed
from hub.core.peer_messages import HOLD
from hub.service.holds.setting import Ask, HoldProblem, Holds, Settled, _impossible
from hub.service.ports import Unit
from hub.service.tenancy import Own, scoped
from tests.integration.peers.test_conversations import HOUR, MINUTE, said, trail
from tests.kit.conversing import HUMBERSIDE, somebody
from tests.kit.events import NORTH_LINCOLNSHIRE, reported, returned
from tests.kit.lossy import LOSSY
from tests.kit.two_hubs import Both, Side, two_hubs

POLICE = somebody(HUMBERSIDE, name="Pat Officer")
SECRET = "The stepfather must not hear of it."


async def asks(side: Side, deed: str, kind: str, key: str, **more: Any) -> Any:
    writing = side.talk.writing
    holds = Holds(store=side.node.store, posting=writing.posting, clock=side.node.clock, nudge=lambda: None)
    ask = Ask(kind=kind, key=key, **more)
    with scoped(Own(HUMBERSIDE)):
        return await (holds.set if deed == "set" else holds.lift)(POLICE, await side.talk.episode(), ask)


async def acts(side: Side) -> Sequence[Act]:
    async def look(unit: Unit) -> Sequence[Act]:
        (episode,) = await unit.episode_list()
        return await unit.holds.acts(episode.id)

    return cast(Sequence[Act], await side.node.see(look))


async def stands(side: Side) -> list[str]:
    async def look(unit: Unit) -> list[str]:
        (episode,) = await unit.episode_list()
        stored = await unit.episode_by_id(episode.id)
        return [] if stored is None else [one.kind for one in stored.holds]

    return cast("list[str]", await side.node.see(look))


async def missing(both: Both) -> None:
    assert (await both.ashby.node.post(reported(id="E0"))).status == 202
    await both.let_pass(HOUR, step=20 * MINUTE)


async def test_a_hold_stands_at_both_until_it_is_lifted_and_its_reason_stays(tmp_path: Path) -> None:
    shares = {fate: 3 * share for fate, share in LOSSY.items()}
    async with two_hubs(tmp_path, seed=14, shares=shares) as both:
        ashby, bordon = both.sides
        await missing(both)
        done = await asks(ashby, "set", "no_enquiries", "a", reason=SECRET, review_at=both.now() + 60 * HOUR)
        assert isinstance(done, Settled)
        await both.let_pass(2 * HOUR, step=20 * MINUTE)
        (heard,) = await acts(bordon)
        (own,) = await acts(ashby)
        assert await stands(bordon) == await stands(ashby) == ["no_enquiries"]
        assert (heard.organisation, heard.desk, heard.role, heard.at) == (own.organisation, own.desk, own.role, own.at)
        assert heard.review_at is None, "the force is asked where it set it"
        (whole,) = await bordon.node.see(lambda unit: unit.holds.acts(heard.episode, words_of=HUMBERSIDE))
        assert (whole.name, whole.reason) == ("Pat Officer", None)
        assert all(SECRET not in one.text and SECRET not in (one.step or "") for one in await said(bordon))
        actions = [one.action for one in await trail(bordon) if one.action.startswith("police_hold")]
        assert actions == ["police_hold.set"]

        assert isinstance(await asks(ashby, "lifted", "no_enquiries", "b"), Settled)
        assert isinstance(await asks(ashby, "set", "no_questions", "c"), Settled)
        await both.let_pass(2 * HOUR, step=20 * MINUTE)
        assert await stands(bordon) == await stands(ashby) == ["no_questions"]
        assert (await ashby.node.post(returned(id="E1", time=both.now().isoformat()))).status == 202
        await both.let_pass(HOUR, step=20 * MINUTE)
        assert isinstance(await asks(ashby, "lifted", "no_questions", "d"), Settled)
        await both.let_pass(2 * HOUR, step=20 * MINUTE)
        assert await stands(bordon) == await stands(ashby) == []


async def test_what_comes_after_what_was_done_since_changes_nothing(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=15) as both:
        ashby, bordon = both.sides
        await missing(both)
        assert isinstance(await asks(ashby, "set", "no_enquiries", "a"), Settled)
        bordon.wire.shares = {"held": 1.0}
        await ashby.turn()
        bordon.wire.shares = {}
        assert isinstance(await asks(ashby, "lifted", "no_enquiries", "b"), Settled)
        await ashby.turn()
        assert [one.deed for one in await acts(bordon)] == ["lifted"]
        await both.let_pass(2 * HOUR, step=20 * MINUTE)
        assert await stands(bordon) == await stands(ashby) == []
        assert len({one.step for one in await said(bordon) if one.purpose == "police_hold"}) == 2
        assert isinstance(await asks(ashby, "set", "no_enquiries", "c"), Settled)
        await both.settle()
        assert await stands(bordon) == ["no_enquiries"]


async def test_what_is_said_of_a_hold_is_of_that_message_and_can_be_read(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=16) as both:
        await missing(both)
        assert isinstance(await asks(both.ashby, "set", "no_enquiries", "a"), Settled)
        message = next(one for one in await said(both.ashby) if one.step is not None)
        assert wrote(claims(message, message.step), both.now()).hold is not None
        (act,) = await acts(both.ashby)
        for wrong in ({"kind": "no_food"}, {"deed": "kept"}, {"number": 0}, {"number": True}, {"at": "today"},
                      {"at": "0001-01-01T00:00:00Z"}):  # fmt: skip
            with pytest.raises(NotUnderstood):
                wrote(claims(message, json.dumps(json.loads(hold_deed(act)) | wrong)), both.now())
        with pytest.raises(NotUnderstood):
            wrote(claims(replace(message, purpose="information"), message.step), both.now())


def claims(message: Message, step: str | None) -> dict[str, Any]:
    own = [*message_files(replace(message, step=None))]
    own.append(Attachment(name=HOLD, media_type="application/json", data=(step or "").encode()))
    return {"attachments": [{"name": one.name, "data": base64.b64encode(one.data).decode()} for one in own]}


async def test_a_hold_of_the_other_hub_is_not_lifted_here(tmp_path: Path) -> None:
    """Were a desk of the force told through this hub as well."""
    async with two_hubs(tmp_path, seed=17) as both:
        await missing(both)
        assert isinstance(await asks(both.ashby, "set", "no_enquiries", "a"), Settled)
        await both.settle()
        found = await both.bordon.node.see(_whole)
        (problem,) = _impossible(found, "no_enquiries", "lifted", HUMBERSIDE)
        assert isinstance(problem, HoldProblem) and "lift it there" in problem.message


async def _whole(unit: Unit) -> Any:
    (episode,) = await unit.episode_list()
    return await unit.episode_by_id(episode.id)


async def test_who_is_told_only_later_is_told_what_stands(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=18) as both:
        ashby, bordon = both.sides
        for side in both.sides:
            await side.wire.shut()
        assert (await ashby.node.post(reported(id="E0"))).status == 202
        await ashby.turn()
        assert isinstance(await asks(ashby, "set", "no_enquiries", "a"), Settled)
        (own,) = await acts(ashby)
        notices = [one for one in await ashby.node.notices(kind="missing") if one.organisation == NORTH_LINCOLNSHIRE]
        assert notices and not await bordon.node.see(lambda unit: unit.episode_list())
        await bordon.wire.open()
        claimed = await ashby.node.store.write(
            lambda unit: unit.claim(both.now() + 2 * HOUR, both.now() + 3 * HOUR, "ashby", 200)
        )
        first = next(one for one in claimed if one.notice.id in {each.id for each in notices}
                     and one.delivery.channel == "push")  # fmt: skip
        result = await ashby.way.deliver(ashby.composer.content(first), both.now())
        assert isinstance(result, Accepted)
        (heard,) = await acts(bordon)
        assert (heard.kind, heard.organisation, heard.at) == ("no_enquiries", own.organisation, own.at)
        assert await stands(bordon) == ["no_enquiries"]


async def test_a_notice_that_is_sent_again_after_a_hold_was_set_is_the_same(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=19) as both:
        ashby, bordon = both.sides
        bordon.wire.shares = {"answer lost": 1.0}
        assert (await ashby.node.post(reported(id="E0"))).status == 202
        await ashby.turn()
        bordon.wire.shares = {}
        assert isinstance(await asks(ashby, "set", "no_enquiries", "a"), Settled)
        await both.let_pass(10 * MINUTE, step=10 * MINUTE)
        told = {one.id for one in await ashby.node.notices() if one.organisation == NORTH_LINCOLNSHIRE}
        pushed = {one.state for one in await ashby.node.deliveries() if one.notice in told and one.channel == "push"}
        assert pushed == {"sent"} and await stands(bordon) == ["no_enquiries"]
