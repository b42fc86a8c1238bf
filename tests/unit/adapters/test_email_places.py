"""Who gets a connection next."""

import asyncio

import pytest

from adapters.email.places import Places

PATIENCE = 0.04
HERE, THERE = "here.example", "there.example"


async def test_in_the_order_in_which_they_came() -> None:
    places = Places(size=1, patience=30)
    order: list[int] = []

    async def one(number: int) -> None:
        async with places.one(HERE):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]


async def test_who_came_after_one_that_was_quick_gives_up_its_place_at_its_own_time() -> None:
    loop = asyncio.get_running_loop()
    places = Places(size=1, patience=PATIENCE)
    async with places.one(HERE):
        await asyncio.sleep(PATIENCE / 2)
    async with places.one(HERE):
        began = loop.time()
        async with places.one(THERE):
            assert PATIENCE * 0.9 <= loop.time() - began < PATIENCE + 1.0


async def test_each_of_several_gives_up_its_own() -> None:
    loop = asyncio.get_running_loop()
    places = Places(size=2, patience=PATIENCE)
    async with places.one(HERE):
        began = loop.time()
        await asyncio.sleep(PATIENCE / 2)
        async with places.one("elsewhere.example"), places.one(THERE):
            first = loop.time() - began
            async with places.one("anywhere.example"):
                second = loop.time() - began
    assert PATIENCE * 0.9 <= first < second
    assert second >= PATIENCE * 1.4, "the second holder's time began later"


@pytest.mark.parametrize("given", [False, True])
async def test_who_gives_up_has_no_place(given: bool) -> None:
    places = Places(size=1, patience=30)
    async with places.one(HERE):
        waiting = asyncio.create_task(places.one(THERE).__aenter__())
        await asyncio.sleep(0)
        if not given:
            waiting.cancel()
            await asyncio.sleep(0)
    waiting.cancel()  # where it was given, it has not noticed yet
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(1), places.one(HERE):
        pass
