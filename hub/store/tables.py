"""The ledger's tables. In clear stand opaque ids, codes, roles, kinds, states and instants; the rest is sealed.

A column of type LargeBinary is a sealed value, a keyed hash or a digest. ``child`` names the data key a row's sealed
values were sealed with. A change here needs a migration; a test compares the two on both dialects.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    false,
    text,
)

from hub.store.types import Codes, Instant, Rules, Strings, Urgency

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _where(condition: str) -> dict[str, Any]:
    """A partial index on both dialects."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


readiness = Table(
    "readiness",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("probes", BigInteger, nullable=False),
)
"""One row that a readiness probe writes to: a store that can be read but not written is not ready."""

schema_oldest = Table(
    "schema_oldest",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("revision", Text, nullable=False),
)
"""One row: how old a hub may be that goes on with these tables (hub/store/schema.py)."""

sources = Table(
    "sources",
    metadata,
    Column("id", Text, primary_key=True),
    Column("uri", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("authorities", Strings, nullable=False),
    Column("force", Text),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
    Column("certificate", LargeBinary),
)

source_keys = Table(
    "source_keys",
    metadata,
    Column("source", ForeignKey("sources.id"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("scheme", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant),
)

children = Table(
    "children",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lookup", LargeBinary, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("announced_at", Instant),
    Column("erasing_at", Instant),
    Column("erased_at", Instant),
)
"""``lookup``: keyed hash of source and the source's reference of the child; its id once it is to be erased.
``announced_at``: since when its time has been up; ``erasing_at``: from here there is no way back; ``erased_at``: the
data key is destroyed, and no node has it any more."""

episodes = Table(
    "episodes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("child", ForeignKey("children.id"), nullable=False, index=True),
    Column("lookup", LargeBinary, nullable=False, unique=True),
    Column("ref", LargeBinary, nullable=False),
    Column("organisation", Text),
    Column("state", Text, nullable=False, index=True),
    Column("category", Text),
    Column("status", Text, nullable=False),
    Column("ever_missing", Boolean, nullable=False),
    Column("since", Instant),
    Column("ended_at", Instant),
    Column("revision", Integer, nullable=False),
    Column("ended_revision", Integer),
    Column("version", Integer, nullable=False),
    Column("wake_at", Instant),
    Column("memory", LargeBinary, nullable=False),
)
"""``lookup``: keyed hash of source and the source's reference of the episode."""
Index("ix_episodes_living", episodes.c.id, **_where("state IN ('open', 'found')"))
Index("ix_episodes_waking", episodes.c.wake_at, episodes.c.id, **_where("wake_at IS NOT NULL"))

events = Table(
    "events",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("lookup", LargeBinary, nullable=False, unique=True),
    Column("digest", LargeBinary, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", Instant, nullable=False),
    Column("arrived_at", Instant, nullable=False),
    Column("episode", ForeignKey("episodes.id"), nullable=False),
    Column("child", Text, nullable=False),
    Column("applied", Boolean, nullable=False),
    Column("sender_id", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
)
"""``lookup``: keyed hash of source and the sender's event id; unique for ever, which is what idempotency rests on."""
Index("ix_events_episode", events.c.episode, events.c.arrived_at)
Index("ix_events_kept", events.c.episode, events.c.arrived_at, **_where("NOT applied"))

revisions = Table(
    "revisions",
    metadata,
    Column("episode", ForeignKey("episodes.id"), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("child", Text, nullable=False),
    Column("doc", LargeBinary, nullable=False),
)

duties = Table(
    "duties",
    metadata,
    Column("episode", ForeignKey("episodes.id"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("occurrence", Integer, primary_key=True, autoincrement=False),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("child", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("state", Text, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", Text),
    Column("rules", Rules, nullable=False),
    Column("detail", Codes),
    Column("sealed", LargeBinary),
)
"""``sealed`` holds what must not stand in clear of this duty; the clear columns of the same name are then null."""

register_entries = Table(
    "register_entries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False, index=True),
    Column("child", Text, nullable=False),
    Column("organisation", Text, nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("remove_at", Instant, nullable=False),
    Column("removed_at", Instant),
    Column("removed_by", Text),
    Column("sealed", LargeBinary),
)
for _name, _gone in (("kept", "removed_at IS NULL"), ("removed", "removed_at IS NOT NULL")):
    _entry = register_entries.c
    Index(f"ix_register_entries_{_name}", _entry.organisation, _entry.received_at, _entry.id, **_where(_gone))

decisions = Table(
    "decisions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("event", ForeignKey("events.id")),
    Column("episode", ForeignKey("episodes.id"), nullable=False),
    Column("child", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("roles", Strings, nullable=False),
    Column("organisation", Text),
    Column("decision", LargeBinary, nullable=False),
)
"""``decision``: the whole Decision, sealed, as its cause and the persons it names are personal."""
Index("ix_decisions_episode", decisions.c.episode, decisions.c.at, decisions.c.id)

notices = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("decision", ForeignKey("decisions.id"), nullable=False, index=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False),
    Column("child", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("roles", Strings, nullable=False),
    Column("organisation", Text),
    Column("person", LargeBinary),
    Column("gap_role", Text),
    Column("status", Text, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("state_at", Instant, nullable=False),
    Column("urgent", Boolean, nullable=False, server_default=false()),
    Column("chase_at", Instant),
)
Index("ix_notices_chasing", notices.c.chase_at, notices.c.id, **_where("chase_at IS NOT NULL"))
Index(
    "ix_notices_loose",
    notices.c.state_at,
    **_where("chase_at IS NULL AND state NOT IN ('acknowledged', 'withheld', 'held', 'superseded')"),
)
Index("ix_notices_episode", notices.c.episode, notices.c.created_at, notices.c.id)
Index("ix_notices_organisation", notices.c.organisation, notices.c.id)
Index(
    "ix_notices_unanswered",
    notices.c.organisation,
    notices.c.id,
    **_where("state NOT IN ('acknowledged', 'withheld', 'held', 'superseded')"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("notice", ForeignKey("notices.id"), nullable=False, index=True),
    Column("episode", ForeignKey("episodes.id"), nullable=False),
    Column("child", Text, nullable=False),
    Column("organisation", Text),
    Column("channel", Text, nullable=False),
    Column("contact", Text),
    Column("address", LargeBinary, nullable=False),
    Column("priority", Urgency, nullable=False),
    Column("cause_group", Text, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tried", Boolean, nullable=False),
    Column("withdrawn", Boolean, nullable=False),
    Column("leased_at", Instant),
    Column("lease_until", Instant),
    Column("leased_by", Text),
    Column("token_digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("purpose", Text, nullable=False, server_default="notice"),
    Column("carries", Text, nullable=False, server_default="content"),
    Column("line", LargeBinary),
    Column("jumps", Boolean, nullable=False, server_default=false()),
    Column("destination", LargeBinary),
    Column("receipt_digest", LargeBinary),
    Column("redriven_after", Integer, nullable=False, server_default="0"),
    Column("reply_digest", LargeBinary),
    Column("pickup_digest", LargeBinary),
)
"""``tried``: an attempt has ended with a result. ``withdrawn``: overtaken or answered while a worker had it in hand, so
it ends with that attempt. Of the settled deliveries only the failed ones, which are few, are in a partial index: a
million of the others cost what ten do."""
Index(
    "ix_deliveries_claim",
    deliveries.c.channel,
    deliveries.c.priority,
    deliveries.c.rank,
    deliveries.c.due_at,
    deliveries.c.id,
    **_where("state = 'due'"),
)
Index("ix_deliveries_due", deliveries.c.due_at, **_where("state = 'due'"))
Index("ix_deliveries_lease", deliveries.c.lease_until, **_where("state = 'leased'"))
Index(
    "ix_deliveries_untried",
    deliveries.c.cause_group,
    deliveries.c.rank,
    **_where("NOT tried AND (state = 'due' OR state = 'leased')"),
)
Index("ix_deliveries_line", deliveries.c.line, **_where("state = 'due' OR state = 'leased'"))
"""Of no use beside the next, which a hub of the version before does not know of: may go with the next OLDEST."""
Index(
    "ix_deliveries_in_line",
    deliveries.c.line,
    deliveries.c.created_at,
    **_where("state = 'due' OR state = 'leased'"),
)
Index("ix_deliveries_receipt_digest", deliveries.c.receipt_digest, unique=True, **_where("receipt_digest IS NOT NULL"))
Index("ix_deliveries_reply_digest", deliveries.c.reply_digest, **_where("reply_digest IS NOT NULL"))
Index("ix_deliveries_pickup_digest", deliveries.c.pickup_digest, unique=True, **_where("pickup_digest IS NOT NULL"))
Index("ix_deliveries_organisation", deliveries.c.organisation, deliveries.c.id)
Index("ix_deliveries_failed", deliveries.c.id, **_where("state = 'failed'"))
Index("ix_deliveries_failed_organisation", deliveries.c.organisation, deliveries.c.id, **_where("state = 'failed'"))
Index("ix_deliveries_live", deliveries.c.episode, **_where("state = 'due' OR state = 'leased'"))

attempts = Table(
    "attempts",
    metadata,
    Column("delivery", ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("started_at", Instant, nullable=False),
    Column("node", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("finished_at", Instant),
    Column("reason", Text),
    Column("detail", Text),
    Column("provider_reference", Text),
    Column("digest", Text),
    Column("certificate", Text),
    Column("carried", Text),
)

Index("ix_attempts_adrift", attempts.c.delivery, **_where("state = 'sending'"))
Index("ix_attempts_refused", attempts.c.finished_at, **_where("state = 'permanent_failure'"))
Index("ix_attempts_provider_reference", attempts.c.provider_reference, **_where("provider_reference IS NOT NULL"))

receipts = Table(
    "receipts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("arrived_at", Instant, nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text),
    Column("at", Instant),
    Column("delivery", ForeignKey("deliveries.id"), index=True),
    Column("attempt", Integer),
    Column("child", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
"""``child``: ``hub`` where nobody knows what it is about."""
Index("ix_receipts_apart", receipts.c.arrived_at, **_where("delivery IS NULL"))

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", Text, primary_key=True),
    Column("notice", ForeignKey("notices.id"), nullable=False, index=True),
    Column("delivery", ForeignKey("deliveries.id"), nullable=False),
    Column("child", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("answer", Text, nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("redirected_to", LargeBinary),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("problems", LargeBinary, nullable=False),
    Column("resolved_at", Instant),
)
Index("ix_quarantine_unresolved", quarantine.c.received_at, **_where("resolved_at IS NULL"))

alarms = Table(
    "alarms",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("episode", Text),
    Column("notice", Text),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("cleared_at", Instant),
)
Index("ix_alarms_notice", alarms.c.notice, **_where("notice IS NOT NULL"))
Index("uq_alarms_open", alarms.c.kind, alarms.c.subject, unique=True, **_where("cleared_at IS NULL"))

audit = Table(
    "audit",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("organisation", Text),
    Column("episode", Text),
    Column("subject", Text),
    Column("detail", Codes, nullable=False),
    Column("number", BigInteger),
    Column("link", LargeBinary),
)
"""``number``, ``link``: its place in the chain, given afterwards; nothing else of a line is ever changed."""
Index("uq_audit_number", audit.c.number, unique=True, **_where("number IS NOT NULL"))
Index("ix_audit_unlinked", audit.c.id, **_where("number IS NULL"))
Index("ix_audit_organisation", audit.c.organisation, audit.c.at, audit.c.id, **_where("organisation IS NOT NULL"))
Index("ix_audit_episode", audit.c.episode, audit.c.at, audit.c.id, **_where("episode IS NOT NULL"))
Index("ix_audit_actor", audit.c.actor, audit.c.at, audit.c.id)

directories = Table(
    "directories",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("created_at", Instant, nullable=False),
    Column("bundle", LargeBinary, nullable=False),
)

closed_endpoints = Table(
    "closed_endpoints",
    metadata,
    Column("contact", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("organisation", Text),
    Column("address", LargeBinary, nullable=False),
    Column("closed_at", Instant, nullable=False),
)
