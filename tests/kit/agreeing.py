"""People of several organisations who agree on something about the episode of a node (node.py)."""

from datetime import timedelta
from typing import Any, Final

from contacts.areas import load_areas
from hub.core.conversation import PartyKey
from hub.service.agreements.agreeing import Agreed, Agreeing, Shown
from hub.service.agreements.steps import Steps
from hub.service.agreements.terms import Proposal, Reply, Terms
from hub.service.conversations.seats import Who
from hub.service.tenancy import Own, scoped
from tests.kit.conversing import HOST, Talk

TO_HOST: Final = (HOST, "front_door")
DAY: Final = timedelta(days=1)


class Agree(Talk):
    """With agreements on its episode."""

    async def episode(self) -> str:
        (one,) = await self.hub.see(lambda unit: unit.episode_list())
        return str(one.id)

    @property
    def agreeing(self) -> Agreeing:
        writing = self.writing
        return Agreeing(writing=writing, steps=Steps.of(self.hub.book, load_areas(), writing.directory))

    async def propose(self, who: Who, *to: PartyKey, **more: Any) -> Any:
        self.sent += 1
        now = self.hub.clock.now()
        terms = Terms(
            does_it=more.pop("does_it", TO_HOST),
            when=more.pop("when", None),
            deadline=more.pop("deadline", now + DAY),
        )
        values: dict[str, Any] = {"kind": "return_interview", "key": f"key {self.sent}"} | more
        episode = values.pop("episode", None) or await self.episode()
        with scoped(Own(who.organisation)):
            return await self.agreeing.propose(who, episode, Proposal(terms=terms, to=to, **values))

    async def proposed(self, who: Who, *to: PartyKey, **more: Any) -> Agreed:
        made = await self.propose(who, *to, **more)
        assert isinstance(made, Agreed), made
        return made

    async def answer(self, who: Who, agreement: str, move: str, **more: Any) -> Any:
        self.sent += 1
        values: dict[str, Any] = {"key": f"key {self.sent}"} | more
        with scoped(Own(who.organisation)):
            return await self.agreeing.answer(who, agreement, Reply(move=move, **values))

    async def listed(self, who: Who, episode: str | None = None) -> list[Shown]:
        with scoped(Own(who.organisation)):
            found = await self.agreeing.listed(who, episode or await self.episode())
        assert found is not None
        return list(found)

    async def told(self) -> list[tuple[str | None, str]]:
        return [(one.organisation, one.priority) for one in await self.hub.notices(kind="conversation")]
