"""What a confirmed hub says against whoever trusted it: words of this hub's own people, a hold of theirs lifted."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contacts.strict_json import from_b64url
from hub.core.peer_agreements import answer_step, proposal_step
from hub.core.peer_cases import _fits
from hub.core.peer_messages import AGREEMENT, HOLD, HOLDS
from hub.core.peer_messages import Message as Sent
from hub.core.ulid import spelled
from hub.service.holds.ports import Done
from hub.service.holds.setting import Settled
from hub.service.ports import Unit
from hub.service.tenancy import WHOLE, Own, scoped
from hub.web.pages.conversations.words import message_view
from tests.integration.peers.test_agreements import kept, proposed, shown
from tests.integration.peers.test_conversations import FRONT_DOOR, MINUTE, WORKER, begun, said, theirs
from tests.integration.peers.test_holds import acts, asks, missing, stands
from tests.kit.conversing import BROMLEY, HOST, HUMBERSIDE
from tests.kit.two_hubs import Both, Side, two_hubs

POLICE = {"organisation_code": HUMBERSIDE, "desk": "missing_persons_unit", "roles": ["police"], "author": "Pat Officer"}


async def says(
    both: Both, number: int, message: Mapping[str, Any], name: str | None = None, beside: str | None = None
) -> str | None:
    """What Bordon makes of the newest notice of a conversation that came from Ashby, with another message in it."""
    bordon = both.bordon
    (peer,) = await bordon.node.see(lambda unit: unit.peers.all())
    told = [one for one in await both.ashby.node.notices(kind="conversation") if one.organisation == HOST]
    events = []
    for notice in told:
        for delivery in await both.ashby.node.see(lambda unit, one=notice: unit.deliveries(one.id)):
            found = await bordon.node.see(lambda unit, one=delivery: unit.event(peer.said.source, one.id))
            events += [] if found is None else [found]
    claims = json.loads(from_b64url(events[-1].body.split(b".")[1].decode()))
    files = [one for one in claims["attachments"] if one["name"] not in (AGREEMENT, HOLD, HOLDS)]
    for one in files:
        changes: Mapping[str, Any] = {}
        if one["name"] == "notice.json":
            changes = {"reference": f"FP-2222-22{number}"}
        elif one["name"] == "message.json":
            changes = {"id": spelled("ms", number), **message}
        else:
            continue
        one["data"] = encoded(json.dumps({**json.loads(base64.b64decode(one["data"])), **changes}))
    if name is not None and beside is not None:
        files.append({"name": name, "media_type": "application/json", "data": encoded(beside)})
    sent = Sent(id=f"dl_{number}", said={**claims, "attachments": files}, same=b"%d" % number, receipt=None, via=(),
                signed=b"as it was signed")  # fmt: skip
    with scoped(WHOLE):
        return await bordon.node.store.write(lambda unit: bordon.receiving().take(unit, peer, sent, both.now()))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_what_another_hub_says_of_people_here_is_shown_as_its_word_and_answers_nothing(tmp_path: Path) -> None:
    """They may have answered there, by the link in a mail: so it is not refused."""
    async with two_hubs(tmp_path, seed=20) as both:
        made = await proposed(both)
        ours = {"organisation_code": HOST, "desk": "front_door", "roles": ["host_authority"], "author": "Noor Host"}
        await says(both, 11, ours, AGREEMENT, answer_step(made.agreement.id, "accept"))
        new = replace(made.agreement, id=spelled("ag", 9), proposer=FRONT_DOOR, asked=(made.agreement.proposer,))
        await says(both, 12, ours, AGREEMENT, proposal_step(new))
        (agreement,) = await kept(both.bordon)
        assert agreement.answers == ()
        found = await shown(both.bordon, agreement.id)
        assert (found.state, found.moves) == ("open", ("accept", "decline", "counter"))
        (message,) = [one for one in await said(both.bordon) if one.id == spelled("ms", 11)]
        view = message_view(message, [message.readers[0].party], str)
        assert view["ours"] and view["from"].endswith(" (written at another hub)")


async def test_a_hold_that_was_set_here_is_lifted_by_no_other_hub(tmp_path: Path) -> None:
    async with two_hubs(tmp_path, seed=21) as both:
        await missing(both)
        assert isinstance(await asks(both.ashby, "set", "no_questions", "q"), Settled)
        await both.settle()
        (heard,) = await acts(both.bordon)

        async def here(unit: Unit) -> None:
            (episode,) = await unit.episode_list()
            act = replace(heard, id="ph_own", number=2, kind="no_enquiries", actor="user:pat", there=None)
            await unit.holds.add(Done(act=act, child=episode.child, key="own", audit=()))

        with scoped(WHOLE):
            await both.bordon.node.store.write(here)
        assert await stands(both.bordon) == ["no_enquiries", "no_questions"]
        deed = {"format": "fingerpost.hold.v1", "kind": "no_enquiries", "deed": "lifted", "number": 9,
                "at": both.now().isoformat()}  # fmt: skip
        for number, kind in enumerate(("no_enquiries", "no_questions"), 9):
            told = json.dumps({**deed, "kind": kind, "number": number})
            await says(both, 10 + number, {**POLICE, "purpose": "police_hold"}, HOLD, told)
        assert await stands(both.bordon) == ["no_enquiries"], "only what was set there"


async def test_what_stood_with_a_notice_is_not_lifted_by_what_was_done_before(tmp_path: Path) -> None:
    """Set, lifted and set again there; here the third is known from a notice before the second comes."""
    async with two_hubs(tmp_path, seed=22) as both:
        ashby, bordon = both.sides
        await missing(both)
        assert isinstance(await asks(ashby, "set", "no_enquiries", "a"), Settled)
        await both.settle()
        assert await stands(bordon) == ["no_enquiries"]
        deed = {"format": "fingerpost.hold.v1", "kind": "no_enquiries", "deed": "set", "number": 3,
                "at": (both.now() + 2 * MINUTE).isoformat()}  # fmt: skip
        standing = {**deed, "organisation_code": HUMBERSIDE, "desk": "missing_persons_unit", "role": "police"}
        await says(both, 13, {**POLICE, "purpose": "information", "text": "More."}, HOLDS,
                   json.dumps({"holds": [standing]}))  # fmt: skip
        lifted = {**deed, "deed": "lifted", "number": 2, "at": (both.now() + MINUTE).isoformat()}
        await says(both, 14, {**POLICE, "purpose": "police_hold"}, HOLD, json.dumps(lifted))
        await says(both, 15, {**POLICE, "purpose": "police_hold"}, HOLD, json.dumps(deed))
        assert await stands(bordon) == ["no_enquiries"]


async def test_what_comes_late_from_another_hub_comes_up_on_a_page_that_is_open(tmp_path: Path) -> None:
    """It was written before what stands last there."""
    async with two_hubs(tmp_path, seed=23) as both:
        first = await begun(both)
        await both.settle()
        for side in both.sides:
            await side.wire.shut()
        late = await theirs(both.bordon, thread=first.thread, text="She is at the pier.", purpose="sighting",
                            whereabouts=True)  # fmt: skip
        await both.let_pass(2 * MINUTE, step=2 * MINUTE)
        await both.ashby.talk.wrote(WORKER, thread=first.thread, text="Well?")
        before = await mark(both.ashby, first.thread)
        for side in both.sides:
            await side.wire.open()
        await both.let_pass(10 * MINUTE, step=5 * MINUTE)
        assert [one.id for one in await said(both.ashby)][1] == late.id, "in the order of both"
        assert await mark(both.ashby, first.thread) != before


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_what_cannot_be_shown_in_local_time_is_no_fact_of_another_hub(at: str) -> None:
    """A page that fails on it is one that nobody can read."""
    assert not _fits("episode.since", at) and _fits("episode.since", "2026-03-01T19:30:00Z")


async def mark(side: Side, thread: str) -> str:
    with scoped(Own(BROMLEY)):
        opened = await side.talk.reading.read(WORKER, thread)
        again = await side.talk.reading.mark(WORKER, thread)
    assert opened is not None and opened.mark == again
    return opened.mark
