"""What people answer by e-mail, from the bytes to the conversation or to the operator, and who is told how to do it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pytest

from adapters.email.certificates import Usable
from adapters.email.chain import Trust
from adapters.email.smime import Signer, encrypt, seal, sign
from contacts.directory import Directory
from contacts.fictional import fictional_bundle
from contacts.model import Contact
from hub.core.records import DeliveryRecord
from hub.service.conversations.by_mail import NO_WORDS, NOT_ALL, ByMail
from hub.service.inbox import Inbox
from hub.service.receipts import KEPT_OF_OTHERS
from hub.service.replying import AGAIN_AFTER, MOST_TOLD, SIGNED, Replies, Reply
from tests.integration.email.test_signed_receipts import notification
from tests.integration.service.test_inbox import Post
from tests.integration.service.test_receipts import sent
from tests.kit import conversing
from tests.kit.events import BROMLEY, reported
from tests.kit.node import ACK_SECRET, a_hub
from tests.kit.pki import Issued, intermediate, person, root, rsa_key
from tests.kit.store import sqlite_store

HUB = "notices@hub.example"
JO, SAM = "jo@council.example", "sam@council.example"
TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nShe is safe.\r\n"


@cache
def certified(address: str, key: str) -> Issued:
    return person(address, issuer=intermediate(), key=rsa_key(key))


def signer(one: Issued) -> Signer:
    return Signer(certificate=one.certificate, key=one.key, chain=(intermediate().certificate,))


@dataclass
class Talk:
    """A hub that has told Bromley's front door, whose answers come back, and what became of them."""

    post: Post
    joined: list[Reply] = field(default_factory=list)
    refuses: str | None = None
    told: list[str] = field(default_factory=list)

    async def join(self, reply: Reply) -> str | None:
        self.joined.append(reply)
        return self.refuses

    async def tell(self, address: str) -> None:
        self.told.append(address)

    @property
    def inbox(self) -> Inbox:
        hub, inbox = self.post.hub, self.post.inbox
        replies = Replies(
            receipts=inbox.receipts,
            store=hub.store,
            clock=hub.clock,
            directory=lambda: hub.directory,
            secret=ACK_SECRET,
            keys=(signer(certified(HUB, "hub")),),
            domain="hub.example",
            tell=self.tell,
            trust=Trust(anchors=(root().certificate,)),
            conversations=self,
        )
        return replace(inbox, replies=replies)

    @property
    def delivery(self) -> DeliveryRecord:
        return self.post.mail

    async def take(
        self, entity: bytes, *, author: str = JO, more: bytes = b"", to: str = HUB, sender: str = JO
    ) -> None:
        outside = f"From: <{author}>\r\nIn-Reply-To: <{self.delivery.id}@hub.example>\r\n".encode() + more
        await self.inbox.take_mail(outside + entity, to, sender)

    async def reasons(self) -> list[str]:
        open_ = await self.post.hub.see(lambda unit: unit.alarms())
        return [one.reason for one in open_ if one.kind == "receipt_apart"]


def sealed(payload: bytes = TEXT, *, by: str = JO) -> bytes:
    to = Usable(certificate=certified(HUB, "hub").certificate, fingerprint="")
    der = seal(payload, signer(certified(by, by)), to, "dl_x")
    return b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: binary\r\n\r\n" + der


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    bundle = fictional_bundle()
    door = [one for one in bundle.contacts if (one.organisation, one.desk) == (BROMLEY, "front_door")]
    others = tuple(one for one in bundle.contacts if one not in door)
    colleague = Contact(
        id="bromley-sam", organisation=BROMLEY, desk="front_door", channel="email", address=SAM, order=9
    )
    contacts = (*others, replace(door[0], address=JO), colleague)
    hub = await a_hub(
        await sqlite_store(tmp_path), directory=Directory.of(replace(bundle, contacts=contacts, certificates=()))
    )
    await hub.post(reported(episode={"risk": {"level": "high"}}))
    for _ in range(2):  # the police first, then the others
        await sent(hub)
    mail = next(one for one in await hub.deliveries() if one.address == JO)
    yield Talk(post=Post(hub=hub, mail=mail, text=mail, folder=tmp_path))
    await hub.store.aclose()


async def test_an_answer_joins_the_conversation_and_is_a_receipt_too(talk: Talk) -> None:
    await talk.take(sealed())
    (reply,) = talk.joined
    assert (reply.delivery.id, reply.answer.said.text, reply.answer.mailbox) == (talk.delivery.id, "She is safe.", JO)
    (kept,) = await talk.post.receipts(talk.delivery)
    assert (kept.kind, kept.code) == ("displayed", SIGNED)
    assert b"pkcs7-mime" in kept.raw
    await talk.inbox.take_mail(b"From: <" + JO.encode() + b">\r\n" + sealed(), talk.post.to)
    assert [one.delivery.id for one in talk.joined] == [talk.delivery.id] * 2, "the address of one delivery says which"
    assert await talk.reasons() == []
    assert talk.told == []


async def test_a_colleague_of_the_desk_may_answer_and_whoever_left_it_may_not(talk: Talk) -> None:
    await talk.take(sealed(by=SAM), author=SAM)
    assert [one.answer.mailbox for one in talk.joined] == [SAM]
    bundle = talk.post.hub.directory.bundle
    left = replace(bundle, contacts=tuple(one for one in bundle.contacts if one.address != JO))
    talk.post.hub.directory = Directory.of(left)
    await talk.take(sealed())
    assert len(talk.joined) == 1
    assert await talk.reasons() == ["not_its_reader"]


async def test_what_the_conversation_does_not_take_is_for_the_operator(talk: Talk) -> None:
    talk.refuses = "too_long"
    await talk.take(sealed())
    assert await talk.reasons() == ["too_long"]
    assert await talk.post.apart() == ["too_long"]
    assert [one.code for one in await talk.post.receipts(talk.delivery)] == [SIGNED]
    await talk.take(sealed(TEXT.replace(b"safe.", b"safe. See FP-2222-2222")))
    assert await talk.post.apart() == ["too_long", "names_another"]
    assert talk.told == [], "they were sent as they should be"
    talk.refuses = None
    (notice,) = [one for one in await talk.post.hub.notices() if one.id == talk.delivery.notice]
    both = f"safe. See FP-2222-2222, > {notice.reference}".encode()
    await talk.take(sealed(TEXT.replace(b"safe.", both)))
    assert len(talk.joined) == 2
    assert len(await talk.post.apart()) == 2


async def test_a_notification_that_was_signed_and_encrypted_is_one(talk: Talk) -> None:
    said = notification().replace(b"reader@council.example", JO.encode())
    await talk.take(sealed(said), to=talk.post.to)
    (kept,) = await talk.post.receipts(talk.delivery)
    assert (kept.kind, talk.joined) == ("displayed", [])
    assert kept.code.startswith("displayed manual-action")
    await talk.take(TEXT, more=b"Auto-Submitted: auto-replied\r\n")
    kinds = [one.kind for one in await talk.post.receipts(talk.delivery)]
    assert kinds == ["displayed", "automatic_reply"], "also where it came to the address that notices come from"
    assert await talk.post.apart() == []


# what is not believed


async def test_it_is_kept_with_the_reason_and_its_author_told_how_to_do_better(talk: Talk) -> None:
    other_kind = sealed().replace(b"\x06\x09*\x86H\x86\xf7\r\x01\x07\x03", b"\x06\x09*\x86H\x86\xf7\r\x01\x07\x05")
    only_signed = sign(TEXT, signer(certified(JO, JO)), "dl_x")
    given = {"plain": TEXT, "not_encrypted": only_signed, "malformed": other_kind, "cut": sealed()[:-200]}
    for entity in given.values():
        await talk.take(entity)
    assert await talk.post.apart() == ["plain", "not_encrypted", "malformed", "malformed"]
    assert await talk.reasons() == ["plain"], "one alarm for each notice"
    assert (talk.joined, talk.told) == ([], [JO])
    assert await talk.post.receipts(talk.delivery) == []
    await talk.take(TEXT + b"x" * KEPT_OF_OTHERS)
    kept = await talk.post.hub.see(lambda unit: unit.receipts_apart(talk.delivery.created_at, 10))
    assert len(kept[-1].raw) > KEPT_OF_OTHERS, "with its photos"


async def test_outside_nothing_tells_that_it_opened(talk: Talk) -> None:
    deep = b"".join(b"Content-Type: multipart/signed; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(9))
    ends = b"".join(b"\r\n--%d\r\n\r\nx\r\n--%d--" % (n, n) for n in reversed(range(9)))
    to = Usable(certificate=certified(HUB, "hub").certificate, fingerprint="")
    head = b"Content-Type: application/pkcs7-mime\r\n\r\n"
    await talk.take(head + encrypt(deep + TEXT + ends, to))
    await talk.take(head + encrypt(TEXT, to)[:-20], author=SAM, sender=SAM)
    assert await talk.post.apart() == ["too_deep", "malformed"]
    assert talk.told == [JO, SAM]


async def test_its_author_is_told_once_an_hour(talk: Talk) -> None:
    clock = talk.post.hub.clock
    for _ in range(3):
        await talk.take(TEXT)
    await talk.take(TEXT, author=SAM, sender=SAM)
    assert talk.told == [JO, SAM]
    await clock.advance(AGAIN_AFTER.total_seconds() - 1)
    await talk.take(TEXT, author=JO.upper().replace("COUNCIL.EXAMPLE", "council.example"))
    assert talk.told == [JO, SAM]
    await clock.advance(2)
    await talk.take(TEXT)
    assert talk.told == [JO, SAM, JO]


async def test_whoever_knows_a_delivery_cannot_have_a_whole_organisation_written_to(talk: Talk) -> None:
    for number in range(MOST_TOLD + 2):
        await talk.take(TEXT, author=f"person-{number}@council.example", sender="x@elsewhere.example")
    assert len(talk.told) == MOST_TOLD
    await talk.post.hub.clock.advance(AGAIN_AFTER.total_seconds() + 1)
    await talk.take(TEXT)
    assert talk.told[MOST_TOLD:] == [JO]


async def test_nobody_is_told_who_might_not_have_written(talk: Talk) -> None:
    for author, sender, more, body in (
        (JO, "", b"", TEXT),
        (JO, "<>", b"", TEXT),
        ("kim@elsewhere.example", JO, b"", TEXT),
        ("no-reply@council.example", JO, b"", TEXT),
        ("mailer-daemon@council.example", JO, b"", TEXT),
        (JO, JO, b"List-Id: <all.council.example>\r\n", TEXT),
        (JO, JO, b"Precedence: list\r\n", TEXT),
        (JO, JO, b"Auto-Submitted: auto-replied\r\n", TEXT),
        (f"{JO}>, <{SAM}", JO, b"", sealed()),
    ):
        await talk.take(body, author=author, sender=sender, more=more)
        assert (talk.told, talk.joined) == ([], []), (author, sender, more)


async def test_a_mail_that_answers_nothing_of_ours_is_kept_and_nobody_told(talk: Talk) -> None:
    for head in (b"", b"In-Reply-To: <dl_unknown@hub.example>\r\n",
                 b"In-Reply-To: <" + talk.delivery.id.encode() + b"@elsewhere.example>\r\n"):  # fmt: skip
        await talk.inbox.take_mail(b"From: <" + JO.encode() + b">\r\n" + head + TEXT, HUB, JO)
    assert (await talk.post.apart(), talk.told) == (["not_a_report"] * 3, [])
    # who sent it is as the mail server in front says
    head = f"From: <{JO}>\r\nIn-Reply-To: <{talk.delivery.id}@hub.example>\r\n".encode()
    await talk.inbox.take_mail(head + TEXT, HUB)
    await talk.inbox.take_mail(b"Return-Path: <>\r\n" + head + TEXT, HUB)
    assert talk.told == [], "nobody knows"
    await talk.inbox.take_mail(b"Return-Path: <jo@council.example>\r\n" + head + TEXT, HUB)
    assert talk.told == [JO]


# with the conversations themselves


def with_conversations(talk: Talk) -> Inbox:
    hub, inbox = talk.post.hub, talk.inbox
    writing = conversing.Talk(hub).writing
    by_mail = ByMail(writing=writing, store=hub.store, clock=hub.clock, directory=lambda: hub.directory)
    assert inbox.replies is not None
    return replace(inbox, replies=replace(inbox.replies, conversations=by_mail))


async def test_an_answer_is_a_message_that_the_police_are_told_of_and_no_other_mail_makes_it_two(talk: Talk) -> None:
    real, hub = with_conversations(talk), talk.post.hub
    entity = sealed()
    head = f"From: <{JO}>\r\nIn-Reply-To: <{{}}@hub.example>\r\n"
    for _ in range(2):
        await real.take_mail(head.format(talk.delivery.id).encode() + entity, HUB, JO)
    episode = talk.delivery.episode
    (message,) = await hub.see(lambda unit: unit.conversations.messages(episode))
    assert (message.text, message.author, message.organisation, message.via) == (
        "She is safe.",
        "Jo Worker",
        BROMLEY,
        "email",
    )
    assert (message.purpose, message.whereabouts) == ("information", True)
    assert {one.because for one in message.readers} == {"author", "whereabouts"}
    told = await hub.notices(kind="conversation")
    assert {one.priority for one in told} == {"immediate"}
    assert {role for one in told for role in one.roles} == {"police", "police_responsible"}
    assert await talk.post.apart() == []
    # Brought under another notice by whoever carries mail, it stays where it is.
    other = next(one for one in await hub.deliveries() if one.notice == told[0].id and one.channel == "email")
    await real.take_mail(head.format(other.id).encode() + entity, HUB, JO)
    assert await talk.post.apart() == ["not_its_reader"]
    # What is too long, or holds more than a message may, is not lost.
    await real.take_mail(head.format(talk.delivery.id).encode() + sealed(TEXT + b"word " * 1000), HUB, JO)
    pdf = b"--m\r\n" + TEXT + b"\r\n--m\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4\r\n--m--"
    both = b"Content-Type: multipart/mixed; boundary=m\r\n\r\n" + pdf
    await real.take_mail(head.format(talk.delivery.id).encode() + sealed(both), HUB, JO)
    assert await talk.post.apart() == ["not_its_reader", "too_long", "partly_passed_on"]
    assert len(await hub.see(lambda unit: unit.conversations.messages(episode))) == 2


async def test_what_is_left_out_of_a_message_is_said_in_it(talk: Talk) -> None:
    real, hub = with_conversations(talk), talk.post.hub
    head = f"From: <{JO}>\r\nIn-Reply-To: <{talk.delivery.id}@hub.example>\r\n".encode()
    mixed = b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n"
    pdf = b"Content-Type: application/pdf\r\n\r\n%PDF-1.4\r\n--m--"
    photo = b"Content-Type: image/jpeg\r\n\r\n" + conversing.JPEG + b"\r\n--m--"
    for entity in (mixed + pdf, mixed + photo, mixed + TEXT + b"\r\n--m\r\n" + pdf):
        await real.take_mail(head + sealed(entity), HUB, JO)
    messages = await hub.see(lambda unit: unit.conversations.messages(talk.delivery.episode))
    assert [(one.text, len(one.files)) for one in messages] == [
        (NOT_ALL, 0),
        (NO_WORDS, 1),
        (f"She is safe.\n\n{NOT_ALL}", 0),
    ]
