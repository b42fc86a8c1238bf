"""A resolution, and all that one transaction adds to it: steps, the audit lines that say so, chases that end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from contacts.roles import OPERATOR
from hub.core.records import AlarmRecord, AuditLine, NoticeRecord, StoredEpisode
from hub.core.resolution import Resolution, Step, StepKind, belongs, moved_to, released, stepped
from hub.service.ports import Ids, Unit

ENDED_ALARMS: Final = ("unanswered", "not_ours", "redirected")
"""What the operator need not find out any more, once somebody has accepted."""


@dataclass(slots=True)
class Chain:
    """``wait``: how long its owner has to choose."""

    unit: Unit
    ids: Ids
    now: datetime
    wait: timedelta
    resolution: Resolution
    steps: list[Step] = field(default_factory=list)
    _lines: list[AuditLine] = field(default_factory=list)

    def add(self, kind: StepKind, organisation: str | None = None, **more: Any) -> None:
        """One step, with its line in the audit log."""
        step = Step(id=self.ids.new("rp", self.now), at=self.now, kind=kind, organisation=organisation, **more)
        self.resolution = stepped(self.resolution, step, wait=self.wait)
        self.steps.append(step)
        detail = {"resolution": self.resolution.id, "step": kind}
        self._lines.append(self._line(step.actor, "resolution.moved", organisation, step.id, detail))

    async def keep(self, child: str) -> None:
        """Write it down."""
        await self.unit.resolving.put(self.resolution, child, self.steps, self._lines)

    async def move(self, named: Collection[str | None], revision: int) -> None:
        """The placement may have been corrected since: then whoever it names now (``named``) has been told by the
        packs, and may have accepted already."""
        fresh = moved_to(self.resolution, named)
        self.resolution = replace(self.resolution, revision=revision)
        for organisation in fresh:
            self.add("moved", organisation)
        some = await self.unit.notices(self.resolution.episode) if fresh else ()
        for one in some:
            if one.organisation in fresh and one.state == "acknowledged" and belongs(self.resolution, one):
                self.add("accepted", one.organisation, notice=one.id)
                await self.settle(some)
                break

    async def settle(self, some: Sequence[NoticeRecord]) -> None:
        """Somebody has accepted: the others' chases about the same are over, and what was left to find out is found."""
        of = {one.id: one.organisation for one in some}
        declined = [one.notice for one in self.resolution.steps if one.kind == "said" and one.notice]
        for notice in released(self.resolution, some, str(self.resolution.settled_by)):
            await self.release(notice, of[notice])
        for notice in dict.fromkeys(declined):
            await self._clear(notice, of.get(notice))

    async def release(self, notice: str, organisation: str | None) -> None:
        """Nobody is asked for an answer to this any more: another has accepted what it is about."""
        await self.unit.stop_chases(self.resolution.episode, [notice])
        self.add("released", organisation, notice=notice)
        await self._clear(notice, organisation)

    async def alarm(self, kind: str, reason: str, stored: StoredEpisode) -> None:
        """Whoever runs the hub is the net. Nobody is alarmed for an exercise."""
        if stored.record.status != "actual":
            return
        notice = next((one.notice for one in self.resolution.steps if one.notice), None)
        alarm = AlarmRecord(id=self.ids.new("al", self.now), kind=kind, owner=OPERATOR, notice=notice,
                            episode=self.resolution.episode, reason=reason, raised_at=self.now)  # fmt: skip
        await self.unit.add_alarm(alarm, [])

    async def _clear(self, notice: str, organisation: str | None) -> None:
        for alarm in await self.unit.clear_alarms_of(notice, ENDED_ALARMS, self.now):
            await self.unit.add_audit([self._line("hub", "alarm.cleared", organisation, alarm, {})])

    def _line(
        self, actor: str, action: str, organisation: str | None, subject: str, detail: dict[str, str]
    ) -> AuditLine:
        return AuditLine(id=self.ids.new("au", self.now), at=self.now, actor=actor, action=action, detail=detail,
                         organisation=organisation, episode=self.resolution.episode, subject=subject)  # fmt: skip
