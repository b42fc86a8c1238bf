"""The pages of assurance over the real server: who can be reached, who has proved that they work, whose are these."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from contacts.directory import Directory
from contacts.fictional import fictional_directory
from contacts.model import Certificate
from contacts.roles import OPERATOR
from hub.core.accounts import Role
from hub.core.verification import Verification
from tests.contract.test_assurance import place as proof
from tests.integration.cli.test_placements import READY
from tests.kit.accounts import Accounts, accounts_over, audit
from tests.kit.clock import START
from tests.kit.directory import BROMLEY, MET, certificate_der, contact, small_bundle
from tests.kit.visitor import Visitor
from tests.kit.web import Web, fictional_called, serving

DAY = timedelta(days=1)
COUNCIL, POLICE = (str(fictional_called(code)) for code in (BROMLEY, MET))
PHONE = contact(BROMLEY, "mash", id="mash-phone", channel="sms", address="+447700900123")
MAIL = contact(BROMLEY, "mash", id="mash-mail")
HELD = Certificate(
    address="mash@e09000006.example",
    der=certificate_der("mash", START - DAY, START + 20 * DAY),
    fingerprint="ab" * 32,
)
BUNDLE = replace(small_bundle(), contacts=(*small_bundle().contacts, PHONE, MAIL), certificates=(HELD,))


@dataclass
class Place:
    """A hub with a directory, and people who may sign in."""

    web: Web
    accounts: Accounts
    folder: Path

    async def visitor(self, role: Role = "directory_admin", organisation: str = BROMLEY) -> Visitor:
        signed = await self.accounts.member(f"{role}@{organisation.lower()}.example", role, organisation=organisation)
        return Visitor(web=self.web, cookies={"fingerpost": signed.token})

    async def proofs(self, *places: Verification) -> None:
        await self.web.store.write(lambda unit: unit.assurance.put_places(places))


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    small = Directory.of(BUNDLE)
    async with serving(tmp_path, directory=lambda: small) as web:
        yield Place(web=web, accounts=accounts_over(web.store, web.clock, seed="behind"), folder=tmp_path)


async def test_an_administrator_sees_what_is_missing_and_where_to_add_it(place: Place) -> None:
    jo = await place.visitor()
    there = await jo.get("/directory/coverage")
    assert (there.status, there.location) == (303, f"/directory/coverage/of/{BROMLEY}")
    page = await jo.get(there.location)
    assert "4 of 17 roles can be reached by day and by night" in page.text
    assert "3 have only one channel" in page.text, "all that is not the MASH, which has two"
    assert "Add the desk “IRO service”" not in page.text and "Add the desk “Iro service”, for IRO" in page.text
    assert f'href="/directory/of/{BROMLEY}/desks/new"' in page.html
    assert "@" not in page.text.replace("directory_admin@", "")
    rows = list(csv.DictReader(io.StringIO((await jo.get(f"{there.location}?format=csv")).html)))
    found = {row["role"]: row for row in rows}
    assert (found["mash"]["by_night"], found["mash"]["second_channel"]) == ("on_duty", "true")
    assert (found["social_worker"]["by_night"], found["social_worker"]["second_channel"]) == ("on_duty", "false")
    assert found["iro"]["now"] == "no_desk" and len(rows) == 17


async def test_another_organisation_is_not_there_and_who_only_reads_is_led_nowhere(place: Place) -> None:
    jo, reader = await place.visitor(), await place.visitor("recipient")
    for path in (f"/directory/coverage/of/{MET}", "/directory/coverage/of/E0%3Cscript%3E", "/directory/coverage/of/x"):
        assert (await jo.get(path)).status == 404
    assert (await jo.get(f"/directory/coverage/of/{MET}?format=csv")).status == 404
    page = await reader.get(f"/directory/coverage/of/{BROMLEY}")
    assert "Add the desk" in page.text and "/desks/new" not in page.html
    visitor = Visitor(web=place.web)
    assert (await visitor.get("/directory/coverage")).location == "/sign-in?next=/directory/coverage"


async def test_an_operator_sees_all_and_where_something_lacks(place: Place) -> None:
    op = await place.visitor("operator", OPERATOR)
    page = await op.get("/directory/coverage")
    assert COUNCIL in page.text and "265 organisations are not in the directory" in page.text
    assert POLICE not in page.text, "nothing lacks there"
    assert POLICE in (await op.get("/directory/coverage?show=all")).text
    assert "On two channels" in page.text
    rows = list(csv.DictReader(io.StringIO((await op.get("/directory/coverage?format=csv")).html)))
    assert len(rows) == 218 * 17 + 46 + 6
    assert (await op.get(f"/directory/coverage/of/{MET}")).status == 200
    assert "adds the organisation" in (await op.get("/directory/coverage/of/E06000013")).text


async def test_of_a_list_of_placements_what_they_need_and_nothing_of_the_list(place: Place) -> None:
    op, jo = await place.visitor("operator", OPERATOR), await place.visitor()
    form = "/directory/coverage"
    assert "List of placements" in (await op.get(form)).text
    child = {**READY, "ref": "KEPT-NOWHERE"}
    page = await op.upload(f"{form}/placements", json.dumps([child, {**child, "ref": "SECOND"}]).encode())
    assert page.status == 200 and "2 placements need" in page.text and "KEPT-NOWHERE" not in page.text
    assert "Responsible authority" in page.text and "The operator adds the organisation" in page.text
    await op.get(form)
    wrong = await op.upload(f"{form}/placements", json.dumps([{"ref": "x", "colour": 1}, *[child] * 2]).encode())
    assert wrong.status == 422 and "stands twice" in wrong.text and "is not known" in wrong.text
    for bad in (b"", b"[[[[", b"\xff\xfe,\n", b"a,b\n1,2\n"):
        await op.get(form)
        assert (await op.upload(f"{form}/placements", bad)).status == 422, bad
    await jo.get("/directory/proofs")
    assert (await op.upload(f"{form}/placements", b"[]", {"csrf": "x"})).status == 403
    await jo.get("/account")
    assert (await jo.upload(f"{form}/placements", json.dumps([child]).encode())).status == 404


async def test_a_country_is_shown_whole(tmp_path: Path) -> None:
    country = fictional_directory(office_hours=True)
    async with serving(tmp_path, directory=lambda: country) as web:
        signed = await accounts_over(web.store, web.clock, seed="behind").member(
            "op@hub.example", "operator", organisation=OPERATOR
        )
        op = Visitor(web=web, cookies={"fingerpost": signed.token})
        assert "3758 roles" in (await op.get("/directory/coverage?show=all")).text


async def test_who_has_not_proved_themselves_and_whose_certificate_ends(place: Place) -> None:
    jo = await place.visitor()
    assert "No address was asked yet" in (await jo.get("/directory/proofs")).text
    await place.proofs(
        proof(1, contact=MAIL.id, channel="email", state="failed", since=START, reason="rejected", failed_at=START,
              asked_at=START, proved_at=START - 3 * DAY),
        proof(2, contact=PHONE.id, state="proved", proved_at=START),
        proof(3, contact="met-1", organisation=MET),
        proof(4, contact="gone", gone_at=START),
    )  # fmt: skip
    page = await jo.get("/directory/proofs")
    assert "2 addresses: 1 proved; 1 failed." in page.text
    assert "rejected, since" in page.text and "mash-mail" in page.text and "mash-phone" not in page.text
    assert not any(word in page.text for word in ("met-1", "gone", "@e09000006.example", "+4477"))
    assert "mash-phone" in (await jo.get("/directory/proofs?show=all")).text
    assert "20 days left" in page.text and "abab abab abab abab" in page.text
    assert "There is nothing on this page" in (await jo.get("/directory/proofs?show=all&page=7")).text
    op = await place.visitor("operator", OPERATOR)
    everything = await op.get(f"/directory/proofs?page={'9' * 30}")
    assert "met-1" in everything.text and POLICE in everything.text and "20 days left" in everything.text


async def test_asking_again_is_for_whoever_keeps_the_entry_once_in_ten_minutes(place: Place) -> None:
    mine, theirs = proof(1, contact=MAIL.id, state="proved", proved_at=START - DAY), proof(3, organisation=MET)
    await place.proofs(mine, theirs)
    jo, reader = await place.visitor(), await place.visitor("recipient")
    await jo.get("/directory/proofs?show=all")
    done = await jo.post(f"/directory/proofs/{mine.mark.hex()}")
    assert done.status == 303
    assert "mash-mail is asked next" in (await jo.get(f"{done.location}&show=all")).text
    (kept,) = await place.web.store.read(lambda unit: unit.assurance.places([mine.mark]))
    assert kept == replace(mine, next_at=kept.next_at) and kept.next_at < place.web.clock.now()
    for mark in (theirs.mark.hex(), "00" * 16, "zz" * 16, "1"):
        assert (await jo.post(f"/directory/proofs/{mark}")).status == 404
    await reader.get("/directory/proofs?show=all")
    assert (await reader.post(f"/directory/proofs/{mine.mark.hex()}", {"csrf": "x"})).status == 403
    assert "Ask now" not in (await reader.get("/directory/proofs?show=all")).text
    await place.proofs(replace(mine, state="asked", asked_at=place.web.clock.now()))
    page = await jo.post(f"/directory/proofs/{mine.mark.hex()}")
    assert (page.status, "asked a moment ago" in page.text) == (422, True)
    lines = [line for line in audit(place.folder) if line[1] == "contact.ask_again"]
    assert len(lines) == 1 and lines[0][0].startswith("user:") and lines[0][2:4] == (BROMLEY, MAIL.id)
