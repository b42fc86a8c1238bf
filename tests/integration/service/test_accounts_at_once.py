"""What one node does to an account between the look of another and its lock. On PostgreSQL alone: in the one writer of
SQLite nothing comes between."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from hub.core.accounts import CONSOLE
from hub.core.passkeys import RelyingParty
from hub.core.totp import code_at, step_of
from hub.service.accounts.inviting import Followed, Inviting
from hub.service.accounts.passkeys import Passkeys
from hub.service.accounts.steps import SignedIn
from hub.service.ports import Unit
from tests.kit.accounts import BROMLEY, PASSWORD, Accounts, accounts_over
from tests.kit.authenticator import ORIGIN, Authenticator
from tests.kit.clock import FakeClock
from tests.kit.postgres import PostgresServer, postgres_store
from tests.kit.store import Stores

pytestmark = pytest.mark.postgresql
ROWAN = "rowan@bromley.example"
OTHER = "plum torch window"
Deed = Callable[[], Awaitable[object]]


class Overtaken:
    """A store whose next transaction is overtaken, once, just before it has the lock on an account."""

    def __init__(self, store: Stores) -> None:
        self._store = store
        self.meanwhile: Deed | None = None

    async def read(self, work: Callable[[Unit], Awaitable[Any]]) -> Any:
        return await self._store.read(work)

    async def write(self, work: Callable[[Unit], Awaitable[Any]]) -> Any:
        return await self._store.write(lambda unit: work(_Slow(unit, self)))  # type: ignore[arg-type]


class _Slow:
    def __init__(self, unit: Unit, store: Overtaken) -> None:
        self._unit = unit
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit, name)

    async def lock(self, *keys: str) -> None:
        deed = self._store.meanwhile
        if deed is not None and any(key.startswith("user:") for key in keys):
            self._store.meanwhile = None
            await deed()
        await self._unit.lock(*keys)


@pytest.fixture
async def two(server: PostgresServer) -> AsyncIterator[tuple[Accounts, Accounts, Overtaken]]:
    """A node, and another that is overtaken."""
    urls = await server.clean()
    stores = [await postgres_store(urls, node=node) for node in ("1", "2")]
    clock, slow = FakeClock(), Overtaken(stores[1])
    other = accounts_over(stores[1], clock, seed="slow")
    inviting = Inviting(
        store=slow,  # type: ignore[arg-type]
        clock=clock,
        ids=other.ids,
        passwords=other.passwords,
        limits=other.limits,
        called=lambda code: None,
    )
    yield accounts_over(stores[0], clock, seed="quick"), replace(other, inviting=inviting), slow
    for store in stores:
        await store.aclose()


async def test_who_follows_their_link_while_they_are_invited_again_keeps_their_account(
    two: tuple[Accounts, Accounts, Overtaken],
) -> None:
    quick, other, slow = two
    made = await quick.invited(ROWAN, "recipient")

    async def follow() -> None:
        await quick.accepted(made.token)

    slow.meanwhile = follow
    again = await other.inviting.invite(CONSOLE, email=ROWAN, organisation=BROMLEY, roles=["auditor"])
    assert isinstance(again, tuple) and "list of users" in again[0].message
    user = await quick.user(made.user)
    assert (user.state, user.roles) == ("active", {"recipient"})
    await quick.signed_in(ROWAN, made.user)


async def test_a_link_that_was_replaced_does_not_come_back_with_what_was_typed_into_it(
    two: tuple[Accounts, Accounts, Overtaken],
) -> None:
    quick, other, slow = two
    first = await quick.invited(ROWAN, "recipient")
    newer: list[str] = []

    async def invite() -> None:
        newer.append((await quick.invited(ROWAN, "recipient")).token)

    slow.meanwhile = invite
    assert await other.inviting.begin(first.token, name="Else", password=OTHER, again=OTHER) is None
    assert await quick.inviting.follow(first.token) is None
    shown = await quick.inviting.begin(newer[0], name="Rowan", password=PASSWORD, again=PASSWORD)
    assert isinstance(shown, Followed) and shown.secret is not None
    done = await quick.inviting.complete(newer[0], code_at(shown.secret, step_of(quick.clock.now())))
    assert isinstance(done, SignedIn)


def passkeys_of(accounts: Accounts) -> Passkeys:
    async def tell(address: str) -> None: ...

    return Passkeys(
        store=accounts.store, clock=accounts.clock, ids=accounts.ids, limits=accounts.limits, tell=tell,
        secret=b"s" * 32, party=RelyingParty(id="localhost", origin=ORIGIN),
    )  # fmt: skip


async def test_a_passkey_that_was_used_removed_or_disabled_in_between_opens_nothing(
    two: tuple[Accounts, Accounts, Overtaken],
) -> None:
    here, other, overtaken = two
    rowan, device = (await here.member(ROWAN)).viewer, Authenticator()
    first, second = passkeys_of(here), passkeys_of(replace(other, store=overtaken))  # type: ignore[arg-type]

    async def added() -> None:
        options = await first.creation_options(rowan, "browser")
        assert options is not None
        assert await first.add(rowan, "browser", name="Telephone", text=device.make(options)) == ()

    async def removed() -> None:
        [there] = await first.listed(rowan)
        assert await first.remove(rowan, there.id)

    async def used() -> None:
        assert await first.sign_in("browser", answer) is not None

    async def disabled() -> None:
        assert await here.people.disable(CONSOLE, rowan.user)

    await added()
    for deed in (used, removed, disabled):
        answer = device.use(first.options("browser"))
        overtaken.meanwhile = deed
        assert await second.sign_in("browser", answer) is None, deed
        assert overtaken.meanwhile is None, "nothing came between"
        if deed is removed:
            await added()


async def test_a_session_that_was_ended_in_between_does_not_begin_again_by_a_passkey(
    two: tuple[Accounts, Accounts, Overtaken],
) -> None:
    here, other, overtaken = two
    rowan, device = (await here.member(ROWAN)).viewer, Authenticator()
    first, second = passkeys_of(here), passkeys_of(replace(other, store=overtaken))  # type: ignore[arg-type]
    options = await first.creation_options(rowan, "browser")
    assert options is not None
    assert await first.add(rowan, "browser", name="Telephone", text=device.make(options)) == ()
    own = (await here.signed_in(ROWAN, rowan.user)).viewer

    async def another_password() -> None:
        assert await here.people.change_password(own, current=PASSWORD, password=OTHER, again=OTHER) == ()

    async def out_everywhere() -> None:
        await here.people.sign_out_everywhere(own)

    for viewer, deed, left in ((rowan, another_password, [own.session]), (own, out_everywhere, [])):
        answer = device.use(await first.confirm_options(viewer, "browser"))
        overtaken.meanwhile = deed
        assert not await second.confirm(viewer, "browser", answer), deed
        there = await here.store.read(lambda unit: unit.accounts.sessions(rowan.user))
        assert [one.id for one in there] == left, deed
