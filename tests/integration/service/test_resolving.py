"""Not our child, over the real store: who has to choose, who is asked next, and that only who accepts ends it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from contacts.areas import load_areas
from contacts.roles import OPERATOR
from hub.core.accounts import Viewer
from hub.core.completeness import After
from hub.core.desk import sight_of
from hub.core.records import NoticeRecord
from hub.core.resolution import MOST_TOLD, Resolution
from hub.core.tokens import ack_token
from hub.service.answers import Answers, Recorded
from hub.service.conversations.posting import Posting
from hub.service.resolving.choosing import Asked, Choosing
from hub.service.resolving.following import Following
from hub.service.resolving.ground import Ground
from hub.service.resolving.late import Looking
from hub.service.tenancy import WHOLE, Own, scoped
from tests.kit.conversing import BROMLEY, HOST, HUMBERSIDE
from tests.kit.events import LEEDS, found, reported, retracted, returned, updated
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.store import sqlite_store

MINUTE = timedelta(minutes=1)
BARKING = "E09000002"


class Unmetered:
    def acknowledged(self, answer: str) -> None:
        pass


class Case:
    """The services of one hub, and whoever works in them."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        posting = Posting(ways=hub.ways, packs=hub.packs, directory=lambda: hub.directory, ids=hub.ids)
        self.ground = Ground(packs=hub.packs, areas=load_areas(), directory=lambda: hub.directory, posting=posting,
                             ids=hub.ids, nudge=hub._nudge)  # fmt: skip
        self.answers = Answers(store=hub.store, clock=hub.clock, ids=hub.ids, meter=Unmetered(),
                               following=Following(ground=self.ground))  # fmt: skip
        self.choosing = Choosing(store=hub.store, ground=self.ground, book=hub.book, clock=hub.clock)
        self.looking = Looking(store=hub.store, ground=self.ground, log=lambda one, e: hub.logged.append((one, e)))

    async def newest(self, role: str, organisation: str, kind: str = "missing") -> NoticeRecord:
        some = [one for one in await self.hub.notices(kind=kind)
                if role in one.roles and one.organisation == organisation]  # fmt: skip
        return some[-1]

    async def answer(self, notice: NoticeRecord, answer: str, to: str = "The other desk", name: str = "Jo Away") -> Any:
        (way, *_) = await self.hub.see(lambda unit: unit.deliveries(notice.id))
        with scoped(Own(str(notice.organisation))):
            done = await self.answers.acknowledge(
                ack_token(ACK_SECRET, way.id), name=name, answer=answer, redirected_to=to
            )
        assert isinstance(done, Recorded)
        return done

    async def one(self) -> Resolution:
        (found,) = await self.all()
        return found

    async def all(self) -> list[Resolution]:
        episode = (await self.hub.episode()).record.id
        return list(await self.hub.see(lambda unit: unit.resolving.of(episode, whole=True)))

    async def choose(
        self,
        organisation: str,
        who: Viewer | None = None,
        reasons: str = "They moved there.",
        whereabouts: bool | None = False,
    ) -> Any:
        who = who or somebody()
        sight = None if who.organisation == OPERATOR else sight_of(who.organisation, ("*",), {}, "fallback")
        with scoped(WHOLE if who.organisation == OPERATOR else Own(who.organisation)):
            return await self.choosing.choose(
                who,
                sight,
                (await self.one()).id,
                organisation=organisation,
                reasons=reasons,
                whereabouts=whereabouts,
            )

    async def kinds(self) -> list[tuple[str, str | None]]:
        return [(one.kind, one.organisation) for one in (await self.one()).steps]

    async def alarms(self) -> list[str]:
        return sorted(one.kind for one in await self.hub.alarms())

    async def complete(self) -> None:
        """Nothing is in a state that nobody brings on."""
        now = self.hub.clock.now()
        looked = await self.hub.see(lambda unit: unit.incomplete(now, now - MINUTE, After()))
        assert [one for one in looked.lacking if one.what == "no_next_step"] == []


def somebody(organisation: str = BROMLEY, role: Any = "recipient", name: str = "Kit Chooser") -> Viewer:
    return Viewer(user=f"us_{organisation}", organisation=organisation, roles=frozenset({role}), name=name)


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    hub = await a_hub(await sqlite_store(tmp_path))
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    yield Case(hub)
    await hub.store.aclose()


async def test_not_ours_is_asked_on_until_somebody_accepts(case: Case) -> None:
    hub = case.hub
    first = await case.newest("host_authority", HOST)
    done = await case.answer(first, "redirected", "ring 07700 900123, or door@elsewhere.example")
    assert done.state == "unresolved", "it ends nothing (D13)"
    found = await case.one()
    assert (found.organisation, found.desk, found.state) == (BROMLEY, "front_door", "open")
    assert found.steps[0].text == "ring 07700 900123, or door@elsewhere.example"
    (told,) = await hub.notices(kind="conversation")
    assert told.organisation == BROMLEY
    assert not [one for one in await hub.deliveries() if "elsewhere" in one.address or "900123" in one.address], "D12"
    # Its owner chooses, by name, from what the directory knows.
    assert await case.choose("door@elsewhere.example") == "organisation"
    assert isinstance(await case.choose(LEEDS), Asked)
    asked = await case.newest("host_authority", LEEDS)
    decision = next(one for one in await hub.decisions() if one.cause == f"resolution:{found.id}")
    assert (asked.kind, decision.outcome, decision.recipients[0].organisation) == ("missing", "notify", LEEDS)
    assert await case.choose(LEEDS) == "waiting"
    assert [one.name for one in (await case.one()).steps] == ["Jo Away", "Kit Chooser"]
    # What comes then reaches whoever was asked.
    await hub.post(updated(episode={"risk": {"level": "medium"}}))
    update = await case.newest("host_authority", LEEDS, "update")
    # Nobody else's acceptance settles it, and that of the one who was asked does.
    await case.answer(await case.newest("responsible_authority", BROMLEY), "accepted")
    assert (await case.one()).state == "asked"
    before = await case.newest("host_authority", HOST, "update")
    assert before.chase_at is not None
    await case.answer(asked, "accepted", name="Sam Accepts")
    found = await case.one()
    assert (found.state, found.settled_by) == ("settled", LEEDS)
    for notice in (first, before):
        (now,) = [one for one in await hub.notices() if one.id == notice.id]
        assert now.chase_at is None and now.state != "acknowledged", "nobody of theirs has accepted"
    (theirs,) = [one for one in await hub.notices() if one.id == update.id]
    assert theirs.chase_at is not None, "newer than what they accepted"
    assert "redirected" not in await case.alarms()
    await case.complete()
    await hub.post(returned())
    assert {HOST, LEEDS} <= {one.organisation for one in await hub.notices(kind="returned")}


async def test_reasons_that_say_where_the_child_may_be_go_to_the_police_at_once(case: Case) -> None:
    hub = case.hub
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    assert getattr(await case.choose(LEEDS, whereabouts=None), "field", None) == "whereabouts"
    before = {one.id for one in await hub.notices(kind="conversation")}
    assert isinstance(await case.choose(LEEDS, reasons="She may be with her aunt.", whereabouts=True), Asked)
    told = {one.organisation: one for one in await hub.notices(kind="conversation") if one.id not in before}
    police = {one.organisation for one in await hub.notices(kind="missing") if "police" in one.roles}
    assert police and police < set(told) and LEEDS in told
    assert {told[one].priority for one in police} == {"immediate"}


async def test_who_says_it_on_and_on_is_kept_but_tells_the_owner_only_so_often(case: Case) -> None:
    first = await case.newest("host_authority", HOST)
    for number in range(MOST_TOLD + 2):
        await case.answer(first, "redirected", f"desk {number}")
    assert len((await case.one()).steps) == MOST_TOLD + 2, "all of it stands in the chain"
    assert len(await case.hub.notices(kind="conversation")) == MOST_TOLD
    await case.choose(HOST)
    told = len(await case.hub.notices(kind="conversation"))
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    assert len(await case.hub.notices(kind="conversation")) > told, "asked anew, they are heard anew"


async def test_whoever_is_asked_has_the_child_on_their_register_while_it_is_missing(case: Case) -> None:
    async def listed() -> set[str]:
        entries = (await case.hub.episode()).register
        return {one.organisation for one in entries if one.role == "host_authority" and one.removed_at is None}

    assert LEEDS not in await listed()
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    await case.choose(LEEDS)
    assert LEEDS in await listed()
    await case.hub.clock.advance(3600)
    await case.hub.post(found())
    await case.answer(await case.newest("host_authority", LEEDS), "not_ours")
    assert isinstance(await case.choose(BARKING), Asked)
    assert await case.newest("host_authority", BARKING, "found")
    assert await listed() == set(), "found, it is missing nowhere"


async def test_who_had_it_and_says_not_ours_after_all_opens_it_again(case: Case) -> None:
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    await case.choose(LEEDS)
    asked = await case.newest("host_authority", LEEDS)
    await case.answer(asked, "accepted")
    await case.answer(asked, "not_ours", name="Sam Again")
    found = await case.one()
    assert (found.state, found.settled_by) == ("open", None) and found.due_at is not None
    (first,) = [one for one in await case.hub.notices() if one.id == found.steps[0].notice]
    assert first.chase_at is not None, "what had ended goes on"
    # And the first of all may take it on after all.
    await case.answer(first, "accepted")
    assert (await case.one()).settled_by == HOST
    await case.complete()


async def test_a_circle_is_shown_and_goes_to_the_leads_and_the_operator(case: Case) -> None:
    hub = case.hub
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    await case.choose(LEEDS)
    await case.answer(await case.newest("host_authority", LEEDS), "not_ours")
    assert await case.choose(HOST) == Asked(organisation=HOST, again=True)
    assert "resolution_loop" not in await case.alarms()
    back = await case.newest("host_authority", HOST)
    await case.answer(back, "not_ours")
    assert (await case.one()).looping == (HOST, LEEDS)
    assert "resolution_loop" in await case.alarms()
    assert [kind for kind, _ in await case.kinds()] == ["said", "asked", "said", "sent_back", "said", "looped"]
    leads = {one.organisation for one in await hub.notices(kind="conversation") if "assistant_director" in one.roles}
    assert leads == {HOST, LEEDS}


async def test_whoever_lets_the_time_pass_is_told_again_and_the_operator_with_them(case: Case) -> None:
    hub = case.hub
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    due = (await case.one()).due_at
    assert due is not None and await case.looking.tick(due - timedelta(seconds=1)) == 0
    await hub.wait_until(due)
    assert await case.looking.tick(due) == 1
    found = await case.one()
    assert (found.state, found.late) == ("open", 1) and found.due_at == due + (due - hub.clock.now()) + 30 * MINUTE
    assert "resolution_late" in await case.alarms()
    assert len(await hub.notices(kind="conversation")) == 2
    assert await case.looking.tick(due) == 0, "once"
    assert hub.logged == []


async def test_a_corrected_placement_moves_it_by_itself(case: Case) -> None:
    hub = case.hub
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    await hub.post(updated(placement={"host_authority": LEEDS}))
    await hub.clock.advance(5)  # they were told before it is looked at
    assert await case.looking.tick(hub.clock.now()) == 1
    assert (await case.one()).state == "asked" and (await case.kinds())[-1] == ("moved", LEEDS)
    assert await case.looking.tick(hub.clock.now()) == 0
    await case.answer(await case.newest("host_authority", LEEDS), "accepted")
    assert (await case.one()).settled_by == LEEDS
    # Whoever had it before is right to say that it is not theirs, and nothing is left to find out.
    assert len(await case.all()) == 1


async def test_where_no_authority_is_left_that_has_not_said_so_it_is_the_operators(case: Case) -> None:
    await case.answer(await case.newest("responsible_authority", BROMLEY), "not_ours")
    found = await case.one()
    assert found.organisation == HOST, "who lives with the child knows next to who is responsible"
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    both = await case.all()
    assert [one.organisation for one in both] == [HOST, BROMLEY], "each role is a question of its own"
    operator = somebody(OPERATOR, "operator", "The operator")
    with scoped(WHOLE):
        opened = await case.choosing.read(operator, None, found.id)
        assert opened is not None and not opened.with_facts
        assert [one.name for one in opened.resolution.steps] == [None], "organisations and times, and no more"
        done = await case.choosing.choose(
            operator, None, found.id, organisation=LEEDS, reasons="Rang them.", whereabouts=None
        )
        assert done == Asked(organisation=LEEDS, again=False)
        assert len(await case.choosing.listed(operator, None)) == 2


async def test_only_the_owners_desk_may_see_it_and_choose(case: Case) -> None:
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    found = await case.one()
    for who, desks in ((somebody(LEEDS), ("*",)), (somebody(HUMBERSIDE), ("*",)), (somebody(), ("iro_service",)),
                       (somebody(HOST), ("*",)), (somebody(role="auditor"), ("*",))):  # fmt: skip
        sight = sight_of(who.organisation, desks, {}, "fallback")
        with scoped(Own(who.organisation)):
            done = await case.choosing.choose(
                who, sight, found.id, organisation=LEEDS, reasons="Because.", whereabouts=False
            )
            assert done is None, (who, desks)
    for reasons in ("", " ", "x" * 1_001, "\x00"):
        assert getattr(await case.choose(LEEDS, reasons=reasons), "field", None) == "text", reasons
    assert (await case.one()).state == "open"


async def test_the_end_of_the_episode_ends_it(case: Case) -> None:
    hub = case.hub
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    await hub.post(retracted())
    assert await case.looking.tick(hub.clock.now()) == 1
    assert (await case.one()).state == "ended"
    assert await case.choose(LEEDS) == "over"
    await case.answer(await case.newest("responsible_authority", BROMLEY), "not_ours")
    assert len(await case.all()) == 1, "there is no child to find an authority for"


async def test_who_is_told_in_another_role_besides_is_asked_on_in_that(case: Case) -> None:
    hub = case.hub
    await case.answer(await case.newest("host_authority", HOST), "not_ours")
    assert isinstance(await case.choose(BROMLEY), Asked)
    await hub.clock.advance(60)
    await hub.post(updated(time=hub.clock.now().isoformat(), episode={"clothing": "A red coat"}))
    both = await case.newest("responsible_authority", BROMLEY, "update")
    assert set(both.roles) == {"responsible_authority", "host_authority"}
    await case.answer(await case.newest("host_authority", HOST, "update"), "accepted")
    assert (await case.one()).state == "settled"
    assert (await case.newest("host_authority", BROMLEY)).chase_at is None
    assert (await case.newest("responsible_authority", BROMLEY, "update")).chase_at == both.chase_at, "D13"
    await case.complete()
