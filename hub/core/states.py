"""Every rule that changes a state, in one place (vocabulary.md, States).

Three tables: of an attempt, of a delivery, of a notice. A pair that a table does not name cannot happen, and asking
for it is a fault of the hub. A notice never learns of an attempt's state by itself: the service says what happened to
the notice, as ``content_sent`` or ``receipt``, and the table says what that makes of it.
"""

from collections.abc import Collection, Mapping
from typing import Literal, TypeVar, get_args

from hub.core.records import AttemptState, DeliveryState, NoticeState

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
DeliveryHappening = Literal["claimed", "carried", "retry", "released", "lease_lost", "gave_up", "withdrawn", "redriven"]
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

MEANING: Mapping[str, Mapping[str, str]] = {
    "attempt": {
        "claimed": "a worker took the delivery under lease",
        "accepted": "the next system took responsibility for it",
        "deferred": "not now, said the next system",
        "rejected": "not by this way: the recipient's side refuses it",
        "failed_technically": "our fault or the provider's, or it is not known whether it was sent",
        "abandoned": "the worker's lease ran out without a result",
        "released": "given back before anything was tried",
        "receipt_delayed": "a receipt says that it is still on its way",
        "receipt_delivered": "a receipt says that it arrived, or was displayed",
        "receipt_expired": "a receipt says that the provider stopped trying",
        "receipt_bounced": "a receipt says that it did not arrive",
    },
    "delivery": {
        "claimed": "a worker took it under lease",
        "carried": "the content was handed over",
        "retry": "it is to be tried again at a later instant",
        "released": "given back before anything was tried",
        "lease_lost": "the lease ran out without a result",
        "gave_up": "no further try will be made",
        "withdrawn": "the notice was superseded, withheld or held",
        "redriven": "an operator put it back",
    },
    "notice": {
        "content_sent": "an attempt that carries the content was sent (D14)",
        "alert_sent": "only a content-free alert was sent (D14)",
        "receipt": "a machine's receipt for the content came",
        "accepted": "a named human accepted it (D13)",
        "not_ours": "a named human says that it is not theirs (D13)",
        "redirected": "a named human names somebody else (D12, D13)",
        "superseded": "found, returned or a retraction came while no content had been sent (D8)",
        "gave_up": "no way of carrying it is left: every delivery failed for good, or bounced",
        "overdue": "nobody answered in time",
        "withheld": "a recorded decision forbids telling this person (C5)",
        "held": "this person waits for a decision (C5, D2)",
        "released": "what kept it back is gone: a decision to notify, or a contact where there was none",
    },
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
    # The result that comes after a receipt never takes back what the receipt said.
    "sent": {
        "accepted": "sent",
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    "delayed": {
        "accepted": "delayed",
        "failed_technically": "delayed",
        "abandoned": "delayed",
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    "delivered": {
        "accepted": "delivered",
        "failed_technically": "delivered",
        "abandoned": "delivered",
        "receipt_delayed": "delivered",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    "temporary_failure": {
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    # Bad news outlasts good: receipts arrive in any order, and a bounce means that somebody was not told.
    "permanent_failure": {
        "accepted": "permanent_failure",
        "failed_technically": "permanent_failure",
        "abandoned": "permanent_failure",
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
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
    "expired": {
        "accepted": "expired",
        "failed_technically": "expired",
        "abandoned": "expired",
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
        "receipt_delayed": "delayed",
        "receipt_delivered": "delivered",
        "receipt_expired": "expired",
        "receipt_bounced": "permanent_failure",
    },
}

DELIVERY: Mapping[DeliveryState, Mapping[DeliveryHappening, DeliveryState]] = {
    "due": {"claimed": "leased", "withdrawn": "cancelled", "gave_up": "failed"},
    "leased": {
        "carried": "sent",
        "retry": "due",
        "released": "due",
        "lease_lost": "due",
        "gave_up": "failed",
        "withdrawn": "cancelled",
    },
    "sent": {"carried": "sent", "gave_up": "failed", "withdrawn": "sent"},
    "failed": {"redriven": "due", "gave_up": "failed", "withdrawn": "failed"},
    "cancelled": {"withdrawn": "cancelled"},
}

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
    # It was in flight when it was overtaken: that it went out is the truth, and the answer to it is recorded only.
    "superseded": {
        "content_sent": "notified",
        "alert_sent": "superseded",
        "receipt": "superseded",
        "accepted": "superseded",
        "not_ours": "superseded",
        "redirected": "superseded",
        "superseded": "superseded",
        "gave_up": "superseded",
        "overdue": "superseded",
        "withheld": "superseded",
        "held": "superseded",
    },
}

NEVER_SENT: frozenset[NoticeState] = frozenset({"superseded", "acknowledged", "withheld", "held"})
"""A notice in one of these states is not sent, whatever its deliveries say."""

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


def mermaid(table: Mapping[S, Mapping[H, S]], first: Collection[str]) -> str:
    """One table as a Mermaid state diagram; what changes nothing is left out. ``first``: where things begin."""
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in first]
    for state, ways in table.items():
        together: dict[S, list[str]] = {}
        for happening, target in ways.items():
            if target != state:
                together.setdefault(target, []).append(happening)
        lines += [f"    {state} --> {target}: {', '.join(names)}" for target, names in together.items()]
    return "\n".join(lines) + "\n"


def reference_page() -> str:
    """``docs/reference/states.md``: the three tables as diagrams, with what each happening means."""
    parts = [
        "# States\n\nMade from `hub/core/states.py`; do not edit. Three layers: what became of one try, of one way of "
        "carrying a notice,\nand of the notice itself. A higher layer is never inferred from a lower one.\n"
    ]
    diagrams = {
        "attempt": mermaid(ATTEMPT, ("created",)),
        "delivery": mermaid(DELIVERY, ("due",)),
        "notice": mermaid(NOTICE, ("pending", "withheld", "held", "unresolved")),
    }
    for layer, diagram in diagrams.items():
        meanings = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in MEANING[layer].items())
        parts.append(
            f"## {layer.capitalize()}\n\n```mermaid\n{diagram}```\n\n| what happened | meaning |\n|---|---|\n{meanings}"
        )
    return "\n".join(parts)


ATTEMPT_STATES: tuple[AttemptState, ...] = get_args(AttemptState)
DELIVERY_STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)
NOTICE_STATES: tuple[NoticeState, ...] = get_args(NoticeState)
ATTEMPT_HAPPENINGS: tuple[AttemptHappening, ...] = get_args(AttemptHappening)
DELIVERY_HAPPENINGS: tuple[DeliveryHappening, ...] = get_args(DeliveryHappening)
NOTICE_HAPPENINGS: tuple[NoticeHappening, ...] = get_args(NoticeHappening)
