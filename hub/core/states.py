"""Every rule that changes a state, in one place (vocabulary.md, States).

Three tables: of an attempt, of a delivery, of a notice. A pair that a table does not name cannot happen, and asking
for it is a fault of the hub. A notice never learns of an attempt's state by itself: the service says what happened to
the notice, as ``content_sent`` or ``receipt``, and the table says what that makes of it.
"""

from collections.abc import Mapping
from typing import Literal, TypeVar, get_args

from hub.core.records import AttemptState, DeliveryState, NoticeState, Purpose

AttemptHappening = Literal[
    "claimed",
    "accepted",
    "deferred",
    "rejected",
    "failed_technically",
    "abandoned",
    "released",
    "receipt_delayed",
    "receipt_delivered",
    "receipt_expired",
    "receipt_bounced",
]
DeliveryHappening = Literal[
    "claimed", "carried", "retry", "released", "lease_lost", "gave_up", "withdrawn", "redriven", "called_off"
]
NoticeHappening = Literal[
    "content_sent",
    "alert_sent",
    "receipt",
    "accepted",
    "not_ours",
    "redirected",
    "superseded",
    "gave_up",
    "overdue",
    "withheld",
    "held",
    "released",
]

_RESULTS: tuple[AttemptHappening, ...] = ("accepted", "deferred", "rejected", "failed_technically", "abandoned")
_RESULTS_CHANGE_NOTHING: Mapping[AttemptState, Mapping[AttemptHappening, AttemptState]] = {
    state: dict.fromkeys(_RESULTS, state) for state in get_args(AttemptState)
}

ATTEMPT: Mapping[AttemptState, Mapping[AttemptHappening, AttemptState]] = {
    "created": {"claimed": "sending", "released": "cancelled"},
    # A receipt may be here before our own record that it was sent.
    "sending": {
        "accepted": "sent",
        "deferred": "temporary_failure",
        "rejected": "permanent_failure",
        "failed_technically": "technical_failure",
        "abandoned": "technical_failure",
        "released": "cancelled",
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    # A result is given once; recording it again, after a commit of which nobody knows, changes nothing.
    "sent": {
        **_RESULTS_CHANGE_NOTHING["sent"],
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    "delayed": {
        **_RESULTS_CHANGE_NOTHING["delayed"],
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    "delivered": {
        **_RESULTS_CHANGE_NOTHING["delivered"],
        "receipt_delayed": "delivered",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    "temporary_failure": {
        **_RESULTS_CHANGE_NOTHING["temporary_failure"],
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    # Bad news outlasts good: receipts arrive in any order, and a bounce means that somebody was not told.
    "permanent_failure": {
        **_RESULTS_CHANGE_NOTHING["permanent_failure"],
        "receipt_delayed": "permanent_failure",
        "receipt_delivered": "permanent_failure",
        "receipt_expired": "permanent_failure",
        "receipt_bounced": "permanent_failure",
    },
    # The true result may come after the lease was lost and the attempt was closed for it.
    "technical_failure": {
        "accepted": "sent",
        "deferred": "temporary_failure",
        "rejected": "permanent_failure",
        "failed_technically": "technical_failure",
        "abandoned": "technical_failure",
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    "expired": {
        **_RESULTS_CHANGE_NOTHING["expired"],
        "receipt_delayed": "expired",
        "receipt_delivered": "expired",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    # Taken back while a worker had it in hand: what the worker then says is still the truth.
    "cancelled": {
        "accepted": "sent",
        "deferred": "temporary_failure",
        "rejected": "permanent_failure",
        "failed_technically": "technical_failure",
        "abandoned": "cancelled",
        "released": "cancelled",
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
}

DELIVERY: Mapping[DeliveryState, Mapping[DeliveryHappening, DeliveryState]] = {
    "due": {"claimed": "leased", "withdrawn": "cancelled", "gave_up": "failed", "called_off": "cancelled"},
    "leased": {
        "carried": "sent",
        "retry": "due",
        "released": "due",
        "lease_lost": "due",
        "gave_up": "failed",
        "withdrawn": "cancelled",
    },
    "sent": {"carried": "sent", "gave_up": "failed", "withdrawn": "sent"},
    "failed": {"redriven": "due", "gave_up": "failed", "withdrawn": "failed", "called_off": "cancelled"},
    "cancelled": {"withdrawn": "cancelled", "called_off": "cancelled"},
}

_EVERYTHING_BUT_RELEASE: tuple[NoticeHappening, ...] = tuple(
    happening for happening in get_args(NoticeHappening) if happening != "released"
)

NOTICE: Mapping[NoticeState, Mapping[NoticeHappening, NoticeState]] = {
    "pending": {
        "content_sent": "notified",
        "alert_sent": "pending",
        "receipt": "receipted",
        "accepted": "acknowledged",
        "not_ours": "unresolved",
        "redirected": "unresolved",
        "superseded": "superseded",
        "gave_up": "undeliverable",
        "overdue": "overdue",
        "withheld": "withheld",
        "held": "held",
        "released": "pending",
    },
    "notified": {
        "content_sent": "notified",
        "alert_sent": "notified",
        "receipt": "receipted",
        "accepted": "acknowledged",
        "not_ours": "unresolved",
        "redirected": "unresolved",
        "superseded": "notified",
        "gave_up": "undeliverable",
        "overdue": "overdue",
        "withheld": "notified",
        "held": "notified",
    },
    "receipted": {
        "content_sent": "receipted",
        "alert_sent": "receipted",
        "receipt": "receipted",
        "accepted": "acknowledged",
        "not_ours": "unresolved",
        "redirected": "unresolved",
        "superseded": "receipted",
        "gave_up": "undeliverable",
        "overdue": "overdue",
        "withheld": "receipted",
        "held": "receipted",
    },
    # A second person of the desk who says "not ours" reopens it: a doubt weighs more than a click.
    "acknowledged": {
        "content_sent": "acknowledged",
        "alert_sent": "acknowledged",
        "receipt": "acknowledged",
        "accepted": "acknowledged",
        "not_ours": "unresolved",
        "redirected": "unresolved",
        "superseded": "acknowledged",
        "gave_up": "acknowledged",
        "overdue": "acknowledged",
        "withheld": "acknowledged",
        "held": "acknowledged",
    },
    # No content_sent: what is withheld or held has no way to be sent, and a program that sent it must not pass.
    "withheld": {
        "withheld": "withheld",
        "held": "held",
        "released": "pending",
        "superseded": "withheld",
        "receipt": "withheld",
        "accepted": "withheld",
        "not_ours": "withheld",
        "redirected": "withheld",
    },
    "held": {
        "withheld": "withheld",
        "held": "held",
        "released": "pending",
        "superseded": "superseded",
        "receipt": "held",
        "accepted": "held",
        "not_ours": "held",
        "redirected": "held",
    },
    # Nobody is known who takes it on. Only a human's acceptance, or somebody new to tell, ends that; what is sent,
    # received or late about the one who declined does not.
    "unresolved": {
        "content_sent": "unresolved",
        "alert_sent": "unresolved",
        "receipt": "unresolved",
        "accepted": "acknowledged",
        "not_ours": "unresolved",
        "redirected": "unresolved",
        "superseded": "superseded",
        "gave_up": "unresolved",
        "overdue": "unresolved",
        "withheld": "withheld",
        "held": "held",
        "released": "pending",
    },
    "undeliverable": {
        "content_sent": "notified",
        "alert_sent": "undeliverable",
        "receipt": "receipted",
        "accepted": "acknowledged",
        "not_ours": "unresolved",
        "redirected": "unresolved",
        "superseded": "undeliverable",
        "gave_up": "undeliverable",
        "overdue": "undeliverable",
        "withheld": "withheld",
        "held": "held",
        "released": "pending",
    },
    "overdue": {
        "content_sent": "overdue",
        "alert_sent": "overdue",
        "receipt": "overdue",
        "accepted": "acknowledged",
        "not_ours": "unresolved",
        "redirected": "unresolved",
        "superseded": "superseded",
        "gave_up": "undeliverable",
        "overdue": "overdue",
        "withheld": "withheld",
        "held": "held",
        "released": "pending",
    },
    # Also where it was in flight when it was overtaken: its attempt says so, and what overtook it is told as well.
    "superseded": dict.fromkeys(_EVERYTHING_BUT_RELEASE, "superseded"),
}

NEVER_SENT: frozenset[NoticeState] = frozenset({"superseded", "acknowledged", "withheld", "held"})
"""A notice in one of these states is not sent, whatever its deliveries say."""


def may_go_out(state: NoticeState, purpose: Purpose) -> bool:
    """Whether a delivery made for ``purpose`` may go out while its notice is in ``state``. What brings an accepted and
    silent episode to mind is the only thing that follows an acknowledgement."""
    return state not in NEVER_SENT or (state == "acknowledged" and purpose == "silent")


S = TypeVar("S", bound=str)
H = TypeVar("H", bound=str)


class IllegalTransition(Exception):
    """A fault of the hub: something happened that cannot happen in this state."""

    def __init__(self, layer: str, state: str, happening: str) -> None:
        super().__init__(f"{layer}: {happening!r} cannot happen in state {state!r}")


def attempt_after(state: AttemptState, happening: AttemptHappening) -> AttemptState:
    """The attempt's new state. Raises IllegalTransition."""
    return _after("attempt", ATTEMPT, state, happening)


def delivery_after(state: DeliveryState, happening: DeliveryHappening) -> DeliveryState:
    """The delivery's new state. Raises IllegalTransition."""
    return _after("delivery", DELIVERY, state, happening)


def notice_after(state: NoticeState, happening: NoticeHappening) -> NoticeState:
    """The notice's new state. Raises IllegalTransition."""
    return _after("notice", NOTICE, state, happening)


def _after(layer: str, table: Mapping[S, Mapping[H, S]], state: S, happening: H) -> S:
    try:
        return table[state][happening]
    except KeyError as error:
        raise IllegalTransition(layer, state, happening) from error


ATTEMPT_STATES: tuple[AttemptState, ...] = get_args(AttemptState)
DELIVERY_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
NOTICE_STATES: tuple[NoticeState, ...] = get_args(NoticeState)
ATTEMPT_HAPPENINGS: tuple[AttemptHappening, ...] = get_args(AttemptHappening)
DELIVERY_HAPPENINGS: tuple[DeliveryHappening, ...] = get_args(DeliveryHappening)
NOTICE_HAPPENINGS: tuple[NoticeHappening, ...] = get_args(NoticeHappening)
