"""Case systems that post: many at once, each again and again until it has an answer, always with the same id."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from hub.core.webhook import SigningKey, sign
from tests.kit.fire_stories import Step, Story

TYPE: Final = {"Content-Type": "application/cloudevents+json"}
LONGEST_PAUSE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer to one event that counts as taken."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    at: float
    """Seconds since the epoch when it was read."""
    seconds: float
    """From the last send to the answer."""


@dataclass(slots=True)
class Posted:
    """What the case systems know at the end: an event is theirs to forget once it has an answer here."""

    answers: dict[str, list[Said]] = field(default_factory=dict)
    """By event id."""
    stories: list[Story] = field(default_factory=list)
    """Those of which at least the first event was taken."""
    lost_connections: int = 0
    refused_for_now: int = 0
    """429 and 5xx."""

    @property
    def events(self) -> int:
        return len(self.answers)

    def taken(self, step: Step) -> bool:
        return step.id in self.answers


class Poster:
    """Posts over one client session and writes every answer down."""

    def __init__(self, client: aiohttp.ClientSession, url: str, keys: Mapping[str, SigningKey]) -> None:
        self.posted = Posted()
        self._client = client
        self._url = f"{url}/v1/events"
        self._keys = keys

    async def post(self, story: Story, step: Step) -> Said:
        """Until it is taken. Any answer that is neither "taken" nor "try again" fails the test."""
        pause = 0.02
        while True:
            said = await self._once(story, step)
            if said is not None:
                self.posted.answers.setdefault(step.id, []).append(said)
                return said
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _once(self, story: Story, step: Step) -> Said | None:
        headers = sign(step.body, webhook_id=step.id, at=datetime.now(UTC), keys=[self._keys[story.source]])
        began = time.perf_counter()
        try:
            async with self._client.post(self._url, data=step.body, headers=headers | TYPE) as answer:
                body = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError):  # ValueError: the answer broke off
            self.posted.lost_connections += 1
            return None
        if answer.status == 429 or answer.status >= 500:
            self.posted.refused_for_now += 1
            return None
        assert answer.status in (200, 202), f"{step.id}: {answer.status} {body}"
        return Said(status=answer.status, body=body, at=time.time(), seconds=time.perf_counter() - began)

    async def tell(self, stories: Sequence[Story]) -> None:
        """One case system's work: all first events, then all second ones …, so that an ending overtakes little."""
        for ordinal in range(max((len(story.steps) for story in stories), default=0)):
            for story in stories:
                if ordinal < len(story.steps):
                    await self.post(story, story.steps[ordinal])
                    if ordinal == 0:
                        self.posted.stories.append(story)

    async def tell_until(
        self, enough: asyncio.Event, stories: Iterator[Story], chance: random.Random, pause: float
    ) -> None:
        """Story after story, with pauses of up to ``pause`` seconds, until there have been enough."""
        for story in stories:
            for ordinal, step in enumerate(story.steps):
                await self.post(story, step)
                if ordinal == 0:
                    self.posted.stories.append(story)
                await asyncio.sleep(chance.uniform(0, pause))
            if enough.is_set():
                return

    async def again(self, pick: Callable[[Step], bool] = lambda step: True) -> int:
        """Post every event that was taken once more: 200, and word for word the first answer. Returns how many."""
        count = 0
        for story in self.posted.stories:
            for step in story.steps:
                if self.posted.taken(step) and pick(step):
                    first = self.posted.answers[step.id][0]
                    said = await self.post(story, step)
                    assert said.status == 200, f"{step.id} was taken, and is new to the hub: {said.status}"
                    assert said.body == {**first.body, "duplicate": True}, f"{step.id} is answered differently"
                    count += 1
        return count


def shared_out(stories: Sequence[Story], clients: int) -> list[list[Story]]:
    """Each client's stories."""
    return [list(stories[number::clients]) for number in range(clients)]
