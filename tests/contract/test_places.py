"""Every sealed value is bound to its table, column and row: put anywhere else in the database it does not open.

All of them are walked: a column of bytes is either sealed, and tried here with two rows, or stands in HASHES.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Final

import pytest
from sqlalchemy import LargeBinary, Table, select

from hub.core.news import News
from hub.core.passkeys import Passkey
from hub.core.records import ClosedEndpoint, ReceiptRecord, SourceKey
from hub.core.retention import Hold
from hub.core.uploads import Upload
from hub.edge.ids import SeededIds
from hub.edge.vault import Vault, VaultError
from hub.service.ports import Unit
from hub.store import SqliteStore, endpoints
from hub.store.tables import metadata
from tests.contract.test_accounts import PROVIDER, link, user
from tests.contract.test_conversations import written
from tests.contract.test_drafts import about, contact, decided
from tests.contract.test_holds import deed
from tests.contract.test_peers import a_peer
from tests.contract.test_resolving import resolution
from tests.contract.test_secrecy import whole_story
from tests.kit.clock import START
from tests.kit.peers import ASHBY, BORDON
from tests.kit.records import Story
from tests.kit.store import Stores, memory_store, raw

HASHES: Final = {
    "api_token_secrets": {"digest"},
    "api_tokens": {"certificate"},
    "audit": {"link"},
    "audit_checkpoints": {"link", "signature"},
    "children": {"lookup"},
    "deliveries": {"token_digest", "line", "destination", "receipt_digest", "reply_digest", "pickup_digest"},
    "directory_change_entries": {"entry"},
    "directory_news": {"token_digest"},
    "episodes": {"lookup"},
    "events": {"lookup", "digest"},
    "identities": {"lookup"},
    "messages": {"key"},
    "passkeys": {"lookup"},
    "pickup_visits": {"browser", "code"},
    "police_holds": {"key"},
    "search_marks": {"marks"},
    "sources": {"certificate"},
    "spent": {"digest"},
    "user_links": {"digest"},
    "user_sessions": {"digest"},
    "users": {"lookup"},
    "verifications": {"mark", "place", "token_digest", "receipt_digest", "reply_digest"},
}
"""Columns of digests and signatures: nothing opens them. What is not here is sealed."""


@dataclass(frozen=True)
class Place:
    """Where something was sealed, and with which key."""

    key: bytes
    table: str
    column: str
    row: str

    @property
    def where(self) -> dict[str, str]:
        return {"table": self.table, "column": self.column, "row": self.row}


async def everything(store: Stores) -> None:
    """Two rows in every table that has sealed columns; those of children are all of one child, under one key."""
    ids = SeededIds("places")
    told = [Story(ids, ref=f"ref {number}") for number in (1, 2)]
    for story in told:
        await whole_story(store, story)
    first = about()
    second = about(contact("bromley-2"))

    async def work(unit: Unit) -> None:
        (source,) = await unit.sources()
        key = SourceKey(id="k2", scheme="v1", key=b"another secret", valid_from=START)
        await unit.put_source(replace(source, keys=(*source.keys, key)))
        for number in (1, 2):
            who = user(number)
            await unit.accounts.put_user(who)
            await unit.accounts.put_link(link(number))
            await unit.passkeys.put(
                Passkey(
                    id=f"pk_{number}", user=who.id, organisation=who.organisation, credential=b"credential %d" % number,
                    public_key=b"key", name="phone", sign_count=0, synced=False, backed_up=False, created_at=START,
                )
            )  # fmt: skip
            await unit.providers.put(replace(PROVIDER, organisation=f"E0900000{number}"), START)
            await unit.drafts.uploads.add(
                Upload(id=f"up_{number}", organisation="E09000006", by=f"user:us_{number}", part=None, seen=number,
                       uploaded_at=START), b"file",
            )  # fmt: skip
            receipt = ReceiptRecord(id=ids.new("rc", START), arrived_at=START, channel="email", kind=None, at=None,
                                    delivery=None, code="x", raw=b"a report")  # fmt: skip
            await unit.add_receipt(receipt)
            held = Hold(
                id=f"ho_{number}", child=told[0].child, code="inquest", since=START, by="operator", reason="why"
            )
            await unit.retention.add_hold(held)
            await unit.peers.put(a_peer(ASHBY if number == 1 else BORDON))
            await unit.conversations.add(replace(written(told[0], key=f"key {number}"), signed=b"signed"))
            found = resolution(told[0], None)
            await unit.resolving.put(found, told[0].child, found.steps, ())
            await unit.holds.add(deed(told[0], number, key=f"key {number}"))
        for version, one in enumerate((first, second), start=4):
            await unit.drafts.add(one)
            await unit.drafts.settle(decided(one.draft, version=version))
            told_of = News(
                id=f"nw_{version}", change=one.draft.id, about="moves_to", address="a@b.example", due_at=START
            )
            await unit.drafts.news.put([told_of])
        run: Any = unit
        for number in (1, 2):
            closed = ClosedEndpoint(contact=f"co_{number}", channel="sms", organisation=None, address="07700 900123",
                                    closed_at=START)  # fmt: skip
            await run._run(endpoints.close_endpoint, closed)

    await store.write(work)


@pytest.fixture
async def sealed(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, Place]:
    """By sealed value, what it was sealed for."""
    found: dict[bytes, Place] = {}
    before = Vault.seal

    def seal(self: Vault, key: bytes, plaintext: bytes, *, table: str, column: str, row: str) -> bytes:
        value = before(self, key, plaintext, table=table, column=column, row=row)
        found[value] = Place(key, table, column, row)
        return value

    monkeypatch.setattr(Vault, "seal", seal)
    return found


def columns() -> Iterator[tuple[Table, str]]:
    """Every column of sealed values."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, LargeBinary) and column.name not in HASHES.get(table.name, ()):
                yield table, column.name


async def rows(store: SqliteStore, table: Table) -> list[Any]:
    async def work(unit: Any) -> list[Any]:
        return list(await unit._run(lambda session: session.connection.execute(select(table)).all()))

    return await store.read(work)


async def test_no_sealed_value_opens_in_another_row_column_or_table(sealed: dict[bytes, Place]) -> None:
    store = await memory_store()
    await everything(store)
    vault = store._sealer
    samples: list[tuple[bytes, Place]] = []
    for table, column in columns():
        cells = [(row, getattr(row, column)) for row in await rows(store, table) if getattr(row, column) is not None]
        assert len(cells) >= 2, f"{table.name}.{column}: two rows are needed to try it"
        keys = [tuple(row._mapping[one.name] for one in table.primary_key) for row, _ in cells]
        places = [sealed[value] for _, value in cells]
        assert {(one.table, one.column) for one in places} == {(table.name, column)}, "sealed for where it stands"
        assert len({one.row for one in places}) == len(set(keys)), f"two rows of {table.name} are one place"
        for (value, own), (foreign, _) in permutations(list(zip((v for _, v in cells), places, strict=True))[:3], 2):
            assert vault.open(own.key, value, **own.where) is not None
            with pytest.raises(VaultError):  # with the key of either: of one child it is the same
                vault.open(own.key, foreign, **own.where)
        samples.append((cells[0][1], places[0]))
    assert len(samples) >= 30
    for (_, own), (foreign, other) in permutations(samples, 2):
        with pytest.raises(VaultError):
            vault.open(other.key, foreign, **own.where)
    await store.aclose()


async def test_swapped_in_the_database_what_is_read_does_not_open(sealed: dict[bytes, Place]) -> None:
    store = await memory_store()
    await everything(store)

    def swapped(table: str, column: str, one: str, other: str) -> list[str]:
        value = (
            f"(SELECT {column} FROM kept WHERE kept.id = CASE {table}.id WHEN '{one}' THEN '{other}' ELSE '{one}' END)"
        )
        return [
            f"CREATE TEMP TABLE kept AS SELECT id, {column} FROM {table}",
            f"UPDATE {table} SET {column} = {value} WHERE id IN ('{one}', '{other}')",
            "DROP TABLE kept",
        ]

    await raw(store, *swapped("users", "name", "us_1", "us_2"))
    with pytest.raises(VaultError, match=r"users\.name of us_1"):
        await store.read(lambda unit: unit.accounts.user("us_1"))
    episodes = [one.id for one in await store.read(lambda unit: unit.episode_list())]
    await raw(store, *swapped("episodes", "memory", *episodes))
    with pytest.raises(VaultError, match=r"episodes\.memory"):
        await store.read(lambda unit: unit.episode_by_id(episodes[0]))
    await raw(store, "UPDATE acknowledgements SET name = redirected_to, redirected_to = name")
    notices = await store.read(lambda unit: unit.notices(episodes[1]))
    with pytest.raises(VaultError, match=r"acknowledgements\."):
        await store.read(lambda unit: unit.acknowledgements(notices[0].id))
    await store.aclose()
