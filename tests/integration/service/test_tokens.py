"""API tokens: what opens and what does not, rotation with an overlap, warnings before the end, and what is written."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contacts.roles import OPERATOR
from hub.core.accounts import CONSOLE, Role, Viewer
from hub.core.api_tokens import SCOPES, Token, TokenSecret, offered
from hub.edge.ids import SeededIds
from hub.service.access import METRICS_GRACE, Access, Denied, Granted
from hub.service.accounts.telling import Tell
from hub.service.desk.ports import Reader
from hub.service.ports import StoreUnavailable, Unit
from hub.service.steady import EVENLY
from hub.service.tokens.ending import EndingTokens
from hub.service.tokens.importing import FiledToken, bring_in
from hub.service.tokens.keeping import Made, Tokens, Wanted
from hub.service.tokens.using import Usage
from hub.store import SqliteStore
from tests.kit.accounts import BROMLEY, CAMDEN, accounts_over
from tests.kit.clock import START, FakeClock
from tests.kit.failing import ledger
from tests.kit.store import sqlite_store
from tests.kit.web import BrokenStore, Lines

DAY = timedelta(days=1)
YEAR = 365 * DAY


@dataclass
class Node:
    """One node's services, all on the ledger of the folder."""

    store: SqliteStore
    broken: BrokenStore
    clock: FakeClock
    folder: Path
    tokens: Tokens
    usage: Usage
    access: Access
    ending: EndingTokens
    counted: list[str] = field(default_factory=list)
    mails: list[tuple[str, str]] = field(default_factory=list)

    async def made(self, name: str = "reader", *scopes: str, viewer: Viewer = CONSOLE, **more: object) -> Made:
        """A token that was made."""
        wanted = replace(Wanted(name=name, scopes=scopes or ("episodes:read",)), **more)  # type: ignore[arg-type]
        made = await self.tokens.add(viewer, wanted)
        assert isinstance(made, Made), made
        return made

    async def opens(self, secret: str) -> bool:
        return await self.access.check(secret, "episodes:read") == Granted(name="reader")

    async def looks(self) -> int:
        """Look at the ends as a hub does whose clock nobody has set."""
        now = self.clock.now()
        return sum([await self.ending.tick(now - before * EVENLY) for before in (*range(4, 0, -1), 0)])

    def lines(self, *actions: str) -> list[tuple[object, ...]]:
        """The audit log's, as actor and action."""
        return [row[2:] for row in ledger(self.folder)["audit"] if row[3] in actions]


def node(folder: Path, store: SqliteStore, clock: FakeClock, name: str) -> Node:
    ids, broken = SeededIds(name), BrokenStore(store)
    counted: list[str] = []
    mails: list[tuple[str, str]] = []

    def mail(text: str) -> Tell:
        async def tell(address: str) -> None:
            mails.append((address, text))

        return tell

    usage = Usage(store=broken, ids=ids, count=counted.append)
    return Node(
        store=store,
        broken=broken,
        clock=clock,
        folder=folder,
        tokens=Tokens(store=store, clock=clock, ids=ids, longest=YEAR),
        usage=usage,
        access=Access(broken, clock, usage),
        ending=EndingTokens(store=store, ids=ids, mail=mail, log=Lines()),
        counted=counted,
        mails=mails,
    )


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    """Two nodes, one clock."""
    clock = FakeClock()
    one, other = await sqlite_store(tmp_path, node="1"), await sqlite_store(tmp_path, node="2")
    yield node(tmp_path, one, clock, "one"), node(tmp_path, other, clock, "other")
    await one.aclose()
    await other.aclose()


@pytest.fixture
def here(nodes: tuple[Node, Node]) -> Node:
    return nodes[0]


def viewer(*roles: Role, organisation: str = BROMLEY) -> Viewer:
    return Viewer(user="us_jo", organisation=organisation, roles=frozenset(roles), name="Jo Example")


async def test_a_token_opens_its_scopes_and_no_other_and_only_its_hash_is_kept(here: Node) -> None:
    made = await here.made()
    assert made.secret.startswith("fpt_") and made.secret not in repr(made)
    assert await here.opens(made.secret)
    assert await here.access.check(made.secret, "outbox:write") == Denied(reason="scope")
    assert await here.access.check(made.secret, "episodes:read", BROMLEY) == Denied(reason="organisation")
    assert await here.access.check("fpt_none", "episodes:read") == Denied(reason="unknown")
    assert await here.access.check(None, "episodes:read") == Denied(reason="missing")
    assert here.counted == ["scope", "organisation", "unknown"]
    assert made.secret not in repr(ledger(here.folder))
    [line] = here.lines("token.added")
    assert "operator" in line and "2027-" in repr(line)


async def test_a_token_of_an_organisation_opens_its_own_and_is_called_by_it(here: Node) -> None:
    made = await here.made("reader", "register:read", organisation=BROMLEY)
    assert await here.access.check(made.secret, "register:read", BROMLEY) == Granted(name=f"{BROMLEY}/reader")
    assert await here.access.check(made.secret, "register:read", CAMDEN) == Denied(reason="organisation")
    # The same name is free to everybody else: nobody learns what others call theirs.
    await here.made("reader", "register:read", organisation=CAMDEN)
    await here.made("reader")


async def test_what_is_revoked_on_one_node_is_dead_on_the_other_with_the_next_request(
    nodes: tuple[Node, Node],
) -> None:
    here, there = nodes
    made = await here.made()
    assert await there.opens(made.secret)
    assert await here.tokens.revoke(CONSOLE, made.token.id)
    assert await there.access.check(made.secret, "episodes:read") == Denied(reason="revoked")
    assert not await here.tokens.revoke(CONSOLE, made.token.id)
    assert await here.tokens.rotate(CONSOLE, made.token.id, overlap=DAY) is None
    assert len(here.lines("token.revoked")) == 1


async def test_a_token_ends_when_it_was_said_and_a_clock_that_is_set_back_does_not_bring_it_back(here: Node) -> None:
    made = await here.made(ends_at=START + 10 * DAY)
    await here.clock.advance(10 * 86_400 - 1)
    assert await here.opens(made.secret)
    await here.clock.advance(1)
    assert await here.access.check(made.secret, "episodes:read") == Denied(reason="expired")
    await here.looks()
    assert len(here.lines("token.expired")) == 1
    here.clock._now = START
    assert await here.access.check(made.secret, "episodes:read") == Denied(reason="expired")


async def test_a_look_by_a_clock_far_ahead_ends_no_token_and_takes_no_warning_away(here: Node) -> None:
    made = await here.made(ends_at=START + 40 * DAY)
    await here.looks()
    for at in (START + YEAR, START + EVENLY, START + YEAR + EVENLY, START + 2 * EVENLY):
        assert await here.ending.tick(at) == 0
    assert await here.opens(made.secret)
    assert here.lines("token.expired") == []
    await here.clock.advance(11 * 86_400)
    assert await here.looks() == 1, "the warning a month before is given"


async def test_nobody_makes_one_that_lasts_too_long_or_has_ended_already(here: Node) -> None:
    for ends_at in (START, START - DAY, START + YEAR + DAY):
        found = await here.tokens.add(CONSOLE, Wanted(name="x", scopes=["episodes:read"], ends_at=ends_at))
        assert isinstance(found, tuple) and [one.field for one in found] == ["ends"]


async def test_the_old_secret_goes_on_for_the_overlap_and_no_longer(here: Node) -> None:
    first = await here.made()
    second = await here.tokens.rotate(CONSOLE, first.token.id, overlap=7 * DAY)
    assert isinstance(second, Made) and second.others_end == START + 7 * DAY
    assert await here.opens(first.secret) and await here.opens(second.secret)
    await here.clock.advance(7 * 86_400)
    assert await here.access.check(first.secret, "episodes:read") == Denied(reason="expired")
    assert await here.opens(second.secret)
    third = await here.tokens.rotate(CONSOLE, first.token.id, overlap=timedelta(0))
    assert isinstance(third, Made) and third.others_end is None
    assert not await here.opens(second.secret)
    assert await here.opens(third.secret)
    assert isinstance(await here.tokens.rotate(CONSOLE, first.token.id, overlap=31 * DAY), tuple)
    assert len(here.lines("token.rotated")) == 2


async def test_a_rotation_lengthens_no_old_secret(here: Node) -> None:
    first = await here.made(ends_at=START + DAY)
    await here.tokens.rotate(CONSOLE, first.token.id, overlap=7 * DAY)
    await here.clock.advance(86_400)
    assert not await here.opens(first.secret)


async def test_a_token_that_is_bound_to_a_certificate_is_worth_nothing_without_it(here: Node) -> None:
    made = await here.made(certificate=b"c" * 32)
    for shown in (None, b"", b"d" * 32):
        found = await here.access.known(made.secret, "episodes:read", certificate=shown)
        assert found == Denied(reason="certificate")
    assert await here.access.known(made.secret, "episodes:read", certificate=b"c" * 32) == made.token


async def test_a_use_writes_nothing_until_the_tick_and_then_to_the_minute(here: Node) -> None:
    made = await here.made()
    await here.clock.advance(90)
    await here.opens(made.secret)
    assert (await used(here, made.token)) is None
    here.broken.away = True
    with pytest.raises(StoreUnavailable):
        await here.usage.tick(here.clock.now())
    await here.usage.close(here.clock.now())
    here.broken.away = False
    await here.usage.tick(here.clock.now())
    assert await used(here, made.token) == START + timedelta(minutes=1)


async def used(here: Node, token: Token) -> datetime | None:
    held = await here.tokens.one(CONSOLE, token.id)
    assert held is not None
    return held.used_at


async def test_refusals_are_told_once_in_ten_minutes_with_their_number(here: Node) -> None:
    made = await here.made()
    for _ in range(40):
        await here.access.check(made.secret, "outbox:write")
        await here.access.check("fpt_none", "outbox:write")
        await here.usage.tick(here.clock.now())
    told = here.lines("token.refused")
    assert len(told) == 2 and sum('"times": "1"' in repr(line) for line in told) == 2
    await here.clock.advance(600)
    await here.usage.tick(here.clock.now())
    assert sum('"times": "39"' in repr(line) for line in here.lines("token.refused")) == 2
    assert "fpt_none" not in repr(ledger(here.folder))


async def test_an_address_that_guessed_too_often_reaches_only_what_was_good_a_while_ago(here: Node) -> None:
    working, unused = await here.made(), await here.made("unused")
    assert await here.opens(working.secret)
    slow = {"slow": lambda: True}
    assert isinstance(await here.access.known(working.secret, "episodes:read", **slow), Token)
    here.broken.away = True  # nothing else is even looked up
    assert await here.access.known(unused.secret, "episodes:read", **slow) == Denied(reason="slow")
    here.broken.away = False
    await here.clock.advance(3600)
    assert await here.access.known(working.secret, "episodes:read", **slow) == Denied(reason="slow")


async def test_metrics_are_read_on_while_the_store_is_away_and_nothing_else_is(here: Node) -> None:
    made = await here.made("both", "metrics:read", "episodes:read")
    assert isinstance(await here.access.known(made.secret, "metrics:read"), Token)
    assert isinstance(await here.access.known(made.secret, "episodes:read"), Token)
    here.broken.away = True
    assert isinstance(await here.access.known(made.secret, "metrics:read"), Token)
    for secret, scope in ((made.secret, "episodes:read"), ("fpt_none", "metrics:read")):
        with pytest.raises(StoreUnavailable):
            await here.access.known(secret, scope)  # type: ignore[arg-type]
    await here.clock.advance(METRICS_GRACE.total_seconds())
    with pytest.raises(StoreUnavailable):
        await here.access.known(made.secret, "metrics:read")


NAMING = {"register:read", "conversations:read", "conversations:write"}
OWN = NAMING | {"directory:read", "directory:write"}


@pytest.mark.parametrize(
    ("who", "organisation", "scopes"),
    [
        (viewer("directory_admin"), BROMLEY, {"directory:read", "directory:write"}),
        (viewer("directory_admin", "recipient"), BROMLEY, OWN),
        (viewer("directory_admin"), CAMDEN, set()),
        (viewer("directory_admin"), None, set()),
        (viewer("recipient"), BROMLEY, set()),
        (viewer("auditor"), BROMLEY, set()),
        (viewer("operator", organisation=OPERATOR), BROMLEY, {"directory:read", "directory:write"}),
        (viewer("operator", organisation=OPERATOR), None, set(SCOPES) - NAMING),
        (viewer("directory_admin", organisation=OPERATOR), None, {"directory:read", "directory:write"}),
        (CONSOLE, BROMLEY, OWN),
    ],
)
def test_nobody_gives_a_token_what_they_may_not_do_themselves(
    who: Viewer, organisation: str | None, scopes: set[str]
) -> None:
    assert set(offered(who, organisation)) == scopes


async def test_a_token_with_what_its_maker_may_not_do_is_not_made(here: Node) -> None:
    wanted = Wanted(name="names", scopes=["register:read"], organisation=BROMLEY)
    refused = await here.tokens.add(viewer("directory_admin"), wanted)
    assert isinstance(refused, tuple) and [one.field for one in refused] == ["scopes"]
    assert await here.tokens.named("names", BROMLEY) == []
    assert isinstance(await here.tokens.add(viewer("directory_admin", "recipient"), wanted), Made)


async def test_one_for_conversations_is_for_desks_that_its_maker_reads(here: Node) -> None:
    accounts = accounts_over(here.store, here.clock)
    admin = (await accounts.member("jo@people.example", "directory_admin", "recipient")).viewer
    wanted = Wanted(name="talk", scopes=["conversations:read"], organisation=BROMLEY, desks=["front_door"])
    refused = await here.tokens.add(admin, wanted)
    assert isinstance(refused, tuple) and [one.field for one in refused] == ["desks"], "they read for no desk"
    reader = Reader(user=admin.user, organisation=BROMLEY, desks=frozenset({"front_door"}), given_at=START,
                    given_by="operator")  # fmt: skip
    await here.store.write(lambda unit: unit.desk.put_reader(reader))
    made = await here.tokens.add(admin, wanted)
    assert isinstance(made, Made) and made.token.desks == {"front_door"}
    every = await here.made("every", "conversations:read", organisation=BROMLEY, desks=["*", "mash"])
    assert every.token.desks == {"*"}
    assert isinstance(await here.tokens.add(admin, replace(wanted, name="all", desks=["*"])), tuple)
    assert isinstance(await here.tokens.rotate(admin, made.token.id, overlap=DAY), Made)
    assert await here.tokens.rotate(admin, every.token.id, overlap=DAY) is None, "its secret would show them more"


async def test_what_is_anothers_is_as_if_it_were_not_there(here: Node) -> None:
    jo, camden = viewer("directory_admin"), viewer("directory_admin", organisation=CAMDEN)
    theirs = await here.made("own", "directory:read", viewer=camden, organisation=CAMDEN)
    operators = await here.made("operators")
    register = await here.made("register", "register:read", organisation=BROMLEY)
    for token in (theirs.token.id, operators.token.id, "tk_none"):
        assert await here.tokens.one(jo, token) is None
        assert await here.tokens.rotate(jo, token, overlap=DAY) is None
        assert not await here.tokens.revoke(jo, token)
    assert await here.tokens.add(jo, Wanted(name="x", scopes=["directory:read"], organisation=CAMDEN)) is None
    assert await here.tokens.add(jo, Wanted(name="x", scopes=["directory:read"])) is None
    # It is theirs to revoke. Its secret would show them names.
    assert [one.token.name for one in await here.tokens.listed(jo)] == ["register"]
    assert await here.tokens.rotate(jo, register.token.id, overlap=DAY) is None
    assert await here.tokens.revoke(jo, register.token.id)
    assert await here.tokens.listed(viewer("recipient")) == ()


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Wanted(name="a b", scopes=["episodes:read"]), "name"),
        (Wanted(name="", scopes=["episodes:read"]), "name"),
        (Wanted(name="x", scopes=[]), "scopes"),
        (Wanted(name="x", scopes=["everything"]), "scopes"),
        (Wanted(name="x", scopes=["register:read"]), "scopes"),
        (Wanted(name="x", scopes=["episodes:read"], organisation=BROMLEY), "scopes"),
        (Wanted(name="x", scopes=["register:read", "directory:read"], organisation=BROMLEY), "scopes"),
        (Wanted(name="x", scopes=["conversations:read", "register:read"], organisation=BROMLEY, desks="*"), "scopes"),
        (Wanted(name="x", scopes=["conversations:read"], desks="*"), "scopes"),
        (Wanted(name="x", scopes=["conversations:read"], organisation=BROMLEY), "desks"),
        (Wanted(name="x", scopes=["conversations:read"], organisation=BROMLEY, desks=["kitchen"]), "desks"),
        (Wanted(name="x", scopes=["directory:read"], organisation=BROMLEY, desks="*"), "desks"),
        (Wanted(name="x", scopes=["directory:read"], organisation=OPERATOR), "organisation"),
        (Wanted(name="x", scopes=["directory:read"], organisation="Bro mley"), "organisation"),
        (Wanted(name="x", scopes=["directory:read"], person="Jo Example"), "person"),
        (Wanted(name="reader", scopes=["metrics:read"]), "name"),
    ],
)
async def test_what_is_wrong_with_one_is_said_by_its_field(here: Node, wanted: Wanted, field: str) -> None:
    await here.made()
    found = await here.tokens.add(CONSOLE, wanted)
    assert isinstance(found, tuple) and [one.field for one in found] == [field]


async def test_the_end_is_warned_of_in_steps_each_once_on_whichever_node(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    people = accounts_over(here.store, here.clock)
    await people.member("jo@bromley.example", "directory_admin")
    await people.member("sam@bromley.example", "recipient")
    made = await here.made("feed", "directory:read", organisation=BROMLEY)
    await here.clock.advance(335 * 86_400 - 3600)
    assert await here.looks() == 0
    assert here.ending.figures() == {"tokens_ending": 0}
    for days, step in ((1, 1), (23, 1), (6, 1), (1, 1), (30, 0)):
        await here.clock.advance(days * 86_400)
        assert [await one.looks() for one in (here, there, here)] == [step, 0, 0]
        [alarm] = await here.store.read(lambda unit: unit.alarms())
        assert (alarm.kind, alarm.owner) == ("token_ending", BROMLEY)
    assert "ended on" in alarm.reason and f"{BROMLEY}/feed" in alarm.reason
    assert [address for address, _ in here.mails] == ["jo@bromley.example"] * 4
    assert made.secret not in repr(here.mails)
    assert here.ending.figures() == {"tokens_ending": 1}
    assert await here.tokens.revoke(CONSOLE, made.token.id)
    await here.looks()
    assert await here.store.read(lambda unit: unit.alarms()) == []
    assert here.ending.figures() == {"tokens_ending": 0}


async def test_a_rotation_ends_the_warnings_and_an_old_secret_is_not_warned_of(here: Node) -> None:
    made = await here.made(ends_at=START + 20 * DAY)
    assert await here.looks() == 1
    await here.tokens.rotate(CONSOLE, made.token.id, overlap=7 * DAY)
    assert await here.looks() == 0
    assert await here.store.read(lambda unit: unit.alarms()) == []
    await here.clock.advance(8 * 86_400)
    assert await here.looks() == 0
    [line] = here.lines("token.expired")
    assert "older" in repr(line)


async def test_a_thousand_that_end_keep_none_from_being_seen(here: Node) -> None:
    async def many(unit: Unit) -> None:
        for number in range(230):
            await unit.tokens.add(*row(number))

    await here.looks()
    made = await here.made(ends_at=START + 5 * DAY)
    [held] = await here.tokens.listed(CONSOLE)

    def row(number: int) -> tuple[Token, TokenSecret]:
        name = f"tk_{number:04}"
        secret = replace(held.newest, token=name, digest=number.to_bytes(32))
        return replace(made.token, id=name, name=name), secret

    await here.store.write(many)
    assert await here.ending.tick(START) == 231


async def test_the_old_file_comes_in_once_and_what_was_revoked_since_stays_revoked(nodes: tuple[Node, Node]) -> None:
    here, there = nodes
    filed = [
        FiledToken(name="reader", scopes=frozenset({"episodes:read"}), digest=b"1" * 32, created_at=START - YEAR),
        FiledToken(
            name="reader", scopes=frozenset({"register:read"}), digest=b"2" * 32, created_at=START, organisation=BROMLEY
        ),
    ]
    await here.made()  # a token of that name was made since

    async def brought(one: Node) -> int:
        return await bring_in(one.store, filed, START + YEAR, one.tokens._ids, START)

    assert [await brought(here), await brought(there)] == [2, 0]
    listed = await here.tokens.listed(CONSOLE)
    assert sorted(one.token.name for one in listed) == ["reader", "reader", "reader-313131313131"]
    assert {one.newest.ends_at for one in listed} == {START + YEAR}
    for one in listed:
        await here.tokens.revoke(CONSOLE, one.token.id)
    assert await brought(there) == 0
    assert await here.tokens.listed(CONSOLE) == []
    assert len(here.lines("token.imported")) == 2
