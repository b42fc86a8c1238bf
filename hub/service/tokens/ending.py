"""API tokens that end are warned of in steps, each once, whichever node sees it: by an alarm, which the operator is
told of, and by mail to whoever looks after them. That one has ended is a line of the audit log.

A step is taken once and an end that is written down is for good, so both wait for an hour of an even clock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from contacts.roles import OPERATOR
from hub.core.accounts import User, Viewer, may
from hub.core.api_tokens import STEPS, Held, TokenSecret, step_now
from hub.core.records import AlarmRecord, AuditLine
from hub.service.accounts.telling import Tell
from hub.service.ports import Ids, Store, Unit
from hub.service.steady import Steadiness
from hub.service.supervise import Log
from hub.service.tokens.ports import LOCK

KIND: Final = "token_ending"
EVERY: Final = 300.0
"""Seconds between looks. That a token has ended is judged at each use, so nothing waits for this."""
BATCH: Final = 100
MOST_TOLD: Final = 20
"""People that one warning goes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Warning:
    """What people are told."""

    held: Held
    step: int


class EndingTokens:
    """One node's look. ``mail``: sends a text, whose subject is the same always, to an address; never raises."""

    def __init__(self, *, store: Store, ids: Ids, mail: Callable[[str], Tell], log: Log) -> None:
        self._store = store
        self._ids = ids
        self._mail = mail
        self._log = log
        self._figures: Mapping[str, int] = {}
        self._clock = Steadiness()

    def figures(self) -> Mapping[str, int]:
        """For metrics: ``tokens_ending``, those that end within a month or have ended, and are not revoked."""
        return self._figures

    async def tick(self, now: datetime) -> int:
        """Take the steps that are due; how many. Raises StoreUnavailable."""
        before, after, taken, ending = now + timedelta(days=max(STEPS)), "", 0, 0
        steady = self._clock.steady(now)
        while True:
            found = await self._page(before, after)
            ending += sum(one.newest.ends_at < before for one in found)
            due = [one.token.id for one in found if steady and _due(one, now)]
            if due:
                warnings = await self._take(due, now)
                taken += len(warnings)
                for warning in warnings:
                    await self._tell(warning)
            if len(found) < BATCH:
                break
            after = found[-1].token.id
        self._figures = {"tokens_ending": ending + await self._gone()}
        return taken

    async def _page(self, before: datetime, after: str) -> Sequence[Held]:
        return await self._store.read(lambda unit: unit.tokens.ending(before, after=after, limit=BATCH))

    async def _gone(self) -> int:
        """Those whose end was written down before, and that nobody has rotated or revoked."""
        found = await self._store.read(lambda unit: unit.tokens.listed(None, everybodys=True))
        return sum(one.newest.over for one in found)

    async def _take(self, due: Sequence[str], now: datetime) -> Sequence[_Warning]:
        async def work(unit: Unit) -> Sequence[_Warning]:
            await unit.lock(LOCK)
            found = [await unit.tokens.token(one) for one in due]
            # Another node may have been here since, and somebody may have rotated or revoked one.
            return [step for held in found if held is not None for step in await self._steps(unit, held, now)]

        return await self._store.write(work)

    async def _steps(self, unit: Unit, held: Held, now: datetime) -> list[_Warning]:
        if held.token.revoked_at is not None:
            return []
        step = step_now(held.newest, now)
        for secret in held.secrets:
            await self._note(unit, held, secret, step if secret == held.newest else None, now)
        return [] if step is None else [_Warning(held=held, step=step)]

    async def _note(self, unit: Unit, held: Held, secret: TokenSecret, step: int | None, now: datetime) -> None:
        gone = not secret.over and now >= secret.ends_at
        if step is None and not gone:
            return
        alarm = secret.alarm
        if step is not None:
            if alarm is not None:
                await unit.clear_alarm(alarm, now, [self._line("alarm.cleared", held, now, alarm)])
            raised = AlarmRecord(id=self._ids.new("al", now), kind=KIND, owner=held.token.organisation or OPERATOR,
                                 reason=in_words(held, step), raised_at=now)  # fmt: skip
            alarm = raised.id
            await unit.add_alarm(raised, [self._line(f"alarm.{KIND}", held, now, alarm, reason=raised.reason)])
        if gone:
            which = "newest" if secret == held.newest else "older"
            await unit.add_audit([self._line("token.expired", held, now, held.token.id, secret=which)])
        warned = secret.warned if step is None else step
        await unit.tokens.note(secret.digest, warned=warned, alarm=alarm, over=secret.over or gone)

    async def _tell(self, warning: _Warning) -> None:
        """After it is written down: who is killed here leaves the alarm, of which the operator is told in any case."""
        owner = warning.held.token.organisation or OPERATOR
        people = await self._store.read(lambda unit: _people(unit, owner))
        if not people and owner != OPERATOR:
            people = await self._store.read(lambda unit: _people(unit, OPERATOR))
        tell = self._mail(text_of(warning.held, warning.step))
        for user in people[:MOST_TOLD]:
            await tell(user.email)
        self._log.info("token.ending", count=min(len(people), MOST_TOLD))

    def _line(self, action: str, held: Held, now: datetime, subject: str, **detail: str) -> AuditLine:
        return AuditLine(id=self._ids.new("au", now), at=now, actor="hub", action=action,
                         organisation=held.token.organisation or OPERATOR, subject=subject, detail=detail)  # fmt: skip


async def _people(unit: Unit, organisation: str) -> list[User]:
    found = await unit.accounts.users(organisation)
    return [one for one in found if one.state == "active" and may(_viewer(one), "tokens:manage", organisation)]


def _viewer(user: User) -> Viewer:
    return Viewer(user=user.id, organisation=user.organisation, roles=user.roles, name="")


def _due(held: Held, now: datetime) -> bool:
    return step_now(held.newest, now) is not None or any(not one.over and now >= one.ends_at for one in held.secrets)


def in_words(held: Held, step: int) -> str:
    """For the list of alarms."""
    when = f"{held.newest.ends_at:%Y-%m-%d}"
    return f"{held.token.label}: {f'ended on {when}' if step == 0 else f'ends on {when}'}"


def text_of(held: Held, step: int) -> str:
    """For whoever looks after it. It bears no link that could be imitated, and no word of what the token opens."""
    name, end = held.token.name, held.newest.ends_at
    happens = "ended" if step == 0 else "ends"
    return (
        f"The API token {name} {happens} on {end:%d %B %Y} at {end:%H:%M} UTC. "
        f"{'What uses it gets' if step == 0 else 'From then on, what uses it will get'} no answer from Fingerpost.\n\n"
        "If it is still needed, rotate it: sign in, go to API tokens, and give the new token to whoever runs the "
        "program that uses it. The old one can go on for a while beside it. If it is not needed, revoke it.\n"
    )
