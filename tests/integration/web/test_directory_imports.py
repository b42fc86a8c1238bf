"""A directory in and out through the pages: looked at first, by who may and nobody else, in bounded size."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from contacts.areas import Areas
from contacts.roles import OPERATOR
from contacts.scope import part_of
from contacts.tables import Loaded, Tell, dumps, dumps_zip
from hub.service.directory import importing as service
from hub.web.pages.directory import routes
from tests.integration.web.test_directory_pages import HERE, Place
from tests.kit.accounts import accounts_over
from tests.kit.changing import FRONT_DOOR, furnished, office
from tests.kit.clock import START
from tests.kit.directory import BROMLEY, MET, small_bundle
from tests.kit.visitor import BOUNDARY, Seen, Visitor, multipart
from tests.kit.web import serving

IMPORT = f"/directory/import?organisation={BROMLEY}"
UPLOAD = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(routes, "LONGEST", 100_000)
    async with serving(tmp_path) as web:
        await furnished(web.store, at=START)
        yield Place(web=web, accounts=accounts_over(web.store, web.clock, seed="behind"), desk=office(web.store))


def part(**changes: object) -> bytes:
    document = json.loads(dumps(part_of(small_bundle(), BROMLEY)))
    for row in document["contacts"]:
        if row["id"] == FRONT_DOOR:
            row.update(changes)
    return json.dumps(document).encode()


async def handed_over(visitor: Visitor, file: bytes) -> str:
    await visitor.get(IMPORT)
    sent = await visitor.upload("/directory/import", file)
    assert sent.status == 303, sent.text
    return sent.location


async def settled(visitor: Visitor, address: str) -> Seen:
    """The page, once nothing is under way any more."""
    for _ in range(500):
        seen = await visitor.get(address)
        if 'id="progress"' not in seen.html:
            return seen
        await asyncio.sleep(0.01)
    raise AssertionError("it goes on and on")


async def test_looked_at_confirmed_and_in_force(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    assert "/directory/import?organisation=" in (await jo.get(HERE)).html
    address = await handed_over(jo, part(order=4))
    page = await settled(jo, address)
    assert "1 entry changes in the directory of" in page.text
    assert '<td class="govuk-table__cell">0</td><td class="govuk-table__cell">4</td>' in page.html
    assert "Import all of it now" in page.text
    assert (await place.contact())["order"] == 0
    assert (await jo.post(address, {"step": "confirm"})).status == 303
    done = await settled(jo, address)
    assert "In force as version 2" in done.text
    assert (await place.contact())["order"] == 4
    assert (await jo.post(address, {"step": "confirm"})).status == 303
    assert "In force as version 2" in (await settled(jo, address)).text, "pressed again, it is the same"


async def test_a_page_says_how_far_it_is(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    read, go_on = service.load, threading.Event()

    def slow(data: bytes, areas: Areas, now: datetime, tell: Tell) -> Loaded:
        tell(1_200, 2_400)
        assert go_on.wait(10)
        return read(data, areas, now)

    monkeypatch.setattr(service, "load", slow)
    jo = await place.visitor("Jo Example")
    address = await handed_over(jo, part(order=4))
    try:
        page = await jo.get(address)
        while "Reading" not in page.text:
            page = await jo.get(address)
        assert "Reading: 1,200 of 2,400 rows" in page.text
        assert '<progress class="fp-progress" id="progress" max="100" value="37"' in page.html
        assert '<noscript><meta http-equiv="refresh"' in page.html, "without scripts it is loaded again"
    finally:
        go_on.set()
    assert "Import all of it now" in (await settled(jo, address)).text


async def test_what_takes_two_is_proposed_and_what_was_not_meant_is_given_up(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    first = await handed_over(jo, part(address="other@council.example"))
    page = await settled(jo, first)
    assert "1 of them alter where notices go" in page.text and "Propose all of it" in page.text
    await jo.post(first, {"step": "confirm"})
    assert "waits for a second person" in (await settled(jo, first)).text
    second = await handed_over(jo, part(order=3))
    await settled(jo, second)
    assert (await jo.post(second, {"step": "discard"})).location == "/directory/import"
    assert (await jo.get(second)).status == 404
    assert (await jo.post(first, {"step": "burn"})).status == 404


async def test_problems_and_differences_are_told_page_by_page(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    document = json.loads(part())
    document["contacts"] += [{"id": f"<b>{n}", "order": n} for n in range(70)]
    page = await settled(jo, address := await handed_over(jo, json.dumps(document).encode()))
    assert "The file cannot be imported" in page.text and "&lt;b&gt;" not in page.html
    assert "Page 2 of" in page.text and "Import all of it" not in page.text
    assert "contacts[70]" in (await jo.get(f"{address}?page=2")).text
    assert (await jo.post(address, {"step": "confirm"})).status == 303
    assert "The file cannot be imported" in (await settled(jo, address)).text
    document["contacts"] = [
        {"id": f"mash-{n:02d}", "organisation": BROMLEY, "desk": "mash", "channel": "email",
         "address": f"mash{n}@council.example"}
        for n in range(60)
    ]  # fmt: skip
    page = await settled(jo, address := await handed_over(jo, json.dumps(document).encode()))
    assert "New (60)" in page.text and "Removed (5)" in page.text
    removed = await jo.get(f"{address}?kind=removed&table=contacts")
    assert FRONT_DOOR in removed.text and "mash-00" not in removed.text
    assert "mash-59" in (await jo.get(f"{address}?kind=new&page=2")).text


async def test_what_another_has_changed_meanwhile_is_told(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    address = await handed_over(jo, part(order=4))
    await settled(jo, address)
    form = jo.page
    sam = await place.visitor("Sam Example")
    await handed_over(sam, part(order=7))
    await sam.post(other := await handed_over(sam, part(order=7)), {"step": "confirm"})
    await settled(sam, other)
    await sam.post(other, {"step": "confirm"})
    await settled(sam, other)
    jo.page = form
    await jo.post(address, {"step": "confirm"})
    told = await settled(jo, address)
    assert "Somebody else has changed the directory" in told.text
    assert f"contacts[{FRONT_DOOR}]" in told.text
    await jo.post(address, {"step": "compare"})
    assert "compared with version 2" in (await settled(jo, address)).text


async def test_a_file_that_is_none(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    await jo.get(IMPORT)
    for file, words in ((b"", "Choose a file"), (b"%PDF-1.7", "Choose a JSON file, or a zip archive")):
        page = await jo.upload("/directory/import", file)
        assert (page.status, words in page.text) == (422, True)
    form = await jo.get(IMPORT)
    jo.page = form
    large = await jo.upload("/directory/import", b"{" + b" " * 200_000)
    assert (large.status, "too large" in large.text) == (413, True)
    jo.page = form
    assert (await jo.upload("/directory/import", b"{}", **{"Content-Type": "multipart/form-data"})).status == 415
    broken = {**UPLOAD, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}x"}
    assert (await jo.upload("/directory/import", b"{}", **broken)).status == 400
    plain = await jo.post("/directory/import", {"file": "{}"})
    assert plain.status == 422, "a form without a file chooses none"
    bomb = await handed_over(jo, b"PK\x03\x04" + b"\0" * 40)
    assert "damaged or encrypted zip archive" in (await settled(jo, bomb)).text


async def test_no_file_is_read_of_a_form_that_is_not_ours(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    form = await jo.get(IMPORT)
    csrf = form.hidden["csrf"]
    for fields in ({"csrf": "wrong"}, {"organisation": BROMLEY}, {"organisation": BROMLEY, "csrf": csrf}):
        body = multipart(fields, {"file": part() + b" " * 2000})
        refused = await jo._ask("POST", "/directory/import", body, UPLOAD)
        assert refused.status == 403, fields
    jo.page = form
    elsewhere = await jo.upload("/directory/import", part(), **{"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status == 403
    jo.page, jo.cookies = form, {}
    out = await jo.upload("/directory/import", part())
    assert (out.status, out.location) == (303, "/sign-in?next=/directory/import")


async def test_it_is_for_who_may_and_what_is_anothers_is_not_there(place: Place) -> None:
    jo, pat = await place.visitor("Jo Example"), await place.visitor("Pat Example", organisation=MET)
    address = await handed_over(jo, part(order=4))
    await settled(jo, address)
    await pat.get("/directory/import")
    for who in (pat, await place.visitor("Rowan Example", "recipient"), await place.visitor("Ash Example", "auditor")):
        who.page = pat.page
        for path in (address, IMPORT):
            if who is not pat or path == address:
                assert (await who.get(path)).status == 404
    assert (await pat.get(IMPORT)).status == 404
    pat.page = await pat.get("/directory/import")
    assert (await pat.upload("/directory/import", part(), {"organisation": BROMLEY})).status == 404
    assert (await pat.post(address, {"step": "confirm"})).status == 404
    assert (await place.contact())["order"] == 0
    kim = await place.visitor("Kim Example", "operator", OPERATOR)
    assert "the whole directory" in (await kim.get("/directory/import")).text
    assert "the directory of" in (await kim.get(IMPORT)).text
    for odd in ("/directory/import?organisation=%3Cb%3E", "/directory/import?organisation=821"):
        assert (await kim.get(odd)).status == 404
    assert (await kim.get(address)).status == 404, "what is looked at is nobody else's"


async def test_what_goes_out_comes_back(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    export = f"/directory/export?organisation={BROMLEY}"
    for kind, expected in (("json", dumps), ("zip", dumps_zip)):
        async with place.web.session.get(
            f"{place.web.url}{export}&format={kind}", cookies={"fingerpost": jo.cookies["fingerpost"]}
        ) as answer:
            data = await answer.read()
            assert answer.headers["Content-Disposition"] == f'attachment; filename="directory-{BROMLEY}.{kind}"'
            assert answer.headers["Cache-Control"] == "no-store"
        assert data == expected(part_of(small_bundle(), BROMLEY))
        assert "The directory is so already" in (await settled(jo, await handed_over(jo, data))).text
    for other in ("/directory/export", f"/directory/export?organisation={MET}", f"{export}&format=exe"):
        assert (await jo.get(other)).status == 404


async def test_the_organisations_sort_and_narrow(place: Place) -> None:
    kim = await place.visitor("Kim Example", "operator", OPERATOR)
    page = await kim.get("/directory?sort=-contacts")
    assert page.text.index("Example Council") < page.text.index("Example Police")
    assert 'aria-sort="descending"' in page.html
    bare = await kim.get("/directory?bare=yes&sort=name")
    assert "Example Council" in bare.text and "Example Police" not in bare.text
    assert 'href="/directory?bare=yes&amp;sort=-name"' in bare.html
