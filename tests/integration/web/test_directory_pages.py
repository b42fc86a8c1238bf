"""The directory's pages over the real server: one person fills a form in, another agrees; nobody sees another's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from contacts.changes import Put
from contacts.export import ordered
from contacts.model import Certificate
from contacts.roles import OPERATOR
from hub.core.accounts import Role
from tests.kit.accounts import Accounts, accounts_over
from tests.kit.changing import FRONT_DOOR, JO, Office, furnished, office
from tests.kit.clock import START
from tests.kit.directory import BROMLEY, MET, NOW, certificate_der, pem, small_bundle
from tests.kit.visitor import Seen, Visitor
from tests.kit.web import Web, serving

NEW = "new-front-door@council.example"
HERE = f"/directory/of/{BROMLEY}"
FORM = f"{HERE}/contacts/{FRONT_DOOR}"
FILLED = {
    "desk": "front_door",
    "channel": "email",
    "address": "front-door@e09000006.example",
    "hours": "office",
    "order": "0",
    "least_priority": "low",
    "exercises": "false",
    "valid_from": "",
    "valid_until": "",
}
WHY = "The mailbox was closed tonight and two children are missing"


@dataclass
class Place:
    """A hub with a directory, and people who may sign in."""

    web: Web
    accounts: Accounts
    desk: Office

    async def visitor(self, name: str, role: Role = "directory_admin", organisation: str = BROMLEY) -> Visitor:
        """Somebody's browser, signed in."""
        email = f"{name.split()[0].lower()}.{role}@council.example"
        signed = await self.accounts.member(email, role, organisation=organisation, name=name)
        return Visitor(web=self.web, cookies={"fingerpost": signed.token})

    async def contact(self, id: str = FRONT_DOOR) -> dict[str, object]:
        _, bundle = await office(self.web.store).versions.present()
        return next({"address": c.address, "order": c.order} for c in bundle.contacts if c.id == id)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with serving(tmp_path) as web:
        await furnished(web.store, at=START)
        yield Place(web=web, accounts=accounts_over(web.store, web.clock, seed="behind"), desk=office(web.store))


async def proposed(visitor: Visitor, **typed: str) -> Seen:
    """Fill the form of the front door's contact in, look at it once more, and go on."""
    await visitor.get(FORM)
    checked = await visitor.post(FORM, {**FILLED, **typed})
    assert checked.status == 200, checked.text
    return await visitor.post(FORM, {})


async def test_an_order_is_changed_by_one_person(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    page = await jo.get("/directory")
    assert (page.status, page.location) == (303, HERE)
    page = await jo.get(HERE)
    assert "front-door@e09000006.example" in page.text
    await jo.get(FORM)
    checked = await jo.post(FORM, {**FILLED, "order": "4"})
    assert '<td class="govuk-table__cell">0</td><td class="govuk-table__cell">4</td>' in checked.html
    assert "Make this change now" in checked.text
    assert (await place.contact())["order"] == 0, "only looked at"
    done = await jo.post(FORM, {})
    assert done.status == 303
    assert (await place.contact())["order"] == 4
    shown = await jo.get(done.location)
    assert "In force as version 2" in shown.text
    history = await jo.get(f"{FORM}/history")
    assert "Proposed by Jo Example" in history.text
    assert "e09000006.front_door: changed" in history.text


async def test_an_address_is_changed_by_two(place: Place) -> None:
    jo, sam = await place.visitor("Jo Example"), await place.visitor("Sam Example")
    done = await proposed(jo, address=NEW)
    assert done.status == 303
    assert (await place.contact())["address"] != NEW
    own = await jo.get(done.location)
    assert "Somebody else has to agree" in own.text
    assert "Approve" not in own.text
    refused = await jo.post(f"{done.location}/approve")
    assert (refused.status, "You proposed this change" in refused.text) == (422, True)
    assert "Waiting for a second person" in (await sam.get(HERE)).text
    page = await sam.get(done.location)
    assert NEW in page.text
    assert "another address" in page.text
    assert (await sam.post(f"{done.location}/approve")).status == 303
    assert (await place.contact())["address"] == NEW
    shown = (await sam.get(done.location)).text
    assert "Jo Example" in shown and "Sam Example" in shown
    again = await sam.post(f"{done.location}/approve")
    assert (again.status, "decided about this change already" in again.text) == (422, True)


async def test_rejected_and_withdrawn(place: Place) -> None:
    jo, sam = await place.visitor("Jo Example"), await place.visitor("Sam Example")
    first = (await proposed(jo, address=NEW)).location
    await sam.get(first)
    assert (await sam.post(f"{first}/reject", {"why": "This mailbox is not ours"})).status == 303
    assert "This mailbox is not ours" in (await jo.get(first)).text
    second = (await proposed(jo, address="other@council.example")).location
    await jo.get(second)
    assert (await jo.post(f"{second}/withdraw")).status == 303
    assert (await place.contact())["address"] == "front-door@e09000006.example"
    listed = await jo.get("/directory/changes")
    assert "Rejected (1)" in listed.text and "Withdrawn (1)" in listed.text
    rejected = (await jo.get("/directory/changes?state=rejected&sort=-proposed")).html
    assert (first in rejected, second in rejected) == (True, False)
    assert (await jo.post(f"{second}/burn")).status == 404


async def test_every_mistake_is_named_at_its_field_and_what_was_typed_stays(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    await jo.get(FORM)
    page = await jo.post(FORM, {**FILLED, "address": "nowhere", "order": "1000", "valid_from": "soon"})
    assert page.status == 422
    assert page.html.count('class="govuk-error-message"') == 3
    for column in ("address", "order", "valid_from"):
        assert f'href="#{column}"' in page.html
    assert 'value="nowhere"' in page.html
    await jo.get(FORM)
    page = await jo.post(FORM, FILLED)
    assert (page.status, "You have changed nothing" in page.text) == (422, True)


async def test_what_somebody_else_saved_meanwhile_is_not_overwritten(place: Place) -> None:
    jo, sam = await place.visitor("Jo Example"), await place.visitor("Sam Example")
    await jo.get(FORM)
    assert (await proposed(sam, order="7")).status == 303
    page = await jo.post(FORM, {**FILLED, "order": "3"})
    assert (page.status, "somebody else has changed this since" in page.text) == (422, True)
    assert (await place.contact())["order"] == 7


async def test_it_cannot_wait(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    await jo.get(FORM)
    await jo.post(FORM, {**FILLED, "address": NEW})
    short = await jo.post(FORM, {"override": "yes", "why": "now"})
    assert (short.status, "say why it cannot wait" in short.text.lower()) == (422, True)
    assert (await place.contact())["address"] != NEW
    done = await jo.post(FORM, {"override": "yes", "why": WHY})
    assert done.status == 303
    assert (await place.contact())["address"] == NEW
    assert WHY in (await jo.get(done.location)).text
    alarms = await place.web.store.read(lambda unit: unit.alarms())
    assert {alarm.owner for alarm in alarms} == {BROMLEY, OPERATOR}


async def test_a_contact_and_a_desk_and_hours_are_added(place: Place) -> None:
    jo, sam = await place.visitor("Jo Example"), await place.visitor("Sam Example")
    for path, fields in (
        (f"{HERE}/desks/new", {"function": "mase_panel"}),
        (f"{HERE}/hours/new", {"name": "bromley-late", "times": "daily 17:30-22:00"}),
    ):
        await jo.get(path)
        assert (await jo.post(path, fields)).status == 200
        assert (await jo.post(path, {})).status == 303
    path = f"{HERE}/contacts/new"
    await jo.get(path)
    typed = {
        **FILLED,
        "id": "panel-1",
        "desk": "mase_panel",
        "address": "panel@council.example",
        "hours": "bromley-late",
    }
    checked = await jo.post(path, typed)
    assert "a new contact" in checked.text
    change = (await jo.post(path, {})).location
    await sam.get(change)
    assert (await sam.post(f"{change}/approve")).status == 303
    page = (await jo.get(HERE)).text
    assert "panel@council.example" in page
    assert "bromley-late: daily 17:30-22:00" in page


async def test_a_certificate_is_pasted_compared_and_removed(place: Place) -> None:
    jo, sam = await place.visitor("Jo Example"), await place.visitor("Sam Example")
    der = certificate_der("Front Door", NOW.replace(year=2025), NOW.replace(year=2036))
    path = f"{HERE}/certificates/new"
    await jo.get(path)
    typed = {"address": "front-door@e09000006.example", "certificate": pem(der), "pinned": "false"}
    assert (await jo.post(path, typed)).status == 200
    await jo.get(path)
    wrong = await jo.upload(path, b"-----BEGIN PRIVATE KEY-----", {**typed, "certificate": ""})
    assert (wrong.status, "Holds a private key" in wrong.text) == (422, True)
    empty = await jo.upload(path, b"", {**typed, "certificate": ""})
    assert (empty.status, "key (JWK): fill this in" in empty.text) == (422, True), "neither chosen nor pasted"
    checked = await jo.upload(path, der, {**typed, "certificate": ""})
    assert "Issued by nothingItself" in checked.text and "What it is for nothingSealing mail" in checked.text
    change = (await jo.post(path, {})).location
    await sam.get(change)
    assert (await sam.post(f"{change}/approve")).status == 303
    _, bundle = await office(place.web.store).versions.present()
    [held] = bundle.certificates
    assert held.der == der
    path = f"{HERE}/certificates/{held.fingerprint}"
    grouped = " ".join(held.fingerprint[at : at + 4] for at in range(0, 64, 4))
    assert grouped in (await jo.get(path)).text and grouped in (await jo.get(HERE)).text
    await jo.get(path)
    checked = await jo.post(path, {"pinned": "true"})
    assert "whether it is trusted" in checked.text
    await jo.get(path)
    assert "removed" in (await jo.post(path, {"remove": "yes"})).text
    assert (await jo.get(f"{path}/history")).text.count("Approved") == 1


async def test_a_desk_goes_with_its_contacts(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    path = f"{HERE}/desks/fallback"
    await jo.get(path)
    page = await jo.post(path, {"remove": "yes"})
    assert page.status == 200
    assert "Contact e09000006.fallback: removed" in page.text
    assert "leaves a desk without anybody" in page.text


async def test_as_it_stood_at_another_time(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    await place.web.clock.advance(600)
    await proposed(jo, order="7")
    then = START.strftime("%Y-%m-%dT%H:%M")
    page = await jo.get(f"{HERE}?at={then}")
    assert "(version 1)" in page.text
    assert "Add a desk" not in page.text
    wrong = await jo.get(f"{HERE}?at=yesterday")
    assert (wrong.status, "Enter a date" in wrong.text) == (422, True)
    assert (await jo.get(f"{HERE}?at=2001-01-01")).status == 200
    for odd in ("0001-01-01", "0001-01-01T00:00%2B23:00", "9999-12-31T23:59", "9999-12-31T23:59-23:00"):
        assert (await jo.get(f"{HERE}?at={odd}")).status in (200, 422), odd


# Whose


@pytest.mark.parametrize(
    "path",
    [
        f"/directory/of/{MET}",
        f"/directory/of/{MET}/contacts/e23000001.missing_persons_unit",
        f"/directory/of/{MET}/contacts/new",
        f"/directory/of/{MET}/contacts/e23000001.missing_persons_unit/history",
        "/directory/of/E09999999",
        f"{HERE}/contacts/e23000001.missing_persons_unit",
        f"{HERE}/people/x",
        f"{HERE}/organisations/{MET}",
        "/directory/changes/ch_nothing",
    ],
)
async def test_what_is_not_theirs_is_not_there(place: Place, path: str) -> None:
    jo = await place.visitor("Jo Example")
    page = await jo.get(path)
    assert page.status == 404
    assert "missing-persons-unit" not in page.html
    nothing = await jo.get("/directory/changes/ch_other")
    assert page.text == nothing.text


async def test_hours_of_another_are_not_there_and_those_of_nobody_are(place: Place) -> None:
    pat = await place.visitor("Pat Example", organisation=MET)
    theirs = f"/directory/of/{MET}/hours"
    assert (await pat.get(f"{theirs}/office")).text == (await pat.get(f"{theirs}/nothing")).text
    await pat.get(f"{theirs}/new")
    await pat.post(f"{theirs}/new", {"name": "late", "times": "daily 17:00-22:00", "bank_holidays": ""})
    await pat.post(f"{theirs}/new", {})
    assert (await pat.get(f"{theirs}/late")).status == 200


async def test_another_organisations_change_is_not_there(place: Place) -> None:
    jo, pat = await place.visitor("Jo Example"), await place.visitor("Pat Example", organisation=MET)
    change = (await proposed(jo, address=NEW)).location
    assert (await pat.get(change)).status == 404
    await pat.get(f"/directory/of/{MET}/contacts/new")
    for deed in ("approve", "reject", "withdraw", "override"):
        assert (await pat.post(f"{change}/{deed}", {"why": WHY})).status == 404
    assert "Nothing waits" in (await pat.get("/directory/changes")).text
    assert (await place.contact())["address"] != NEW


@pytest.mark.parametrize("role", ["recipient", "auditor"])
async def test_who_may_look_and_not_change(place: Place, role: Role) -> None:
    jo, ash = await place.visitor("Jo Example"), await place.visitor("Ash Example", role)
    page = await ash.get(HERE)
    assert (page.status, "Add a contact" in page.text) == (200, False)
    assert (await ash.get(FORM)).status == 404
    change = (await proposed(jo, address=NEW)).location
    assert "Approve" not in (await ash.get(change)).text
    assert (await ash.post(f"{change}/approve")).status == 404


async def test_an_operator_sees_all_and_agrees(place: Place) -> None:
    jo, kim = await place.visitor("Jo Example"), await place.visitor("Kim Example", "operator", OPERATOR)
    change = (await proposed(jo, address=NEW)).location
    page = await kim.get("/directory")
    assert "Example Council" in page.text and "Example Police" in page.text
    assert "1 waiting" in page.text
    await kim.get(change)
    assert (await kim.post(f"{change}/approve")).status == 303
    assert (await place.contact())["address"] == NEW


async def test_nobody_who_is_not_signed_in(place: Place) -> None:
    stranger = Visitor(web=place.web)
    for path in ("/directory", HERE, FORM, "/directory/changes"):
        page = await stranger.get(path)
        assert (page.status, page.location.startswith("/sign-in?next=")) == (303, True)


async def test_a_form_from_elsewhere_changes_nothing(place: Place) -> None:
    jo, sam = await place.visitor("Jo Example"), await place.visitor("Sam Example")
    change = (await proposed(jo, address=NEW)).location
    assert (await sam.post(f"{change}/approve", {"csrf": "x"})).status == 403
    await sam.get(change)
    elsewhere = await sam.post(f"{change}/approve", None, **{"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status == 403
    assert (await place.contact())["address"] != NEW


async def test_what_is_typed_is_shown_as_text(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    await jo.get(FORM)
    page = await jo.post(FORM, {**FILLED, "address": '"><script>alert(1)</script>'})
    assert page.status == 422
    assert "<script>alert" not in page.html


async def test_a_directory_that_cannot_be_read_is_said_and_shown_as_far_as_it_goes(place: Place) -> None:
    jo = await place.visitor("Jo Example")
    await jo.get(FORM)
    held = Certificate(address="x@council.example", der=b"x", fingerprint="0" * 64)
    spoilt = ordered(replace(small_bundle(), certificates=(held,)))
    await furnished(place.web.store, spoilt, at=START)
    assert (await jo.get(HERE)).status == 200
    page = await jo.post(FORM, {**FILLED, "order": "4"})
    assert page.status == 503


async def test_whatever_waits_is_on_the_list_however_much_it_is(place: Place) -> None:
    jo, op = await place.visitor("Jo Example"), await place.visitor("Op Example", "operator", OPERATOR)
    for n in range(101):
        cells = {
            "id": f"c{n}",
            "organisation": BROMLEY,
            "desk": "mash",
            "channel": "email",
            "address": f"c{n}@b.example",
        }
        done = await place.desk.changing.propose(JO, [Put(table="contacts", cells=cells)], confirm=True)
        assert done.result == "waiting"
    for page in (await op.get("/directory/changes"), await jo.get(HERE)):
        assert page.html.count('href="/directory/changes/ch_') == 101


async def test_a_change_that_is_sent_twice_waits_once(place: Place) -> None:
    jo, sam = await place.visitor("Jo Example"), await place.visitor("Sam Example")
    await jo.get(FORM)
    await sam.get(FORM)
    form = {**FILLED, "address": NEW, "step": "confirm", "seen": "1"}
    sent = await asyncio.gather(*(jo.post(FORM, form) for _ in range(3)))
    assert len({page.location for page in sent}) == 1
    assert (await sam.post(FORM, form)).location != sent[0].location, "somebody else's is another"
    assert (await jo.post(FORM, {**form, "address": "other@council.example"})).location != sent[0].location
    await place.web.clock.advance(60)
    assert (await jo.post(FORM, form)).location != sent[0].location, "proposed anew"
