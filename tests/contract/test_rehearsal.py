"""What a hub does once, before its first event: all of it is done, and nothing of it remains."""

from pathlib import Path
from typing import Any

import pytest

from adapters.port import Content, Envelope
from contacts.areas import load_areas
from hub.core.events import parse
from hub.core.records import ClaimedDelivery
from hub.service.envelopes import Composer
from hub.service.rehearsal import REHEARSAL, Rehearsal
from tests.kit.events import reported
from tests.kit.failing import ledger
from tests.kit.node import ACK_SECRET, Hub, a_hub
from tests.kit.store import Stores, claim, sqlite_store


class Composing:
    """The real composer, and what it made; or it fails."""

    def __init__(self, hub: Hub, error: Exception | None = None) -> None:
        self.real = Composer(
            directory=lambda: hub.directory, ack_secret=ACK_SECRET, public_url="https://hub.example", collect=""
        )
        self.made: list[Envelope] = []
        self.error = error

    def content(self, claimed: ClaimedDelivery) -> Envelope:
        if self.error is not None:
            raise self.error
        self.made.append(self.real.content(claimed))
        return self.made[-1]

    alert = content


class Lines:
    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append((event, fields))

    error = info


def rehearsal(hub: Hub, envelopes: Composing, log: Lines) -> Rehearsal:
    return Rehearsal(
        store=hub.store,
        parse=lambda body: parse(body, hub.rules),
        take=hub.intake.take,
        envelopes=envelopes,
        directory=lambda: hub.directory,
        areas=load_areas(),
        clock=hub.clock,
        log=log,
    )


async def test_a_report_is_taken_and_composed_and_leaves_nothing(store: Stores) -> None:
    hub, log = await a_hub(store), Lines()
    envelopes = Composing(hub)
    assert await rehearsal(hub, envelopes, log).once()
    assert envelopes.made, "nothing was composed"
    assert isinstance(envelopes.made[0].body, Content)
    assert log.said == []
    assert hub.nudged == 0
    assert await store.read(lambda unit: unit.trail.newest()) is None
    assert await store.read(lambda unit: unit.episode(REHEARSAL, REHEARSAL)) is None
    assert await store.read(lambda unit: unit.source(f"urn:fingerpost:source:{REHEARSAL}")) is None


async def test_what_is_due_of_a_child_is_left_to_whoever_delivers(store: Stores) -> None:
    hub, log = await a_hub(store), Lines()
    await hub.post(reported())
    untouched = Composing(hub, LookupError("a contact that is gone is not for a rehearsal to find"))
    assert await rehearsal(hub, untouched, log).once()
    assert log.said == []
    assert {one.attempt for one in await claim(store)} == {1}


@pytest.mark.parametrize("error", [None, ValueError("a name that nobody may see")])
async def test_no_row_is_there_that_was_not(tmp_path: Path, error: Exception | None) -> None:
    store, log = await sqlite_store(tmp_path), Lines()
    hub = await a_hub(store)
    before = ledger(tmp_path)
    assert await rehearsal(hub, Composing(hub, error), log).once() is (error is None)
    assert ledger(tmp_path) == before
    assert log.said == ([] if error is None else [("rehearsal.failed", {"error": "ValueError"})])
    await store.aclose()
