"""The course of an episode as a drawing: who was told when, what came back, who answered, which duties lie ahead.

Whoever sees no child's details is shown roles, organisations and times: a person of the event is a number.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from contacts.roles import desk_of
from hub.core.naming import moment, role_label, roles_label
from hub.core.records import AttemptState, DutyRecord, NoticeState
from hub.core.wall import Happened
from hub.picture.drawing import (
    OUTCOME_WORDS,
    REMINDERS,
    Drawing,
    Flag,
    Lane,
    Mark,
    anchors_of,
    event_words,
    kind_words,
)
from hub.picture.rows import Absence, Held, Obligation, duty_rows, episode_rows, register_rows
from hub.service.clockwork import ACTED
from hub.service.timeline import Carried, Decided, Timeline, Told
from routing.decision import Recipient

GONE_OUT: Final[frozenset[AttemptState]] = frozenset({"sent", "delayed", "delivered"})
KNOWN: Final[frozenset[NoticeState]] = frozenset({"notified", "receipted", "acknowledged"})
STANDS: Final[dict[NoticeState, str]] = {
    "pending": "waiting",
    "undeliverable": "failed",
    "unresolved": "failed",
    "withheld": "withhold",
    "held": "hold",
    "superseded": "overtaken",
    "overdue": "waiting",
}
"""How a notice that has not gone out looks."""
LOST: Final = ("bounced", "expired")

Called = Callable[[str], str]
"""What an organisation is called, by its code."""


def course_of(timeline: Timeline, now: datetime, called: Called, *, persons: bool) -> Drawing:
    """``timeline``: in clear, unless ``persons`` may be named."""
    episode = timeline.episode
    lanes = _lanes(timeline.decided, called, persons=persons)
    live = episode.state in ("open", "found") or bool(timeline.ahead)
    flags = tuple(_flag(one) for one in timeline.happened)
    marks = [mark for lane in lanes for mark in lane.marks]
    bounds = [at for at in (episode.since, episode.ended_at) if at is not None]
    past = [*(flag.at for flag in flags), *(mark.at for mark in marks), *bounds, *_moments(timeline.duties)]
    here = now if live or not past else max(past)
    ahead = [duty.due_at for duty in timeline.ahead]
    end = max([here, *past, *ahead])
    return Drawing(
        title=f"Episode {episode.id}",
        anchors=anchors_of(
            [here, *(flag.at for flag in flags), *bounds, *ahead],
            (mark.at for mark in marks if mark.kind not in REMINDERS),
            _moments(duty for duty in timeline.duties if duty.occurrence == 1),
            end,
        ),
        flags=flags,
        lanes=lanes,
        duties=duty_rows([_obligation(duty) for duty in timeline.duties], here),
        register=register_rows(
            [
                Held(episode="", role=one.role, organisation=one.organisation, received_at=one.received_at,
                     remove_at=one.remove_at, removed_at=one.removed_at)
                for one in timeline.register
            ],
            here,
            called,
        ),
        episodes=episode_rows(
            [
                Absence(
                    name="Episode",
                    category=episode.category or "",
                    state=episode.state,
                    began=episode.since,
                    ended=episode.ended_at,
                )
            ],
            here,
        ),
        end=end,
        now=now if live else None,
    )  # fmt: skip


def _flag(one: Happened) -> Flag:
    kept = "" if one.applied else ", kept for a report that has not come"
    about = "duty of the hub" if one.type == ACTED else event_words(one.type)
    what = f"{about}{kept}"
    return Flag(at=one.arrived_at, label=what, words=f"{moment(one.arrived_at)}: {what}")


def _moments(duties: Iterable[DutyRecord]) -> Iterator[datetime]:
    """What happened to duties, not what is due."""
    for duty in duties:
        yield duty.opened_at
        if duty.closed_at is not None:
            yield duty.closed_at


def _obligation(duty: DutyRecord) -> Obligation:
    return Obligation(
        episode="",
        code=duty.code,
        owner=duty.owner,
        opened_at=duty.opened_at,
        due_at=duty.due_at,
        state=duty.state,
        occurrence=duty.occurrence,
        closed_at=duty.closed_at,
    )


def _lanes(decided: Sequence[Decided], called: Called, *, persons: bool) -> tuple[Lane, ...]:
    marks: dict[tuple[str, str, bool], list[Mark]] = {}
    roles: dict[tuple[str, str, bool], dict[str, None]] = {}
    for one in decided:
        decision = one.record.decision
        key = _holder(decision.recipients[0])
        roles.setdefault(key, {}).update(dict.fromkeys(decision.roles))
        marks.setdefault(key, []).extend(_marks(one, persons=persons))
    named = [key for key in marks if key[2]]
    return tuple(
        Lane(
            title=roles_label(roles[key]),
            subtitle=_subtitle(key, named, called, persons=persons),
            marks=tuple(sorted(found, key=lambda mark: mark.at)),
        )
        for key, found in marks.items()
    )


def _holder(recipient: Recipient) -> tuple[str, str, bool]:
    """Role, or desk, and whose; whether that is a person."""
    if recipient.person is not None:
        return recipient.role, recipient.person, True
    if recipient.organisation is None:
        return recipient.role, "", False
    return desk_of(recipient.role), recipient.organisation, False


def _subtitle(
    key: tuple[str, str, bool], named: Sequence[tuple[str, str, bool]], called: Called, *, persons: bool
) -> str:
    role, whose, person = key
    if not person:
        return called(whose) if whose else ""
    if persons:
        return whose
    alike = [other for other in named if other[0] == role]
    return f"person {alike.index(key) + 1}" if len(alike) > 1 else ""


def _marks(one: Decided, *, persons: bool) -> Iterator[Mark]:
    decision = one.record.decision
    about = kind_words(decision.kind) + (f" of {role_label(decision.duty)}" if decision.duty else "")
    if decision.outcome != "notify" or not one.notices:
        outcome: str = "waiting" if decision.outcome == "notify" else decision.outcome
        words = f"{moment(decision.at)}: {about}, {OUTCOME_WORDS[outcome]}"
        yield Mark(at=decision.at, kind=decision.kind, outcome=outcome, words=words)
    for told in one.notices:
        if decision.outcome == "notify":
            outcome, at = _carried(told)
            yield Mark(
                at=at, kind=decision.kind, outcome=outcome, words=f"{moment(at)}: {about}, {OUTCOME_WORDS[outcome]}"
            )
        yield from _replies(told, persons=persons)


def _carried(told: Told) -> tuple[str, datetime]:
    """Whether it has gone out, and when; else when it was decided."""
    out = [
        attempt.finished_at or attempt.started_at
        for carried in told.deliveries
        for attempt in carried.attempts
        if attempt.state in GONE_OUT and attempt.carried == carried.delivery.carries
    ]
    notice = told.notice
    if notice.state in KNOWN or (out and notice.state in ("overdue", "superseded")):
        return "notify", min(out, default=notice.created_at)
    return STANDS[notice.state], notice.created_at


def _replies(told: Told, *, persons: bool) -> Iterator[Mark]:
    """Receipts that were believed, and what people answered."""
    for carried in told.deliveries:
        yield from _receipts(carried)
    for answer in told.answers:
        who = answer.name if persons else "a named person"
        words = f"{moment(answer.at)}: {answer.answer.replace('_', ' ')}, says {who}"
        yield Mark(at=answer.at, kind=answer.answer, outcome="notify", words=words)


def _receipts(carried: Carried) -> Iterator[Mark]:
    for receipt in carried.receipts:
        if receipt.kind is None or receipt.why:
            continue
        words = f"{moment(receipt.arrived_at)}: {receipt.kind.replace('_', ' ')}, by {carried.delivery.channel}"
        kind = "bounced" if receipt.kind in LOST else "receipt"
        yield Mark(at=receipt.arrived_at, kind=kind, outcome="notify", words=words)
