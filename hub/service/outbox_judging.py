"""What an operator's deed comes to for each delivery, asked in the transaction that does it, and in a preview."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from hub.core.endings import over, overtaken
from hub.core.outbox import Caution, Refusal, cautions, kept_back, open_still, why_not_cancelled, why_not_redriven
from hub.core.records import Outgoing, StoredEpisode
from hub.core.verdict import ASIDE
from hub.service.ports import Unit
from routing.decision import Decision

Keep: TypeAlias = Callable[[Decision, StoredEpisode], Literal["withheld", "held"] | None]
"""Whether whom a decision tells must not be told now (hub/service/keeping.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a deed comes to for one delivery. ``outgoing``: as it was before; None if there is none of this id."""

    delivery: str
    outgoing: Outgoing | None
    refused: Refusal | None
    cautions: tuple[Caution, ...] = ()
    last_way: bool = False
    """Of a cancellation: nothing else carries the notice, so its owner is alarmed, and the chase goes on."""


async def judge_redrive(unit: Unit, one: Outgoing, keep: Keep) -> Judged:
    """Whether it may be put back, and what to know before."""
    attempts = await unit.attempts(one.delivery)
    failed = one.state == "failed"  # the rest is only asked of what might be put back: it opens what is sealed
    refused = why_not_redriven(
        one, attempts, ended=failed and await _ended(unit, one), kept=await _kept(unit, one, keep) if failed else None
    )
    if refused is not None:
        return Judged(delivery=one.delivery, outgoing=one, refused=refused)
    closed = any(endpoint.contact == one.contact for endpoint in await unit.closed_endpoints())
    careful = cautions(attempts, newer=await unit.newer_sent(one.delivery), closed=closed)
    return Judged(delivery=one.delivery, outgoing=one, refused=None, cautions=careful)


async def judge_cancel(unit: Unit, fresh: Sequence[Outgoing], earlier: frozenset[str]) -> list[Judged]:
    """Whether each may be called off, one after the other, and which of them is the last way of its notice.
    ``earlier``: what the same order called off before."""
    off, judged = set(earlier), list[Judged]()
    for one in fresh:
        refused = why_not_cancelled(one)
        if refused is None:
            off.add(one.delivery)
        still = refused is None and open_still(one, ended=await _ended(unit, one))
        last = still and await _last_way(unit, one, off)
        judged.append(Judged(delivery=one.delivery, outgoing=one, refused=refused, last_way=last))
    return judged


async def _ended(unit: Unit, one: Outgoing) -> bool:
    """Whether the episode has ended since in a way that makes the notice pointless."""
    if not over(one.episode_state, one.kind):
        return False
    stored, others = await unit.episode_by_id(one.episode), await unit.notices(one.episode)
    return stored is not None and any(
        overtaken(stored.record, notice, others) for notice in others if notice.id == one.notice
    )


async def _kept(unit: Unit, one: Outgoing, keep: Keep) -> Literal["withheld", "held"] | None:
    tracked, stored = await unit.tracked(one.notice), await unit.episode_by_id(one.episode)
    if tracked is None or stored is None or not any(told.person for told in tracked.decision.recipients):
        return None
    return kept_back(tracked.decision, await unit.decisions(one.episode)) or keep(tracked.decision, stored)


async def _last_way(unit: Unit, one: Outgoing, off: set[str]) -> bool:
    """Whether nothing is left that carries the content to whom this delivery is for, once ``off`` are called off."""
    if one.purpose in ASIDE:
        return True
    return not any(
        other.id not in off
        and other.carries == "content"
        and other.purpose not in ASIDE
        and other.state in ("due", "leased", "sent")
        for other in await unit.deliveries(one.notice)
    )
