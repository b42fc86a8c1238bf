"""The desk of signed-in recipients over the real server: what they see and answer, and that nobody else does."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from contacts.roles import OPERATOR
from tests.kit.accounts import accounts_over, audit
from tests.kit.desk import Desk, at_the_desk
from tests.kit.notices import JPEG
from tests.kit.pickup import BROMLEY, FORCE, PARENT
from tests.kit.visitor import Seen, Visitor

SECRETS = ("Robin", "Marker High Street", "inhaler", "Sam Example")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with at_the_desk(tmp_path) as made:
        yield made


def lines(folder: Path, *actions: str) -> list[tuple[str, str]]:
    """Actor and action of the lines of the audit log that are about the desk."""
    return [(line[0].partition(":")[0], line[1]) for line in audit(folder) if line[1] in actions]


def says_nothing(seen: Seen) -> None:
    assert [secret for secret in SECRETS if secret in seen.html] == []


async def test_a_notice_is_found_read_and_accepted_in_the_readers_own_name(desk: Desk, tmp_path: Path) -> None:
    jo = await desk.visitor()
    told = desk.told
    for path in ("/notices", "/notices?show=new", "/notices?show=all"):
        seen = await jo.get(path)
        assert seen.status == 200 and "Robin Example" in seen.text and "New (1)" in seen.text, path
        assert "Marker High Street" not in seen.text
    assert (await told.notice()).state == "pending" and await told.receipts() == [], "a list opens nothing"
    assert lines(tmp_path, "desk.listed") == [("user", "desk.listed")] * 3
    assert (await photo(jo, desk))[0] == 404, "nobody has read it yet"
    assert (await jo.head(desk.notice)).status == 405
    assert await told.receipts() == []
    for _ in range(2):
        seen = await jo.get(desk.notice)
        assert seen.status == 200
        for value in ("Missing child: Robin Example", "Marker High Street", "inhaler", "You answer as Jo Worker"):
            assert value in seen.text, value
        reference = (await told.notice()).reference
        assert f"<title>Missing child, {reference} – Fingerpost</title>" in seen.html, "browsers keep titles"
    (receipt,) = await told.receipts()
    assert (receipt.kind, receipt.code, receipt.delivery) == ("displayed", "desk", told.delivery.id)
    assert (await told.notice()).state == "receipted", "read, and not acknowledged by that"
    assert await photo(jo, desk) == (200, JPEG)
    assert "Nothing new" in (await jo.get("/notices?show=new")).text
    assert "Not answered yet (1)" in (await jo.get("/notices")).text
    for _ in range(2):  # a double click
        done = await jo.post(desk.notice, {"answer": "accepted"})
        assert (done.status, done.location) == (303, f"{desk.notice}?answered")
    (answer,) = await told.answers()
    assert (answer.name, answer.answer, answer.delivery) == ("Jo Worker", "accepted", told.delivery.id)
    assert (await told.notice()).state == "acknowledged"
    assert lines(tmp_path, "desk.viewed", "notice.acknowledged") == [
        ("user", "desk.viewed"), ("user", "desk.viewed"), ("user", "notice.acknowledged")
    ]  # fmt: skip
    seen = await jo.get(f"{desk.notice}?answered")
    assert "Your answer is recorded" in seen.text and "Accepted by Jo Worker" in seen.text
    assert "Every notice to your desks has been answered" in (await jo.get("/notices")).text
    assert "Accepted" in (await jo.get("/notices?show=all")).text


async def photo(visitor: Visitor, desk: Desk) -> tuple[int, bytes]:
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    web = desk.told.web
    async with web.session.get(f"{web.url}{desk.notice}/photo", headers={"Cookie": cookie}) as response:
        assert response.headers["Cache-Control"] == "no-store"
        return response.status, await response.read() if response.status == 200 else b""


async def test_who_passes_it_on_says_to_whom_and_the_notice_stays_open(desk: Desk) -> None:
    jo = await desk.visitor(name="Jo <b>O'Worker</b>")
    await jo.get(desk.notice)
    for given, field in (
        ({"answer": "redirected"}, "redirected_to"),
        ({"answer": "king"}, "answer"),
        ({"answer": ""}, "answer"),
    ):
        wrong = await jo.post(desk.notice, given)
        assert (wrong.status, f'href="#{field}"' in wrong.html, "<details" in wrong.html) == (422, True, True), given
        assert "Missing child: Robin Example" in wrong.text
    assert await desk.told.answers() == []
    to = '"><i>Kim</i> of the other force'
    done = await jo.post(desk.notice, {"answer": "redirected", "redirected_to": to})
    assert done.status == 303
    seen = await jo.get(done.location)
    assert "Passed on by Jo <b>O'Worker</b>" in seen.text and to in seen.text and "<b>" not in seen.html
    assert (await desk.told.notice()).state != "acknowledged"
    assert "redirected" in await desk.told.alarms()
    again = await jo.post(desk.notice, {"answer": "accepted"})
    assert again.status == 303 and (await desk.told.notice()).state == "acknowledged"


async def test_for_whoever_reads_for_no_such_desk_there_is_no_such_notice(desk: Desk, tmp_path: Path) -> None:
    nowhere = await (await desk.visitor()).get("/nowhere-at-all")
    hidden = [desk.notice, f"{desk.notice}/photo", "/notices/no_" + "0" * 26, "/notices/x", "/notices/%3Cb%3E"]
    for visitor in (
        await desk.visitor(organisation="E09000007"),
        await desk.visitor(desks=("front_door", "fallback", "duty_manager")),
        await desk.visitor(desks=()),
        await desk.visitor("operator", organisation=OPERATOR),
        await desk.visitor("recipient", organisation=OPERATOR),
        await desk.visitor("auditor", "directory_admin"),
        await desk.visitor("auditor", organisation=OPERATOR),
    ):
        await visitor.get("/account")
        for path in hidden:
            seen = await visitor.get(path)
            assert (seen.status, seen.text) == (404, nowhere.text), path
        for given in ("accepted", "not_ours", "king"):
            assert (await visitor.post(desk.notice, {"answer": given})).status == 404
        for path in ("/notices?show=all", "/register"):
            says_nothing(await visitor.get(path))
        says_nothing(await visitor.post("/notices/search", {"sought": "rob"}))
        says_nothing(await visitor.post("/notices/search", {"sought": (await desk.told.notice()).reference}))
    assert (await desk.told.answers(), await desk.told.receipts()) == ([], [])
    assert lines(tmp_path, "desk.listed", "desk.searched", "desk.viewed", "register.read") == []


async def test_pages_of_the_desk_are_for_those_alone_who_read_notices(desk: Desk) -> None:
    admin = await desk.visitor("directory_admin", "auditor")
    assert "/notices" not in (await admin.get("/account")).html
    for path in ("/notices", "/notices/search", "/register"):
        assert (await admin.get(path)).status == 404
    assert (await admin.post("/notices/search", {"sought": ""})).status == 404
    nobody = await desk.visitor(desks=())
    for path in ("/notices", "/register"):
        assert "You have not been given a desk yet" in (await nobody.get(path)).text
    out = Visitor(web=desk.told.web)
    for path in ("/notices", desk.notice, "/register"):
        assert (await out.get(path)).location == f"/sign-in?next={path}"


async def test_who_was_signed_out_in_between_answers_nothing(desk: Desk) -> None:
    jo = await desk.visitor()
    await jo.get(desk.notice)
    assert (await jo.post(desk.notice, {"answer": "accepted", "csrf": "made-up"})).status == 403
    jo.cookies["fingerpost"] = "over"
    assert (await jo.post(desk.notice, {"answer": "accepted"})).location == f"/sign-in?next={desk.notice}"
    assert (await jo.post("/notices/search", {"sought": "Robin"})).location == "/sign-in?next=/notices/search"
    assert await desk.told.answers() == []


async def test_two_who_accept_at_once_are_both_on_record(desk: Desk) -> None:
    people = [await desk.visitor(name=name) for name in ("Jo Worker", "Kim Worker")]
    for one in people:
        await one.get(desk.notice)
    await asyncio.gather(*(one.post(desk.notice, {"answer": "accepted"}) for one in people))
    assert {one.name for one in await desk.told.answers()} == {"Jo Worker", "Kim Worker"}
    assert (await desk.told.notice()).state == "acknowledged"
    assert len(await desk.told.receipts()) == 2, "each has read it"


@pytest.mark.parametrize(("kind", "words"), [("found", "has been found"), ("retraction", "was taken back")])
async def test_what_an_ending_overtook_is_shown_no_more_and_the_ending_is(
    desk: Desk, tmp_path: Path, kind: str, words: str
) -> None:
    jo = await desk.visitor()
    await jo.get(desk.notice)
    ended = await desk.ends(kind)
    seen = await jo.get(desk.notice)
    assert seen.status == 200 and words in seen.text and "+442079460111" in seen.text
    says_nothing(seen)
    assert "Accept" not in seen.text and ended in seen.html
    assert (await photo(jo, desk))[0] == 404
    assert lines(tmp_path, "desk.over_seen") == [("user", "desk.over_seen")]
    seen = await jo.get(ended)
    assert "Robin Example" in seen.text and "Marker High Street" not in seen.text and desk.notice in seen.html
    listed = await jo.get("/notices?show=all")
    assert "Not current" in listed.text and listed.text.count("Robin Example") == 1
    found = await jo.post("/notices/search", {"sought": "robin"})
    assert ended in found.html and desk.notice not in found.html, "what is not shown is not found by its name"


async def test_a_desk_that_stands_in_for_a_parent_who_is_withheld_by_now_sees_it_no_more(tmp_path: Path) -> None:
    gap: dict[str, Any] = {"organisation": FORCE, "person": None, "gap_role": "parent"}
    async with at_the_desk(tmp_path, role="parent", person=PARENT, notice=gap) as desk:
        jo = await desk.visitor()
        listed = await jo.get("/notices")
        assert "In place of the parent" in listed.text and "Robin" not in listed.text
        assert "Robin Example" in (await jo.get(desk.notice)).text
        desk.told.kept.append("withheld")
        says_nothing(await jo.get(desk.notice))
        says_nothing(await jo.post("/notices/search", {"sought": "rob"}))


async def test_notices_are_sought_by_reference_and_by_name_and_what_is_sought_stands_in_no_address(
    desk: Desk, tmp_path: Path
) -> None:
    jo = await desk.visitor()
    reference = (await desk.told.notice()).reference
    assert (await jo.get("/notices/search")).status == 200
    for sought in ("robin", "EXAMPLE ro", reference, f" {reference.lower()} "):
        found = await jo.post("/notices/search", {"sought": sought})
        assert (found.status, desk.notice in found.html) == (200, True), sought
        assert not re.search(r'action="[^"]*\?', found.html)
    for sought in ("obin", "smith", "FP-0000-0000", '"><b>Robin', "robin%"):
        missed = await jo.post("/notices/search", {"sought": sought})
        assert (missed.status, desk.notice in missed.html, "<b>" in missed.html) == (200, False, False), sought
    for sought in ("", "   ", "%%"):
        assert (await jo.post("/notices/search", {"sought": sought})).status == 422
    assert lines(tmp_path, "desk.searched") == [("user", "desk.searched")] * 4
    assert await desk.told.receipts() == [], "found is not read"


async def test_the_register_shows_names_to_those_who_read_for_the_desk_that_was_told(
    desk: Desk, tmp_path: Path
) -> None:
    front = await desk.visitor(organisation=BROMLEY, desks=("front_door",))
    nurse = await desk.visitor(organisation=BROMLEY, desks=("designated_nurse",))
    seen = await front.get("/register")
    entry = desk.told.changes.register[0]
    assert "Robin Example" in seen.text and "17 August 2011" in seen.text and "Responsible authority" in seen.text
    assert f"{entry.remove_at.day} " in seen.text and f"{entry.remove_at:%B %Y}" in seen.text
    assert "Robin" not in (await nurse.get("/register")).text
    assert lines(tmp_path, "register.read") == [("user", "register.read")]
    assert "Nobody has been taken off" in (await front.get("/register?removed")).text
    assert (await front.get("/register?page=2")).status == 404


async def test_an_erased_child_is_in_no_way_of_the_others(desk: Desk) -> None:
    jo = await desk.visitor()
    await forget(desk)
    listed = await jo.get("/notices")
    assert listed.status == 200 and desk.notice in listed.html
    says_nothing(listed)
    assert (await jo.get(desk.notice)).status == 404
    assert (await jo.post(desk.notice, {"answer": "accepted"})).status == 404
    says_nothing(await jo.post("/notices/search", {"sought": "rob"}))


async def forget(desk: Desk) -> None:
    """The child's data key is destroyed."""
    keys = desk.told.web.store._store._keys  # type: ignore[attr-defined]  # past everything that watches over it

    def erase(connection: Connection) -> None:
        connection.exec_driver_sql("DELETE FROM data_keys WHERE scope = ?", (desk.told.story.child,))

    await keys._database.run(erase)
    keys._keys.pop(desk.told.story.child, None)


async def test_an_administrator_chooses_for_which_desks_somebody_else_reads(desk: Desk, tmp_path: Path) -> None:
    admin, reader = await desk.visitor("directory_admin", "recipient"), await desk.visitor(desks=())
    users = await desk.told.web.store.read(lambda unit: unit.accounts.users(FORCE))
    own, theirs = (f"/users/{one.id}" for one in users)
    assert f"{theirs}/desks" in (await admin.get(theirs)).html
    page = await admin.get(f"{theirs}/desks")
    assert page.status == 200 and "Missing persons unit" in page.text and "Front door" not in page.text
    wrong = await admin.post(f"{theirs}/desks", {"desks": ["no_such_desk"]})
    assert (wrong.status, 'href="#desks"' in wrong.html) == (422, True)
    done = await admin.post(f"{theirs}/desks", {"desks": ["missing_persons_unit"]})
    assert (done.status, done.location) == (303, theirs)
    assert "Robin Example" in (await reader.get("/notices")).text, "from their next page on"
    assert (await admin.get(f"{own}/desks")).status == 404, "nobody chooses for themselves"
    assert (await admin.post(f"{own}/desks", {"desks": ["*"]})).status == 404
    other = await desk.visitor("directory_admin", organisation=BROMLEY)
    await other.get("/account")
    assert (await other.get(f"{theirs}/desks")).status == 404
    assert (await other.post(f"{theirs}/desks", {"desks": ["*"]})).status == 404
    assert (await admin.post(f"{theirs}/desks", {})).status == 303
    assert "You have not been given a desk yet" in (await reader.get("/notices")).text
    given = [line[4] for line in audit(tmp_path) if line[1] == "user.desks_given"]
    assert given == [
        '{"after": "missing_persons_unit", "before": ""}',
        '{"after": "", "before": "missing_persons_unit"}',
    ]


async def test_who_was_no_recipient_in_between_reads_for_no_desk_until_somebody_chooses_anew(
    desk: Desk, tmp_path: Path
) -> None:
    admin, reader = await desk.visitor("directory_admin"), await desk.visitor("recipient")
    users = await desk.told.web.store.read(lambda unit: unit.accounts.users(FORCE))
    theirs = f"/users/{users[1].id}"
    assert "Robin Example" in (await reader.get("/notices")).text
    await admin.get(theirs)
    for roles in (["auditor", "recipient"], ["auditor"], ["recipient"]):
        assert (await admin.post(f"{theirs}/roles", {"roles": roles})).status == 303
        assert ("Robin" in (await reader.get("/notices")).text) is (len(roles) == 2)
    assert "You have not been given a desk yet" in (await reader.get("/notices")).text
    given = [line[4] for line in audit(tmp_path) if line[1] == "user.desks_given"]
    assert given == ['{"after": "", "before": "*"}']
    # So it is with somebody who is invited again to do something else.
    accounts = accounts_over(desk.told.web.store, desk.told.web.clock, seed="again")
    made = await accounts.invited("sam@police.example", "recipient", organisation=FORCE)
    await admin.post(f"/users/{made.user}/desks", {"desks": ["*"]})
    for role in ("auditor", "recipient"):
        assert (await accounts.invited("sam@police.example", role, organisation=FORCE)).user == made.user
    found = await desk.told.web.store.read(lambda unit: unit.desk.reader(made.user))
    assert found is not None and found.desks == frozenset()
