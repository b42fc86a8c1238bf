"""The state tables as a page of the documentation: diagrams, and what each happening means."""

from collections.abc import Collection, Mapping

from hub.core.states import ATTEMPT, DELIVERY, NOTICE, H, S

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
        "called_off": "an operator cancelled it",
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
