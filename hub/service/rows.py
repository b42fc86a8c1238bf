"""The rows of one change: decisions, the notices they make, the ways these go out, alarms of who cannot be told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from contacts.roles import OPERATOR
from hub.core.episode import Episode
from hub.core.escalation import first_look, urgent
from hub.core.ladder import About, Ground, Ladder, first_step
from hub.core.peers import came_from
from hub.core.records import (
    AlarmRecord,
    AuditLine,
    Changes,
    DecisionRecord,
    DeliveryRecord,
    EpisodeRecord,
    MessageStatus,
    NoticeRecord,
    NoticeState,
)
from hub.service.ways import Ways
from routing.decision import Decision, Recipient
from routing.facts import host, lead, looked_after, part
from routing.packs import Waits


@dataclass(slots=True, kw_only=True)
class Rows:
    """Gathers the rows of one change to one episode."""

    ways: Ways
    episode_id: str
    revision: int
    episode: Episode
    waits: Waits
    now: datetime
    group: str
    """What the deliveries of one cause have in common."""
    ground: Ground = field(init=False)
    _for: str | None = field(default=None, init=False)
    """The organisation that the decision in hand is about."""
    decisions: list[DecisionRecord] = field(default_factory=list)
    notices: list[NoticeRecord] = field(default_factory=list)
    deliveries: list[DeliveryRecord] = field(default_factory=list)
    alarms: list[AlarmRecord] = field(default_factory=list)
    audit: list[AuditLine] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ground = self.ways.ground(self.now)

    def added_to(self, record: EpisodeRecord) -> Changes:
        """These rows and nothing else, with the episode's record as the caller would have it. Its version is raised:
        whoever erases the child, or reports on it, at this moment starts anew."""
        return Changes(
            event=None,
            episode=replace(record, version=record.version + 1),
            expected_version=record.version,
            decisions=tuple(self.decisions),
            notices=tuple(self.notices),
            deliveries=tuple(self.deliveries),
            alarms=tuple(self.alarms),
            audit=tuple(self.audit),
        )

    def decide(self, decision: Decision, ordinal: int, cause: str | None) -> None:
        """A decision with its notices."""
        self._for = decision.recipients[0].organisation
        row = DecisionRecord(id=self._new("dc"), event=cause, episode=self.episode_id, ordinal=ordinal,
                             decision=decision)  # fmt: skip
        self.decisions.append(row)
        self.audit.append(
            self._line(f"decision.{decision.outcome}", row.id, decision.recipients[0].organisation,
                       {"kind": decision.kind, "roles": " ".join(decision.roles),
                        "rules": " ".join(f"{rule.pack}:{rule.rule}" for rule in decision.rules)})
        )  # fmt: skip
        match decision.outcome:
            case "notify" if decision.members:
                for member in decision.members:
                    self._notify(row, Recipient(role=decision.roles[0], organisation=member))
            case "notify":
                self._notify(row, decision.recipients[0])
            case "gap":
                self._gap(row)
            case "withhold" | "hold" | "suppress":
                pass  # nobody is told: the decision itself is the record

    def _notify(self, row: DecisionRecord, recipient: Recipient) -> None:
        found = first_step(self._about(recipient, row.decision), self.ground)
        notice = self._notice(row, row.decision.roles, recipient.organisation, recipient.person, found)
        self.audit.append(self._line("notice.created", notice.id, notice.organisation, {"reference": notice.reference}))
        if not found.rungs and self._real:
            self._alarm("no_channel", notice, "no contact on a channel that this hub can use")

    def _gap(self, row: DecisionRecord) -> None:
        """Nobody can be reached: the fallback desk is told in their place, and somebody owns the alarm (D11)."""
        organisation, found = self._stand_in(row.decision)
        reader = "responsible_authority" if looked_after(self.episode.doc) else "host_authority"
        roles = ("operator",) if organisation == OPERATOR else (reader,)
        for role in row.decision.roles:
            notice = self._notice(row, roles, organisation, None, found, gap_role=role)
            self.audit.append(
                self._line("notice.gap", notice.id, organisation, {"role": role, "reason": row.decision.gap})
            )
            if self._real:
                self._alarm("gap", notice, f"{role}: {row.decision.gap or 'no_contact'}")

    def _stand_in(self, decision: Decision) -> tuple[str, Ladder]:
        """The authority's fallback desk, or the operator where that has no contact this hub can use."""
        found = Ladder(rungs=())
        for organisation in (self._lead, OPERATOR):
            recipient = Recipient(role=decision.roles[0], organisation=organisation)
            found = first_step(self._about(recipient, decision, stands_in=True), self.ground)
            if found.rungs:
                return organisation, found
        return OPERATOR, found

    def _about(self, recipient: Recipient, decision: Decision, *, stands_in: bool = False) -> About:
        return About(
            recipient=recipient,
            priority=decision.priority,
            status=self._status,
            doc=self.episode.doc,
            person=self.episode.memory.persons.get(f"{recipient.role}/{recipient.person}"),
            stands_in=stands_in,
        )

    @property
    def _lead(self) -> str:
        """Whose it is where somebody cannot be told: of what another hub tells, whoever it is for here, as the lead may
        be an authority that is not."""
        if came_from(self.episode.doc) is not None:
            return self._for or OPERATOR
        return lead(self.episode.doc) or host(self.episode.doc) or OPERATOR

    @property
    def _real(self) -> bool:
        """Not an exercise or a test: nobody is alarmed for those."""
        return self._status == "actual"

    @property
    def _status(self) -> MessageStatus:
        status: MessageStatus = part(self.episode.doc, "episode").get("status") or "actual"
        return status

    def _notice(
        self,
        row: DecisionRecord,
        roles: tuple[str, ...],
        organisation: str | None,
        person: str | None,
        found: Ladder,
        *,
        gap_role: str | None = None,
    ) -> NoticeRecord:
        """A notice, with the ways it takes first; ``unresolved`` where there are none, and then chased at once."""
        decision = row.decision
        state: NoticeState = "pending" if found.rungs else "unresolved"
        pressing = urgent(decision, ungraded=part(part(self.episode.doc, "episode"), "risk").get("level") is None)
        chase_at = first_look(decision.kind, self.waits, self.now, urgent=pressing)
        notice = NoticeRecord(
            id=self._new("nt"),
            reference=self.ways.ids.reference(),
            decision=row.id,
            episode=self.episode_id,
            revision=self.revision,
            kind=decision.kind,
            priority=decision.priority,
            roles=roles,
            organisation=organisation,
            person=person,
            gap_role=gap_role,
            status=self._status,
            state=state,
            created_at=self.now,
            state_at=self.now,
            urgent=pressing,
            chase_at=self.now if chase_at is not None and not found.rungs else chase_at,
        )
        self.notices.append(notice)
        for rung in found.rungs:
            for way in rung.ways:
                self.deliveries.append(
                    self.ways.delivery(
                        notice, way, self.now, purpose="notice", group=self.group, rank=0 if decision.first else 1
                    )
                )
        if found.unmanned and self._real:
            self._alarm("nobody_on_duty", notice, decision.kind)
        return notice

    def _alarm(self, kind: str, notice: NoticeRecord, reason: str) -> None:
        self.alarms.append(
            AlarmRecord(id=self._new("al"), kind=kind, owner=self._lead, episode=self.episode_id, notice=notice.id,
                        reason=reason, raised_at=self.now)
        )  # fmt: skip
        self.audit.append(self._line(f"alarm.{kind}", notice.id, self._lead, {"reason": reason}))

    def _line(self, action: str, subject: str, organisation: str | None, detail: Mapping[str, str]) -> AuditLine:
        return AuditLine(id=self._new("au"), at=self.now, actor="hub", action=action, organisation=organisation,
                         episode=self.episode_id, subject=subject, detail=detail)  # fmt: skip

    def _new(self, prefix: str) -> str:
        return self.ways.ids.new(prefix, self.now)
