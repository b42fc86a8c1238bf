"""Accounts over a real store, with a hash that is quick and a telephone that shows the codes."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from argon2 import Parameters, Type

from hub.core.accounts import CONSOLE, AccountLimits, Role, User, Viewer
from hub.core.totp import code_at, step_of
from hub.edge.ids import SeededIds
from hub.edge.passwords import Argon2
from hub.service.accounts.inviting import Followed, Invited, Inviting
from hub.service.accounts.people import People
from hub.service.accounts.signing_in import SigningIn
from hub.service.accounts.steps import SignedIn
from hub.service.ports import Store
from tests.kit.clock import FakeClock
from tests.kit.store import LEDGER

BROMLEY, CAMDEN = "E09000006", "E09000007"
PASSWORD = "seven quiet otters"
QUICK = Parameters(type=Type.ID, version=19, salt_len=16, hash_len=32, time_cost=1, memory_cost=8, parallelism=1)
"""Of no worth outside of tests."""


@dataclass
class Accounts:
    """The services, and whom they wrote to."""

    store: Store
    clock: FakeClock
    ids: SeededIds
    limits: AccountLimits
    passwords: Argon2
    inviting: Inviting
    signing_in: SigningIn
    people: People
    told: list[str] = field(default_factory=list)

    async def invited(self, email: str, *roles: Role, organisation: str = BROMLEY, by: Viewer = CONSOLE) -> Invited:
        """A link for somebody."""
        made = await self.inviting.invite(by, email=email, organisation=organisation, roles=roles)
        assert isinstance(made, Invited)
        return made

    async def accepted(self, token: str, *, name: str = "Rowan Example", password: str = PASSWORD) -> SignedIn:
        """Somebody who has followed their link to its end."""
        shown = await self.inviting.begin(token, name=name, password=password, again=password)
        assert isinstance(shown, Followed) and shown.secret is not None
        done = await self.inviting.complete(token, code_at(shown.secret, step_of(self.clock.now())))
        assert isinstance(done, SignedIn)
        return done

    async def member(
        self,
        email: str = "rowan@bromley.example",
        *roles: Role,
        organisation: str = BROMLEY,
        name: str = "Rowan Example",
    ) -> SignedIn:
        """A user with an open account, signed in."""
        made = await self.invited(email, *(roles or ("recipient",)), organisation=organisation)
        return await self.accepted(made.token, name=name)

    async def user(self, user: str) -> User:
        """As the ledger has them."""
        found = await self.store.read(lambda unit: unit.accounts.user(user))
        assert found is not None
        return found

    async def code(self, user: str, *, step: int = 0) -> str:
        """What the user's telephone shows now, or so many steps later."""
        secret = (await self.user(user)).totp
        assert secret is not None
        return code_at(secret, step_of(self.clock.now()) + step)

    async def signed_in(self, email: str, user: str, *, password: str = PASSWORD) -> SignedIn:
        """Sign in with both steps, half a minute after whatever was before."""
        await self.clock.advance(30)
        half = await self.signing_in.password(email, password)
        assert half is not None
        done = await self.signing_in.code(half, await self.code(user))
        assert isinstance(done, SignedIn)
        return done


def accounts_over(
    store: Store, clock: FakeClock, *, limits: AccountLimits | None = None, seed: str = "accounts"
) -> Accounts:
    """The services over ``store``."""
    ids, limits, passwords = SeededIds(seed), limits or AccountLimits(), Argon2(QUICK)
    told: list[str] = []

    async def tell(address: str) -> None:
        told.append(address)

    inviting = Inviting(
        store=store,
        clock=clock,
        ids=ids,
        passwords=passwords,
        limits=limits,
        called=lambda code: "London Borough of Bromley" if code == BROMLEY else None,
    )
    return Accounts(
        store=store,
        clock=clock,
        ids=ids,
        limits=limits,
        passwords=passwords,
        inviting=inviting,
        signing_in=SigningIn(store=store, clock=clock, ids=ids, passwords=passwords, limits=limits),
        people=People(
            store=store, clock=clock, ids=ids, passwords=passwords, limits=limits, inviting=inviting, tell=tell
        ),
        told=told,
    )


def audit(folder: Path) -> list[tuple[str, str, str | None, str | None, str]]:
    """Actor, action, organisation, subject and detail of each line of the ledger in ``folder``, as they were made."""
    with closing(sqlite3.connect(folder / LEDGER)) as ledger:
        statement = "SELECT actor, action, organisation, subject, detail FROM audit ORDER BY id"
        return list(ledger.execute(statement))
