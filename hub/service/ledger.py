"""From what the core decided to the ledger's rows: decisions, notices, deliveries, duties, register, audit lines.

Pure but for the ids it is given. Every row of one change is built here, so that one transaction can write them all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from contacts.directory import Directory
from contacts.model import Reached
from hub.core.course import Outcome
from hub.core.endings import ENDINGS, OVERTAKES
from hub.core.episode import Entry, Episode, Memory
from hub.core.records import (
    AuditLine,
    Changes,
    DutyRecord,
    EpisodeRecord,
    EventRecord,
    Moved,
    RegisterRecord,
    Silenced,
    StoredEpisode,
)
from hub.core.summary import EpisodeState
from hub.core.ticks import next_wake
from hub.service.ports import Ids
from hub.service.rows import Rows
from hub.service.ways import Ways
from routing.calendar import Period, add, at_local
from routing.decision import Decision, Duty, Recipient
from routing.duties import next_happening
from routing.facts import category, host, lead, looked_after, part
from routing.packs import SEALED_DUTY, Packs
from routing.recipients import FAMILY, has_address

BIRTHDAY_DUTIES: Final = frozenset({SEALED_DUTY})
"""Their instants would show a date of birth, so the clock is only told roughly when to look."""
REPORT_AWAITED: Final = "report_awaited"
REPORTED_WITHIN: Final = timedelta(minutes=15)
"""How long events wait for the report of their episode until somebody is told: its reference may be mistyped, and the
child whom they are about be back."""


def load(stored: StoredEpisode) -> Episode:
    """The episode as the core knows it, out of its rows."""
    record = stored.record
    return Episode(
        ref=record.ref,
        state=record.state,
        doc=stored.doc,
        ever_missing=record.ever_missing,
        ended_at=record.ended_at,
        memory=Memory.loads(record.memory) if record.memory else Memory(),
        duties=tuple(_duty(row) for row in stored.duties),
        register=tuple(
            Entry(organisation=r.organisation, role=r.role, received_at=r.received_at, remove_at=r.remove_at,
                  removed_at=r.removed_at, removed_by=r.removed_by)
            for r in stored.register
        ),
        holds=stored.holds,
    )  # fmt: skip


def _ended_revision(record: EpisodeRecord | None, state: EpisodeState, revision: int) -> int | None:
    if state not in ENDINGS:
        return None
    return record.ended_revision if record is not None and record.state == state else revision


def _duty(row: DutyRecord) -> Duty:
    def moment(name: str) -> datetime | None:
        text = row.detail.get(name)
        return datetime.fromisoformat(text) if text else None

    return Duty(
        code=row.code,
        occurrence=row.occurrence,
        ordinal=row.ordinal,
        owner=row.owner,
        opened_at=row.opened_at,
        due_at=row.due_at,
        state=row.state,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
        rules=row.rules,
        row=row.detail["row"],
        start=datetime.fromisoformat(row.detail["start"]),
        n=row.detail["n"],
        remind_at=moment("remind_at"),
        chase_at=moment("chase_at"),
        turn_at=moment("turn_at"),
    )


def _duty_record(episode: str, duty: Duty) -> DutyRecord:
    moments = {"remind_at": duty.remind_at, "chase_at": duty.chase_at, "turn_at": duty.turn_at}
    return DutyRecord(
        episode=episode,
        code=duty.code,
        occurrence=duty.occurrence,
        ordinal=duty.ordinal,
        owner=duty.owner,
        opened_at=duty.opened_at,
        due_at=duty.due_at,
        state=duty.state,
        closed_at=duty.closed_at,
        closed_by=duty.closed_by,
        rules=duty.rules,
        detail={
            "row": duty.row,
            "start": duty.start.isoformat(),
            "n": duty.n,
            **{name: at.isoformat() for name, at in moments.items() if at is not None},
        },
    )


def wake_at(episode: Episode, now: datetime) -> datetime | None:
    """When the clock has to look at this episode again; only roughly where the exact instant would show a birthday:
    at the start of its month, then each midnight until it has come."""
    if episode.state == "awaited":
        return now + REPORTED_WITHIN
    shown = replace(episode, duties=tuple(d for d in episode.duties if d.code not in BIRTHDAY_DUTIES))
    hidden = next_happening([d for d in episode.duties if d.code in BIRTHDAY_DUTIES])
    moments = [next_wake(shown)]
    if hidden is not None:
        month = hidden.at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        midnight = at_local(add(now, Period(days=1)).date(), datetime.min.time())
        while midnight <= now:
            midnight += timedelta(days=1)
        moments.append(month if month > now else midnight)
    return min((at for at in moments if at is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookkeeper:
    """Builds rows. The packs say how long a notice waits for its answer."""

    ids: Ids
    ways: Ways
    packs: Packs

    def changes(
        self,
        outcomes: Sequence[Outcome],
        *,
        record: EpisodeRecord | None,
        before: Episode,
        register: Sequence[RegisterRecord],
        episode_id: str,
        source: str,
        child: str,
        event: EventRecord | None,
        now: datetime,
        actor: str,
        new: bool = True,
    ) -> Changes:
        """One change: what one event (or all that the clocks had to do by ``now``) writes in one go. ``new`` is false
        for an event that was kept, and is stored already."""
        after = outcomes[-1].episode
        revision = (record.revision if record else 0) + (after.doc != before.doc)
        waiting = record.wake_at if record and record.state == after.state == "awaited" else None
        decisions = [d for outcome in outcomes for d in outcome.decisions]
        cause = event.id if event else None
        rows = Rows(
            ways=self.ways,
            episode_id=episode_id,
            revision=revision,
            episode=after,
            waits=self.packs.select(after.doc).waits(),
            now=now,
            group=cause or self.ids.new("tk", now),
        )
        for ordinal, decision in enumerate(decisions):
            rows.decide(decision, ordinal, cause)
        ending = next((outcome.ending for outcome in reversed(outcomes) if outcome.ending), None)
        return Changes(
            event=event if new else None,
            episode=EpisodeRecord(
                id=episode_id,
                source=source,
                child=child,
                ref=after.ref,
                organisation=lead(after.doc) or host(after.doc),
                state=after.state,
                category=("missing" if category(after.doc) == "missing" else "away") if after.doc else None,
                status=part(after.doc, "episode").get("status") or "actual",
                ever_missing=after.ever_missing,
                since=datetime.fromisoformat(after.doc["episode"]["since"]) if after.doc else None,
                ended_at=after.ended_at,
                revision=revision,
                ended_revision=_ended_revision(record, after.state, revision),
                version=(record.version if record else 0) + 1,
                wake_at=waiting or wake_at(after, now),
                memory=after.memory.dumps(),
            ),
            expected_version=record.version if record else None,
            doc=after.doc if after.doc != before.doc else None,
            applied_events=() if new or event is None else (event.id,),
            decisions=tuple(rows.decisions),
            notices=tuple(rows.notices),
            deliveries=tuple(rows.deliveries),
            supersede=ending is not None,
            supersede_kinds=OVERTAKES[ending] if ending else (),
            silenced=(*_silenced(decisions), *_kept_from_now_on(before, after)),
            moved=tuple(_moved(before, after)),
            duties=changed_duties(episode_id, before.duties, after.duties),
            register=self._register(episode_id, register, after.register, now),
            alarms=tuple(rows.alarms),
            audit=(*_audit_event(self.ids, event, episode_id, actor, now, new=new), *rows.audit),
        )

    def _register(
        self, episode: str, rows: Sequence[RegisterRecord], after: Sequence[Entry], now: datetime
    ) -> tuple[RegisterRecord, ...]:
        """New and changed entries. A row is known by holder and receipt, never by its place: nodes whose clocks differ
        may have stored them in another order than they were made in."""
        places: dict[tuple[str, str, datetime], list[RegisterRecord]] = {}
        for row in rows:
            places.setdefault((row.organisation, row.role, row.received_at), []).append(row)
        written = []
        for entry in after:
            known = places.get((entry.organisation, entry.role, entry.received_at))
            if not known:
                written.append(
                    RegisterRecord(id=self.ids.new("rg", now), episode=episode, organisation=entry.organisation,
                                   role=entry.role, received_at=entry.received_at, remove_at=entry.remove_at,
                                   removed_at=entry.removed_at, removed_by=entry.removed_by)
                )  # fmt: skip
                continue
            row = known.pop(0)
            changed = replace(row, remove_at=entry.remove_at, removed_at=entry.removed_at, removed_by=entry.removed_by)
            if changed != row:
                written.append(changed)
        return tuple(written)


def changed_duties(episode: str, before: Sequence[Duty], after: Sequence[Duty]) -> tuple[DutyRecord, ...]:
    """Those that are new or not as they were, as rows."""
    known = {(d.code, d.occurrence, d.ordinal): d for d in before}
    return tuple(_duty_record(episode, d) for d in after if known.get((d.code, d.occurrence, d.ordinal)) != d)


def _silenced(decisions: Sequence[Decision]) -> Iterator[Silenced]:
    for decision in decisions:
        for recipient in decision.recipients:
            if recipient.person is not None and decision.outcome in ("withhold", "hold"):
                state: Literal["withheld", "held"] = "withheld" if decision.outcome == "withhold" else "held"
                yield Silenced(role=recipient.role, person=recipient.person, state=state)


def _kept_from_now_on(before: Episode, after: Episode) -> Iterator[Silenced]:
    """Whoever this change names as withheld or suspected, or leaves undecided again, in whatever state the episode is:
    after the return nothing is decided of them any more, and what has not gone out must not go out all the same."""
    for key, person in after.memory.persons.items():
        earlier = before.memory.persons.get(key, {})
        if person.get("role") in FAMILY and _withheld(person) and not _withheld(earlier):
            for role in sorted(FAMILY):
                yield Silenced(role=role, person=person["name"], state="withheld")
        elif person.get("role") == "parent" and _taken_back(earlier, person) and looked_after(after.doc):
            yield Silenced(role="parent", person=person["name"], state="held")


def _moved(before: Episode, after: Episode) -> Iterator[Moved]:
    """Whose address is another one now: the former may be somebody else's."""
    for key, person in after.memory.persons.items():
        earlier = before.memory.persons.get(key, {})
        for way in ("email", "phone"):
            if earlier.get(way) not in (None, person.get(way)) and has_address({way: person.get(way)}):
                yield Moved(role=person["role"], person=person["name"], address=earlier[way])


def _withheld(person: Mapping[str, Any]) -> bool:
    return bool(person.get("suspected_abductor")) or _decision(person) == "withhold"


def _taken_back(earlier: Mapping[str, Any], person: Mapping[str, Any]) -> bool:
    """The decision to tell them is open again."""
    return _decision(earlier) == "notify" and _decision(person) in (None, "undecided")


def _decision(person: Mapping[str, Any]) -> Any:
    return part(person, "notify").get("decision")


def _audit_event(
    ids: Ids, event: EventRecord | None, episode: str, actor: str, now: datetime, *, new: bool
) -> tuple[AuditLine, ...]:
    if event is None:
        return ()
    action = "event.applied" if not new else "event.accepted" if event.applied else "event.kept"
    return (
        AuditLine(
            id=ids.new("au", now),
            at=now,
            actor=actor,
            action=action,
            episode=episode,
            subject=event.id,
            detail={"type": event.type},
        ),
    )


def reach(
    directory: Directory, now: datetime, doc: Mapping[str, Any]
) -> Callable[[Recipient, Mapping[str, Any] | None], str]:
    """Whether a recipient can be reached at all, for ``decide``: ``""``, or why not."""

    def asked(recipient: Recipient, person: Mapping[str, Any] | None) -> str:
        if recipient.person is not None:
            return "" if has_address(person) else "no_address"
        if recipient.organisation is None:
            return "" if recipient.role.startswith("circulation:") else "no_organisation"
        if recipient.role == "school" and has_address(part(doc, "school") if person is None else person):
            return ""
        found = directory.resolve(recipient.role, recipient.organisation, now)
        return "" if isinstance(found, Reached) else found.reason

    return asked
