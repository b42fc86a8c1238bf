"""A scenario on a virtual clock: who would be told what, and what falls due (vocabulary.md, simulate)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from contacts.areas import load_areas
from hub.core.course import Context, Outcome, Refused
from hub.core.episode import Episode
from hub.core.events import EpisodeEvent, Invalid, WireRules, canonical, instant, instant_text, parse, validate_document
from hub.core.plan import react
from hub.core.summary import EpisodeSummary
from hub.core.ticks import next_wake, tick
from hub.simulate.arrivals import BadScenario, arrivals
from routing.decision import Decision, Recipient, Rule
from routing.duties import codes
from routing.facts import category
from routing.packs import Packs, load_packs
from routing.recipients import has_address

Json = dict[str, Any]


@dataclass(slots=True)
class _Known:
    """One episode of the run with what it took to get there."""

    episode: Episode
    source: str
    child: str = ""
    status: str = "actual"
    kept: list[EpisodeEvent] = field(default_factory=list)


@dataclass(slots=True)
class _Run:
    scenario: Mapping[str, Any]
    packs: Packs
    rules: WireRules
    now: datetime
    known: dict[tuple[str, str], _Known] = field(default_factory=dict)
    seen: dict[tuple[str, str], tuple[bytes, int, list[str]]] = field(default_factory=dict)
    answers: list[Json] = field(default_factory=list)
    decisions: list[tuple[str, Decision]] = field(default_factory=list)


def simulate(scenario: Mapping[str, Any], packs: Packs | None = None) -> Json:
    """Run a scenario to its end, under the packs delivered unless others are given. Deterministic: the same scenario
    gives the same answer."""
    events = scenario.get("events")
    if not isinstance(events, list) or not events:
        raise BadScenario("events: must be a list of at least one event")
    arriving = arrivals(events)
    packs = packs or load_packs()
    rules = WireRules(areas=load_areas(), duties=codes(packs))
    run = _Run(scenario=scenario, packs=packs, rules=rules, now=arriving[0])
    for at, raw in zip(arriving, events, strict=True):
        if at > run.now:  # what arrives at one instant comes before the clocks, those that open late too (B10)
            _clocks(run, at, inclusive=False)
        run.now = at
        _arrive(run, raw)
    until = instant(scenario["until"]) if scenario.get("until") else run.now
    _clocks(run, max(until, run.now), inclusive=True)
    return _answer(run)


def _arrive(run: _Run, raw: Mapping[str, Any]) -> None:
    body = json.dumps(raw).encode()
    key, digest = (str(raw.get("source")), str(raw.get("id"))), canonical(raw)
    if key in run.seen:
        first, _, warnings = run.seen[key]
        same = first == digest
        _say(run, raw, 200 if same else 409, warnings if same else [], duplicate=same)
        return
    event = parse(body, run.rules)
    if isinstance(event, Invalid):
        _say(run, raw, 422, [f"{p.path}: {p.message}" for p in event.problems])
        return
    applied = _apply(run, event.arrived(run.now))
    if applied is None:
        _say(run, raw, 422, [])
        return
    run.seen[key] = (digest, 202, applied)
    _say(run, raw, 202, applied)


def _say(run: _Run, raw: Mapping[str, Any], status: int, warnings: Sequence[str], *, duplicate: bool = False) -> None:
    run.answers.append({"event": raw.get("id"), "status": status, "duplicate": duplicate, "warnings": list(warnings)})


def _context(run: _Run, known: _Known) -> Context:
    return Context(
        packs=run.packs,
        areas=load_areas(),
        reach=lambda recipient, person: _reach(run.scenario, recipient, person),
        now=run.now,
        history=[_summary(k) for k in run.known.values() if k is not known and k.child == known.child and k.child],
        check=lambda doc: [(p.path, p.message) for p in validate_document(doc, run.rules)],
    )


def _summary(known: _Known) -> EpisodeSummary:
    episode = known.episode
    return EpisodeSummary(
        id=episode.ref,
        state=episode.state,
        ever_missing=episode.ever_missing,
        category="missing" if category(episode.doc) == "missing" else "away",
        status=known.status,  # type: ignore[arg-type]  # checked by the wire model
        since=instant(episode.doc["episode"]["since"]),
    )


def _reach(scenario: Mapping[str, Any], recipient: Recipient, person: Mapping[str, Any] | None) -> str:
    for gone in scenario.get("unreachable") or ():
        if gone.get("role") == recipient.role:
            return "no_contact"
        if gone.get("organisation") and gone["organisation"] == recipient.organisation:
            return "no_contact"
    if recipient.person is not None:
        return "" if has_address(person) else "no_address"
    if recipient.organisation is None and not recipient.role.startswith("circulation:"):
        return "no_organisation"
    return ""


def _apply(run: _Run, event: EpisodeEvent) -> list[str] | None:
    key = (event.source, event.ref)
    known = run.known.get(key) or _Known(Episode(ref=event.ref), event.source)
    if event.kind == "episode.reported" and known.episode.state == "awaited":
        known.child = f"{event.source} {event.data['child']['ref']}"
        known.status = event.data["episode"].get("status") or "actual"
    outcomes = react(known.episode, event, _context(run, known), known.kept)
    if isinstance(outcomes, Refused):
        return None
    run.known[key] = known
    for outcome in outcomes:
        _take(run, known, outcome)
    if known.episode.state == "awaited":
        known.kept.append(event)
    return [*event.warnings, *(warning for outcome in outcomes for warning in outcome.warnings)]


def _take(run: _Run, known: _Known, outcome: Outcome) -> None:
    known.episode = outcome.episode
    run.decisions += [(known.episode.ref, decision) for decision in outcome.decisions]


def _clocks(run: _Run, end: datetime, *, inclusive: bool) -> None:
    """Let the clocks run up to ``end``; arriving events come before clocks due at the same instant (B10)."""
    while True:
        due = [(wake, key) for key, k in run.known.items() if (wake := next_wake(k.episode)) is not None]
        wake, key = min(due, default=(None, None))
        if wake is None or key is None or wake > end or (wake == end and not inclusive):
            return
        run.now = max(wake, run.now)
        known = run.known[key]
        outcome = tick(known.episode, _context(run, known))
        if outcome is None:
            raise AssertionError("a clock woke with nothing to do")
        _take(run, known, outcome)


def _answer(run: _Run) -> Json:
    episodes = [k.episode for k in run.known.values() if k.episode.state != "awaited"]
    duties = [(e.ref, duty) for e in episodes for duty in e.duties]
    register = [(e.ref, entry) for e in episodes for entry in e.register]
    return {
        "answers": run.answers,
        "decisions": [_decision(ref, decision) for ref, decision in run.decisions],
        "duties": [
            {
                "code": d.code, "episode": ref, "owner": d.owner, "opened_at": instant_text(d.opened_at),
                "due_at": instant_text(d.due_at), "occurrence": d.occurrence, "state": d.state,
                "closed_at": _text(d.closed_at), "closed_by": d.closed_by, "rules": [_rule(r) for r in d.rules],
            }
            for ref, d in sorted(duties, key=lambda pair: pair[1].opened_at)
        ],
        "register": [
            {
                "organisation": e.organisation, "role": e.role, "episode": ref,
                "received_at": instant_text(e.received_at), "remove_at": instant_text(e.remove_at),
                "removed_at": _text(e.removed_at), "removed_by": e.removed_by,
            }
            for ref, e in sorted(register, key=lambda pair: pair[1].received_at)
        ],
        "episodes": [
            {
                "ref": e.ref, "state": e.state, "category": category(e.doc),
                "opened_at": e.doc["episode"]["since"], "ended_at": _text(e.ended_at),
            }
            for e in episodes
        ],
    }  # fmt: skip


def _text(at: datetime | None) -> str | None:
    return None if at is None else instant_text(at)


def _rule(rule: Rule) -> Json:
    return {"pack": rule.pack, "rule": rule.rule, "source": rule.source, "quote": rule.quote}


def _decision(ref: str, decision: Decision) -> Json:
    first = decision.recipients[0]
    return {
        "at": instant_text(decision.at),
        "cause": decision.cause,
        "episode": ref,
        "outcome": decision.outcome,
        "kind": decision.kind,
        "priority": decision.priority,
        "roles": list(decision.roles),
        "organisation": first.organisation,
        "person": first.person,
        "fields": list(decision.fields),
        "rules": [_rule(r) for r in decision.rules],
        "why": decision.why,
    }
