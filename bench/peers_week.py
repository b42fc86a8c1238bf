"""A week of two hubs: children go missing at one, people answer at the other and write to each other, and the wire
between them is bad.

Five of a hundred requests, or their answers, are lost; others are cut, come twice, or come after what was sent since.
Six times neither hub reaches the other, for twenty minutes up to a day. Then the judge asks both of every notice
(tests/kit/two_hubs_verdict.py). The time is that of the hubs' clocks, and every run with a seed is the same.
``PEERS_SEED`` chooses another one, ``PEERS_EPISODES`` how many children go missing.
"""

import asyncio
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from hub.core.agreements import KINDS
from hub.core.conversation import PartyKey
from hub.service.agreements.steps import Agreed
from hub.service.agreements.terms import Terms
from hub.service.conversations.writing import Sent
from hub.service.tenancy import Own, scoped
from tests.kit.clock import START
from tests.kit.conversing import BROMLEY, HOST, somebody
from tests.kit.events import found, reported, retracted, returned, updated
from tests.kit.lossy import LOSSY
from tests.kit.two_hubs import Both, two_hubs
from tests.kit.two_hubs_verdict import Verdict, judge

SEED: Final = int(os.environ.get("PEERS_SEED", "8"))
EPISODES: Final = int(os.environ.get("PEERS_EPISODES", "40"))
WEEK: Final = timedelta(days=7)
AFTER: Final = timedelta(days=2)
"""In which what is under way at the end comes to its end."""
STEP: Final = timedelta(minutes=10)
HOUR: Final = timedelta(hours=1)
OUTAGES: Final[Mapping[timedelta, timedelta]] = {
    9 * HOUR: HOUR / 3,
    27 * HOUR: HOUR,
    51 * HOUR: 3 * HOUR,
    74 * HOUR: 7 * HOUR,
    98 * HOUR: 12 * HOUR,
    126 * HOUR: 24 * HOUR,
}
"""When one begins, from the start, and how long it lasts."""
WORKER: Final = somebody(BROMLEY)
FRONT_DOOR: Final = somebody(HOST, "front_door", name="Noor Host")
PROPOSALS: Final = 0.7
"""How often somebody proposes something besides, or answers what is proposed."""
SIGHTINGS: Final = 0.2
"""Of the messages, those that touch whereabouts."""
COLOURS: Final = ("Red", "Green", "Blue", "Black", "Grey")
LIMIT: Final = 1800.0
"""Seconds the whole may take."""


@dataclass
class Week:
    """What happens when: made before it begins."""

    dice: Random
    events: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)
    answers: list[tuple[datetime, str, str]] = field(default_factory=list)
    """When somebody of Bordon answers which delivery, and what."""
    dice_of_talk: Random = field(default_factory=lambda: Random(SEED + 2))
    talks: list[tuple[datetime, str, bool]] = field(default_factory=list)
    """When somebody writes about which episode; at Bordon, or else at Ashby."""
    dice_of_agreeing: Random = field(default_factory=lambda: Random(SEED + 3))
    threads: dict[str, str] = field(default_factory=dict)
    """The conversation of an episode."""
    outages: int = 0
    posted: int = 0
    answered: int = 0
    written: Counter[str] = field(default_factory=Counter)
    """Messages, by the hub that they were written at."""
    stepped: Counter[str] = field(default_factory=Counter)
    """Steps of agreements, likewise."""

    def __post_init__(self) -> None:
        for number in range(EPISODES):
            self._episode(number)
        talking = Random(SEED + 1)
        for at, event in [one for one in self.events if one[1]["type"].endswith("reported.v1")]:
            for _ in range(talking.randrange(6)):
                later = at + timedelta(minutes=20) + talking.random() * 20 * HOUR
                self.talks.append((later, event["data"]["episode"]["ref"], talking.random() < 0.5))
        self.talks.sort()
        self.events.sort(key=lambda one: one[0])

    def _episode(self, number: int) -> None:
        dice, ref, child = self.dice, f"EP-{number:04}", f"C-{number:04}"
        at = START + dice.random() * (WEEK - 24 * HOUR)
        whose = {"episode": {"ref": ref}, "child": {"ref": child}}
        about = {"episode": {"ref": ref}}
        risk = {"risk": {"level": dice.choice(("low", "medium", "high"))}}
        self._add(at, reported(**{**whose, "episode": {**whose["episode"], **risk, "since": at.isoformat()}}))
        for _ in range(dice.randrange(4)):
            at += dice.random() * 4 * HOUR
            self._add(at, updated(episode={"ref": ref, "clothing": f"{dice.choice(COLOURS)} coat"}))
        at += dice.random() * 12 * HOUR
        match dice.randrange(10):
            case 0:
                self._add(at, retracted(**about))
            case 1:
                self._add(at, returned(**about))
            case _:
                self._add(at, found(**about))
                self._add(at + dice.random() * 3 * HOUR, returned(**about))

    def _add(self, at: datetime, event: dict[str, Any]) -> None:
        self.events.append((at, {**event, "id": f"E{len(self.events)}", "time": at.isoformat()}))

    async def step(self, both: Both) -> None:
        """What is due by now: events at Ashby, answers at Bordon."""
        now = both.now()
        while self.events and self.events[0][0] <= now:
            _, event = self.events.pop(0)
            answer = await both.ashby.node.post(event)
            assert answer.status in (200, 202), (answer.status, event)
            self.posted += 1
        for one in both.bordon.reached:
            later = now + timedelta(minutes=5) + self.dice.random() * HOUR
            said = self.dice.choices(("accepted", "not_ours", "redirected", ""), (85, 5, 5, 5))[0]
            if said:
                self.answers.append((later, one.delivery.id, said))
        both.bordon.reached.clear()
        due = [one for one in self.answers if one[0] <= now]
        self.answers = [one for one in self.answers if one[0] > now]
        for _, delivery, said in sorted(due):
            await both.bordon.answered(delivery, said)
            self.answered += 1
            await self._tick(both)
        while self.talks and self.talks[0][0] <= now:
            _, ref, there = self.talks.pop(0)
            await self._write(both, ref, at_bordon=there)
            await self._tick(both)
            if self.dice_of_agreeing.random() < PROPOSALS:
                await self._agree(both, ref, at_bordon=self.dice_of_agreeing.random() < 0.5)
                await self._tick(both)

    @staticmethod
    async def _tick(both: Both) -> None:
        """No two people do anything at the same instant."""
        for side in both.sides:
            await side.node.clock.advance(1)

    async def _write(self, both: Both, ref: str, *, at_bordon: bool) -> None:
        """Either begins, and either goes on; where nobody there was told yet, or heard of it, nothing is."""
        side, who = (both.bordon, FRONT_DOOR) if at_bordon else (both.ashby, WORKER)
        thread = self.threads.get(ref)
        if at_bordon and thread is not None and await side.talk.read(who, thread) is None:
            return
        ours = {one.ref: one.id for one in await both.ashby.node.see(lambda unit: unit.episode_list())}
        theirs = {one.ref: one.id for one in await both.bordon.node.see(lambda unit: unit.episode_list())}
        episode = theirs.get(ours[ref], "") if at_bordon else ours[ref]
        to: tuple[PartyKey, ...] = ((HOST, "front_door"),)
        if at_bordon and thread is None:
            with scoped(Own(who.organisation)):
                audience = await side.talk.writing.audience(who, episode)
            if audience is None or audience.sender is None:
                return
            to = (audience.sender.key,)
        sighting = self.dice_of_talk.random() < SIGHTINGS
        outcome = await side.talk.write(
            who,
            episode=episode,
            thread=thread,
            to=() if thread else to,
            text=f"Message {self.written.total() + 1}.",
            purpose="sighting" if sighting else "information",
            whereabouts=sighting,
        )
        if isinstance(outcome, Sent):
            self.threads[ref] = outcome.message.thread
            self.written[side.known.name] += 1

    async def _agree(self, both: Both, ref: str, *, at_bordon: bool) -> None:
        """In the conversation of the episode: whoever can answer something does, and else proposes something. What has
        been answered at the other hub meanwhile is not known here yet."""
        dice, thread = self.dice_of_agreeing, self.threads.get(ref)
        side, who = (both.bordon, FRONT_DOOR) if at_bordon else (both.ashby, WORKER)
        if thread is None or await side.talk.read(who, thread) is None:
            return
        found = await side.node.see(lambda unit: unit.conversations.thread(thread))
        listed = [one for one in await side.talk.listed(who, found.episode) if one.moves]
        door, host = (BROMLEY, "front_door"), (HOST, "front_door")
        later = both.now() + timedelta(hours=dice.choice((1, 4, 24, 72)))
        if listed:
            one = dice.choice(listed)
            move = dice.choice(one.moves)
            terms = Terms(does_it=one.agreement.proposer, deadline=later) if move == "counter" else None
            outcome = await side.talk.answer(who, one.agreement.id, move, terms=terms)
        else:
            kind = dice.choice(KINDS)
            outcome = await side.talk.propose(who, door if at_bordon else host, thread=thread, kind=kind,
                                              episode=found.episode, deadline=later)  # fmt: skip
        if isinstance(outcome, Agreed):
            self.stepped[side.known.name] += 1


async def week(folder: Path) -> tuple[Both, Verdict, Week]:
    """All of it."""
    made = Week(Random(SEED))
    async with two_hubs(folder, seed=SEED, shares=LOSSY, own_packs=True) as both:
        down: list[timedelta] = list(OUTAGES)
        until: datetime | None = None
        while both.now() < START + WEEK + AFTER:
            await made.step(both)
            await both.let_pass(STEP if both.now() < START + WEEK else 6 * STEP, step=6 * STEP)
            if until is not None and both.now() >= until:
                for side in both.sides:
                    await side.wire.open()
                until = None
            if down and both.now() >= START + down[0]:
                until = START + down[0] + OUTAGES[down.pop(0)]
                made.outages += 1
                for side in both.sides:
                    await side.wire.shut()
        return both, await judge(both), made


async def _printed(folder: Path) -> None:
    began = time.perf_counter()
    async with asyncio.timeout(LIMIT):
        both, verdict, made = await week(folder)
    met = both.ashby.wire.met + both.bordon.wire.met
    print("| what | how many |")
    print("|---|---|")
    print(f"| events posted at Ashby | {made.posted} |")
    for what, number in verdict.counted.items():
        print(f"| {what} | {number} |")
    for name, number in sorted(made.written.items()):
        print(f"| messages written at {name.capitalize()} | {number} |")
    for name, number in sorted(made.stepped.items()):
        print(f"| steps of agreements taken at {name.capitalize()} | {number} |")
    print(f"| requests between the two | {met.total()} |")
    for fate, number in sorted(met.items()):
        print(f"| … of which: {fate} | {number} |")
    print(f"| outages | {made.outages} |")
    print(f"| **amiss** | **{len(verdict.amiss)}** |")
    print(f"\nSeed {SEED}; {time.perf_counter() - began:.0f} s.")
    for one in verdict.amiss:
        print(f"- {one}")
    if verdict.amiss:
        raise SystemExit(1)


def soak() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    print(f"Commit {commit.stdout.strip() or 'unknown'}. Load average before the start: {os.getloadavg()[0]:.1f}.\n")
    with tempfile.TemporaryDirectory(prefix="fp-peers-") as folder:
        asyncio.run(_printed(Path(folder)))


if __name__ == "__main__":
    soak()
