"""The police ask everybody to hold back, on a page of theirs; it stands at the top of everybody else's."""

from pathlib import Path

import pytest

from hub.core.holds import HELD_BACK
from tests.integration.web.test_conversation_pages import desk
from tests.kit.accounts import audit
from tests.kit.desk import Desk
from tests.kit.pickup import BROMLEY, FORCE
from tests.kit.web import fictional_called

__all__ = ["desk"]
WHY = "We watch the <flat> until Friday"


async def test_a_hold_is_set_shown_to_all_who_were_told_and_lifted(desk: Desk, tmp_path: Path) -> None:
    jo, kit = await desk.visitor(), await desk.visitor(organisation=BROMLEY, name="Kit Door")
    episode = desk.told.story.episode
    page = f"/holds/of/{episode}"
    assert page in (await jo.get(desk.notice)).html
    empty = await jo.get(page)
    assert empty.status == 200 and "What stands now Nothing." in empty.text
    wrong = await jo.post(page, {"reason": "a\x00b", "day": "31", "month": "2", "year": "2027"})
    assert wrong.status == 422 and "Enter a real date" in wrong.text
    wrong = await jo.post(page, {"reason": "a\x00b"})
    assert wrong.status == 422 and "Choose what you ask for" in wrong.text and "control characters" in wrong.text
    asked = {"kind": "no_enquiries", "reason": WHY, "day": "1", "month": "4", "year": "2026"}
    done = await jo.post(page, asked)
    assert done.status == 303, done.text
    assert done.location == f"{page}?done"
    seen = await jo.get(done.location)
    assert "Done. Set: make no enquiries." in seen.text and f"asked by {fictional_called(FORCE)}" in seen.text
    assert "We watch the &lt;flat&gt; until Friday" in seen.html and "1 April 2026" in seen.text
    told = await desk.told.web.store.read(lambda unit: unit.notices(episode))
    (notice,) = [one for one in told if one.kind == "conversation"]
    assert (notice.organisation, notice.priority) == (BROMLEY, "immediate")
    said = HELD_BACK["no_enquiries"]
    listed = await kit.get(f"/conversations/of/{episode}")
    (thread,) = {one for one in listed.html.split('"') if one.startswith("/conversations/th_")}
    for path in (f"/conversations/of/{episode}", f"/conversations/of/{episode}/new", thread, f"/notices/{notice.id}"):
        shown = await kit.get(path)
        assert shown.status == 200 and said in shown.text, path
        assert "the flat" not in shown.text and "flat" not in shown.html and page not in shown.html, path
    operator = await desk.visitor("operator", organisation="operator")
    wall = await operator.get(f"/wall/episodes/{episode}")
    assert "A hold of the police stands since" in wall.text and "flat" not in wall.html
    await jo.get(page)
    lifted = await jo.post(f"{page}/lift", {"kind": "no_enquiries"})
    assert lifted.status == 303
    assert "What stands now Nothing." in (await jo.get(page)).text
    assert said not in (await kit.get(f"/conversations/of/{episode}")).text
    assert "The police have lifted this" in (await kit.get(thread)).text
    lines = [line[1] for line in audit(tmp_path)]
    assert lines.count("police_hold.set") == lines.count("police_hold.lifted") == 1
    assert lines.count("police_holds.viewed") == 6, "each time that somebody read the reason, forms that came back too"


@pytest.mark.parametrize("path", ["", "/lift"])
async def test_nobody_else_finds_the_page(desk: Desk, path: str) -> None:
    page = f"/holds/of/{desk.told.story.episode}{path}"
    fields = {"kind": "no_enquiries", "key": "k" * 20}
    for visitor in (
        await desk.visitor(organisation=BROMLEY),
        await desk.visitor(organisation="E09000007"),
        await desk.visitor("directory_admin"),
        await desk.visitor("operator", organisation="operator"),
    ):
        visitor.page = await visitor.get("/account")
        assert (await visitor.post(page, fields)).status == 404
        assert path or (await visitor.get(page)).status == 404
    jo = await desk.visitor()
    jo.page = await jo.get("/account")
    assert (await jo.post(f"/holds/of/none{path}", fields)).status == 404
    assert (await jo.post(page, {**fields, "key": "short"})).status == 404
