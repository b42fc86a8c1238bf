"""From the alert in a mailbox to the notice, through the whole hub as it is composed: real SMTP, real HTTP."""

import re
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from contacts.fictional import fictional_bundle
from contacts.model import Bundle, Contact
from contacts.tables import dumps
from hub.edge.ids import SeededIds
from hub.service.pickup.link import NO_SECOND
from hub.service.pickup.second import SecondChannels
from tests.kit.events import raw, reported_in_full
from tests.kit.smtp import Received
from tests.kit.whole import Whole, whole

SCHOOL = "school-office@school.example"
SECOND = "head@school.example"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def whole_bundle(*more: Contact) -> Bundle:
    """The made-up directory, in which nobody has a certificate."""
    found = fictional_bundle()
    return replace(found, contacts=(*found.contacts, *more))


def bundle(*more: Contact) -> bytes:
    """The same, as it is stored."""
    return dumps(whole_bundle(*more))


def second_contact() -> Contact:
    (office,) = [one for one in fictional_bundle().contacts if one.address == SCHOOL]
    return replace(office, id="school-head", address=SECOND, order=5)


def words(mail: Received) -> str:
    return str(message_from_bytes(mail.data, policy=default).get_content()).replace("\r\n", "\n")


def link_in(mails: list[Received], address: str) -> str:
    """The path of the pick-up page in the alert to an address."""
    (alert,) = [mail for mail in mails if address in mail.recipients]
    found = re.findall(r"http://127\.0\.0\.1:8080(/p/[A-Za-z0-9_-]{43})$", words(alert), re.MULTILINE)
    assert len(found) == 1, words(alert)
    return str(found[0])


async def post(told: Whole, path: str, body: str = "", cookie: str = "") -> Any:
    headers = {**FORM, **({"Cookie": cookie} if cookie else {})}
    async with told.session.post(
        f"{told.hub.url}{path}", data=body, headers=headers, allow_redirects=False
    ) as response:
        await response.read()
        return response


async def a_second_channel_ends_its_alarms(told: Whole, lacking: set[str | None]) -> None:
    """Of the one desk that got one, and of no other."""
    hub = told.hub
    found = await told.notices()
    desk = next(one for one in found if one.id in lacking and one.organisation is not None and "police" in one.roles[0])
    (contact,) = [one for one in fictional_bundle().contacts if one.organisation == desk.organisation]
    more = replace(contact, id="police-second", address="second@police.example")
    now = hub.clock.now()
    hub.directory.take(2, whole_bundle(second_contact(), more))
    look = SecondChannels(store=hub.store, directory=hub.directory, channels={"email"}, ids=SeededIds("second"))
    for _ in range(4):  # a hundred at a time
        await look.tick(now)
    alarms = await hub.store.read(lambda unit: unit.alarms())
    left = {one.notice for one in alarms if one.kind == NO_SECOND}
    assert desk.id not in left and lacking - {desk.id} <= left


async def test_the_school_reads_its_notice_with_a_code_that_came_to_another_mailbox(tmp_path: Path) -> None:
    async with whole(tmp_path, bundle=bundle(second_contact())) as told:
        assert (await told.post(raw(reported_in_full())))[0] == 202
        await told.settled()
        link = link_in(told.relay.received, SCHOOL)
        status, page = await told.get(link)
        assert status == 200 and "an e-mail to h…@school.example" in page and "Robin" not in page
        before = len(told.relay.received)
        asked = await post(told, link)
        assert asked.status == 303
        # The operator may hear of an alarm meanwhile.
        (sent,) = [mail for mail in told.relay.received[before:] if mail.recipients == [SECOND]]
        assert "Robin" not in words(sent)
        (code,) = re.findall(r"\d{4} \d{4}", words(sent))
        entered = await post(told, f"{link}/code", f"code={code}", asked.headers["Set-Cookie"].partition(";")[0])
        cookie = entered.headers["Set-Cookie"].partition(";")[0]
        async with told.session.get(f"{told.hub.url}{link}/notice", headers={"Cookie": cookie}) as shown:
            text = await shown.text()
        assert shown.status == 200 and "Missing child: Robin Example" in text
        school = [one for one in await told.notices() if one.roles == ("school",)]
        assert [one.state for one in school] == ["receipted"]
        # The school has a second channel; of the desks with a single mailbox the alarm says that they have none.
        alarms = await told.hub.store.read(lambda unit: unit.alarms())
        lacking = {one.notice for one in alarms if one.kind == "no_second_channel"}
        assert lacking and school[0].id not in lacking
        owners = {one.owner for one in alarms if one.kind == "no_second_channel"}
        assert "operator" in owners and len(owners) > 1, "the keeper of the entry is told as well"
        await a_second_channel_ends_its_alarms(told, lacking)
        said = repr(told.log.lines)
        assert link.removeprefix("/p/") not in said and code not in said
