"""What follows from answers: a resolution is opened, carried on and settled in the transaction of the answer itself.

It looks beyond the organisation that answers (hub/service/tenancy.py): who has to choose next is another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from contacts.roles import OPERATOR, desk_of
from hub.core.conversation import Party, Reader
from hub.core.peers import came_from
from hub.core.records import AcknowledgementRecord, NoticeRecord, StoredEpisode
from hub.core.resolution import Resolution, accepts, answers_all_of, belongs, concerns, heard, opens
from hub.service.conversations.audience import standing
from hub.service.conversations.posting import Post
from hub.service.ports import Unit
from hub.service.resolving.chain import Chain
from hub.service.resolving.ground import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Raises what the store does; LostRace too, and then the answer is kept anew with it."""

    ground: Ground

    def nudge(self) -> None:
        """After the commit: somebody may have been told."""
        self.ground.nudge()

    async def answered(
        self, unit: Unit, notice: NoticeRecord, given: AcknowledgementRecord, actor: str, now: datetime
    ) -> None:
        """A named human has answered a notice, within the transaction that keeps the answer and holds the episode's
        lock (:func:`lock_of`)."""
        if not concerns(notice) or notice.organisation is None:
            return
        known = await unit.resolving.of(notice.episode)
        if given.answer == "accepted" and not known:
            return
        stored = await standing(unit, notice.episode)
        if stored is None or came_from(stored.doc) is not None:
            return  # the answer goes to the hub that knows the child, and whose it is, is asked there
        chains = [self.ground.chain(unit, one, stored, now) for one in known if one.state != "ended"]
        for chain in chains:
            await chain.move(self.ground.named(chain.resolution.roles, stored.doc), stored.record.revision)
        if given.answer == "accepted":
            some = await unit.notices(notice.episode)
            for chain in chains:
                if accepts(chain.resolution, notice, some):
                    chain.add("accepted", notice.organisation, notice=notice.id, actor=actor, name=given.name)
                    await chain.settle(some)
        else:
            mine = next((one for one in chains if belongs(one.resolution, notice)), None)
            if mine is None and (mine := self._opened(unit, notice, stored, now)) is not None:
                chains.append(mine)
            if mine is not None:
                await self._said(mine, notice, given, actor, stored)
        for chain in chains:
            if chain.steps:
                await chain.keep(stored.record.child)

    def _opened(self, unit: Unit, notice: NoticeRecord, stored: StoredEpisode, now: datetime) -> Chain | None:
        if stored.record.state == "retracted" or not opens(notice, self.ground.named(notice.roles, stored.doc)):
            return None
        made = Resolution(
            id=self.ground.ids.new("rs", now),
            episode=notice.episode,
            roles=notice.roles,
            organisation=OPERATOR,
            desk=desk_of(OPERATOR),
            opened_at=now,
            revision=stored.record.revision,
        )
        return self.ground.chain(unit, made, stored, now)

    async def _said(
        self, chain: Chain, notice: NoticeRecord, given: AcknowledgementRecord, actor: str, stored: StoredEpisode
    ) -> None:
        before = chain.resolution
        chain.add("said", notice.organisation, notice=notice.id, actor=actor, name=given.name,
                  answer=given.answer, text=given.redirected_to)  # fmt: skip
        if chain.resolution.state == "settled" and answers_all_of(chain.resolution, notice):
            await chain.release(notice.id, notice.organisation)
        if chain.resolution.state != "open":
            return
        if before.state == "settled":  # what was over because somebody had it goes on
            over = [one.notice for one in before.steps if one.kind == "released" and one.notice]
            await chain.unit.resume_chases(notice.episode, over, chain.now)
        organisation, desk = await self.ground.owner(chain.unit, chain.resolution.said, stored)
        chain.resolution = replace(chain.resolution, organisation=organisation, desk=desk)
        if not heard(chain.resolution, str(notice.organisation)):
            return
        told = await self.ground.owners(chain.unit, chain.resolution)
        if looping := chain.resolution.looping:
            chain.add("looped")
            await chain.alarm("resolution_loop", ", ".join(looping), stored)
            told += self.ground.leads(looping, chain.now)
        await self._tell(chain, notice, given, actor, told, stored)

    async def _tell(
        self,
        chain: Chain,
        notice: NoticeRecord,
        given: AcknowledgementRecord,
        actor: str,
        told: Sequence[Reader],
        stored: StoredEpisode,
    ) -> None:
        """What was answered is a message of whoever answered, to whoever has to choose: so they can write back too."""
        author = Party(organisation=notice.organisation, desk=desk_of(notice.roles[0]), roles=notice.roles)
        others = [one for one in told if one.party.key != author.key]
        if not others:
            return
        text = "This is not for us."
        if given.answer == "redirected":
            text = f"I passed it on to somebody else. To whom, in my own words: {given.redirected_to}"
        post = Post(
            author=given.name,
            organisation=str(notice.organisation),
            desk=author.desk,
            actor=actor,
            via="page",
            purpose="not_ours",
            touches=False,
            text=text,
            key=given.id,
            thread=await self.ground.thread(chain.unit, chain.resolution),
        )
        readers = [Reader(party=author, because="author"), *others]
        message = await self.ground.posting.post(chain.unit, stored, post, readers, chain.now)
        chain.resolution = replace(chain.resolution, message=message.id)


def lock_of(episode: str) -> str:
    """What everything that changes the resolutions of an episode locks first."""
    return f"resolutions:{episode}"
