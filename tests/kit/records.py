"""Rows for tests of the store: one made-up episode, whole, with everything a change can write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from hub.core.records import (
    AlarmRecord,
    AttemptRecord,
    AuditLine,
    Changes,
    ClaimedDelivery,
    DecisionRecord,
    DeliveryRecord,
    DeliveryResult,
    DeliveryState,
    DutyRecord,
    EpisodeRecord,
    EventRecord,
    NoticeRecord,
    QuarantineRecord,
    RegisterRecord,
)
from hub.edge.ids import SeededIds
from hub.service.ports import Unit
from routing.decision import Decision, Priority, Recipient, Rule
from tests.kit.clock import START

SOURCE = "so_bromley"
RULE = Rule(pack="national", rule="B-13", source="Statutory guidance, 2.3", quote="must be told", version="1")
SECRETS = {
    "child": "Robin Marker-Childname",
    "ref": "BRM-EP-MARKER-REF",
    "sender_id": "marker-sender-event-id",
    "place": "Marker Street 17",
    "person": "Sam Marker-Parentname",
    "address": "marker.desk@council.example",
    "body": "marker-body-as-it-came",
    "memory": "marker-memory-of-the-fold",
    "removed": "event:marker-removing-event",
    "answered": "Jo Marker-Answering",
    "redirected": "Marker desk, second floor",
    "quarantined": "marker-quarantined-body",
    "problem": "marker-problem-path",
    "source_key": "marker-source-key-of-32-bytes!!!",
    "bundle": "marker-directory-bundle",
}
"""Every personal or sealed value of the made-up episode, each unmistakable."""


@dataclass
class Story:
    """Makes rows whose ids belong together. One story is one episode."""

    ids: SeededIds
    now: datetime = START
    ref: str = SECRETS["ref"]
    child_ref: str = "BRM-C-0001"
    child: str = ""
    episode: str = ""
    version: int = 0
    facts: Mapping[str, Any] | None = None
    """What was reported, where it has to be more than markers."""
    _sent: int = field(default=0)

    def id(self, prefix: str) -> str:
        return self.ids.new(prefix, self.now)

    async def meet(self, unit: Unit) -> None:
        """Have the child's id made."""
        self.child = await unit.child_id(SOURCE, self.child_ref, self.now)

    def record(self, **more: Any) -> EpisodeRecord:
        self.episode = self.episode or self.id("ep")
        self.version += 1
        values: dict[str, Any] = {
            "id": self.episode,
            "source": SOURCE,
            "child": self.child,
            "ref": self.ref,
            "organisation": "E09000006",
            "state": "open",
            "category": "missing",
            "status": "actual",
            "ever_missing": True,
            "since": self.now,
            "ended_at": None,
            "revision": 1,
            "version": self.version,
            "wake_at": self.now + timedelta(hours=6),
            "memory": SECRETS["memory"].encode(),
        }
        return EpisodeRecord(**values | more)

    def event(self, **more: Any) -> EventRecord:
        self._sent += 1
        values: dict[str, Any] = {
            "id": self.id("ev"),
            "source": SOURCE,
            "sender_id": f"{SECRETS['sender_id']}-{self.ref}-{self._sent}",
            "digest": sha256(b"event").digest(),
            "type": "fingerpost.episode.reported.v1",
            "time": self.now,
            "arrived_at": self.now,
            "episode": self.episode,
            "body": SECRETS["body"].encode(),
            "answer": {"event": SECRETS["sender_id"], "notices": 1, "gaps": []},
        }
        return EventRecord(**values | more)

    def decision(self, event: str | None, ordinal: int = 0, **more: Any) -> DecisionRecord:
        values: dict[str, Any] = {
            "at": self.now,
            "cause": f"event:{SECRETS['sender_id']}",
            "outcome": "notify",
            "kind": "missing",
            "priority": "high",
            "recipients": (Recipient(role="police", organisation="E23000001"),),
            "fields": ("child.name",),
            "rules": (RULE,),
            "why": "the police are told of every missing child",
            "in_person": (SECRETS["person"],),
        }
        decision = Decision(**values | more)
        return DecisionRecord(id=self.id("de"), event=event, episode=self.episode, ordinal=ordinal, decision=decision)

    def notice(self, decision: DecisionRecord, **more: Any) -> NoticeRecord:
        values: dict[str, Any] = {
            "id": self.id("nt"),
            "reference": self.ids.reference(),
            "decision": decision.id,
            "episode": self.episode,
            "revision": 1,
            "kind": decision.decision.kind,
            "priority": decision.decision.priority,
            "roles": decision.decision.roles,
            "organisation": "E23000001",
            "person": SECRETS["person"],
            "state": "pending",
            "created_at": self.now,
            "state_at": self.now,
        }
        return NoticeRecord(**values | more)

    def delivery(self, notice: NoticeRecord, **more: Any) -> DeliveryRecord:
        identity = self.id("dl")
        values: dict[str, Any] = {
            "id": identity,
            "notice": notice.id,
            "episode": self.episode,
            "channel": "email",
            "contact": "co_1",
            "address": SECRETS["address"],
            "priority": notice.priority,
            "group": f"group-{identity}",
            "rank": 0,
            "state": "due",
            "due_at": self.now,
            "token_digest": sha256(identity.encode()).digest(),
            "created_at": self.now,
        }
        return DeliveryRecord(**values | more)

    def duty(self, code: str = "away_limit", **more: Any) -> DutyRecord:
        values: dict[str, Any] = {
            "episode": self.episode,
            "code": code,
            "occurrence": 1,
            "ordinal": 0,
            "owner": "hub",
            "opened_at": self.now,
            "due_at": self.now + timedelta(hours=6),
            "state": "open",
            "closed_at": None,
            "closed_by": None,
            "rules": (RULE,),
            "detail": {"row": f"north-lincolnshire/{code}/0", "start": self.now.isoformat(), "n": 1},
        }
        return DutyRecord(**values | more)

    def entry(self, **more: Any) -> RegisterRecord:
        values: dict[str, Any] = {
            "id": self.id("re"),
            "episode": self.episode,
            "organisation": "E09000006",
            "role": "responsible_authority",
            "received_at": self.now,
            "remove_at": self.now + timedelta(days=180),
        }
        return RegisterRecord(**values | more)

    def alarm(self, kind: str = "gap", **more: Any) -> AlarmRecord:
        values: dict[str, Any] = {
            "id": self.id("al"),
            "kind": kind,
            "owner": "operator",
            "episode": self.episode or None,
            "reason": "no_contact",
            "raised_at": self.now,
        }
        return AlarmRecord(**values | more)

    def line(self, action: str = "event.accepted", **more: Any) -> AuditLine:
        values: dict[str, Any] = {
            "id": self.id("au"),
            "at": self.now,
            "actor": f"source:{SOURCE}",
            "action": action,
            "episode": self.episode or None,
            "detail": {"revision": "1"},
        }
        return AuditLine(**values | more)

    def quarantined(self, **more: Any) -> QuarantineRecord:
        values: dict[str, Any] = {
            "id": self.id("qu"),
            "source": SOURCE,
            "received_at": self.now,
            "reason": "invalid",
            "body": SECRETS["quarantined"].encode(),
            "problems": ({"path": f"data.{SECRETS['problem']}", "message": "is not known"},),
        }
        return QuarantineRecord(**values | more)

    def doc(self) -> dict[str, Any]:
        if self.facts is not None:
            return dict(self.facts)
        return {
            "child": {"name": SECRETS["child"], "looked_after": True},
            "episode": {"last_seen": {"place": SECRETS["place"]}, "companions": ["Kim Example"], "since": None},
        }

    def report(self, recipients: int = 1, *, priority: Priority = "high", rank: int = 0, group: str = "") -> Changes:
        """A first report that tells ``recipients`` desks."""
        episode = self.record()
        event = self.event()
        decisions = [self.decision(event.id, n, priority=priority) for n in range(recipients)]
        notices = [self.notice(one) for one in decisions]
        grouped: dict[str, Any] = {"group": group} if group else {}
        return Changes(
            event=event,
            episode=episode,
            expected_version=None,
            doc=self.doc(),
            decisions=tuple(decisions),
            notices=tuple(notices),
            deliveries=tuple(self.delivery(one, rank=rank, **grouped) for one in notices),
            duties=(self.duty(),),
            register=(self.entry(),),
            audit=(self.line(),),
        )

    async def told(self, unit: Unit, recipients: int = 1, **more: Any) -> Changes:
        """Meet the child and save a report."""
        await self.meet(unit)
        changes = self.report(recipients, **more)
        await unit.save(changes)
        return changes


def result(
    claimed: ClaimedDelivery, at: datetime, *, state: DeliveryState = "sent", attempt: str = "sent", **more: Any
) -> DeliveryResult:
    """What became of a claim."""
    record = AttemptRecord(
        delivery=claimed.delivery.id,
        number=claimed.attempt,
        started_at=at,
        node="node-1",
        state=attempt,  # type: ignore[arg-type]  # tests name the states
        finished_at=at,
        carried="content",
        digest="ab" * 32,
    )
    values: dict[str, Any] = {"notice_state": "notified" if state == "sent" else None}
    return DeliveryResult(delivery=claimed.delivery.id, attempt=record, state=state, **values | more)


def ids_of(claims: Sequence[ClaimedDelivery]) -> list[str]:
    """The deliveries claimed, in order."""
    return [one.delivery.id for one in claims]


def moved(changes: Changes, **more: Any) -> EpisodeRecord:
    """The episode of a change as its next version."""
    return replace(changes.episode, version=changes.episode.version + 1, **more)
