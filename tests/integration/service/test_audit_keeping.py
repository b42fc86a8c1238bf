"""The audit log as a running hub keeps it: linked in time, signed, carried to second places, and told of if not."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.core.audit import Head
from hub.core.checkpoints import EVERY_LINES, Checkpoint, CheckpointKey, from_json, key_id, sign
from hub.core.records import AuditLine
from hub.edge.checkpoint_places import FolderPlace, UrlPlace, kept_in
from hub.edge.ids import SeededIds
from hub.service.audit import checkpointing
from hub.service.audit.chaining import OLD_BITE, PAUSE, REST, Chaining, link_waiting
from hub.service.audit.checkpointing import Checkpointing
from hub.service.audit.sending import NotTaken, Sending
from hub.store import SqliteStore
from tests.kit.clock import START, FakeClock
from tests.kit.store import memory_store

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"a" * 32)
KEY = CheckpointKey(id=key_id(PRIVATE.public_key()), private=PRIVATE)
IDS = SeededIds("audit")
LOG = structlog.get_logger()


@pytest.fixture
async def store() -> AsyncIterator[SqliteStore]:
    opened = await memory_store()
    yield opened
    await opened.aclose()


async def put(store: SqliteStore, count: int) -> None:
    made = [AuditLine(id=IDS.new("au", START), at=START, actor="hub", action="event.accepted") for _ in range(count)]
    await store.write(lambda unit: unit.add_audit(made))


def checkpoint(number: int) -> Checkpoint:
    return sign("https://hub.example", Head(number=number, link=b"x" * 32), START, KEY)


async def test_lines_that_wait_are_counted_and_told_of_when_it_is_too_long(store: SqliteStore) -> None:
    clock = FakeClock(START - timedelta(hours=1))
    chaining = Chaining(store=store, clock=clock)
    await clock.advance(3600)
    await put(store, 1)
    assert chaining.figures() == {"audit_unlinked_seconds": 0}
    await store.aclose()
    chaining._oldest = START  # what it saw before the store was away
    await clock.advance(20)
    assert (chaining.figures(), chaining.amiss()) == ({"audit_unlinked_seconds": 20}, {})
    await clock.advance(1)
    assert chaining.amiss() == {"audit_unlinked_seconds": 21}


async def test_a_tick_links_all_there_is_and_waits_for_nothing(store: SqliteStore) -> None:
    chaining = Chaining(store=store, clock=FakeClock())
    await put(store, 250)
    assert await chaining.tick(START) == 250
    assert await chaining.tick(START) == 0
    assert (await store.read(lambda unit: unit.trail.head())).number == 250
    assert chaining.amiss() == {} and chaining.figures() == {"audit_unlinked_seconds": 0}


async def test_what_an_older_version_left_goes_in_small_bites_behind_what_comes(store: SqliteStore) -> None:
    rests: list[float] = []

    async def pause(seconds: float) -> None:
        rests.append(seconds)

    clock = FakeClock(START + timedelta(days=300))
    await put(store, 2 * OLD_BITE + 1)
    chaining = Chaining(store=store, clock=clock, old_bites=2, pause=pause)
    new = AuditLine(id=SeededIds("new").new("au", clock.now()), at=clock.now(), actor="hub", action="event.accepted")
    await store.write(lambda unit: unit.add_audit([new]))
    assert await chaining.tick(clock.now()) == 1 + 2 * OLD_BITE, "the rest has its turn in a second"
    assert rests == [REST] * 2
    [first] = await store.read(lambda unit: unit.trail.linked(0, 1))
    assert first.id == new.id
    assert chaining.figures() == {"audit_unlinked_seconds": 0}
    assert await chaining.tick(clock.now()) == 1
    await put(store, 250)
    assert (await chaining.tick(clock.now()), rests) == (250, [REST] * 2), "from then on all of it at once"


async def test_a_command_that_links_leaves_time_to_those_who_write(store: SqliteStore) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    await put(store, 250)
    assert await link_waiting(store, pause=pause) == 250
    assert pauses == [PAUSE] * 2


async def test_nobody_has_to_look_while_what_was_there_at_the_start_is_being_linked(store: SqliteStore) -> None:
    clock = FakeClock(START + timedelta(days=300))
    chaining = Chaining(store=store, clock=clock, bites=1, old_bites=2)
    await put(store, 5 * OLD_BITE)
    for _ in range(2):
        await clock.advance(30)
        assert await chaining.tick(clock.now()) == 2 * OLD_BITE
        assert chaining.amiss() == {}
    chaining._oldest_new = clock.now() - timedelta(seconds=30)  # as if of what came since one line were left
    assert chaining.amiss() == {"audit_unlinked_seconds": 30}
    chaining._oldest_new = None
    await clock.advance(21)
    assert chaining.amiss() == {"audit_unlinked_seconds": 21}, "it does not go on"
    assert await chaining.tick(clock.now()) == OLD_BITE
    chaining._oldest = clock.now() - timedelta(seconds=30)  # as if of what came since one line were left
    assert chaining.amiss() == {"audit_unlinked_seconds": 30}


async def test_checkpoints_are_made_every_thousand_lines_and_every_five_minutes(store: SqliteStore) -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    making = Checkpointing(store=store, hub="https://hub.example", key=KEY, ids=IDS, log=LOG, pause=rest)
    assert await making.tick(START) == 0
    await put(store, 2 * EVERY_LINES + 1)
    await Chaining(store=store, clock=FakeClock()).tick(START)
    assert await making.tick(START) == 2
    assert rests == [checkpointing.REST] * 2 * (EVERY_LINES // checkpointing.BITE - 1), (
        "what comes meanwhile has its turn"
    )
    assert await making.tick(START + timedelta(seconds=299)) == 0
    assert await making.tick(START + timedelta(seconds=300)) == 1
    made = await store.read(lambda unit: unit.trail.checkpoints_after(0, 10))
    assert [one.number for one in made] == [EVERY_LINES, 2 * EVERY_LINES, 2 * EVERY_LINES + 1]
    none = Checkpointing(store=store, hub="https://hub.example", key=None, ids=IDS, log=LOG)
    await put(store, 1)
    assert (await none.tick(START + timedelta(days=1)), await none.make(START)) == (0, None)


class Faulty:
    """A place that takes nothing while it is told so."""

    kind, id = "url", "url:1"

    def __init__(self) -> None:
        self.broken = True
        self.taken: list[int] = []

    async def put(self, checkpoint: Checkpoint) -> None:
        if self.broken:
            raise NotTaken("status_503")
        self.taken.append(checkpoint.number)


async def test_a_place_that_takes_nothing_is_tried_again_told_of_and_given_all_of_it(store: SqliteStore) -> None:
    place = Faulty()
    sending = Sending(store=store, places=[place], ids=IDS, log=LOG)
    for number in (3, 7, 9):
        await store.write(lambda unit, number=number: unit.trail.add_checkpoint(checkpoint(number)))
    assert await sending.tick(START + timedelta(minutes=14)) == 0
    assert (sending.amiss(), await store.read(lambda unit: unit.alarms())) == ({}, [])
    for minutes in (15, 16):
        await sending.tick(START + timedelta(minutes=minutes))
    assert sending.amiss() == {"audit_not_sent": 1}
    (alarm,) = await store.read(lambda unit: unit.alarms())
    assert (alarm.kind, alarm.owner, alarm.reason) == ("audit_not_sent", "operator", "url")
    place.broken = False
    assert await sending.tick(START + timedelta(minutes=17)) == 3
    assert (place.taken, sending.amiss(), await store.read(lambda unit: unit.alarms())) == ([3, 7, 9], {}, [])
    assert await sending.tick(START + timedelta(minutes=18)) == 0


async def test_a_folder_has_one_whole_file_for_each_and_nothing_is_written_over(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    for number in (12, 5, 12):
        await place.put(checkpoint(number))
    assert list(kept_in(tmp_path)) == [checkpoint(5), checkpoint(12)]
    assert len(list(tmp_path.iterdir())) == 2
    first = min(tmp_path.iterdir())
    first.write_bytes(b"{}")
    with pytest.raises(NotTaken, match="differs"):
        await place.put(checkpoint(5))
    assert next(kept_in(tmp_path)) == f"{first.name}: other members than a checkpoint has"
    with pytest.raises(NotTaken, match="FileNotFoundError"):  # a mount that is missing is not made anew
        await FolderPlace(tmp_path / "gone").put(checkpoint(5))


async def test_an_address_is_given_each_as_json_and_any_2xx_is_a_yes() -> None:
    taken: list[Checkpoint] = []
    statuses = [201, 503, 302]

    async def handler(request: web.Request) -> web.Response:
        taken.append(from_json(await request.read()))
        return web.Response(status=statuses[len(taken) - 1], headers={"Location": "/"})

    application = web.Application()
    application.router.add_post("/in", handler)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    place = UrlPlace(f"http://{host}:{port}/in?secret=marker")
    try:
        await place.put(checkpoint(1))
        for status in (503, 302):
            with pytest.raises(NotTaken, match=f"^status_{status}$"):
                await place.put(checkpoint(2))
        assert taken == [checkpoint(1), checkpoint(2), checkpoint(2)]
    finally:
        await runner.cleanup()
    with pytest.raises(NotTaken) as refused:
        await place.put(checkpoint(3))
    assert "marker" not in f"{refused.value} {place!r} {place.id}"
