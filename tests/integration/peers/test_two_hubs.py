"""Two whole hubs and a wire between them that loses, repeats, holds and is down for days: both end with the same."""

from datetime import timedelta
from pathlib import Path

from hub.service.audit.ports import Wanted
from tests.kit.clock import START
from tests.kit.events import found, reported, returned, updated
from tests.kit.lossy import LOSSY
from tests.kit.two_hubs import two_hubs
from tests.kit.two_hubs_verdict import cases, judge

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(hours: float) -> str:
    return (START + hours * HOUR).isoformat()


async def test_what_is_lost_repeated_and_late_is_told_once_and_both_end_with_the_same(tmp_path: Path) -> None:
    shares = {fate: 3 * share for fate, share in LOSSY.items()}
    async with two_hubs(tmp_path, seed=5, shares=shares, own_packs=True) as both:
        for number, event in enumerate(
            (
                reported(id="E0"),
                updated(id="E1", time=at(1), episode={"clothing": "Red coat"}),
                found(id="E2", time=at(2)),
                returned(id="E3", time=at(3)),
            )
        ):
            await both.let_pass(START + number * HOUR - both.now(), step=30 * MINUTE)
            for one in both.bordon.reached:
                await both.bordon.answered(one.delivery.id, "accepted")
            both.bordon.reached.clear()
            assert (await both.ashby.node.post(event)).status == 202
        await both.let_pass(30 * HOUR, step=6 * HOUR)
        verdict = await judge(both)
        assert verdict.amiss == []
        assert verdict.counted["answers of Bordon's people that stand at Ashby"] >= 2
        assert verdict.counted["told once at Bordon"] >= 4
        assert len(both.bordon.wire.met) > 3
        (case,) = await cases(both.bordon)
        advocate = [one.notice.kind for one in case.told if one.notice.roles == ("missing_advocate",)]
        assert advocate == ["missing", "update", "found", "returned"]  # told by Bordon's own packs
        own = [one for one in case.told if one.answers and one.notice.roles == ("missing_advocate",)]
        assert own
        trail = await both.bordon.node.see(lambda unit: unit.trail.listed(Wanted(episode=case.record.id), limit=500))
        assert {one.line.detail["came_to"] for one in trail if one.line.action == "peer.answered"} == {"sent"}


async def test_what_the_find_overtook_on_the_way_is_told_to_nobody(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=2) as both:
        both.bordon.wire.longest = 2 * MINUTE
        both.bordon.wire.planned.extend(["held"] * 3)
        await both.ashby.node.post(reported(id="E0"))
        await both.settle()
        assert both.bordon.wire.held == 3
        await both.ashby.node.post(found(id="E1", time=at(0)))
        await both.let_pass(3 * MINUTE, step=MINUTE)
        assert both.bordon.wire.held == 0
        assert (await judge(both)).amiss == []
        (case,) = await cases(both.bordon)
        assert {one.notice.kind for one in case.told} == {"found"}
        assert "missing" in {one.decision.kind for one in case.peers if one.decision.outcome == "suppress"}


async def test_three_days_without_each_other_leave_nothing_undone(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=2) as both:
        await both.ashby.node.post(reported(id="E0"))
        await both.settle()
        for side in both.sides:
            await side.wire.shut()
        await both.ashby.node.post(updated(id="E1", time=at(0), episode={"clothing": "Red coat"}))
        await both.let_pass(72 * HOUR, step=18 * HOUR)
        (before,) = await cases(both.bordon)
        assert "update" not in {one.notice.kind for one in before.told}
        for side in both.sides:
            await side.wire.open()
        await both.let_pass(36 * HOUR, step=18 * HOUR)
        assert (await judge(both)).amiss == []
        (after,) = await cases(both.bordon)
        assert "update" in {one.notice.kind for one in after.told}
