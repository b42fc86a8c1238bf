"""Not our child, over the real server: whoever said so reads what follows, and the desk that has to choose chooses."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from contacts.directory import Directory
from contacts.model import Bundle, Contact, Desk, Organisation
from contacts.roles import OPERATOR
from hub.core.records import Changes
from routing.decision import Recipient
from tests.kit.clock import START
from tests.kit.desk import Desk as At
from tests.kit.desk import at_the_desk
from tests.kit.events import merged
from tests.kit.failing import ledger
from tests.kit.pickup import BROMLEY, DOC, MAILBOX, PHONE
from tests.kit.records import moved

DOOR = Contact(id="co_door", organisation=BROMLEY, desk="front_door", channel="email", address="door@bromley.example")
KENT = Contact(id="co_kent", organisation="E23000032", desk="missing_persons_unit", channel="email",
               address="misper@kent.example")  # fmt: skip
PASSED = {"answer": "redirected", "redirected_to": "<b>Kent</b>, misper@kent.example"}


def with_kent(bundle: Bundle) -> Directory:
    return Directory.of(
        replace(
            bundle,
            organisations=(*bundle.organisations, Organisation(code=KENT.organisation, name="Kent Police")),
            desks=(*bundle.desks, Desk(organisation=KENT.organisation, function=KENT.desk)),
            contacts=(*bundle.contacts, KENT),
        )
    )


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[At]:
    """The council was told too, and another force could be."""
    async with at_the_desk(tmp_path, contacts=(MAILBOX, PHONE, DOOR)) as made:
        made.told.directory[0] = with_kent(made.told.directory[0].bundle)
        story, changes = made.told.story, made.told.changes
        door = (Recipient(role="host_authority", organisation=BROMLEY),)
        front = replace(changes.decisions[0].decision, recipients=door)
        decision = replace(changes.decisions[0], id=story.id("de"), event=None, decision=front)
        notice = story.notice(decision, organisation=BROMLEY, person=None, roles=("host_authority",))
        more = Changes(
            event=None,
            episode=moved(changes, revision=2),
            doc=merged(DOC, {"placement": {"host_authority": BROMLEY}}),
            expected_version=changes.episode.version,
            duties=tuple(
                replace(one, detail={"row": "made-up", "start": START.isoformat(), "n": 1}) for one in changes.duties
            ),
            decisions=(decision,),
            notices=(notice,),
            deliveries=(story.delivery(notice, contact="co_door"),),
        )
        await made.told.change(more)
        yield made


async def test_a_force_says_that_it_is_not_theirs_and_the_council_asks_another(desk: At, tmp_path: Path) -> None:
    jo, kit = await desk.visitor(), await desk.visitor(organisation=BROMLEY, name="Kit Door")
    ray = await desk.visitor("operator", organisation=OPERATOR, name="Ray Runs")
    assert "There is nothing for you to choose." in (await kit.get("/resolving")).text
    assert "the desk that knows where the child lives is told" in (await jo.get(desk.notice)).text
    assert (await jo.post(desk.notice, PASSED)).status == 303
    listed = await kit.get("/resolving")
    (page,) = {one for one in listed.html.split('"') if one.startswith("/resolving/rs_")}
    shown = await kit.get(page)
    assert "Jo Worker" in shown.text and "&lt;b&gt;Kent&lt;/b&gt;, misper@kent.example" in shown.html
    assert "Nothing was sent there" in shown.text
    # Whoever runs the hub sees how it stands, and no name; whoever said it does not choose.
    seen = await ray.get(page)
    assert seen.status == 200 and "Jo Worker" not in seen.html and "kent.example" not in seen.html
    assert [(await one).status for one in (jo.get(page), jo.post(page, {}), jo.get("/resolving/rs_1"))] == [404] * 3
    wrong = await kit.post(
        page, {"organisation": "misper@kent.example", "reasons": "They said so.", "whereabouts": "no"}
    )
    assert wrong.status == 422 and "Choose an organisation from the list" in wrong.text
    wrong = await kit.post(page, {"organisation": KENT.organisation, "reasons": "", "whereabouts": "no"})
    assert wrong.status == 422 and "Give your reasons" in wrong.text and "Jo Worker" in wrong.text
    lines = [line for line in ledger(tmp_path)["audit"] if "resolution.viewed" in line]
    assert len(lines) == 4, "a form that comes back shows what its page shows"
    done = await kit.post(
        page, {"organisation": KENT.organisation, "reasons": "She moved <i>there</i> in May.", "whereabouts": "yes"}
    )
    assert (done.status, done.location) == (303, f"{page}?asked")
    after = await kit.get(done.location)
    assert "Waiting for an answer" in after.text and "She moved &lt;i&gt;there&lt;/i&gt; in May." in after.html
    told = await desk.told.web.store.read(lambda unit: unit.notices(desk.told.story.episode))
    assert [one.kind for one in told if one.organisation == KENT.organisation] == ["missing", "conversation"]
