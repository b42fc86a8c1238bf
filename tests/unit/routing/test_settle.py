"""Drafts become decisions: one a desk, gaps told apart, the police first (readings.md B20, B21, B36, B38, D11, D16)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from routing.decision import Kind, Priority, Recipient, Rule
from routing.needtoknow import view
from routing.settle import settle
from routing.standing import Draft, Scene, Standing
from tests.kit.clocks import at
from tests.kit.rows import AREAS, FORCE, LEEDS, RULE, TELLS, pack, person, standing

NOW = at("2026-03-01T12:00:00Z")
HIGH = {"episode": {"risk": {"level": "high"}}}
ABDUCTION = {"episode": {"abduction_suspected": True}}
PLAIN = standing(pack(TELLS, 'told: on = "withhold"'))


def draft(role: str, organisation: str | None = LEEDS, **more: Any) -> Draft:
    recipient = Recipient(role=role, organisation=organisation, person=more.pop("person", None))
    return Draft(**{"recipient": recipient, "kind": "missing", "rules": (RULE,), "why": f"why {role}", **more})


def reached(*gone: str) -> Any:
    return lambda recipient, person: "no_desk" if recipient.role in gone else ""


def scene(reach: Any = None, persons: Mapping[str, Any] | None = None) -> Scene:
    return Scene(now=NOW, cause="event:E1", areas=AREAS, reach=reach or reached(), persons=persons or {})


def decided(*drafts: Draft, now: Standing = PLAIN, reach: Any = None) -> list[tuple[tuple[str, ...], str]]:
    return [(d.roles, d.outcome) for d in settle(drafts, now, scene(reach))]


def test_a_decision_says_all_that_its_drafts_say() -> None:
    other = replace(RULE, rule="X-2")
    first = draft("responsible_authority", changed=frozenset({"child.name"}), in_person=("Sam Example",), kind="update",
                  members=("E09000001",), due_at=NOW)  # fmt: skip
    second = draft("host_authority", changed=frozenset({"child.gender", "child.name"}), kind="update",
                   in_person=("Pat Example", "Sam Example"), rules=(RULE, other))  # fmt: skip
    (decision,) = settle([first, second, first], PLAIN, scene())
    assert decision.recipients == (first.recipient, second.recipient)
    assert (decision.at, decision.cause, decision.kind, decision.outcome) == (NOW, "event:E1", "update", "notify")
    assert decision.rules == (RULE, other)
    assert decision.why == "why responsible_authority; why host_authority"
    assert decision.changed == ("child.gender", "child.name")
    assert decision.in_person == ("Sam Example", "Pat Example")
    assert (decision.members, decision.due_at, decision.gap, decision.first) == (("E09000001",), NOW, "", False)
    assert decision.fields == tuple(view(PLAIN.doc, ["responsible_authority", "host_authority"]).fields)


def test_one_desk_has_a_notice_for_each_kind_outcome_and_duty() -> None:
    drafts = [
        draft("responsible_authority"),
        draft("host_authority", kind="update"),
        draft("host_authority", outcome="suppress"),
        draft("host_authority", duty="review"),
        draft("host_authority"),
        draft("host_authority", "E08000034"),
        draft("mash"),
    ]
    assert decided(*drafts) == [
        (("responsible_authority", "host_authority"), "notify"),
        (("host_authority",), "notify"),
        (("host_authority",), "suppress"),
        (("host_authority",), "notify"),
        (("host_authority",), "notify"),
        (("mash",), "notify"),
    ]


def test_who_cannot_be_reached_is_a_gap_apart_from_who_can() -> None:
    drafts = [draft("responsible_authority"), draft("host_authority"), draft("mash", outcome="suppress")]
    authority, host, mash = settle(drafts, PLAIN, scene(reached("host_authority", "mash")))
    assert (authority.outcome, authority.gap) == ("notify", "")
    assert (host.outcome, host.gap) == ("gap", "no_desk")
    assert (mash.outcome, mash.gap, mash.fields) == ("suppress", "", ()), "who is told nothing cannot be out of reach"


def test_whether_a_person_is_reached_is_asked_with_what_was_last_said_of_them() -> None:
    asked: list[tuple[Recipient, Mapping[str, Any] | None]] = []

    def reach(recipient: Recipient, person: Mapping[str, Any] | None) -> str:
        asked.append((recipient, person))
        return ""

    sam = {"email": "sam@family.example"}
    drafts = [draft("carer", None, person="Sam Example"), draft("carer", None, person="Pat Example"), draft("mash")]
    settle(drafts, PLAIN, scene(reach, {"carer/Sam Example": sam, "mash/None": {"email": "x@council.example"}}))
    assert asked == [(drafts[0].recipient, sam), (drafts[1].recipient, None), (drafts[2].recipient, None)]


@pytest.mark.parametrize(("looked_after", "reader"), [(True, "responsible_authority"), (False, "host_authority")])
def test_the_notice_of_a_gap_shows_what_both_may_see(looked_after: bool, reader: str) -> None:  # D11
    now = standing(pack(TELLS), {"child": {"looked_after": looked_after, "medical": "Asthma"}})
    (gap,) = settle([draft("school", "school:900001")], now, scene(reached("school")))
    both = view(now.doc, [reader]).fields.keys() & view(now.doc, ["school"]).fields.keys()
    assert set(gap.fields) == both and "child.name" in both and "child.medical" not in both


def test_nothing_goes_to_a_person_it_is_kept_from_whatever_the_draft_says() -> None:
    now = standing(pack(TELLS, 'told: on = "withhold"'), {"people": [person("carer", "Sam Example", "withhold")]})
    sam = draft("carer", None, person="Sam Example", rules=(Rule(pack="p", rule="Y", source="", quote=""),))
    (decision,) = settle([sam], now, scene())
    assert (decision.outcome, decision.rules, decision.fields) == ("withhold", (RULE,), ())
    assert decision.why == "a recorded decision, or a suspicion of abduction, keeps this from the person"
    (held,) = settle([replace(sam, outcome="hold")], now, scene())
    assert (held.outcome, held.why) == ("hold", "why carer")


def test_police_come_first_where_it_is_serious_the_local_force_before_all() -> None:  # B-01, B38
    drafts = [draft("mash"), draft("police_responsible", "kent"), draft("iro"), draft("police", FORCE)]
    now = standing(pack(TELLS), HIGH)
    decisions = settle(drafts, now, scene())
    assert [(d.roles[0], d.first) for d in decisions] == [
        ("police", True), ("police_responsible", True), ("mash", False), ("iro", False),
    ]  # fmt: skip
    assert [(d.roles[0], d.first) for d in settle(drafts, PLAIN, scene())] == [
        ("mash", False), ("police_responsible", False), ("iro", False), ("police", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("role", "kind", "changes", "given", "priority"),
    [
        ("mash", "missing", {}, None, "normal"),
        ("mash", "missing", HIGH, None, "high"),
        ("mash", "concern", {}, None, "high"),
        ("mash", "missing", ABDUCTION, None, "high"),
        ("mash", "missing", HIGH, "normal", "normal"),
        ("mash", "message", {}, "immediate", "immediate"),
        ("police", "missing", {}, None, "normal"),
        ("police", "missing", ABDUCTION, None, "immediate"),
        ("police_responsible", "update", ABDUCTION, "normal", "immediate"),
        ("police", "duty_due", ABDUCTION, None, "low"),
        ("mash", "duty_due", HIGH, "high", "low"),
        ("mash", "duty_overdue", HIGH, None, "low"),
    ],
)
def test_how_urgent_a_notice_is(
    role: str, kind: Kind, changes: dict[str, Any], given: Priority | None, priority: str
) -> None:  # B36, D16
    (decision,) = settle([draft(role, kind=kind, priority=given)], standing(pack(TELLS), changes), scene())
    assert decision.priority == priority


@pytest.mark.parametrize(
    ("one", "other", "of_both"),
    [("low", "normal", "normal"), ("high", "normal", "high"), ("immediate", "high", "immediate")],
)
def test_a_shared_notice_is_as_urgent_as_the_most_urgent_of_it(one: Priority, other: Priority, of_both: str) -> None:
    for first, second in ((one, other), (other, one)):
        drafts = [draft("responsible_authority", priority=first), draft("host_authority", priority=second)]
        assert settle(drafts, PLAIN, scene())[0].priority == of_both
