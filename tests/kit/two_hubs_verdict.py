"""Whether hubs that exchanged have come to the same, and of nothing it is left open what became of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hub.core.agreements import Agreement
from hub.core.conversation import CAUSE, Message, Thread
from hub.core.endings import over
from hub.core.peers import hub_of
from hub.core.records import AcknowledgementRecord, DecisionRecord, EpisodeRecord, NoticeRecord
from hub.service.peers.ports import Carried
from hub.service.ports import Unit
from routing.decision import Decision
from tests.kit.two_hubs import Both, Side

UNKNOWN = frozenset({"pending", "unresolved", "undeliverable"})
"""Of a notice: nobody knows whether the desk has it, or nobody there has said so."""


@dataclass
class Verdict:
    """What was found. Everything is well if ``amiss`` is empty."""

    amiss: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice with all that hangs on it."""

    notice: NoticeRecord
    answers: Sequence[AcknowledgementRecord]

    @property
    def said(self) -> list[tuple[str, str, str | None]]:
        """What people answered, in order."""
        return [(one.answer, one.name, one.redirected_to) for one in self.answers]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An episode with all that was decided and told."""

    record: EpisodeRecord
    decisions: Sequence[DecisionRecord]
    told: Sequence[Told]
    messages: Sequence[Message]
    threads: Sequence[Thread]
    carried: Mapping[str, Carried]
    """What came of each message that was to go to the other hub."""
    agreements: Sequence[Agreement]

    @property
    def peers(self) -> Sequence[DecisionRecord]:
        """What was decided as the other hub said so."""
        return [one for one in self.decisions if one.decision.cause.startswith("peer:")
                or (one.decision.cause.startswith(CAUSE) and one.event is not None)]  # fmt: skip

    def written(self, whose: str) -> list[tuple[object, ...]]:
        """What people wrote to each other, as far as that organisation's take part."""
        return [
            (one.id, one.thread, one.author, one.organisation, one.desk, one.purpose, one.whereabouts, one.text,
             one.sent_at, one.in_reply_to, len(one.files))
            for one in self.messages
            if any(each.party.organisation == whose for each in one.readers)
        ]  # fmt: skip

    def agreed(self, whose: str) -> list[tuple[object, ...]]:
        """What was proposed and answered, as far as that organisation's people are of it."""
        return sorted(
            (one.id, one.thread, one.message, one.kind, one.does_it, one.when, one.deadline, one.proposer, one.asked,
             one.proposed_at, one.replaces, sorted((each.party, each.said, each.at, each.message)
                                                  for each in one.answers))
            for one in self.agreements
            if any(organisation == whose for organisation, _ in one.parties)
        )  # fmt: skip


async def judge(both: Both) -> Verdict:
    """Of every notice at Ashby to a desk of another's there is exactly one at that one, or a line that says why not;
    what people answered there stands here, in their order and nothing else; and both know the same of each episode."""
    verdict, ours = Verdict(), await cases(both.ashby)
    for other in both.sides[1:]:
        await _between(verdict, ours, other)
    for side in both.sides:
        verdict.amiss += [f"{side.known.name}: {what} failed: {error}" for what, error in side.node.logged]
    return verdict


async def _between(verdict: Verdict, ours: Sequence[Case], other: Side) -> None:
    there, whose = other.known.name.capitalize(), other.whose
    theirs = {one.record.ref: one for one in await cases(other)}
    for own in ours:
        case = theirs.pop(own.record.id, None)
        crossing = [one for one in own.told if one.notice.organisation == whose]
        if case is None:
            if any(one.notice.state != "superseded" for one in crossing):
                verdict.amiss.append(f"{own.record.id}: {there} has never heard of it")
            continue
        verdict.counted["episodes"] += 1
        if case.record.state != own.record.state:
            verdict.amiss.append(f"{own.record.id}: {own.record.state} at Ashby, {case.record.state} at {there}")
        _of_each(verdict, other, crossing, case, {one.id: one.decision for one in own.decisions})
        written, agreed = own.written(whose), own.agreed(whose)
        if case.written(whose) != written:
            verdict.amiss.append(f"{own.record.id}: the conversations are not the same as at {there}")
        if case.agreed(whose) != agreed:
            verdict.amiss.append(f"{own.record.id}: what was agreed is not the same as at {there}")
        verdict.counted["proposals that both have"] += len(agreed)
        verdict.counted["answers to proposals that both have"] += sum(len(one.answers) for one in own.agreements)
        verdict.counted["messages that both have"] += len(written)
        verdict.counted[f"conversations that people at {there} began"] += sum(
            hub_of(one.opened_by) == other.known.said().hub for one in own.threads
        )
        verdict.amiss += [
            f"{own.record.id}: the message {one} to Ashby is {how}"
            for one, how in case.carried.items()
            if how != "sent"
        ]
    verdict.amiss += [f"{ref} at {there}: Ashby has never heard of it" for ref in theirs]


def _known_as(decision: Decision) -> str:
    """At the other. One message is told by as many notices as it has desks."""
    return f"{decision.cause} {decision.roles[0]}" if decision.cause.startswith(CAUSE) else decision.cause


def _of_each(
    verdict: Verdict, other: Side, crossing: Sequence[Told], case: Case, taken: Mapping[str, Decision]
) -> None:
    where = other.known.name.capitalize()
    decided = Counter(_known_as(one.decision) for one in case.peers)
    by_decision = {one.id: _known_as(one.decision) for one in case.decisions}
    made = Counter(by_decision[one.notice.decision] for one in case.told)
    outcomes = {_known_as(one.decision): one.decision.outcome for one in case.peers}
    said = {
        one.notice.id: _known_as(taken[one.notice.decision])
        if one.notice.kind == "conversation"
        else f"peer:{one.notice.reference}"
        for one in crossing
    }
    for one in crossing:
        verdict.counted[f"notices at Ashby to {where}'s desks"] += 1
        notice, cause = one.notice, said[one.notice.id]
        name = f"{notice.reference} ({notice.kind}, {notice.state})"
        pointless = notice.state == "superseded" or over(case.record.state, notice.kind)
        if decided[cause] > 1 or made[cause] > 1:
            verdict.amiss.append(f"{name}: {decided[cause]} times at {where}, told {made[cause]} times")
        elif decided[cause] == 0 and pointless:
            verdict.counted["overtaken at Ashby"] += 1
        elif decided[cause] == 0:
            verdict.amiss.append(f"{name}: never came")
        elif (outcomes[cause] == "notify") != (made[cause] == 1):
            verdict.amiss.append(f"{name}: {outcomes[cause]} at {where}, told {made[cause]} times")
        else:
            verdict.counted[f"told once at {where}" if made[cause] else f"overtaken at {where}"] += 1
        there = next((each for each in case.told if by_decision[each.notice.decision] == cause), None)
        if there is not None and there.notice.organisation == other.whose and one.said != there.said:
            verdict.amiss.append(f"{name}: {len(there.said)} answers at {where}, {len(one.said)} at Ashby, or others")
        elif one.answers:
            verdict.counted[f"answers of {where}'s people that stand at Ashby"] += len(one.answers)
        accepted = bool(one.said) and one.said[-1][0] == "accepted"
        if accepted and notice.state not in ("acknowledged", "superseded"):
            verdict.amiss.append(f"{name}: it was accepted, and is chased still")
        if notice.state == "unresolved" and there is not None and not accepted:
            verdict.counted[f"that nobody at {where} accepts, so that others were asked to ring"] += 1
        elif notice.state in UNKNOWN and not pointless:
            verdict.amiss.append(f"{name}: nobody knows what became of it")
    if foreign := set(decided) - set(said.values()):
        verdict.amiss.append(f"{case.record.id}: Ashby never said {sorted(foreign)}")


async def cases(side: Side) -> list[Case]:
    """Every episode of one hub."""

    async def look(unit: Unit) -> list[Case]:
        found = []
        for one in await unit.episode_list():
            stored = await unit.episode_by_id(one.id)
            assert stored is not None
            told = [
                Told(notice=notice, answers=await unit.acknowledgements(notice.id))
                for notice in await unit.notices(one.id)
            ]
            threads = await unit.conversations.threads(one.id)
            carried: dict[str, Carried] = {}
            for thread in threads:
                carried |= await unit.peers.carried(thread.id)
            found.append(
                Case(
                    record=stored.record,
                    decisions=await unit.decisions(one.id),
                    told=told,
                    messages=await unit.conversations.messages(one.id),
                    threads=threads,
                    carried=carried,
                    agreements=await unit.agreements.of_episode(one.id),
                )
            )
        return found

    return await side.node.see(look)
