"""A named human sees what was answered, and chooses who is asked next: of the owner's desk, or of whoever runs the hub.

Those see names and words; whoever runs the hub sees organisations, roles and times (ADR 0018), and can choose as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from contacts.model import Reached
from contacts.roles import ANY_SCHOOL, OPERATOR, desk_of
from hub.core.accounts import Viewer, may
from hub.core.conversation import Party, TextProblem, plain_text
from hub.core.course import Context
from hub.core.desk import Sight
from hub.core.parties import parties, readers
from hub.core.records import StoredEpisode
from hub.core.resolution import CAUSE, LONGEST_REASONS, Problem, Resolution, ask, asking, choice_problem
from hub.service.conversations.audience import police_of, standing
from hub.service.conversations.posting import Post
from hub.service.conversations.seats import Who, seat
from hub.service.ledger import Bookkeeper, load, reach
from hub.service.ports import Clock, Store, Unit, Unsealable
from hub.service.resolving.chain import Chain
from hub.service.resolving.following import lock_of
from hub.service.resolving.ground import Ground
from hub.service.tenancy import WHOLE, scoped
from routing.needtoknow import may_see_places

MOST: Final = 200
"""Listed at once, the oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One, for the eyes of whoever may choose. ``offered``: organisations that may be asked."""

    resolution: Resolution
    offered: tuple[str, ...]
    with_facts: bool
    """Names and words are there to be shown, if they have not been erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """It is durable, and on its way."""

    organisation: str
    again: bool
    """It was sent back to somebody who had said that it is not theirs."""


Outcome: TypeAlias = Asked | Problem | TextProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """All of it raises StoreUnavailable where the store is away; what is not theirs to see is not there."""

    store: Store
    ground: Ground
    book: Bookkeeper = field(repr=False)
    clock: Clock

    async def listed(self, viewer: Viewer, sight: Sight | None) -> Sequence[Resolution]:
        """Those that go on, without names and words: all of them for whoever runs the hub, else one's own desks'."""
        if runs_it(viewer):
            return await self.store.read(lambda unit: unit.resolving.listed(None, MOST))
        if sight is None:
            return ()
        found = await self.store.read(lambda unit: unit.resolving.listed(viewer.organisation, MOST))
        return [one for one in found if await self._theirs(viewer, sight, one)]

    async def read(self, viewer: Viewer, sight: Sight | None, resolution: str) -> Opened | None:
        """One, as far as it is theirs to see."""
        whole = not runs_it(viewer)
        try:
            found = await self.store.read(lambda unit: unit.resolving.one(resolution, whole=whole))
        except Unsealable:
            return None
        if found is None or not (runs_it(viewer) or (sight is not None and await self._theirs(viewer, sight, found))):
            return None
        waiting = frozenset(found.outstanding)
        offered = tuple(one for one in self.known(found.roles, self.clock.now()) if one not in waiting)
        return Opened(resolution=found, offered=offered if found.living else (), with_facts=whole)

    async def choose(
        self,
        viewer: Viewer,
        sight: Sight | None,
        resolution: str,
        *,
        organisation: str,
        reasons: str,
        whereabouts: bool | None,
    ) -> Outcome | None:
        """Ask an organisation that the directory knows, with reasons, and whether these are about where the child is,
        was or may be; None for whoever may not. The reasons of whoever runs the hub are sent to nobody."""
        if await self.read(viewer, sight, resolution) is None or not may_choose(viewer):
            return None
        text = plain_text(reasons)
        if isinstance(text, TextProblem):
            return TextProblem(field="text", message="Give your reasons in plain text")
        if len(text) > LONGEST_REASONS:
            return TextProblem(field="text", message=f"The reasons must be {LONGEST_REASONS:,} characters or fewer")
        if whereabouts is None and not runs_it(viewer):
            return TextProblem(
                field="whereabouts", message="Say whether they are about where the child is, was or may be"
            )
        now = self.clock.now()

        async def work(unit: Unit) -> Outcome | None:
            there = await unit.resolving.one(resolution)
            if there is None:
                return None
            await unit.lock(lock_of(there.episode))
            found = await unit.resolving.one(resolution)
            stored = await standing(unit, there.episode)
            if found is None or stored is None:
                return None
            if stored.record.state == "retracted":
                return "over"
            if (problem := choice_problem(found, organisation, self.known(found.roles, now))) is not None:
                return problem
            chain = self.ground.chain(unit, found, stored, now)
            return await self._ask(chain, stored, viewer, organisation, text, touches=whereabouts is True)

        try:
            with scoped(WHOLE):
                outcome = await self.store.write(work)
        except Unsealable:
            return None
        if isinstance(outcome, Asked):
            self.ground.nudge()
        return outcome

    def known(self, roles: Sequence[str], now: datetime) -> tuple[str, ...]:
        """Organisations whose desk answers for these roles, as the directory has them at this moment."""
        directory, function = self.ground.directory(), desk_of(roles[0])
        codes = dict.fromkeys(one.organisation for one in directory.bundle.desks if one.function == function)
        return tuple(
            code
            for code in codes
            if code not in (OPERATOR, ANY_SCHOOL) and isinstance(directory.resolve(roles[0], code, now), Reached)
        )

    async def _ask(
        self, chain: Chain, stored: StoredEpisode, viewer: Viewer, organisation: str, text: str, *, touches: bool
    ) -> Asked:
        unit, found, now, record = chain.unit, chain.resolution, chain.now, stored.record
        before = load(stored)
        history = await unit.episodes_of_child(record.child, excluding=record.id)
        context = Context(
            packs=self.ground.packs,
            areas=self.ground.areas,
            reach=reach(self.ground.directory(), now, stored.doc),
            now=now,
            history=history,
        )
        changes = self.book.changes(
            [ask(before, context, f"{CAUSE}{found.id}", found.roles, organisation)],
            record=record,
            before=before,
            register=stored.register,
            episode_id=record.id,
            source=record.source,
            child=record.child,
            event=None,
            now=now,
            actor=viewer.actor,
        )
        await unit.save(changes)
        kind = asking(found, organisation)
        notice = next((one.id for one in changes.notices if one.organisation == organisation), None)
        chain.add(kind, organisation, notice=notice, actor=viewer.actor, name=viewer.name, text=text)
        if viewer.organisation == found.organisation and not runs_it(viewer):
            await self._tell(chain, viewer, organisation, text, touches=touches)
        await chain.keep(record.child)
        return Asked(organisation=organisation, again=kind == "sent_back")

    async def _tell(self, chain: Chain, viewer: Viewer, organisation: str, text: str, *, touches: bool) -> None:
        """Who is asked reads who decided that, and why; of what touches whereabouts the police do, and who is asked
        only if their role may know a place."""
        found, unit = chain.resolution, chain.unit
        stored = await standing(unit, found.episode)  # anew: it has just been saved
        (author,) = [one.party for one in await self.ground.owners(unit, found)]
        asked = Party(organisation=organisation, desk=desk_of(found.roles[0]), roles=found.roles)
        if stored is None or (asked.key == author.key and not touches):
            return
        post = Post(
            author=viewer.name,
            organisation=viewer.organisation,
            desk=author.desk,
            actor=viewer.actor,
            via="page",
            purpose="handover",
            touches=touches,
            text=text,
            key=chain.steps[-1].id,
            thread=await self.ground.thread(unit, found),
        )
        doc, told = stored.doc, parties(*await unit.desk.course(found.episode))
        some = readers(
            author,
            thread=(),
            named=[asked],
            police=police_of(told, doc, self.ground.areas),
            touches=touches,
            may_see_places=lambda party: any(may_see_places(role, doc) for role in party.roles),
        )
        await self.ground.posting.post(unit, stored, post, some, chain.now)

    async def _theirs(self, viewer: Viewer, sight: Sight, found: Resolution) -> bool:
        """Whether it is for a desk of theirs to choose: whoever sees there what it was told."""
        if found.organisation != viewer.organisation:
            return False
        who = Who(sight=sight, actor=viewer.actor, name=viewer.name)
        try:
            there = await self.store.read(lambda unit: seat(unit, who, found.episode))
        except Unsealable:
            return False
        return there is not None and any(one.key == (found.organisation, found.desk) for one in there.mine)


def runs_it(viewer: Viewer) -> bool:
    """Whoever runs the hub."""
    return viewer.organisation == OPERATOR and may(viewer, "hub:see", OPERATOR)


def may_choose(viewer: Viewer) -> bool:
    """Whether they may choose at all: whoever answers notices, or runs the hub."""
    return runs_it(viewer) or may(viewer, "notices:answer", viewer.organisation)
