"""Directories that were handed over: one at a time is put in force, and nothing of them can be read in the ledger."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hub.core.uploads import Upload
from tests.contract.test_secrecy import disguises
from tests.kit.clock import START
from tests.kit.store import Stores, sqlite_store

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
JO, SAM = "user:us_jo", "user:us_sam"
FILE = b'{"contacts": [{"address": "marked.mailbox@bromley.example"}]}'


def upload(id: str = "up_1", **changes: Any) -> Upload:
    one = Upload(id=id, organisation="E09000006", by=JO, part="E09000006", seen=3, uploaded_at=START)
    return replace(one, **changes)


async def add(store: Stores, *several: Upload) -> None:
    for one in several:
        await store.write(lambda unit, one=one: unit.drafts.uploads.add(one, FILE))


async def there(store: Stores, id: str = "up_1") -> Upload | None:
    return await store.read(lambda unit: unit.drafts.uploads.one(id))


async def begun(store: Stores, id: str, seen: int, change: str, after: timedelta) -> str | None:
    return await store.write(lambda unit: unit.drafts.uploads.begin(id, seen, change, START + after))


async def test_it_comes_back_as_it_was_handed_over(store: Stores) -> None:
    await add(store, upload())
    assert await there(store) == upload()
    assert await store.read(lambda unit: unit.drafts.uploads.file("up_1")) == FILE
    assert await there(store, "up_2") is None
    assert await store.read(lambda unit: unit.drafts.uploads.file("up_2")) is None


async def test_what_was_not_used_makes_room_and_what_is_over_is_forgotten(store: Stores) -> None:
    old = upload("up_old", by=SAM, uploaded_at=START - HOUR)
    await add(store, old, upload("up_sam", by=SAM), upload("up_busy"))
    assert await begun(store, "up_busy", 3, "ch_1", MINUTE) == "ch_1"
    await add(store, upload("up_first"), upload("up_second"))
    found = [id for id in ("up_old", "up_sam", "up_busy", "up_first", "up_second") if await there(store, id)]
    assert found == ["up_sam", "up_busy", "up_second"]


async def test_one_at_a_time_puts_it_in_force_and_whoever_is_next_uses_the_same_id(store: Stores) -> None:
    await add(store, upload())
    assert await begun(store, "up_1", 4, "ch_0", MINUTE) is None, "it is compared with version 3"
    assert await begun(store, "up_1", 3, "ch_1", MINUTE) == "ch_1"
    assert await begun(store, "up_1", 3, "ch_2", 1.5 * MINUTE) is None, "somebody is at it"
    await store.write(lambda unit: unit.drafts.uploads.compare("up_1", 9, START + 1.5 * MINUTE))
    await store.write(lambda unit: unit.drafts.uploads.remove("up_1", START + 1.5 * MINUTE))
    assert await there(store) == upload(change="ch_1", confirmed_at=START + MINUTE), "nor does it change meanwhile"
    assert await begun(store, "up_1", 3, "ch_3", 2 * MINUTE) == "ch_1", "who was at it is not any more"
    await store.write(lambda unit: unit.drafts.uploads.halt("up_1", None))
    await store.write(lambda unit: unit.drafts.uploads.compare("up_1", 9, START + 2 * MINUTE))
    assert await there(store) == upload(change="ch_1", seen=9)
    await store.write(lambda unit: unit.drafts.uploads.put_away("up_1"))
    assert await begun(store, "up_1", 9, "ch_4", HOUR) is None, "there is nothing any more"
    await store.write(lambda unit: unit.drafts.uploads.remove("up_1", START + HOUR))
    assert await there(store) is None


async def test_nothing_of_it_can_be_read(tmp_path: Path) -> None:
    store = await sqlite_store(tmp_path)
    await add(store, upload())
    await store.aclose()
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        for value in ("marked.mailbox@bromley.example", '"contacts"'):
            assert not any(disguise in content for disguise in disguises(value)), path.name
