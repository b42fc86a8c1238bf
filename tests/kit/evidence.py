"""A real episode with all that evidence speaks of: reported, told, tried again, received, answered, ended."""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from adapters.port import Accepted, Deferred, Receipt
from contacts.export import dumps
from contacts.fictional import fictional_bundle
from hub.core.agreements import Agreement, Answer
from hub.core.checkpoints import CheckpointKey, key_id
from hub.core.conversation import Message, Party, Reader
from hub.core.records import AuditLine
from hub.core.resolution import Resolution, Step
from hub.core.tokens import ack_token, receipt_token
from hub.service.answers import Answers
from hub.service.audit.checkpointing import Checkpointing
from hub.service.conversations.posting import Origin, Post
from hub.service.evidence.making import Asked, Bundles, Made
from hub.service.evidence.ports import Pack
from hub.service.holds.setting import Ask, Holds
from hub.service.ports import Unit
from hub.service.receipts import Receipts
from hub.service.tenancy import WHOLE, Own, scoped
from tests.kit.conversing import BROMLEY, HUMBERSIDE, JPEG, SCHOOL, Talk, somebody
from tests.kit.delivering import Notes, Sink, Watched, World
from tests.kit.events import EPISODE, reported_in_full, returned
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.store import Stores, sqlite_store

PUBLIC: Final = "https://hub.example"
_PRIVATE: Final = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
KEY: Final = CheckpointKey(id=key_id(_PRIVATE.public_key()), private=_PRIVATE)
NAME: Final = "Jo Worker"
WRITER: Final = "Val Inspector"
SIGNED: Final = b"e30.Ym9keQ.c2lnbmF0dXJl"
"""What came from another hub."""
RAW: Final = b"Received: a report about Robin Example\xff\xfe, as it came"


class _Counted:
    def receipt(self, channel: str, kind: str) -> None:
        pass


async def told_hub(store: Stores) -> Hub:
    """Reported and sent, one delivery at the second try; a receipt, an answer, a message; then the child is back."""
    hub = await a_hub(store)
    await store.write(lambda unit: unit.put_directory(_directory(), hub.clock.now() - timedelta(days=1), ()))
    await hub.post(reported_in_full())
    mail = Sink(answers=[Deferred(reason="connection_failed"), Accepted(digest="ab" * 32, certificate="cd" * 32)])
    world = World(store=Watched(store), clock=hub.clock, sinks={"email": mail, "sms": Sink("sms")})

    async def sent() -> bool:
        return all(one.state == "sent" for one in await hub.deliveries())

    async with world.delivering(world.delivery()):
        await world.passing(sent)
    first = next(one for one in await hub.deliveries() if one.channel == "email")
    receipt = Receipt(channel="email", kind="delivered", at=hub.clock.now(), code="2.0.0",
                      token=receipt_token(ACK_SECRET, first.id))  # fmt: skip
    receipts = Receipts(store=store, clock=hub.clock, ids=hub.ids, meter=_Counted(), nudge=lambda: None)
    assert await receipts.take(receipt, RAW)
    answers = Answers(store=store, clock=hub.clock, ids=hub.ids, meter=Notes())
    await answers.acknowledge(ack_token(ACK_SECRET, first.id), name=NAME, answer="accepted")
    wrote = await Talk(hub).wrote(somebody(HUMBERSIDE, name=WRITER), to=((SCHOOL, "school_office"),), files=(JPEG,))
    await heard(hub, wrote)
    await agreed(hub, wrote)
    await held(hub)
    await declined(hub, first.notice)
    await hub.clock.advance(3600)
    await hub.post(returned())
    return hub


async def heard(hub: Hub, message: Message) -> None:
    """Somebody at another hub writes in the conversation."""
    now, own = hub.clock.now(), Party(organisation=SCHOOL, desk="school_office", roles=("school",))
    origin = Origin(id=hub.ids.new("ms", now), thread=message.thread, sent_at=now, opens=False, signed=SIGNED)
    post = Post(author="Sal School", organisation=SCHOOL, desk=own.desk, actor="peer:hub_1", via="hub",
                purpose="information", touches=False, text="She was not.", key=origin.id, thread=message.thread,
                origin=origin)  # fmt: skip
    readers = (Reader(party=own, because="author"), Reader(party=message.readers[0].party, because="elsewhere"))
    with scoped(WHOLE):
        stored = await hub.episode()
        await hub.store.write(lambda unit: Talk(hub).writing.posting.post(unit, stored, post, readers, now))


async def held(hub: Hub) -> None:
    """The police ask everybody to make no enquiries, and write down why."""
    holds = Holds(store=hub.store, posting=Talk(hub).writing.posting, clock=hub.clock, nudge=lambda: None)
    with scoped(Own(HUMBERSIDE)):
        who = somebody(HUMBERSIDE, name=WRITER)
        assert await holds.set(who, await episode(hub), Ask(kind="no_enquiries", key="a form", reason="Not to be told"))


async def agreed(hub: Hub, message: Message) -> None:
    """The police propose who interviews, and the school's office accepts."""
    now, asked = hub.clock.now(), (SCHOOL, "school_office")
    made = Agreement(
        id=hub.ids.new("ag", now), episode=message.episode, thread=message.thread, message=message.id,
        kind="return_interview", does_it=asked, when=now + timedelta(days=2), deadline=now + timedelta(days=1),
        proposer=(HUMBERSIDE, message.desk), asked=(asked,), actor=message.actor, proposed_at=now,
    )  # fmt: skip
    answer = Answer(party=asked, said="accepted", at=now, actor="user:us_2", message=message.id)
    proposed, accepted = (
        AuditLine(id=hub.ids.new("au", now), at=now, actor="hub", action=action, episode=message.episode,
                  subject=made.id)
        for action in ("agreement.proposed", "agreement.accepted")
    )  # fmt: skip
    await hub.store.write(lambda unit: unit.agreements.add(made, [proposed]))
    await hub.store.write(lambda unit: unit.agreements.answer(made, answer, [accepted]))


async def declined(hub: Hub, notice: str) -> None:
    """Somebody of the police says that the child is not theirs, and to whom they passed it on."""
    of, now = await hub.episode(), hub.clock.now()
    step = Step(id=hub.ids.new("rp", now), at=now, kind="said", organisation=HUMBERSIDE, notice=notice,
                answer="redirected", name=WRITER, text="The next desk")  # fmt: skip
    found = Resolution(
        id=hub.ids.new("rs", now), episode=of.record.id, roles=("police",), organisation=BROMLEY, desk="front_door",
        opened_at=now, revision=of.record.revision, steps=(step,),
    )  # fmt: skip
    line = AuditLine(id=hub.ids.new("au", now), at=now, actor="hub", action="resolution.moved",
                     episode=of.record.id, subject=step.id)  # fmt: skip
    await hub.store.write(lambda unit: unit.resolving.put(found, of.record.child, found.steps, [line]))


@cache
def _directory() -> bytes:
    """What of the made-up directory the police are told by, with a number that nobody is told by."""
    whole = fictional_bundle()
    force = [one for one in whole.contacts if one.id.startswith("e23000012.")]
    kept = {one.organisation for one in force}
    return dumps(
        replace(
            whole,
            organisations=tuple(one for one in whole.organisations if one.code in kept),
            desks=tuple(one for one in whole.desks if one.organisation in kept),
            contacts=tuple(force),
            certificates=(),
        )
    )


async def bundle(hub: Hub, **more: Any) -> Made:
    """The bundle of its episode, for a court."""
    made = await bundles(hub, **more).of(
        await episode(hub), Asked(actor="operator", why="court", reference="KB-2026/7")
    )
    assert made is not None
    return made


def bundles(hub: Hub, *, key: CheckpointKey = KEY) -> Bundles:
    """What makes them, with a key that is always the same."""
    return Bundles(
        store=hub.store,
        clock=hub.clock,
        ids=hub.ids,
        hub=PUBLIC,
        key=key,
        keys={key.id: key.private.public_key()},
        checkpoint=Checkpointing(store=hub.store, hub=PUBLIC, key=key, ids=hub.ids, log=Notes()).make,
        packs={pack.name: Pack(version=pack.version, text=pack.title.encode()) for pack in hub.packs.written},
    )


async def episode(hub: Hub) -> str:
    """The id of its episode."""
    return (await hub.see(lambda unit: _one(unit, hub))).id


async def _one(unit: Unit, hub: Hub) -> Any:
    found = await unit.episode(hub.source.id, EPISODE)
    assert found is not None
    return found.record


async def told_on_file(folder: Path) -> Hub:
    """On SQLite."""
    return await told_hub(await sqlite_store(folder))


__all__ = ["KEY", "NAME", "PUBLIC", "RAW", "SIGNED", "bundle", "bundles", "episode", "told_hub", "told_on_file"]
