"""API tokens in the store: one name, two secrets, an end, and their last use."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from hub.core.api_tokens import Token, TokenSecret, digest
from hub.service.ports import StoreUnavailable, Unit
from tests.kit.clock import START
from tests.kit.store import Stores

YEAR = timedelta(days=365)


def a_token(number: int, *, name: str = "reader", organisation: str | None = None) -> Token:
    return Token(
        id=f"tk_{number}",
        name=name,
        scopes=frozenset({"directory:read", "directory:write"}),
        created_at=START,
        organisation=organisation,
        person="us_jo",
        desks=frozenset({"front_door", "mash"}) if organisation else frozenset(),
        certificate=bytes(32),
    )


def secret_of(token: Token, text: str, *, made_at: datetime = START, ends_at: datetime = START + YEAR) -> TokenSecret:
    return TokenSecret(
        token=token.id, organisation=token.organisation, digest=digest(text), made_at=made_at, ends_at=ends_at
    )


async def added(store: Stores, *tokens: Token) -> None:
    async def work(unit: Unit) -> None:
        for one in tokens:
            await unit.tokens.add(one, secret_of(one, one.id))

    await store.write(work)


async def test_a_secret_is_found_by_its_digest_and_comes_back_as_it_was_put(store: Stores) -> None:
    token, own = a_token(1), a_token(2, organisation="E09000006")
    await added(store, token, own)
    for one in (token, own):
        found = await store.read(lambda unit, id=one.id: unit.tokens.by_digest(digest(id)))  # type: ignore[misc]
        assert found == (one, secret_of(one, one.id))
    assert await store.read(lambda unit: unit.tokens.by_digest(digest("tk_3"))) is None


async def test_a_name_is_taken_once_an_organisation_until_it_is_revoked(store: Stores) -> None:
    own, operators = a_token(1, organisation="E09000006"), a_token(2)
    await added(store, own, operators, a_token(3, organisation="E09000007"))
    for again in (replace(own, id="tk_4"), replace(operators, id="tk_4")):
        with pytest.raises(StoreUnavailable):
            await added(store, again)

    async def revoke(unit: Unit) -> None:
        await unit.tokens.revoke("tk_1", START)
        await unit.tokens.revoke("tk_1", START + YEAR)

    await store.write(revoke)
    await added(store, replace(own, id="tk_4"))
    assert {one.token.id for one in await store.read(lambda unit: unit.tokens.named("reader"))} == {
        "tk_2",
        "tk_3",
        "tk_4",
    }
    assert [one.token.id for one in await store.read(lambda unit: unit.tokens.listed("E09000006"))] == ["tk_4"]
    assert [one.token.id for one in await store.read(lambda unit: unit.tokens.listed(None))] == ["tk_2"]
    everybodys = await store.read(lambda unit: unit.tokens.listed(None, everybodys=True))
    assert {one.token.id for one in everybodys} == {"tk_2", "tk_3", "tk_4"}
    gone = await store.read(lambda unit: unit.tokens.by_digest(digest("tk_1")))
    assert gone is not None and gone[0].revoked_at == START


async def test_the_newest_secret_comes_first_and_none_is_made_longer(store: Stores) -> None:
    token = a_token(1)
    await added(store, token)
    newer = secret_of(token, "newer", made_at=START + timedelta(days=1), ends_at=START + 2 * YEAR)

    async def rotate(unit: Unit) -> None:
        await unit.tokens.shorten("tk_1", START + timedelta(days=8))
        await unit.tokens.add_secret(newer)
        await unit.tokens.shorten("tk_1", START + 3 * YEAR)

    await store.write(rotate)
    held = await store.read(lambda unit: unit.tokens.token("tk_1"))
    assert held is not None
    assert [one.ends_at for one in held.secrets] == [START + 2 * YEAR, START + timedelta(days=8)]
    assert held.newest == newer


async def test_a_use_is_never_set_back_and_a_use_of_nothing_changes_nothing(store: Stores) -> None:
    await added(store, a_token(1), a_token(2, name="other"))
    later = START + timedelta(minutes=5)
    await store.write(
        lambda unit: unit.tokens.used({digest("tk_1"): later, digest("tk_2"): START, digest("no"): later})
    )
    await store.write(lambda unit: unit.tokens.used({digest("tk_1"): START, digest("tk_2"): later}))
    await store.write(lambda unit: unit.tokens.used({}))
    for token in ("tk_1", "tk_2"):
        held = await store.read(lambda unit, token=token: unit.tokens.token(token))
        assert held is not None and held.used_at == later


async def test_what_ends_is_found_a_page_at_a_time_until_its_end_is_written_down(store: Stores) -> None:
    tokens = [a_token(number, name=f"n{number}") for number in range(5)]

    async def work(unit: Unit) -> None:
        for number, one in enumerate(tokens):
            await unit.tokens.add(one, secret_of(one, one.id, ends_at=START + timedelta(days=number)))
        await unit.tokens.revoke("tk_0", START)
        await unit.tokens.note(digest("tk_1"), warned=0, alarm="al_1", over=True)

    await store.write(work)

    async def ending(after: str) -> list[str]:
        before = START + timedelta(days=4)
        found = await store.read(lambda unit: unit.tokens.ending(before, after=after, limit=1))
        return [one.token.id for one in found]

    assert [await ending(""), await ending("tk_2"), await ending("tk_3")] == [["tk_2"], ["tk_3"], []]
    held = await store.read(lambda unit: unit.tokens.token("tk_1"))
    assert held is not None
    assert (held.newest.warned, held.newest.alarm, held.newest.over) == (0, "al_1", True)
