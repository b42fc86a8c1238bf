"""Warnings in the ledger: a step is taken by one node, and forgotten with what it was about."""

from dataclasses import replace

from hub.core.assurance import Warned
from hub.service.ports import Unit
from tests.kit.clock import START
from tests.kit.store import Stores

ONE = Warned(subject="bromley-1", fingerprint="ab" * 32, step=60, owner="E09000006", warned_at=START, alarm="al_1")


async def test_a_step_is_taken_once(nodes: tuple[Stores, Stores]) -> None:
    first, second = nodes
    assert await first.write(lambda unit: unit.assurance.warn(ONE))
    assert not await second.write(lambda unit: unit.assurance.warn(replace(ONE, alarm="al_2")))
    assert await second.write(lambda unit: unit.assurance.warn(replace(ONE, step=30, alarm="al_3")))
    assert await second.write(lambda unit: unit.assurance.warn(replace(ONE, fingerprint="cd" * 32)))
    found = await first.read(lambda unit: unit.assurance.warned())
    assert found == [replace(ONE, step=30, alarm="al_3"), ONE, replace(ONE, fingerprint="cd" * 32)]


async def test_what_is_forgotten_may_be_taken_again(store: Stores) -> None:
    async def work(unit: Unit) -> bool:
        await unit.assurance.warn(ONE)
        await unit.assurance.warn(replace(ONE, step=30))
        await unit.assurance.forget([ONE])
        return await unit.assurance.warn(replace(ONE, alarm="al_9"))

    assert await store.write(work)
    assert [one.alarm for one in await store.read(lambda unit: unit.assurance.warned())] == ["al_1", "al_9"]
