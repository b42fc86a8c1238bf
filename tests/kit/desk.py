"""People at the desk of a force that was told of a missing child."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update

from contacts.model import Contact
from hub.core.accounts import Role
from hub.core.agreements import Agreement
from hub.core.conversation import File, Message, Party, Reader, Thread
from hub.core.desk import EVERY_DESK
from hub.core.records import Changes
from hub.core.tokens import ack_token, token_digest
from hub.service.conversations.ports import Written
from hub.service.desk.ports import Reader as DeskReader
from hub.store.conversation_tables import threads
from hub.store.tables import episodes, notices
from routing.decision import Recipient
from tests.kit.accounts import accounts_over
from tests.kit.clock import START
from tests.kit.notices import JPEG
from tests.kit.peers import BORDON
from tests.kit.pickup import BROMLEY, DOC, FORCE, MAILBOX, PHONE, Waiting, waiting
from tests.kit.records import moved
from tests.kit.visitor import Visitor
from tests.kit.web import ACK_SECRET


@dataclass
class Desk:
    """The notice of ``told``, and whoever signs in."""

    told: Waiting
    people: int = 0

    @property
    def notice(self) -> str:
        """Its address."""
        return f"/notices/{self.told.changes.notices[0].id}"

    async def token(
        self, *roles: Role, organisation: str = FORCE, desks: tuple[str, ...] = (EVERY_DESK,), name: str = "Jo Worker"
    ) -> str:
        """Of somebody's session: a recipient's, if nothing else is said."""
        web, self.people = self.told.web, self.people + 1
        accounts = accounts_over(web.store, web.clock, seed=f"person {self.people}")
        signed = await accounts.member(
            f"person{self.people}@police.example", *(roles or ("recipient",)), organisation=organisation, name=name
        )
        reader = DeskReader(user=signed.viewer.user, organisation=organisation, desks=frozenset(desks), given_at=START,
                        given_by="operator")  # fmt: skip
        await web.store.write(lambda unit: unit.desk.put_reader(reader))
        return signed.token

    async def visitor(self, *roles: Role, **more: Any) -> Visitor:
        """Their browser."""
        return Visitor(web=self.told.web, cookies={"fingerpost": await self.token(*roles, **more)})

    async def came_from_another_hub(self, begun: str | None = None) -> str:
        """The episode did, which told the force through this one, and not the council; what that hub is called.
        ``begun``: a conversation that did too."""
        source = BORDON.said().source
        moved_to = [update(episodes).values(source=source)]
        moved_to.append(update(threads).where(threads.c.id == begun).values(opened_by=source))

        async def work(unit: Any) -> None:
            for one in moved_to:
                await unit._run(lambda session, one=one: session.connection.execute(one))

        await self.told.web.store.write(work)
        return source

    async def only_rehearsed(self) -> None:
        """It was an exercise."""
        await self.told.web.store.write(only_rehearsed)

    async def wrote(self, within: str | None = None, text: str = "A note for the night.") -> Message:
        """Somebody of the desk keeps a note in a conversation of its own, with a picture; or writes another in it."""
        story = self.told.story
        thread = Thread(id=within or story.id("th"), episode=story.episode, opened_at=START, opened_by="user:us_1")
        party = Party(organisation=FORCE, desk="missing_persons_unit", roles=("police",))
        file = File(id=story.id("mf"), media_type="image/jpeg", size=len(JPEG), data=JPEG)
        message = Message(
            id=story.id("ms"), thread=thread.id, episode=story.episode, author="Jo Worker", organisation=FORCE,
            desk=party.desk, actor="user:us_1", via="page", purpose="information", whereabouts=False,
            text=text, sent_at=START, readers=(Reader(party=party, because="author"),),
            files=(file,),
        )  # fmt: skip
        kept = Written(message=message, child=story.child, key=f"key {message.id}", thread=None if within else thread)
        await self.told.web.store.write(lambda unit: unit.conversations.add(kept))
        return message

    async def proposed(self, message: Message) -> str:
        """The message proposes to the council that it leads; the proposal's id."""
        door = (BROMLEY, "front_door")
        made = Agreement(
            id=self.told.story.id("ag"), episode=message.episode, thread=message.thread, message=message.id,
            kind="lead", does_it=door, deadline=START + timedelta(days=1), proposer=(FORCE, "missing_persons_unit"),
            asked=(door,), actor="user:us_1", proposed_at=START,
        )  # fmt: skip
        await self.told.web.store.write(lambda unit: unit.agreements.add(made, ()))
        return made.id

    async def ends(self, kind: Any = "found") -> str:
        """The child is found, or back, or the report was taken back: a second notice. Its address."""
        story, changes = self.told.story, self.told.changes
        state = {"found": "found", "returned": "returned", "retraction": "retracted"}[kind]
        event = story.event()
        first = changes.decisions[0].decision
        decision = story.decision(event.id, kind=kind, recipients=first.recipients, fields=("child.name",),
                                  in_person=())  # fmt: skip
        notice = story.notice(decision, revision=2, organisation=FORCE, person=None, roles=("police",))
        way = story.delivery(notice, contact="co_mail")
        way = replace(way, token_digest=token_digest(ack_token(ACK_SECRET, way.id)))
        await self.told.change(
            Changes(
                event=event,
                episode=moved(changes, state=state, revision=2),
                expected_version=changes.episode.version,
                doc={**DOC, "found": {"at": "2026-03-02T08:00:00Z", "by": "police", "safe": True}},
                decisions=(decision,),
                notices=(notice,),
                deliveries=(way,),
            )
        )
        return f"/notices/{notice.id}"


async def only_rehearsed(unit: Any) -> None:
    """All that was told of was an exercise."""
    for table in (notices, episodes):
        await unit._run(
            lambda session, table=table: session.connection.execute(update(table).values(status="exercise"))
        )


@asynccontextmanager
async def at_the_desk(folder: Path, **more: Any) -> AsyncIterator[Desk]:
    """A hub over http, as a browser asks it itself."""
    async with waiting(folder, **{"public_url": "http://127.0.0.1", **more}) as told:
        yield Desk(told)


DOOR = Contact(id="co_door", organisation=BROMLEY, desk="front_door", channel="email", address="door@bromley.example")


@asynccontextmanager
async def at_the_desk_and_the_council(folder: Path) -> AsyncIterator[Desk]:
    """The council's front door was told too."""
    async with at_the_desk(folder, contacts=(MAILBOX, PHONE, DOOR)) as made:
        story, changes = made.told.story, made.told.changes
        door = (Recipient(role="host_authority", organisation=BROMLEY),)
        front = replace(changes.decisions[0].decision, recipients=door)
        decision = replace(changes.decisions[0], id=story.id("de"), event=None, decision=front)
        notice = story.notice(decision, organisation=BROMLEY, person=None, roles=("host_authority",))
        more = Changes(
            event=None,
            episode=moved(changes),
            expected_version=changes.episode.version,
            decisions=(decision,),
            notices=(notice,),
            deliveries=(story.delivery(notice, contact="co_door"),),
        )
        await made.told.change(more)
        yield made
