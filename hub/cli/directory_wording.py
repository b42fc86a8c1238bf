"""Changes to the directory in words, for a terminal."""

from collections.abc import Iterator, Mapping
from typing import Final

from contacts.changes import Conflict, Value
from contacts.sensitive import Reason
from hub.cli.wording import stamp
from hub.core.drafts import Draft, How, Judged, Refusal

REASONS: Final[Mapping[Reason, str]] = {
    "new_contact": "a new contact",
    "address": "another address",
    "number": "another number",
    "channel": "another channel",
    "desk": "another desk",
    "longer": "in force when it was not",
    "certificate": "a certificate",
    "pin": "a pin",
    "fallback": "another fallback desk",
    "deputy": "another deputy",
    "signing": "another signing key",
    "last_contact": "leaves a desk without anybody",
}
REFUSED: Final[Mapping[Refusal, str]] = {
    "unknown": "there is no such change",
    "settled": "it is decided already",
    "own": "whoever proposed a change does not decide about it",
    "unnamed": "only a person by name decides",
    "not_asked": "only whoever proposed a change takes it back",
}
HOW: Final[Mapping[How, str]] = {
    "alone": "by one person",
    "confirmed": "confirmed by both addresses",
    "approved": "approved",
    "overridden": "overridden, without a second person",
    "imported": "imported at the machine",
}
_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~"}


def difference_line(one: Judged) -> str:
    """One entry: ``~ contacts[a]  address: old → new  (takes two: another address)``."""
    found = one.difference
    if found.kind == "changed":
        said = ", ".join(f"{f.column}: {_value(f.before)} → {_value(f.after)}" for f in found.fields())
    else:
        said = ", ".join(f"{f.column}={_value(f.after if found.kind == 'added' else f.before)}" for f in found.fields())
    two = f"  (takes two: {', '.join(REASONS[reason] for reason in one.reasons)})" if one.reasons else ""
    return f"{_SIGNS[found.kind]} {found.path}  {said}{two}"


def conflict_line(one: Conflict) -> str:
    """An entry that somebody else has changed since."""
    now = "is there no more" if one.now is None else "has been changed since"
    return f"{one.difference.path}: {now}"


def draft_lines(draft: Draft) -> Iterator[str]:
    """Who asked, and what became of it."""
    yield f"{draft.id}  {draft.organisation}, {draft.entries} entries"
    yield f"  proposed {stamp(draft.proposed_at)} by {draft.proposed_name} ({draft.proposed_by})"
    if draft.decided_at is not None:
        yield f"  {state_words(draft)} {stamp(draft.decided_at)} by {draft.decided_name} ({draft.decided_by})"
    else:
        yield f"  {state_words(draft)}"
    for why in (draft.why, draft.decided_why):
        if why is not None:
            yield f"  reason: {why}"
    if draft.version is not None:
        yield f"  in force as version {draft.version}"


def state_words(draft: Draft) -> str:
    """What became of it, in a word or two."""
    return draft.state.replace("_", " ") if draft.how is None else HOW[draft.how]


def _value(value: Value) -> str:
    text = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"
