"""People of several organisations who write to each other about the episode of a node (node.py)."""

import base64
from dataclasses import dataclass
from typing import Any, Final

from contacts.areas import load_areas
from hub.core.conversation import Message
from hub.core.desk import sight_of
from hub.service.conversations.reading import Reading
from hub.service.conversations.seats import Who
from hub.service.conversations.writing import Draft, Sent, Writing
from hub.service.tenancy import Own, scoped
from tests.kit.events import TINY_JPEG
from tests.kit.node import Hub

BROMLEY: Final = "E09000006"
"""The responsible authority."""
HOST: Final = "E06000013"
HUMBERSIDE: Final = "E23000012"
"""The police of where the child lives."""
MET: Final = "E23000001"
"""Those of the responsible authority."""
SCHOOL: Final = "school:900001"
JPEG: Final = base64.b64decode(TINY_JPEG)


def somebody(organisation: str, *desks: str, name: str = "Kit Writer") -> Who:
    """Of every desk, or of these."""
    sight = sight_of(organisation, desks or ("*",), {}, "fallback")
    return Who(sight=sight, actor=f"user:{name.lower().replace(' ', '-')}-{organisation}", name=name)


@dataclass
class Talk:
    """The conversations on the one episode of ``hub``, each request in the scope of whoever makes it."""

    hub: Hub
    sent: int = 0

    @property
    def writing(self) -> Writing:
        hub = self.hub
        return Writing(store=hub.store, ways=hub.ways, packs=hub.packs, areas=load_areas(),
                       directory=lambda: hub.directory, clock=hub.clock, ids=hub.ids, nudge=hub._nudge)  # fmt: skip

    @property
    def reading(self) -> Reading:
        return Reading(store=self.hub.store, clock=self.hub.clock, ids=self.hub.ids)

    async def episode(self) -> str:
        return (await self.hub.episode()).record.id

    async def write(self, who: Who, **more: Any) -> Any:
        """What comes of it; a question about nothing that touches whereabouts, if nothing else is said."""
        self.sent += 1
        values: dict[str, Any] = {
            "text": "Was she at school today?", "purpose": "question", "whereabouts": False, "key": f"key {self.sent}"
        } | more  # fmt: skip
        episode = values.pop("episode", None) or await self.episode()
        with scoped(Own(who.organisation)):
            return await self.writing.write(who, episode, Draft(**values))

    async def wrote(self, who: Who, **more: Any) -> Message:
        outcome = await self.write(who, **more)
        assert isinstance(outcome, Sent), outcome
        return outcome.message

    async def read(self, who: Who, thread: str) -> list[str] | None:
        """The texts of what they read."""
        with scoped(Own(who.organisation)):
            opened = await self.reading.read(who, thread)
        return None if opened is None else [one.text for one in opened.messages]


__all__ = ["BROMLEY", "HOST", "HUMBERSIDE", "JPEG", "MET", "SCHOOL", "Talk", "somebody"]
