"""API tokens as they are looked after: made, rotated with an overlap, revoked. What is made is shown once.

Whose tokens they are is what the viewer may look after; one that is not theirs is answered as if it were not there.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from contacts.roles import OPERATOR
from hub.core.accounts import CONSOLE, Viewer, may
from hub.core.api_tokens import (
    LONGEST_OVERLAP,
    PREFIX,
    SCOPES,
    Held,
    Scope,
    Token,
    TokenSecret,
    alone,
    desks_fit,
    digest,
    ended,
    fitting,
    offered,
)
from hub.core.desk import EVERY_DESK, known_desks
from hub.core.records import AuditLine
from hub.service.accounts.steps import FormProblem, new_token
from hub.service.ports import Clock, Ids, Store, Unit
from hub.service.tokens.ports import LOCK

MOST: Final = 100
"""Tokens of one organisation that are not revoked."""
_ORGANISATION: Final = re.compile(r"[A-Za-z0-9:-]{1,64}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_PERSON: Final = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A secret that was made; it is kept nowhere and shown once."""

    token: Token
    secret: str = field(repr=False)
    ends_at: datetime
    others_end: datetime | None = None
    """When the last of its other secrets ends, that still opens something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A token that is to be made, as somebody typed it."""

    name: str
    scopes: Collection[str]
    organisation: str | None = None
    desks: Collection[str] = ()
    """For which desks it takes part in conversations: functions, or :data:`hub.core.desk.EVERY_DESK`."""
    person: str | None = None
    certificate: bytes | None = None
    ends_at: datetime | None = None
    """None: as late as may be."""


class Tokens:
    """All of it raises StoreUnavailable where the store is away. ``longest``: how long a secret may last."""

    def __init__(self, *, store: Store, clock: Clock, ids: Ids, longest: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self.longest = longest

    async def listed(self, viewer: Viewer) -> Sequence[Held]:
        """Those that are not revoked and the viewer looks after; the operator's people, all."""
        if not may(viewer, "tokens:manage", viewer.organisation):
            return ()
        everybodys = viewer.organisation == OPERATOR
        own = None if everybodys else viewer.organisation
        return await self._store.read(lambda unit: unit.tokens.listed(own, everybodys=everybodys))

    async def one(self, viewer: Viewer, token: str) -> Held | None:
        """One of these."""
        return await self._store.read(lambda unit: self._own(unit, viewer, token))

    async def named(self, name: str, organisation: str | None) -> Sequence[Held]:
        """For the command line: those of this name that are not revoked, of this organisation or of any (None)."""
        found = await self._store.read(lambda unit: unit.tokens.named(name))
        return [one for one in found if organisation in (None, one.token.organisation)]

    async def desks(self, viewer: Viewer) -> frozenset[str]:
        """For which desks the viewer may make a token: those that they read for themselves."""
        if viewer == CONSOLE:
            return frozenset({EVERY_DESK})
        reader = await self._store.read(lambda unit: unit.desk.reader(viewer.user))
        return reader.desks if reader is not None and reader.organisation == viewer.organisation else frozenset()

    async def add(self, viewer: Viewer, wanted: Wanted) -> Made | tuple[FormProblem, ...] | None:
        """Make one; what is wrong with it; None for whoever may make none there."""
        if not may(viewer, "tokens:manage", wanted.organisation or OPERATOR):
            return None
        now = self._clock.now()
        ends_at = wanted.ends_at or now + self.longest
        problems = self._problems(viewer, wanted, ends_at, now)
        if not problems and wanted.desks and not _within(wanted.desks, await self.desks(viewer)):
            problems = (_problem("desks", "Choose desks that you read for yourself"),)
        if problems:
            return problems
        token = Token(
            id=self._ids.new("tk", now),
            name=wanted.name,
            scopes=frozenset(wanted.scopes),
            created_at=now,
            organisation=wanted.organisation,
            desks=known_desks(wanted.desks),
            person=wanted.person,
            certificate=wanted.certificate,
        )
        secret, row = self._secret(token, ends_at, now)

        async def work(unit: Unit) -> Made | tuple[FormProblem, ...]:
            await unit.lock(LOCK)
            there = await unit.tokens.listed(token.organisation)
            if any(one.token.name == token.name for one in there):
                return (
                    _problem("name", "There is a token of this name already: revoke or rotate it, or choose another"),
                )
            if len(there) >= MOST:
                return (_problem("name", f"Revoke a token first: nobody has more than {MOST}"),)
            await unit.tokens.add(token, row)
            scopes = {"scopes": " ".join(sorted(token.scopes)), "name": token.name}
            bound = {} if token.certificate is None else {"certificate": token.certificate.hex()}
            if token.desks:
                bound["desks"] = " ".join(sorted(token.desks))
            await unit.add_audit([self._line(viewer, token, now, "token.added", ends=_day(ends_at), **scopes, **bound)])
            return Made(token=token, secret=secret, ends_at=ends_at)

        return await self._store.write(work)

    async def rotate(
        self, viewer: Viewer, token: str, *, overlap: timedelta, ends_at: datetime | None = None
    ) -> Made | tuple[FormProblem, ...] | None:
        """Give it a new secret; those it has end after the overlap, if they do not end before. None where there is
        none that the viewer may have the secret of."""
        now, mine = self._clock.now(), await self.desks(viewer)
        until = ends_at or now + self.longest
        problems = self._end_problems(until, now)
        if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
            problems = (
                *problems,
                _problem("overlap", f"The old secret may go on for {LONGEST_OVERLAP.days} days at most"),
            )

        async def work(unit: Unit) -> Made | tuple[FormProblem, ...] | None:
            await unit.lock(LOCK)
            found = await self._own(unit, viewer, token)
            # Whoever rotates a token holds its secret for a moment: nobody gets what they could not make.
            if found is None or not found.token.scopes <= set(offered(viewer, found.token.organisation)):
                return None
            if not _within(found.token.desks, mine):
                return None
            if problems:
                return problems
            secret, row = self._secret(found.token, until, now)
            await unit.tokens.shorten(token, now + overlap)
            await unit.tokens.add_secret(row)
            line = self._line(viewer, found.token, now, "token.rotated", ends=_day(until), overlap=_span(overlap))
            await unit.add_audit([line])
            await self._clear(unit, viewer, found, now)
            ends = [min(one.ends_at, now + overlap) for one in found.secrets if not ended(one, now)]
            others_end = max((one for one in ends if one > now), default=None)
            return Made(token=found.token, secret=secret, ends_at=until, others_end=others_end)

        return await self._store.write(work)

    async def revoke(self, viewer: Viewer, token: str) -> bool:
        """Make it worthless with the next request, on every node. False where the viewer looks after none such."""
        now = self._clock.now()

        async def work(unit: Unit) -> bool:
            await unit.lock(LOCK)
            found = await self._own(unit, viewer, token)
            if found is None:
                return False
            await unit.tokens.revoke(token, now)
            await unit.add_audit([self._line(viewer, found.token, now, "token.revoked")])
            await self._clear(unit, viewer, found, now)
            return True

        return await self._store.write(work)

    async def _own(self, unit: Unit, viewer: Viewer, token: str) -> Held | None:
        found = await unit.tokens.token(token)
        if found is None or found.token.revoked_at is not None:
            return None
        return found if may(viewer, "tokens:manage", found.token.organisation or OPERATOR) else None

    async def _clear(self, unit: Unit, viewer: Viewer, held: Held, now: datetime) -> None:
        """Nobody needs to be warned of its end any more."""
        for secret in held.secrets:
            if secret.alarm is not None:
                line = replace(self._line(viewer, held.token, now, "alarm.cleared"), subject=secret.alarm)
                await unit.clear_alarm(secret.alarm, now, [line])

    def _problems(self, viewer: Viewer, wanted: Wanted, ends_at: datetime, now: datetime) -> tuple[FormProblem, ...]:
        found: list[FormProblem] = []
        if not _NAME.fullmatch(wanted.name):
            found.append(_problem("name", "Enter 1 to 64 letters, digits, dots, hyphens and underscores"))
        if wanted.organisation is not None and (
            not _ORGANISATION.fullmatch(wanted.organisation) or wanted.organisation == OPERATOR
        ):
            found.append(_problem("organisation", "Enter the code of an organisation, as in the directory"))
        else:
            found += self._scope_problems(viewer, wanted)
        if wanted.person is not None and not _PERSON.fullmatch(wanted.person):
            found.append(_problem("person", "Enter the id of a user, as `users list` shows it"))
        return (*found, *self._end_problems(ends_at, now))

    @staticmethod
    def _scope_problems(viewer: Viewer, wanted: Wanted) -> Sequence[FormProblem]:
        may_give: tuple[Scope, ...] = offered(viewer, wanted.organisation)
        if not wanted.scopes:
            return [_problem("scopes", "Choose what the token may do")]
        unknown = sorted(set(wanted.scopes) - set(SCOPES))
        if unknown:
            return [_problem("scopes", f"There is no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}")]
        if not set(wanted.scopes) <= set(fitting(wanted.organisation)):
            whose = "of the operator" if wanted.organisation is None else "of an organisation"
            return [_problem("scopes", f"A token {whose} may have {', '.join(fitting(wanted.organisation))}")]
        if not alone(wanted.scopes):
            return [_problem("scopes", "What shows names goes with nothing else: make two tokens")]
        if not set(wanted.scopes) <= set(may_give):
            return [_problem("scopes", "Choose what you may do yourself")]
        if len(known_desks(wanted.desks)) < len(set(wanted.desks)) and EVERY_DESK not in wanted.desks:
            return [_problem("desks", "Choose desks that there are, as in the directory")]
        if not desks_fit(wanted.scopes, wanted.desks):
            return [
                _problem("desks", "Choose for which desks, with what is about conversations, and with nothing else")
            ]
        return []

    def _end_problems(self, ends_at: datetime, now: datetime) -> tuple[FormProblem, ...]:
        if now < ends_at <= now + self.longest:
            return ()
        return (_problem("ends", f"Enter a day within the next {self.longest.days} days"),)

    def _secret(self, token: Token, ends_at: datetime, now: datetime) -> tuple[str, TokenSecret]:
        secret = PREFIX + new_token(self._ids)
        kept = TokenSecret(
            token=token.id, organisation=token.organisation, digest=digest(secret), made_at=now, ends_at=ends_at
        )
        return secret, kept

    def _line(self, viewer: Viewer, token: Token, now: datetime, action: str, **detail: str) -> AuditLine:
        return AuditLine(id=self._ids.new("au", now), at=now, actor=viewer.actor, action=action,
                         organisation=token.organisation or OPERATOR, subject=token.id, detail=detail)  # fmt: skip


def _problem(field: str, message: str) -> FormProblem:
    return FormProblem(field=field, message=message)


def _within(desks: Collection[str], mine: Collection[str]) -> bool:
    return EVERY_DESK in mine or set(desks) <= set(mine)


def _day(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d}"


def _span(overlap: timedelta) -> str:
    return f"{int(overlap.total_seconds())}s"
