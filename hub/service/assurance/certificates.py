"""Certificates and keys that end are warned of in steps, each once, whichever node sees it and however often it starts.

A step that was taken is a row of the store, so an alarm that somebody has cleared by hand is not raised again before
the next step. The alarm of a step is cleared by the next one, and by a longer certificate.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from contacts.assurance import expiring
from contacts.directory import Directory
from contacts.roles import OPERATOR
from hub.core.assurance import WITHIN, Ending, Steps, Warned, days_left, in_words, steps
from hub.core.records import AlarmRecord, AuditLine
from hub.service.ports import Ids, Store, Unit
from hub.service.supervise import Log

KIND: Final = "certificate_expiring"
UNFIT: Final = "signer_unfit"
EVERY: Final = timedelta(hours=1)
"""Between looks at the same directory; at another one it looks at once."""
OWN: Final = "hub:"
"""What the names of the hub's own begin with; no contact's id has a colon."""
SIGNER: Final = f"{OWN}signer"

Unfit: TypeAlias = Sequence[tuple[str, str]]
"""Owner of the alarm, and what is wrong in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """The keys of authorities, by what the directory calls them. ``problem``: why one is not signed by at a moment, and
    the hub signs in its place; None where it is."""

    ends: Mapping[str, tuple[str, datetime]]
    """Fingerprint and end of each certificate."""
    problem: Callable[[str, datetime], str | None]

    def endings(self, directory: Directory) -> Sequence[Ending]:
        """When those end that the directory names."""
        return [
            Ending(subject=f"{SIGNER}:{name}", owner=owner, fingerprint=self.ends[name][0], until=self.ends[name][1])
            for owner, name in named(directory)
            if name in self.ends
        ]

    def problems(self, directory: Directory, now: datetime) -> Unfit:
        """Which of those that the directory names are not signed by."""
        found = ((owner, name, self.problem(name, now)) for owner, name in named(directory))
        return [
            (owner, f"notices of {owner} are signed by the hub and not by the key {name}: {why}")
            for owner, name, why in found
            if why is not None
        ]


def named(directory: Directory) -> Sequence[tuple[str, str]]:
    """Organisation and key, of those that have one."""
    return [(one.code, one.signing_identity) for one in directory.bundle.organisations if one.signing_identity]


NONE: Final = Identities(ends={}, problem=lambda name, now: None)
"""Nobody looks after keys of authorities."""


class CertificateWatch:
    """One node's look. ``own``: the hub's certificates that have an end. ``signer_problems``: what recipients' programs
    would warn about at that moment, in words for the operator. ``identities``: of authorities that sign in their own
    name."""

    def __init__(
        self,
        *,
        store: Store,
        directory: Callable[[], Directory],
        own: Sequence[Ending],
        signer_problems: Callable[[datetime], Sequence[str]],
        ids: Ids,
        log: Log,
        identities: Identities = NONE,
    ) -> None:
        self._store = store
        self._directory = directory
        self._own = tuple(own)
        self._signer_problems = signer_problems
        self._identities = identities
        self._ids = ids
        self._log = log
        self._seen: Directory | None = None
        self._looked_at: datetime | None = None
        self._figures: Mapping[str, int] = {}

    def figures(self) -> Mapping[str, int]:
        """For metrics: ``signer_days_left``, whole days, negative once it has ended; ``certificates_expiring``."""
        return self._figures

    async def tick(self, now: datetime) -> int:
        """Look if it is time, raise and clear alarms; how many steps were new. Raises StoreUnavailable."""
        directory = self._directory()
        if directory is self._seen and self._looked_at is not None and timedelta(0) <= now - self._looked_at < EVERY:
            return 0
        # A country's certificates take a while to parse, and nobody waits for this.
        found = await asyncio.to_thread(expiring, directory, now, WITHIN)
        signing = self._identities.endings(directory)
        ending = [
            *(one for one in (*self._own, *signing) if one.until <= now + WITHIN),
            *(Ending(subject=one.contact.id, owner=one.contact.organisation, fingerprint=one.certificate.fingerprint,
                     until=one.until) for one in found),
        ]  # fmt: skip
        unfit = [(OPERATOR, problem) for problem in self._signer_problems(now)]
        unfit += self._identities.problems(directory, now)
        unread = all(one.code == OPERATOR for one in directory.bundle.organisations)
        taken, open_now = await self._store.read(lambda unit: _known(unit, unread=unread))
        looked = steps(ending, taken, now)
        if self._is_news(looked, open_now, unfit):
            new = await self._store.write(lambda unit: self._write(unit, ending, unfit, now, unread=unread))
            self._log.info("certificates.warned", count=new, open=len(ending))
        self._seen, self._looked_at = directory, now
        signer = [days_left(one.until, now) for one in self._own if one.subject == SIGNER]
        self._figures = {"certificates_expiring": len(ending), **({"signer_days_left": min(signer)} if signer else {})}
        return len(looked.new)

    @staticmethod
    def _is_news(looked: Steps, open_now: Sequence[AlarmRecord], unfit: Unfit) -> bool:
        open_ids = {alarm.id for alarm in open_now if alarm.kind == KIND}
        known = {(alarm.owner, alarm.reason) for alarm in open_now if alarm.kind == UNFIT}
        passed = any(one.alarm in open_ids for one in looked.passed)
        return bool(looked.new or looked.over or passed or known != set(unfit))

    async def _write(self, unit: Unit, ending: Sequence[Ending], unfit: Unfit, now: datetime, *, unread: bool) -> int:
        await unit.lock("certificates")
        taken, open_now = await _known(unit, unread=unread)
        looked = steps(ending, taken, now)
        by_id = {alarm.id: alarm for alarm in open_now}
        gone = [by_id[one.alarm] for one in (*looked.passed, *looked.over) if one.alarm in by_id]
        gone += [one for one in open_now if one.kind == UNFIT and (one.owner, one.reason) not in unfit]
        for alarm in gone:
            await unit.clear_alarm(alarm.id, now, [self._line("alarm.cleared", alarm, now)])
        await unit.assurance.forget(looked.over)
        for one, reached in looked.new:
            alarm = self._alarm(KIND, one.owner, in_words(one, reached), now)
            warned = Warned(subject=one.subject, fingerprint=one.fingerprint, step=reached, owner=one.owner,
                            warned_at=now, alarm=alarm.id)  # fmt: skip
            if await unit.assurance.warn(warned):
                await unit.add_alarm(alarm, [self._line(f"alarm.{KIND}", alarm, now)])
        for owner, problem in unfit:
            alarm = self._alarm(UNFIT, owner, problem, now)
            await unit.add_alarm(alarm, [self._line(f"alarm.{UNFIT}", alarm, now)])
        return len(looked.new)

    def _alarm(self, kind: str, owner: str, reason: str, now: datetime) -> AlarmRecord:
        return AlarmRecord(id=self._ids.new("al", now), kind=kind, owner=owner, reason=reason, raised_at=now)

    def _line(self, action: str, alarm: AlarmRecord, now: datetime) -> AuditLine:
        return AuditLine(id=self._ids.new("au", now), at=now, actor="hub", action=action, organisation=alarm.owner,
                         subject=alarm.id, detail={"reason": alarm.reason})  # fmt: skip


async def _known(unit: Unit, *, unread: bool) -> tuple[Sequence[Warned], Sequence[AlarmRecord]]:
    """``unread``: there is no directory yet, which says of nobody's certificate that it ends no more."""
    taken = [one for one in await unit.assurance.warned() if not unread or one.subject.startswith(OWN)]
    known = [one for one in await unit.alarms() if one.kind in (KIND, UNFIT)]
    return taken, [one for one in known if not (unread and one.kind == UNFIT and one.owner != OPERATOR)]
