"""Drafts become decisions: one a desk, gaps told apart, the police first, nothing to anybody it is withheld from."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from routing.conditions import Facts
from routing.decision import Decision, Priority
from routing.facts import looked_after
from routing.needtoknow import shared_view, view
from routing.recipients import POLICE, school_given
from routing.standing import Draft, Scene, Standing, kept_from

_RANK: dict[Priority, int] = {"immediate": 0, "high": 1, "normal": 2, "low": 3}


def settle(drafts: Sequence[Draft], standing: Standing, scene: Scene) -> list[Decision]:
    """Drafts -> decisions: who cannot be reached becomes a gap, who shares a desk one notice, police come first."""
    groups: dict[tuple[object, ...], list[Draft]] = {}
    gaps: dict[int, str] = {}
    for draft in drafts:
        if draft.outcome == "notify" and kept_from(standing, draft.recipient):
            why = "a recorded decision, or a suspicion of abduction, keeps this from the person"
            draft = replace(draft, outcome="withhold", rules=standing.packs.cite_told("withhold"), why=why)
        if draft.outcome == "notify" and (gap := _gap(draft, standing, scene)):
            draft = replace(draft, outcome="gap")
            gaps[id(draft)] = gap
        groups.setdefault((draft.desk, draft.outcome, draft.kind, draft.duty), []).append(draft)
    decisions = [_decision(group, standing, scene, gaps.get(id(group[0]), "")) for group in groups.values()]
    if standing.facts["serious"]:
        decisions = [d if POLICE.isdisjoint(d.roles) else replace(d, first=True) for d in decisions]
    return police_first(decisions)


def police_first(decisions: Iterable[Decision]) -> list[Decision]:
    """Decisions of one instant and cause: those to be attempted first come first, the local force before all; the
    others keep their order (readings.md B38)."""
    return sorted(decisions, key=lambda d: 2 if not d.first else 0 if "police" in d.roles else 1)


def _gap(draft: Draft, standing: Standing, scene: Scene) -> str:
    recipient = draft.recipient
    if recipient.role == "school":
        return scene.reach(recipient, school_given(standing.doc, recipient.organisation))
    person = scene.persons.get(f"{recipient.role}/{recipient.person}") if recipient.person else None
    return scene.reach(recipient, person)


def _decision(group: Sequence[Draft], standing: Standing, scene: Scene, gap: str) -> Decision:
    first = group[0]
    recipients = tuple(dict.fromkeys(d.recipient for d in group))
    roles = tuple(dict.fromkeys(r.role for r in recipients))
    if first.outcome == "gap":
        reader = "responsible_authority" if looked_after(standing.doc) else "host_authority"
        fields = tuple(shared_view(standing.doc, reader, roles[0], first.kind).fields)
    elif first.outcome == "notify":
        fields = tuple(view(standing.doc, roles, first.kind, known=standing.present).fields)
    else:
        fields = ()
    return Decision(
        at=scene.now,
        cause=scene.cause,
        outcome=first.outcome,
        kind=first.kind,
        priority=min((_priority(d, standing.facts) for d in group), key=_RANK.__getitem__),
        recipients=recipients,
        fields=fields,
        rules=tuple(dict.fromkeys(rule for d in group for rule in d.rules)),
        why="; ".join(dict.fromkeys(d.why for d in group)),
        changed=tuple(sorted({path for d in group for path in d.changed})),
        duty=first.duty,
        due_at=first.due_at,
        members=first.members,
        in_person=tuple(dict.fromkeys(name for d in group for name in d.in_person)),
        gap=gap,
    )


def _priority(draft: Draft, facts: Facts) -> Priority:
    """readings.md B36, D16: reminders low; police with abduction suspected immediate; a concern at least high."""
    if draft.kind in ("duty_due", "duty_overdue"):
        return "low"
    if draft.recipient.role in POLICE and facts["abduction_suspected"]:
        return "immediate"
    if draft.priority is not None:
        return draft.priority
    return "high" if facts["serious"] or draft.kind == "concern" else "normal"
