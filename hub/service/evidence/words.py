"""The course of an episode in sentences, by time, from its records; of what is erased only what stands in clear."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from hub.core.evidence import Stated
from hub.core.naming import moment, organisation_name, role_label
from hub.core.peers import hub_of
from hub.service.evidence.gathering import Gathered

ERASED: Final = "[erased]"
SENDER: Final = "the authority whose hub sent the case"
_VERSION: Final = re.compile(r"\.v[0-9]+$")
"""At the end of an event's type."""
_OUTCOMES: Final = {
    "notify": "is to be told", "gap": "cannot be reached, so that a desk stands in", "withhold": "is not to be told",
    "hold": "is not told until somebody decides", "suppress": "is not told of this",
}  # fmt: skip
_ANSWERS: Final = {"accepted": "took it on", "not_ours": "said it is not theirs", "redirected": "passed it on"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Something that happened."""

    at: str
    """An instant as records have it."""
    text: str = field(repr=False)
    record: str
    """``notice:nt_01…``: where it stands in the bundle."""

    @property
    def when(self) -> str:
        """In London."""
        return moment(datetime.fromisoformat(self.at))


def course(found: Gathered) -> Sequence[Sentence]:
    """Everything, by time; what happened at one instant in the order of cause and effect."""
    sentences = [*_events(found), *_decisions(found), *_notices(found), *_attempts(found), *_receipts(found),
                 *_answers(found), *_duties(found), *_register(found), *_messages(found),
                 *_resolutions(found), *_holds(found)]  # fmt: skip
    return sorted(sentences, key=lambda one: datetime.fromisoformat(one.at))


def headline(found: Gathered) -> str:
    """What it is about, without a name."""
    about = found.subject
    marked = "" if about.status == "actual" else f" ({about.status.upper()}, nothing of this was real)"
    began = "" if about.since is None else f", since {moment(about.since)}"
    ended = "" if about.ended_at is None else f", ended {moment(about.ended_at)}"
    lead = organisation_name(about.organisation)
    return f"Episode {about.id}{marked}: {about.category or 'category not known'}, {about.state}{began}{ended}" + (
        f"; responsible: {lead} ({about.organisation})" if lead else ""
    )


def text_of(record: Stated, column: str) -> str:
    """A sealed value as text; ``[erased]``, or ``[cannot be opened]`` where that should not be so."""
    if record.sealed is None:
        return ERASED if record.erased else "[cannot be opened]"
    return record.sealed.get(column, b"").decode("utf-8", "replace")


def json_of(record: Stated, column: str) -> Mapping[str, Any]:
    """A sealed document; empty once it is erased."""
    if record.sealed is None or column not in record.sealed:
        return {}
    try:
        read = json.loads(record.sealed[column])
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _one(record: Stated, at: str, text: str) -> Sentence:
    return Sentence(at=at, text=text, record=record.key)


def _events(found: Gathered) -> Iterator[Sentence]:
    for one in found.of("event"):
        told = "The hub itself noted" if one.clear["source"] == "hub" else f"The source {one.clear['source']} reported"
        kind = _VERSION.sub("", one.clear["type"]).rpartition(".")[2].replace("_", " ")
        yield _one(one, one.clear["arrived_at"], f"{told}: {kind} (said to be of {_at(one.clear['time'])}).")


def _decisions(found: Gathered) -> Iterator[Sentence]:
    for one in found.of("decision"):
        clear, taken = one.clear, json_of(one, "decision")
        persons = ", ".join(one[2] for one in taken.get("recipients", ()) if one[2])
        who = _who(clear["roles"], clear["organisation"]) + (f" ({persons})" if persons else "")
        rules = ", ".join(dict.fromkeys(f"{rule[0]} {rule[1]} (version {rule[4]})" for rule in taken.get("rules", ())))
        why = f" Rules: {rules}." if rules else ""
        said = f" Why: {taken['why']}" if taken.get("why") else ""
        outcome = _OUTCOMES.get(clear["outcome"], clear["outcome"])
        yield _one(one, clear["at"], f"Decided, {clear['kind'].replace('_', ' ')}: {who} {outcome}.{why}{said}")


def _notices(found: Gathered) -> Iterator[Sentence]:
    for one in found.of("notice"):
        clear = one.clear
        person = f", to {text_of(one, 'person')}" if one.sealed is None or one.sealed else ""
        instead = f", in place of {role_label(clear['gap_role'])}" if clear["gap_role"] else ""
        yield _one(
            one,
            clear["created_at"],
            f"Notice {clear['reference']} ({clear['kind'].replace('_', ' ')}, {clear['priority']}) made for "
            f"{_who(clear['roles'], clear['organisation'])}{person}{instead}, on revision {clear['revision']} of the "
            f"facts.",
        )


def _attempts(found: Gathered) -> Iterator[Sentence]:
    ways = {one.clear["id"]: one for one in found.of("delivery")}
    notices = {one.clear["id"]: one for one in found.of("notice")}
    for one in found.of("attempt"):
        clear, way = one.clear, ways.get(one.clear["delivery"])
        if way is None:
            continue
        about = notices.get(way.clear["notice"])
        reference = way.clear["notice"] if about is None else about.clear["reference"]
        why = f" ({clear['reason'].replace('_', ' ')})" if clear["reason"] else ""
        carried = {"content": " in full", "alert": " as an alert without content"}.get(clear["carried"] or "", "")
        yield _one(
            one,
            clear["finished_at"] or clear["started_at"],
            f"Notice {reference}, {way.clear['channel']} to {text_of(way, 'address')}, attempt {clear['number']}"
            f"{carried}: {clear['state'].replace('_', ' ')}{why}.",
        )


def _receipts(found: Gathered) -> Iterator[Sentence]:
    for one in found.of("receipt"):
        clear = one.clear
        kind = (clear["kind"] or "something unreadable").replace("_", " ")
        doubt = f", not believed: {clear['why'].replace('_', ' ')}" if clear["why"] else ""
        yield _one(
            one,
            clear["arrived_at"],
            f"Came back by {clear['channel']} for delivery {clear['delivery']}: {kind}{doubt}.",
        )


def _answers(found: Gathered) -> Iterator[Sentence]:
    notices = {one.clear["id"]: one for one in found.of("notice")}
    for one in found.of("acknowledgement"):
        about = notices.get(one.clear["notice"])
        reference = one.clear["notice"] if about is None else about.clear["reference"]
        said = _ANSWERS.get(one.clear["answer"], one.clear["answer"])
        yield _one(one, one.clear["at"], f"Notice {reference}: {text_of(one, 'name')} {said}.")


def _duties(found: Gathered) -> Iterator[Sentence]:
    for one in found.of("duty"):
        clear = one.clear
        due = f", due {_at(clear['due_at'])}" if clear["due_at"] else ""
        name = f"{clear['code'].replace('_', ' ')}, of {role_label(clear['owner'])}"
        yield _one(one, clear["opened_at"], f"Duty begins: {name}{due}; it stands as {clear['state']}.")
        if clear["closed_at"]:
            yield _one(one, clear["closed_at"], f"Duty ends: {name}, {clear['state']}.")


def _register(found: Gathered) -> Iterator[Sentence]:
    for one in found.of("register"):
        clear = one.clear
        who = _who([clear["role"]], clear["organisation"])
        yield _one(one, clear["received_at"], f"On the register of {who}, until {_at(clear['remove_at'])} at most.")
        if clear["removed_at"]:
            yield _one(one, clear["removed_at"], f"Taken off the register of {who}.")


def _messages(found: Gathered) -> Iterator[Sentence]:
    readers: dict[str, list[str]] = {}
    for one in found.of("message_reader"):
        if one.clear["because"] != "author":
            named = organisation_name(one.clear["organisation"]) or one.clear["organisation"]
            desk = f"{one.clear['desk'].replace('_', ' ')}, {named}"
            sent_it = hub_of(one.clear["organisation"]) is not None
            readers.setdefault(one.clear["message"], []).append(SENDER if sent_it else desk)
    files: dict[str, int] = {}
    for one in found.of("message_file"):
        files[one.clear["message"]] = files.get(one.clear["message"], 0) + 1
    for one in found.of("message"):
        clear = one.clear
        author = organisation_name(clear["organisation"]) or clear["organisation"]
        to = "; ".join(readers.get(clear["id"], ())) or "nobody else"
        pictures = f" Pictures: {files[clear['id']]}." if clear["id"] in files else ""
        purpose = clear["purpose"].replace("_", " ")
        places = ", touches whereabouts" if clear["whereabouts"] else ""
        yield _one(
            one,
            clear["sent_at"],
            f"{text_of(one, 'author')} ({author}) wrote to {to}, {purpose}{places}: {text_of(one, 'text')}{pictures}",
        )


_STEPS: Final = {
    "said": "said that the child is not theirs",
    "asked": "was chosen to be asked next",
    "sent_back": "was asked again",
    "moved": "is who the case system names now",
    "accepted": "accepted the child as theirs",
    "released": "is not chased any more about a notice that another has accepted",
    "late": "let the time to choose who is asked next pass",
    "looped": "Whose the child is went round in a circle",
    "ended": "Whose the child is was not looked for any more",
}


def _resolutions(found: Gathered) -> Iterator[Sentence]:
    for one in found.of("resolution_step"):
        clear = one.clear
        who = organisation_name(clear["organisation"]) or clear["organisation"] or ""
        name = text_of(one, "name")
        by = f" (by {name})" if name and clear["kind"] in ("said", "asked", "sent_back", "accepted") else ""
        said = f": {text_of(one, 'text')}" if clear["kind"] in ("asked", "sent_back") else ""
        yield _one(one, clear["at"], f"{who} {_STEPS[clear['kind']]}{by}{said}.".strip())


_HOLDS: Final = {"no_enquiries": "make no enquiries", "no_questions": "do not question the child"}


def _holds(found: Gathered) -> Iterator[Sentence]:
    for one in found.of("police_hold"):
        clear = one.clear
        force = organisation_name(clear["organisation"]) or clear["organisation"]
        asks = f"the hold “{_HOLDS.get(clear['kind'], clear['kind'])}”"
        reason = text_of(one, "reason") if one.sealed is None or "reason" in one.sealed else "none given"
        review = f" To be asked again {_at(clear['review_at'])}." if clear["review_at"] else ""
        said = f"set {asks}. Reason: {reason}.{review}" if clear["deed"] == "set" else f"lifted {asks}."
        yield _one(one, clear["at"], f"{text_of(one, 'name')} ({force}) {said}")


def _who(roles: Sequence[str], organisation: str | None) -> str:
    name = organisation_name(organisation)
    return " and ".join(role_label(role) for role in roles) + (f" ({name})" if name else "")


def _at(instant: str) -> str:
    return moment(datetime.fromisoformat(instant))
