"""Warnings in the ledger: a step is taken by one node, and forgotten with what it was about. Proofs of life."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hub.core.assurance import Warned
from hub.core.verification import Verification
from hub.service.ports import Unit
from tests.kit.clock import START
from tests.kit.records import Story
from tests.kit.store import Stores, claim

DAY = timedelta(days=1)
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


def place(number: int = 1, **changes: Any) -> Verification:
    row = Verification(
        mark=bytes([number]) * 16,
        place=b"p" * 16,
        organisation="E09000006",
        channel="sms",
        contact=f"bromley-{number}",
        state="waiting",
        id=f"pv_{number}",
        token_digest=bytes([number]) * 32,
        receipt_digest=bytes([number + 100]) * 32,
        reply_digest=bytes([number + 200]) * 16,
        next_at=START + timedelta(minutes=number),
    )
    return replace(row, **changes)


WHOLE = place(
    3, state="asked", since=START, asks=2, asked_at=START, proved_at=START - DAY, failed_at=START - DAY,
    reason="rejected", provider_reference="ref-3", alarm="al_3",
)  # fmt: skip


async def test_a_place_is_found_by_each_of_its_names(store: Stores) -> None:
    await store.write(lambda unit: unit.assurance.put_places([place(1), WHOLE]))

    async def names(unit: Unit) -> list[Verification | None]:
        found = unit.assurance
        return [
            await found.place_by_token(WHOLE.token_digest),
            await found.place_by_receipt(WHOLE.receipt_digest),
            await found.place_by_reply(WHOLE.reply_digest or b""),
            await found.place_by_id("pv_3"),
            await found.place_by_reference("sms", "ref-3"),
            *await found.places([WHOLE.mark, b"?" * 16]),
        ]

    assert await store.read(names) == [WHOLE] * 6
    assert await store.read(lambda unit: unit.assurance.place_by_token(WHOLE.receipt_digest)) is None
    assert await store.read(lambda unit: unit.assurance.place_by_reference("email", "ref-3")) is None
    assert await store.read(lambda unit: unit.assurance.at_place(b"p" * 16)) == [place(1), WHOLE]


async def test_whose_turn_it_is_who_is_late_and_how_many(store: Stores) -> None:
    late = place(4, state="asked", since=START - DAY, asked_at=START - DAY, asks=1)
    told = replace(late, mark=b"5" * 16, id="pv_5", token_digest=b"5" * 32, receipt_digest=b"6" * 32, alarm="al_5")
    gone = place(6, gone_at=START)
    proved = place(7, state="proved", since=None, proved_at=START - DAY)
    asking = place(8, state="asking", since=START)
    rows = [place(2), place(1), late, told, gone, proved, asking]
    await store.write(lambda unit: unit.assurance.put_places(rows))

    async def asked(unit: Unit) -> list[Any]:
        found = unit.assurance
        return [
            await found.due_places(START + timedelta(minutes=2)),
            await found.late_places(START - DAY),
            await found.asked_since(START - timedelta(hours=1)),
            await found.asked_since(START - 2 * DAY),
            await found.place_counts(),
            len(await found.all_places()),
            (await found.marks())[gone.mark],
        ]

    assert await store.read(asked) == [
        [place(1).mark, place(2).mark], [late], 1, 3, {"waiting": 2, "asked": 2, "proved": 1, "asking": 1}, 6, START,
    ]  # fmt: skip
    await store.write(lambda unit: unit.assurance.forget_places(START + timedelta(seconds=1)))
    assert gone.mark not in await store.read(lambda unit: unit.assurance.marks())


async def test_notices_wait_while_any_is_due_or_being_handed_over(store: Stores, story: Story) -> None:
    def waits(at: timedelta) -> Any:
        return store.read(lambda unit: unit.assurance.notices_wait(START + at))

    assert not await waits(DAY)
    await store.write(lambda unit: story.told(unit))
    assert await waits(DAY)
    assert await claim(store)
    assert await waits(timedelta(0)), "a worker has it in hand"


async def test_a_page_of_them_is_of_one_organisation_or_of_all(store: Stores) -> None:
    rows = [place(1), place(2, state="proved"), place(3, organisation="E23000001"), place(4, gone_at=START)]
    await store.write(lambda unit: unit.assurance.put_places(rows))

    async def page(unit: Unit) -> list[object]:
        found, more = unit.assurance, {"limit": 2}
        return [
            [one.contact for one in await found.places_of("E09000006", unproved=False, **more)],
            [one.contact for one in await found.places_of("E09000006", unproved=True, **more)],
            [one.contact for one in await found.places_of(None, unproved=False, **more)],
            [one.contact for one in await found.places_of(None, unproved=False, skip=2, **more)],
            await found.place_counts("E09000006"),
        ]

    assert await store.read(page) == [
        ["bromley-1", "bromley-2"],
        ["bromley-1"],
        ["bromley-1", "bromley-2"],
        ["bromley-3"],
        {"waiting": 1, "proved": 1},
    ]
