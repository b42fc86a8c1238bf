"""Who reads for which desks: given by whoever looks after the organisation's users, never to themselves."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from contacts.directory import Directory
from contacts.model import in_force
from hub.core.accounts import User, Viewer, may_manage
from hub.core.desk import EVERY_DESK, known_desks
from hub.service.accounts.ports import user_lock
from hub.service.accounts.steps import FormProblem, audit_line
from hub.service.desk.ports import Reader
from hub.service.ports import Clock, Ids, Store, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A recipient whose desks the viewer may choose."""

    user: str
    organisation: str
    desks: frozenset[str]
    """Those they have; :data:`hub.core.desk.EVERY_DESK` for every one."""
    offered: tuple[str, ...]
    """Functions: the organisation's desks now, and those that they have."""


class Readers:
    """All of it raises StoreUnavailable where the store is away."""

    def __init__(self, *, store: Store, directory: Callable[[], Directory], clock: Clock, ids: Ids) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._ids = ids

    async def of(self, user: str) -> frozenset[str]:
        """The desks that a user reads for."""
        found = await self._store.read(lambda unit: unit.desk.reader(user))
        return frozenset() if found is None else found.desks

    async def choice(self, viewer: Viewer, user: str) -> Choice | None:
        """What may be chosen; None where there is nobody for whom the viewer may choose."""

        async def work(unit: Unit) -> Choice | None:
            found = await unit.accounts.user(user)
            if found is None or not _chosen_by(viewer, found):
                return None
            reader = await unit.desk.reader(user)
            desks = reader.desks if reader is not None else frozenset[str]()
            return Choice(
                user=user,
                organisation=found.organisation,
                desks=desks,
                offered=self._offered(found.organisation, desks),
            )

        return await self._store.read(work)

    async def give(self, viewer: Viewer, user: str, desks: Collection[str]) -> tuple[FormProblem, ...] | None:
        """Have somebody else read for these desks from their next page on; for none, if there are none. None where
        there is nobody for whom the viewer may choose; the problems, if there are any."""
        now, known = self._clock.now(), known_desks(desks)

        async def work(unit: Unit) -> tuple[FormProblem, ...] | None:
            await unit.lock(user_lock(user))
            found = await unit.accounts.user(user)
            if found is None or not _chosen_by(viewer, found):
                return None
            if EVERY_DESK not in known and len(known) != len(set(desks)):
                return (FormProblem(field="desks", message="Choose from the desks of the organisation"),)
            reader = await unit.desk.reader(user)
            before = reader.desks if reader is not None else frozenset[str]()
            if before != known:
                await unit.desk.put_reader(
                    Reader(user=user, organisation=found.organisation, desks=known, given_at=now, given_by=viewer.actor)
                )
                said = {"before": " ".join(sorted(before)), "after": " ".join(sorted(known))}
                await unit.add_audit([audit_line(self._ids, now, viewer.actor, "user.desks_given", found, **said)])
            return ()

        return await self._store.write(work)

    def _offered(self, organisation: str, held: Collection[str]) -> tuple[str, ...]:
        now = self._clock.now()
        there = {
            desk.function
            for desk in self._directory().bundle.desks
            if desk.organisation == organisation and in_force(desk, now)
        }
        return tuple(sorted(there | set(held) - {EVERY_DESK}))


def _chosen_by(viewer: Viewer, user: User) -> bool:
    return user.state != "disabled" and "recipient" in user.roles and may_manage(viewer, user)
