"""The ledger as JSON: an episode from obligation to human, the outbox, and what a deed comes to.

Ids, roles, organisations, kinds, states, codes and instants. No name, no address, no fact of the child, unless
``personal`` is asked for, which the commands do, and never a route.
"""

from datetime import datetime
from typing import Any

from hub.core.records import AcknowledgementRecord, AttemptRecord, EpisodeRecord, Outgoing, ReceiptRecord
from hub.service.outbox import Done, Inspected, Page
from hub.service.outbox_judging import Judged
from hub.service.timeline import Carried, Decided, Timeline, Told
from routing.packs import SEALED_DUTY

Json = dict[str, Any]


def at(instant: datetime | None) -> str | None:
    """RFC 3339, in UTC."""
    return instant.isoformat().replace("+00:00", "Z") if instant else None


def episode_body(record: EpisodeRecord) -> Json:
    """One episode, without what happened in it."""
    return {
        "id": record.id,
        "organisation": record.organisation,
        "state": record.state,
        "category": record.category,
        "status": record.status,
        "since": at(record.since),
        "ended_at": at(record.ended_at),
        "erased": record.erased,
    }


def timeline_body(timeline: Timeline, *, personal: bool = False) -> Json:
    """An episode: each decision with its notices, their deliveries, attempts and receipts, and who answered. With
    ``personal`` also the words of each reason, which hold facts of the child, and the names of those who answered."""
    return {
        "episode": episode_body(timeline.episode),
        "decisions": [_decision(decided, personal=personal) for decided in timeline.decided],
        "duties": [
            # When adulthood falls due is a birthday.
            {
                "duty": d.code,
                "owner": d.owner,
                "due_at": None if d.code == SEALED_DUTY else at(d.due_at),
                "state": d.state,
            }
            for d in timeline.ahead
        ],
        "register": [
            {
                "organisation": entry.organisation,
                "role": entry.role,
                "received_at": at(entry.received_at),
                "remove_at": at(entry.remove_at),
                "removed_at": at(entry.removed_at),
            }
            for entry in timeline.register
        ],
    }


def _decision(decided: Decided, *, personal: bool) -> Json:
    decision = decided.record.decision
    body: Json = {
        "at": at(decision.at),
        "outcome": decision.outcome,
        "kind": decision.kind,
        "priority": decision.priority,
        "recipients": [{"role": r.role, "organisation": r.organisation} for r in decision.recipients],
        "gap": decision.gap or None,
        "rules": [{"pack": rule.pack, "rule": rule.rule, "source": rule.source} for rule in decision.rules],
        "notices": [_notice(told, personal=personal) for told in decided.notices],
    }
    return body | {"why": decision.why} if personal else body


def _notice(told: Told, *, personal: bool) -> Json:
    notice = told.notice
    return {
        "id": notice.id,
        "reference": notice.reference,
        "organisation": notice.organisation,
        "roles": list(notice.roles),
        "stands_in_for": notice.gap_role,
        "kind": notice.kind,
        "priority": notice.priority,
        "urgent": notice.urgent,
        "state": notice.state,
        "state_at": at(notice.state_at),
        "created_at": at(notice.created_at),
        "chase_at": at(notice.chase_at),
        "answers": [_answer(answer, personal=personal) for answer in told.answers],
        "deliveries": [_carried(carried) for carried in told.deliveries],
    }


def _answer(answer: AcknowledgementRecord, *, personal: bool) -> Json:
    body: Json = {"at": at(answer.at), "answer": answer.answer, "delivery": answer.delivery}
    return body | {"name": answer.name, "redirected_to": answer.redirected_to} if personal else body


def _carried(carried: Carried) -> Json:
    delivery = carried.delivery
    return {
        "id": delivery.id,
        "channel": delivery.channel,
        "purpose": delivery.purpose,
        "carries": delivery.carries,
        "contact": delivery.contact,
        "state": delivery.state,
        "created_at": at(delivery.created_at),
        "due_at": at(delivery.due_at),
        "attempts": [attempt_body(attempt) for attempt in carried.attempts],
        "receipts": [receipt_body(receipt) for receipt in carried.receipts],
    }


def attempt_body(attempt: AttemptRecord) -> Json:
    """One try of a delivery."""
    return {
        "number": attempt.number,
        "at": at(attempt.started_at),
        "finished_at": at(attempt.finished_at),
        "state": attempt.state,
        "reason": attempt.reason,
        "detail": attempt.detail,
        "carried": attempt.carried,
        "provider_reference": attempt.provider_reference,
    }


def receipt_body(receipt: ReceiptRecord) -> Json:
    """What came back, as it was understood; not as it came."""
    return {
        "id": receipt.id,
        "arrived_at": at(receipt.arrived_at),
        "kind": receipt.kind,
        "at": at(receipt.at),
        "attempt": receipt.attempt,
        "code": receipt.code or None,
        "why": receipt.why or None,
    }


def outgoing_body(one: Outgoing) -> Json:
    """One delivery of the outbox, with its notice."""
    return {
        "delivery": one.delivery,
        "state": one.state,
        "channel": one.channel,
        "purpose": one.purpose,
        "carries": one.carries,
        "contact": one.contact,
        "organisation": one.organisation,
        "roles": list(one.roles),
        "stands_in_for": one.gap_role,
        "episode": one.episode,
        "notice": one.notice,
        "reference": one.reference,
        "kind": one.kind,
        "priority": one.priority,
        "status": one.status,
        "notice_state": one.notice_state,
        "created_at": at(one.created_at),
        "due_at": at(one.due_at),
        "tries": one.attempts,
        "attempt_state": one.attempt_state,
        "reason": one.reason,
        "attempted_at": at(one.attempted_at),
    }


def page_body(page: Page) -> Json:
    """Some of the outbox."""
    return {
        "deliveries": [outgoing_body(one) for one in page.found],
        "counts": dict(page.counts),
        "after": page.after,
    }


def inspected_body(found: Inspected) -> Json:
    """One delivery, all that happened to it, what happens next, and what can be done."""
    return outgoing_body(found.outgoing) | {
        "chase_at": at(found.outgoing.chase_at),
        "attempts": [attempt_body(attempt) for attempt in found.attempts],
        "receipts": [receipt_body(receipt) for receipt in found.receipts],
        "next": {"does": found.next.does, "at": at(found.next.at)},
        "redrive": {"refused": found.not_redriven, "cautions": list(found.cautions)},
        "cancel": {"refused": found.not_cancelled},
    }


def done_body(done: Done) -> Json:
    """What a deed came to, or would."""
    return {"confirmed": done.confirmed, "more": done.more, "deliveries": [_judged(one) for one in done.judged]}


def _judged(judged: Judged) -> Json:
    about = {} if judged.outgoing is None else outgoing_body(judged.outgoing)
    return {
        "delivery": judged.delivery,
        **about,
        "refused": judged.refused,
        "cautions": list(judged.cautions),
        "last_way": judged.last_way,
    }
