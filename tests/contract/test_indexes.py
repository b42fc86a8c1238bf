"""A million settled rows cost what ten do: what is asked all day is found by partial indexes."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Select, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from hub.core.completeness import Lack
from hub.core.desk import Sight
from hub.core.records import Sought
from hub.store.assurance import refused
from hub.store.claiming import claimable, each_way, in_order, ways
from hub.store.completeness import loose, questions, unsaid
from hub.store.desk import counted, lately, listing
from hub.store.episodes import due, registered
from hub.store.evidence import _about
from hub.store.outbox import counting, found
from hub.store.retention import kept
from hub.store.scoping import _narrowed
from hub.store.seeing import DUE, LEASED, WAITING_BY_STATE
from hub.store.sqlite import SqliteStore
from hub.store.statements import KINDS
from hub.store.tables import (
    alarms,
    attempts,
    audit,
    children,
    decisions,
    deliveries,
    episodes,
    events,
    notices,
    register_entries,
)
from hub.store.wall import UNSETTLED
from tests.kit.clock import START
from tests.kit.records import Story
from tests.kit.store import Stores, claim

ROWS = 3000
NOW = START + timedelta(seconds=5)
QUESTIONS: dict[str, tuple[Select[Any] | CompoundSelect[Any], str]] = {
    "claim": (claimable(NOW, ("email",), ("immediate", "high", "normal")).limit(50), "ix_deliveries_claim"),
    "ways": (ways(NOW), "ix_deliveries_(due|claim)"),  # they hold what is due, and nothing else
    "each way": (each_way(NOW), "ix_deliveries_claim"),
    "expired": (select(deliveries.c.id).where(LEASED, deliveries.c.lease_until <= NOW), "ix_deliveries_lease"),
    "next due": (select(func.min(deliveries.c.due_at)).where(DUE), "ix_deliveries_due"),
    "late": (select(func.count()).select_from(deliveries).where(DUE, deliveries.c.due_at < NOW), "ix_deliveries_due"),
    "waking": (due(NOW, 50), "ix_episodes_waking"),
    "next wake": (
        select(func.min(episodes.c.wake_at)).where(episodes.c.wake_at.is_not(None)),
        "ix_episodes_waking",
    ),
    "kept": (
        select(events.c.id).where(events.c.episode == "ep", text("NOT events.applied")).order_by(events.c.arrived_at),
        "ix_events_kept",
    ),
}
COMPLETE: dict[Lack, str] = {
    "no_state": "ix_notices_state",
    "look_late": "ix_notices_chasing",
    "nobody_told": "ix_episodes_state",
    "delivery_late": "ix_deliveries_due",
    "delivery_pointless": "ix_deliveries_(live|(in_)?line)",  # they hold what is not settled, and nothing else
    "lease_overrun": "ix_deliveries_lease",
    "attempt_adrift": "ix_attempts_adrift",
    "clock_late": "ix_episodes_waking",
    "stalled": "ix_notices_state",
}
"""What the hub asks about itself all day."""
QUESTIONS |= {what: (statement.limit(100), COMPLETE[what]) for what, statement in questions(NOW, NOW).items()}
QUESTIONS |= {
    "loose of an episode": (loose(notices.c.episode.in_(["ep"])), "ix_notices_episode"),
    "loose of late": (loose(notices.c.state_at > NOW), "ix_notices_loose"),
    "under way by channel": (UNSETTLED, "ix_deliveries_(live|(in_)?line)"),
    "retention": (kept().where(children.c.id == "ch"), "ix_deliveries_l"),
    "unsaid": (unsaid(decisions.c.id > "zz"), "ix_notices_decision"),
}
OF_ALL = Sight(organisation="E23000001", every=True)
PAGES = {f"outbox, {state}": found(Sought(state=state), NOW, NOW).order_by(deliveries.c.id).limit(101)
         for state in (None, "late", "stuck", "due", "leased", "failed")}  # fmt: skip
PAGES |= {
    f"desk, {which}": listing(OF_ALL, which, None, 26, False).where(lately(NOW)) for which in ("new", "unanswered")
}
PAGES |= {
    "outbox, sent to an organisation": found(Sought(state="sent", organisation="E23000001"), NOW, NOW)
    .order_by(deliveries.c.id)
    .limit(101),
    **{
        f"outbox, sent to an organisation, counted {name}": statement
        for name, statement in counting(Sought(state="sent", organisation="E23000001"), NOW, NOW).items()
    },
    **{f"evidence, {one.name}": select(one.table).where(_about(one, "ep")) for one in KINDS[1:]},
    "desk, all": listing(OF_ALL, "all", None, 26, False),
    "desk, counted": counted(OF_ALL, "new", 100).where(lately(NOW)),
    "register": registered("E23000001", False),
    "register, taken off": registered("E23000001", True).limit(100),
    "addresses that failed": refused(NOW),
    **{f"counted {name}": statement for name, statement in WAITING_BY_STATE.items()},
    "alarms": select(alarms).where(alarms.c.cleared_at.is_(None)),
    "newest episodes": select(episodes).order_by(episodes.c.id.desc()).limit(100),
    "audit of an organisation": select(audit.c.id)
    .where(audit.c.organisation == "x")
    .order_by(audit.c.at.desc())
    .limit(50),
}
"""What pages and figures read of tables that only grow."""
GROWING = (episodes, events, decisions, notices, deliveries, attempts, register_entries, alarms, audit)
_NAMES = "|".join(table.name for table in GROWING)
_FULL = "|".join(
    index.name or "" for table in GROWING for index in table.indexes if index.dialect_options["sqlite"]["where"] is None
)
WHOLE = re.compile(
    rf"SCAN ({_NAMES})(_\d+)?$|SCAN .* USING .*INDEX ({_FULL}|sqlite_autoindex_(?!episodes)\w+)$|"
    rf"Seq Scan on ({_NAMES})\b",
    re.M,
)
"""Going through all of such a table; the newest episodes are the end of it."""


SCOPED = {name: PAGES[name] for name in PAGES if name.startswith(("desk", "register"))}
SCOPED |= {table.name: select(table).where(next(iter(table.primary_key)) == "x") for table in GROWING[:6]}
SCOPED |= {f"{one.name} of an episode": select(one).where(one.c.episode == "x") for one in (notices, register_entries)}
"""What the people of an organisation ask, which is held to what is theirs."""


BUSY = ("claim", "claim, a burst nobody counted", "claim, a burst that is counted", "claim, the end of a burst")
"""However much PostgreSQL believes is under way: it counts when a twentieth of a year has changed."""


def in_scope(question: Any) -> Any:
    return _narrowed(question, ())[0].params(scope_tenant="E23000001")


def multiply(connection: Connection) -> None:
    """Many settled deliveries and sleeping episodes behind one of each that is live."""
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"

    def copies(table: str, key: str, changed: dict[str, str]) -> None:
        own = {"e": episodes, "d": deliveries, "v": events, "c": decisions, "t": notices, "a": attempts,
               "r": register_entries}[key]  # fmt: skip
        names = [column.name for column in own.columns]
        values = ", ".join(changed.get(name, f"{key}.{name}") for name in names)
        identity = "delivery" if key == "a" else "id"
        chosen = f"SELECT {values} FROM n, {table} {key} WHERE {key}.{identity} = (SELECT min({identity}) FROM {table})"
        connection.execute(text(f"INSERT INTO {table} ({', '.join(names)}) {numbers} {chosen}"))

    number = "CAST(n.i AS TEXT)"
    blob = "decode(lpad(to_hex(n.i), 64, '0'), 'hex')"
    if connection.dialect.name == "sqlite":
        blob = "CAST(printf('%064d', n.i) AS BLOB)"
    copies("episodes", "e", {"id": f"e.id || '-copy-' || {number}", "lookup": blob, "wake_at": "NULL"})
    copies("events", "v", {"id": f"v.id || '-copy-' || {number}", "lookup": blob})
    copies("register_entries", "r", {one: f"r.{one} || '-copy-' || {number}" for one in ("id", "episode")})
    copies("decisions", "c", {one: f"c.{one} || '-copy-' || {number}" for one in ("id", "episode")})
    settled = {"episode": f"t.episode || '-copy-' || {number}", "state": "'notified'", "chase_at": "NULL"}
    copies(
        "notices",
        "t",
        settled
        | {
            "id": f"t.id || '-copy-' || {number}",
            "reference": f"t.reference || {number}",
            "decision": f"t.decision || '-copy-' || {number}",
        },
    )
    copies(
        "deliveries",
        "d",
        {
            "id": f"d.id || '-copy-' || {number}",
            "notice": f"d.notice || '-copy-' || {number}",
            "token_digest": blob,
            "state": "'sent'",
            "tried": "(1 = 1)",
        },
    )
    copies("attempts", "a", {"delivery": f"a.delivery || '-copy-' || {number}", "state": "'sent'"})
    # And the episodes have come to an end.
    connection.execute(text("UPDATE episodes SET state = 'returned' WHERE id LIKE '%-copy-%'"))
    connection.execute(text("ANALYZE"))


def plan(connection: Connection, question: Select[Any] | CompoundSelect[Any]) -> Sequence[str]:
    dialect = postgresql.dialect() if connection.dialect.name == "postgresql" else sqlite.dialect()
    written = str(question.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    return [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {written}")]


async def explained(store: Stores, story: Story) -> dict[str, Sequence[str]]:
    await store.write(lambda unit: story.told(unit, 2))
    await claim(store, limit=1)

    def work(connection: Connection) -> dict[str, Sequence[str]]:
        multiply(connection)
        plans = {name: plan(connection, question) for name, (question, _) in QUESTIONS.items()}
        copied = "WHERE id LIKE '%-copy-%'"
        # The hub has SQLite count nothing; PostgreSQL does by itself, sooner or later.
        count = "ANALYZE" if connection.dialect.name == "postgresql" else "SELECT 1"
        changes = ("SELECT 1", f"UPDATE deliveries SET state = 'due', tried = (1 = 0) {copied}", count,
                   f"UPDATE deliveries SET state = 'sent', tried = (1 = 1) {copied}")  # fmt: skip
        for name, change in zip(BUSY, changes, strict=True):
            connection.execute(text(change))
            with in_order(connection):
                plans[name] = plan(connection, QUESTIONS["claim"][0])
        connection.execute(text(count))
        if connection.dialect.name == "postgresql":  # of ten rows in the tables that were not multiplied
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            # Of the one row that it believes a desk has, it costs the same to sort it: now it does, now it does not.
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        plans |= {name: plan(connection, question) for name, question in PAGES.items()}
        return plans | {f"scoped {name}": plan(connection, in_scope(question)) for name, question in SCOPED.items()}

    if isinstance(store, SqliteStore):

        def in_transaction() -> dict[str, Sequence[str]]:
            connection = store._open_connection()
            with connection.begin():
                return work(connection)

        return await store._in_writer(in_transaction)
    async with store._engine.begin() as connection:
        return await connection.run_sync(work)


async def test_each_question_is_answered_from_its_index(store: Stores, story: Story) -> None:
    plans = await explained(store, story)
    for name, (_, index) in QUESTIONS.items():
        shown = "\n".join(plans[name])
        assert re.search(index, shown), f"{name}:\n{shown}"
        whole = ("SCAN notices\n", "SCAN decisions\n", "Seq Scan on notices", "Seq Scan on decisions")
        assert not any(one in f"{shown}\n" for one in whole), f"{name}:\n{shown}"
    for name in (*PAGES, *(f"scoped {one}" for one in SCOPED)):
        shown = "\n".join(plans[name])
        assert not WHOLE.search(shown), f"{name}:\n{shown}"
        if name.startswith("scoped"):  # whose a row is, is looked at and not looked up
            assert not re.search(r"(notices|register_entries)_\d+ USING .*INDEX ix_\w+_organisation", shown), shown
        if name.endswith("of an episode") and "SEARCH" in shown:
            assert re.search(r"SEARCH (notices|register_entries) USING INDEX ix_\w+_episode", shown), shown
    listed, sent = ("\n".join(plans[name]) for name in ("desk, all", "outbox, sent to an organisation"))
    assert "ix_notices_organisation" in listed and "Sort Key: notices.id" not in listed, listed
    assert "ix_deliveries_organisation" in sent and not re.search("TEMP B-TREE|Sort", sent), sent
    for name in (one for one in PAGES if one.startswith("outbox, sent to an organisation, counted")):
        counts = "\n".join(plans[name])
        assert not re.search(r"ix_(deliveries|notices)_organisation", counts), f"{name}: all it was ever sent\n{counts}"
        assert "ix_deliveries_failed_organisation" in counts or not name.endswith("failed"), f"{name}:\n{counts}"
    # The order comes from the index: nothing is sorted, however much is due. And whatever else waits, of each that is
    # due only its own group and its own line is looked at.
    for name in BUSY:
        claim = "\n".join(plans[name])
        assert "ix_deliveries_claim" in claim and not re.search("TEMP B-TREE|Sort|Join|Bitmap", claim), claim
        for own in ("ix_deliveries_untried", "ix_deliveries_in_line"):
            assert re.search(rf"SEARCH .* USING .*INDEX {own} \((cause_group=|line=)", claim) or re.search(
                rf"Index (Only )?Scan using {own} .*\n +Index Cond: \(\((cause_group|line) = ", claim
            ), claim
