"""Changes to the directory as JSON: what differs, why it takes two, who asked and who agreed.

For those who may see the entries: addresses and names of colleagues stand in it.
"""

from collections.abc import Iterable
from typing import Any, Final

from contacts.model import Problem
from hub.core.drafts import About, Draft, Judged, Version
from hub.service.directory.outcome import Outcome
from hub.web.api.ledger import at

Json = dict[str, Any]
MOST: Final = 1_000
"""How many differences one answer lists; ``more`` counts the others."""


def judged_body(one: Judged) -> Json:
    """One entry: what stood there and what will, column by column."""
    found = one.difference
    return {
        "entry": found.path,
        "table": found.table,
        "key": list(found.key),
        "kind": found.kind,
        "fields": [{"column": f.column, "before": f.before, "after": f.after} for f in found.fields()],
        "takes_two": list(one.reasons),
    }


def problems_body(problems: Iterable[Problem]) -> list[Json]:
    """Paths and messages."""
    return [{"path": one.path, "message": one.message} for one in problems]


def outcome_body(outcome: Outcome) -> Json:
    """What asking for a change, or deciding about one, came to."""
    return {
        "result": outcome.result,
        "takes_two": outcome.takes_two,
        "differences": [judged_body(one) for one in outcome.judged[:MOST]],
        "more": max(0, len(outcome.judged) - MOST),
        "warnings": problems_body(outcome.warnings),
        "change": None if outcome.draft is None else draft_body(outcome.draft),
    }


def draft_body(draft: Draft) -> Json:
    """A change without its entries."""
    return {
        "id": draft.id,
        "organisation": draft.organisation,
        "state": draft.state,
        "how": draft.how,
        "entries": draft.entries,
        "base": draft.base,
        "version": draft.version,
        "proposed_at": at(draft.proposed_at),
        "proposed_by": draft.proposed_by,
        "proposed_name": draft.proposed_name,
        "why": draft.why,
        "decided_at": at(draft.decided_at),
        "decided_by": draft.decided_by,
        "decided_name": draft.decided_name,
        "decided_why": draft.decided_why,
    }


def about_body(about: About) -> Json:
    """A change with its entries."""
    return {
        **draft_body(about.draft),
        "differences": [judged_body(one) for one in about.judged[:MOST]],
        "more": max(0, len(about.judged) - MOST),
    }


def version_body(version: Version) -> Json:
    """A directory that was in force from ``since`` until the next one."""
    return {
        "version": version.number,
        "since": at(version.since),
        "change": None if version.draft is None else draft_body(version.draft),
    }
