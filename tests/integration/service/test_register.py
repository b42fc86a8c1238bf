"""The register as the organisations on it see it: from report to return, and over half a year."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from contacts.directory import Directory
from hub.edge.ids import SeededIds
from hub.service import register
from hub.service.ports import StoreUnavailable, Unit
from hub.service.register import Registers
from tests.kit.clock import START
from tests.kit.events import BROMLEY, NORTH_LINCOLNSHIRE, found, reported, retracted, returned, updated
from tests.kit.failing import Breaking, ledger
from tests.kit.node import Hub
from tests.kit.records import Story


def registers_of(hub: Hub) -> Registers:
    return Registers(hub.store, hub.clock, hub.ids)


async def test_whoever_was_told_of_a_missing_child_has_it_on_its_register(hub: Hub) -> None:
    await hub.post(reported())
    registers = registers_of(hub)
    [entry] = [e for e in await registers.named(BROMLEY, "operator") if e.role == "responsible_authority"]
    assert (entry.role, entry.name, entry.category) == ("responsible_authority", "Robin Example", "missing")
    assert entry.date_of_birth == date(2011, 8, 17)
    assert entry.received_at == hub.clock.now()
    assert entry.remove_at > entry.received_at + timedelta(days=180)
    assert entry.removed_at is None
    assert "Robin" not in repr(entry)
    assert {e.role for e in await registers.of(NORTH_LINCOLNSHIRE)} >= {"host_authority"}
    assert await registers.of("E08000035") == []
    assert await registers.of(BROMLEY, removed=True) == []


async def test_an_exercise_is_on_the_registers_of_those_who_take_part_alone(hub: Hub) -> None:
    contacts = tuple(replace(one, exercises=one.organisation == BROMLEY) for one in hub.directory.bundle.contacts)
    hub.directory = Directory.of(replace(hub.directory.bundle, contacts=contacts))
    hub.sandbox = "sandbox@hub.example"
    await hub.post(reported(episode={"status": "exercise"}))
    registers = registers_of(hub)
    assert {(e.status, e.name) for e in await registers.named(BROMLEY, "operator")} == {("exercise", "Robin Example")}
    assert await registers.named(NORTH_LINCOLNSHIRE, "operator") == []
    assert (await registers.page(NORTH_LINCOLNSHIRE, "operator", of_role=lambda _: True, number=1)).entries == []
    await hub.post(found(id="E2"))
    assert await registers.of(NORTH_LINCOLNSHIRE, removed=True) == []
    assert await registers.of(BROMLEY, removed=True)


async def test_without_names_there_are_none(hub: Hub) -> None:
    await hub.post(reported())
    entries = await registers_of(hub).of(BROMLEY)
    assert entries
    assert {(e.name, e.date_of_birth) for e in entries} == {(None, None)}


@pytest.mark.parametrize(
    ("ending", "why"),
    [(found, "back"), (returned, "back"), (retracted, "reported_in_error")],
    ids=["found", "returned", "retracted"],
)
async def test_the_end_takes_the_child_off_and_its_name_with_it(hub: Hub, ending: object, why: str) -> None:
    await hub.post(reported())
    registers = registers_of(hub)
    before = len(await registers.of(BROMLEY))
    await hub.post(ending(id="E2"))  # type: ignore[operator]  # one of the builders
    assert await registers.of(BROMLEY) == []
    gone = await registers.of(BROMLEY, removed=True)
    assert len(gone) == before
    assert {(e.why_removed, e.name) for e in gone} == {(why, None)}
    assert all(e.removed_at is not None for e in gone)


async def test_a_change_of_name_is_on_the_register_too(hub: Hub) -> None:
    await hub.post(reported())
    await hub.post(updated(id="E2", child={"name": "Robin Newname"}))
    assert {e.name for e in await registers_of(hub).named(BROMLEY, "operator")} == {"Robin Newname"}


async def test_half_a_year_on_an_entry_is_renewed_without_a_gap_or_is_over_if_nobody_does(hub: Hub) -> None:
    await hub.post(reported())
    registers = registers_of(hub)
    [first] = [e for e in await registers.of(BROMLEY) if e.role == "responsible_authority"]
    [host] = [e for e in await registers.of(NORTH_LINCOLNSHIRE) if e.role == "host_authority"]
    await hub.post(updated(id="E2", placement={"host_authority": "E08000035"}))
    await hub.run_until(max(first.remove_at, host.remove_at + timedelta(minutes=1)))
    [second] = [e for e in await registers.of(BROMLEY) if e.role == "responsible_authority"]
    [old] = [e for e in await registers.of(BROMLEY, removed=True) if e.role == "responsible_authority"]
    assert old.entry == first.entry
    assert (old.why_removed, old.removed_at) == ("renewed", second.received_at)
    assert second.received_at == first.remove_at
    assert not [e for e in await registers.of(NORTH_LINCOLNSHIRE) if e.role == "host_authority"]
    [gone] = [e for e in await registers.of(NORTH_LINCOLNSHIRE, removed=True) if e.role == "host_authority"]
    assert gone.why_removed == "expired"


READ = "'register.read'"


async def test_reading_names_is_a_line_of_the_audit_log_without_them(hub: Hub, tmp_path: Path) -> None:
    await hub.post(reported())
    registers = registers_of(hub)
    before = len(ledger(tmp_path)["audit"])
    shown = await registers.named(BROMLEY, "token:bromley")
    lines = [line for line in ledger(tmp_path)["audit"] if "register.read" in line]
    assert len(ledger(tmp_path)["audit"]) == before + 1
    [line] = lines
    assert {"token:bromley", BROMLEY, "register.read"} <= set(line)
    assert f'{{"entries":"{len(shown)}"}}' in repr(line).replace(" ", "")
    assert not any(personal in repr(line) for personal in ("Robin", "2011-08-17", "ep_"))


async def test_what_shows_no_name_leaves_no_line(hub: Hub, tmp_path: Path) -> None:
    await hub.post(reported())
    registers = registers_of(hub)
    assert await registers.of(BROMLEY)
    assert await registers.of(BROMLEY, removed=True) == []
    assert await registers.named("E08000034", "operator") == []
    await hub.post(returned(id="E2"))
    assert await registers.of(BROMLEY, removed=True)
    assert await registers.named(BROMLEY, "operator") == []
    assert READ not in repr(ledger(tmp_path)["audit"])


async def test_no_line_no_names(hub: Hub) -> None:
    await hub.post(reported())

    def spoilt(name: str, args: object) -> Exception | None:
        return StoreUnavailable("full") if name == "add_audit" else None

    broken = Breaking(hub.store, None)
    broken.spoilt = spoilt
    with pytest.raises(StoreUnavailable):
        await Registers(broken, hub.clock, hub.ids).named(BROMLEY, "operator")


async def test_what_was_taken_off_long_ago_stands_with_what_was_taken_off_of_the_same_episode(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "FEW", 1)
    ids, days = SeededIds("register"), [START + timedelta(days=number) for number in range(6)]
    one, other = Story(ids, ref="E1"), Story(ids, ref="E2")
    for story, received in ((one, (0, 4)), (other, (1,))):

        async def work(unit: Unit, story: Story = story, received: tuple[int, ...] = received) -> None:
            await story.meet(unit)
            made = story.report(1)
            entries = [story.entry(received_at=days[at], removed_at=days[at + 1]) for at in received]
            await unit.save(replace(made, register=tuple(entries)))

        await hub.store.write(work)
    pages = [
        await registers_of(hub).page(BROMLEY, "operator", of_role=bool, number=number, removed=True, episodes=1)
        for number in (1, 2)
    ]
    assert [[each.received_at for each in page.entries] for page in pages] == [[days[0], days[4]], [days[1]]]
    assert [page.more for page in pages] == [True, False]
