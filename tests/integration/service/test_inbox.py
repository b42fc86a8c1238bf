"""What comes back, from the bytes to the ledger: who signed it, whose code it bears, what is for a human to read."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from adapters.email.chain import Trust
from adapters.email.inbound import READ_LIMIT
from adapters.email.verp import ReceiptsAddress
from adapters.port import Receipt
from adapters.sms.inbound import Inbound, Reply, Unreadable
from contacts.directory import Directory
from contacts.fictional import fictional_bundle
from contacts.model import Certificate, Contact
from hub.core.records import DeliveryRecord, DeliveryResult, ReceiptRecord
from hub.core.tokens import receipt_token, reply_code
from hub.service.inbox import LOOK_EVERY, LOOKS, Inbox
from hub.service.receipts import Receipts
from tests.integration.email.test_signed_receipts import READER, TRUST, notification, signed
from tests.integration.service.test_receipts import Counted, sent
from tests.kit.delivering import until
from tests.kit.events import BROMLEY, reported
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.pki import Issued, intermediate, person, rsa_key
from tests.kit.reports import report
from tests.kit.store import sqlite_store

MOBILE = "+447700900123"
DOMAIN = "receipts.hub.example"
RAW = b"as it came"


@dataclass
class Post:
    """A hub that has told Bromley's front door by mail and by text, and the way back in."""

    hub: Hub
    mail: DeliveryRecord
    text: DeliveryRecord
    folder: Path
    trust: Trust = field(default_factory=Trust)
    counted: Counted = field(default_factory=Counted)

    @property
    def inbox(self) -> Inbox:
        hub = self.hub
        return Inbox(
            receipts=Receipts(store=hub.store, clock=hub.clock, ids=hub.ids, meter=self.counted, nudge=lambda: None),
            store=hub.store,
            clock=hub.clock,
            directory=lambda: hub.directory,
            secret=ACK_SECRET,
            addresses=(ReceiptsAddress.of_template(f"r+{{token}}@{DOMAIN}"),),
            trust=self.trust,
        )

    @property
    def to(self) -> str:
        return f"r+{receipt_token(ACK_SECRET, self.mail.id)}@{DOMAIN}"

    async def take(self, inbound: Inbound) -> None:
        await self.inbox.take_text(inbound, RAW)

    async def receipts(self, delivery: DeliveryRecord) -> Sequence[ReceiptRecord]:
        return await self.hub.see(lambda unit: unit.receipts(delivery.id))

    async def apart(self) -> list[str]:
        found = await self.hub.see(lambda unit: unit.receipts_apart(self.mail.created_at, 100))
        return [one.why for one in found]


@pytest.fixture
async def post(tmp_path: Path):
    bundle = fictional_bundle()
    contacts = tuple(
        replace(one, address=READER) if (one.organisation, one.desk) == (BROMLEY, "front_door") else one
        for one in bundle.contacts
    )
    mobile = Contact(
        id="bromley-mobile", organisation=BROMLEY, desk="front_door", channel="sms", address=MOBILE, order=1
    )
    directory = Directory.of(replace(bundle, contacts=(*contacts, mobile)))
    hub = await a_hub(await sqlite_store(tmp_path), directory=directory)
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    for _ in range(2):  # the police first, then the others
        await sent(hub)
    found = {one.address: one for one in await hub.deliveries() if one.address in (READER, MOBILE)}
    made = Post(hub=hub, mail=found[READER], text=found[MOBILE], folder=tmp_path)
    yield made
    await made.hub.store.aclose()


@pytest.fixture
def reader() -> Issued:
    return person(READER, issuer=intermediate(), key=rsa_key("reader"))


# by e-mail


async def test_a_notification_that_its_reader_signed(post: Post, reader: Issued, tmp_path: Path) -> None:
    post.trust = TRUST
    await post.inbox.take_mail(signed(reader, tmp_path), post.to)
    (kept,) = await post.receipts(post.mail)
    assert (kept.kind, kept.code) == ("displayed", "displayed manual-action signed")


async def test_one_that_somebody_else_signed_is_no_proof(post: Post, tmp_path: Path) -> None:
    post.trust = TRUST
    other = person("other@council.example", issuer=intermediate(), key=rsa_key("reader"))
    named = notification().replace(READER.encode(), b"other@council.example")
    await post.inbox.take_mail(signed(other, tmp_path, entity=named), post.to)
    (kept,) = await post.receipts(post.mail)
    assert kept.code == "displayed manual-action unverified"


async def test_a_certificate_that_is_pinned_in_the_directory_proves_it_without_a_chain(
    post: Post, tmp_path: Path
) -> None:
    own = person(READER, issuer=None, key=rsa_key("reader"))
    mail = signed(own, tmp_path, chain=())
    await post.inbox.take_mail(mail, post.to)
    pinned = Certificate(address=READER, der=own.der, fingerprint=own.fingerprint, pinned=True)
    post.hub.directory = Directory.of(replace(post.hub.directory.bundle, certificates=(pinned,)))
    await post.inbox.take_mail(mail, post.to)
    words = [one.code.rpartition(" ")[2] for one in await post.receipts(post.mail)]
    assert words == ["unverified", "signed"]


async def test_a_report_on_several_recipients_is_kept_once(post: Post) -> None:
    lines = [f"Final-Recipient: rfc822; {name}@council.example\nAction: {action}\nStatus: {status}"
             for name, action, status in (("jo", "delivered", "2.0.0"), ("sam", "failed", "5.1.1"))]  # fmt: skip
    mail = report("Reporting-MTA: dns; mail.example", *lines)
    await post.inbox.take_mail(mail, post.to)
    kept = await post.receipts(post.mail)
    assert {(one.kind, one.raw) for one in kept} == {("bounced", mail), ("delivered", b"")}


async def test_of_a_very_long_mail_its_beginning_is_kept(post: Post) -> None:
    mail = report("Reporting-MTA: dns; mail.example", "Action: delivered\nStatus: 2.0.0") + b"x" * (2 * READ_LIMIT)
    await post.inbox.take_mail(mail, post.to)
    (kept,) = await post.receipts(post.mail)
    assert (kept.kind, kept.raw) == ("delivered", mail[:READ_LIMIT])


async def test_what_is_no_report_is_kept_apart_and_alarmed(post: Post) -> None:
    await post.inbox.take_mail(b"Subject: x\r\n\r\nWho is this?\r\n", post.to)
    await post.inbox.take_mail(b"Subject: x\r\n\r\nBuy now\r\n", f"info@{DOMAIN}")
    assert await post.apart() == ["not_a_report", "not_a_report"]
    assert {one.kind for one in await post.hub.alarms()} == {"receipt_apart"}
    assert post.counted.counted == [("email", "apart"), ("email", "apart")]


async def test_what_comes_back_about_an_erased_child_is_kept_apart_and_not_asked_for_again(post: Post) -> None:
    await erased(post)
    code = reply_code(ACK_SECRET, post.text.id)
    await post.inbox.take_mail(report("Reporting-MTA: dns; mail.example", "Action: failed\nStatus: 5.1.1"), post.to)
    await post.inbox.take_mail(b"Subject: x\r\n\r\nWho is this?\r\n", post.to)
    await post.take(reply(post, f"1 {code}"))
    await post.take(Receipt(channel="sms", kind="delivered", at=post.hub.clock.now(), delivery=post.text.id))
    assert await post.apart() == ["unsealable", "not_a_report", "reply_seen", "unsealable"]


async def erased(post: Post) -> None:
    """The child's data key is gone, and no node has it in memory."""
    await post.hub.store.aclose()
    post.hub = post.hub.on(await sqlite_store(post.folder, node="2"), node="2")
    with closing(sqlite3.connect(post.folder / "keys.sqlite3")) as connection:
        connection.execute("DELETE FROM data_keys WHERE scope != 'hub'")
        connection.commit()


# by text message


def reply(post: Post, text: str, source: str = MOBILE) -> Reply:
    return Reply(source=source, text=text, at=post.hub.clock.now())


async def test_a_code_from_the_number_that_was_written_to_is_a_receipt(post: Post) -> None:
    code = reply_code(ACK_SECRET, post.text.id)
    await post.take(reply(post, f"yes {code[:3].lower()} {code[3:]}"))
    (kept,) = await post.receipts(post.text)
    assert (kept.kind, kept.code, kept.raw) == ("displayed", "REPLY", RAW)
    found = await post.hub.see(lambda unit: unit.delivery_by_id(post.text.id))
    assert found is not None and found[1].state == "notified"


@pytest.mark.parametrize(
    ("text", "source", "why"),
    [
        ("1 {code}", "+447700900124", "reply_seen"),
        ("1 CDFGHJ", MOBILE, "reply_seen"),
        ("1", MOBILE, "reply_seen"),
        ("2 {code}", MOBILE, "reply_not_ours"),
        ("STOP", MOBILE, "reply_stop"),
        ("who is this?", MOBILE, "reply"),
    ],
)
async def test_any_other_message_is_for_a_human(post: Post, text: str, source: str, why: str) -> None:
    await post.take(reply(post, text.format(code=reply_code(ACK_SECRET, post.text.id)), source))
    assert await post.receipts(post.text) == []
    assert await post.apart() == [why]


async def test_what_nobody_can_read_is_kept_apart(post: Post) -> None:
    await post.take(Unreadable(why="esm_class", raw=RAW))
    assert await post.apart() == ["esm_class"]


async def test_a_receipt_of_an_alarm_is_about_no_notice(post: Post) -> None:
    now = post.hub.clock.now()
    await post.take(Receipt(channel="sms", kind="delivered", at=now, delivery=post.hub.ids.new("am", now)))
    assert (await post.apart(), await post.hub.alarms()) == ([], [])


async def test_a_receipt_that_is_faster_than_our_own_record_is_waited_for(post: Post) -> None:
    now = post.hub.clock.now()
    early = Receipt(channel="sms", kind="delivered", at=now, provider_reference="id-7", code="DELIVRD")
    taking = asyncio.create_task(post.take(early))
    await until(lambda: post.hub.clock.sleeping == 1)
    row = (await post.hub.see(lambda unit: unit.attempts(post.text.id)))[-1]
    late = DeliveryResult(delivery=post.text.id, attempt=replace(row, provider_reference="id-7"), state="sent")
    await post.hub.store.write(lambda unit: unit.finish([late], "node"))
    await post.hub.clock.advance(LOOK_EVERY)
    await asyncio.wait_for(taking, 10)
    assert [one.code for one in await post.receipts(post.text)] == ["DELIVRD"]


async def test_and_not_for_ever(post: Post) -> None:
    now = post.hub.clock.now()
    unknown = Receipt(channel="sms", kind="delivered", at=now, provider_reference="id-8")
    taking = asyncio.create_task(post.take(unknown))
    for _ in range(LOOKS):
        await until(lambda: post.hub.clock.sleeping == 1)
        await post.hub.clock.advance(LOOK_EVERY)
    await asyncio.wait_for(taking, 10)
    assert await post.apart() == ["unknown"]
