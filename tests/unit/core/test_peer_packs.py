"""Whom the receiver's own packs tell of a case that another hub brought: once, and of what is known."""

import base64
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from contacts.areas import load_areas
from hub.core.course import Context
from hub.core.episode import Episode, Memory
from hub.core.peer_cases import Received, fold, received
from hub.core.peer_packs import CAUSE, WAIT
from hub.core.ticks import next_wake, tick
from routing.decision import Decision, Kind
from routing.needtoknow import view
from routing.packs import load_packs
from tests.kit.clock import START
from tests.kit.events import BROMLEY, LEEDS, NORTH_LINCOLNSHIRE, reported

MINUTE = timedelta(minutes=1)
CONTEXT = Context(packs=load_packs(), areas=load_areas(), reach=lambda recipient, person: "", now=START)
ADVOCATE, SUPERVISOR = ("missing_advocate", NORTH_LINCOLNSHIRE), ("practice_supervisor", NORTH_LINCOLNSHIRE)


def notice(
    number: int, kind: Kind = "missing", role: str = "host_authority", at: datetime = START, **changes: Any
) -> Received:
    """What a hub says to a desk of North Lincolnshire of a child who is missing there."""
    more = changes.pop("more", {})
    doc = reported(**changes)["data"]
    said = {
        "format": "fingerpost.notice.v1", "reference": f"FP-2222-222{number}", "episode": "ep_1", "child": "ch_1",
        "kind": kind, "priority": "normal", "status": "actual", "issued_at": at.isoformat(),
        "organisation_code": NORTH_LINCOLNSHIRE, "roles": [role],
        "fields": {path: value for path, value in view(doc, [role], kind).fields.items() if path != "child.photo"},
        **more,
    }  # fmt: skip
    data = base64.b64encode(json.dumps(said).encode()).decode()
    return received({"attachments": [{"name": "notice.json", "data": data}]}, [NORTH_LINCOLNSHIRE], START + 30 * MINUTE)


class Case:
    """One that goes on with each notice, and with the clock."""

    def __init__(self) -> None:
        self.episode = Episode(ref="ep_1", memory=Memory())
        self.decisions: list[Decision] = []

    def hear(self, *notices: Received, at: datetime = START) -> "Case":
        for one in notices:
            outcome = fold(self.episode, one, [each.cause for each in self.decisions], at)
            self.episode, self.decisions = outcome.episode, [*self.decisions, *outcome.decisions]
        return self

    def wait(self, until: datetime = START + WAIT) -> "Case":
        """As the clocks go; what is remembered is written down and read again in between."""
        while (wake := next_wake(self.episode)) is not None and wake <= until:
            memory = Memory.loads(self.episode.memory.dumps())
            outcome = tick(replace(self.episode, memory=memory), replace(CONTEXT, now=wake))
            assert outcome is not None
            self.episode, self.decisions = outcome.episode, [*self.decisions, *outcome.decisions]
        return self

    def own(self, kind: Kind | None = None, outcome: str = "notify") -> list[tuple[str, str | None]]:
        """Role and organisation of those about whom the packs said so."""
        return [
            (one.recipients[0].role, one.recipients[0].organisation)
            for one in self.decisions
            if one.cause == CAUSE and one.outcome == outcome and kind in (None, one.kind)
        ]


def test_the_packs_tell_who_is_not_told_and_nobody_else() -> None:
    case = Case().hear(notice(1))
    assert case.own() == []
    case.wait()
    assert case.own("missing") == [ADVOCATE, SUPERVISOR]
    told = {role for role, _ in case.own(outcome="suppress")}
    assert {"police", "police_responsible", "responsible_authority", "social_worker", "iro", "parent"} <= told
    (undecided,) = [one for one in case.decisions if one.roles == ("early_help",)]
    assert (undecided.outcome, "cannot be known" in undecided.why) == ("suppress", True)
    assert all(one.recipients[0].person is None for one in case.decisions)
    assert case.episode.duties == ()
    first = next(one for one in case.decisions if one.cause == CAUSE and one.outcome == "notify")
    assert {rule.pack for rule in first.rules} == {"north-lincolnshire"}
    assert "people" not in first.fields
    assert next_wake(case.wait(START + timedelta(days=100)).episode) is None or case.own() == [ADVOCATE, SUPERVISOR]


def test_in_whatever_order_the_other_hub_tells_its_own_nobody_hears_twice() -> None:
    coming = [notice(1), notice(2, role="missing_advocate"), notice(3, role="practice_supervisor")]
    for order in itertools.permutations(coming):
        assert Case().hear(*order).wait().own() == []
    case = Case().hear(coming[0], coming[1]).wait()
    assert case.own() == [SUPERVISOR]
    assert case.hear(*coming, at=START + 5 * MINUTE).wait(START + 9 * MINUTE).own() == [SUPERVISOR]


def test_whom_the_packs_told_hears_what_is_news_to_them_and_the_end_once() -> None:
    case = Case().hear(notice(1)).wait()
    later = START + 5 * MINUTE
    red = {"episode": {"clothing": "Red coat"}, "child": {"legal_status": "remand"}, "more": {"changed": ["x"]}}
    case.hear(notice(2, "update", at=later, **red), at=later).wait(later + WAIT)
    assert case.own("update") == [ADVOCATE, SUPERVISOR]
    assert ("youth_offending_service", NORTH_LINCOLNSHIRE) in case.own("missing")
    only = {"episode": {"clothing": "Red coat", "risk": {"assessed_by": "carer"}}, "child": {"legal_status": "remand"}}
    case.hear(notice(3, "update", at=later, **only), at=later).wait(later + 2 * WAIT)
    assert case.own("update") == [ADVOCATE, SUPERVISOR] * 2  # a youth offending service is not told who assessed it
    told = case.own("missing")
    case.hear(notice(4, "found"), notice(5, "returned"), at=later).wait(later + WAIT)
    assert (case.own("found"), case.own("returned")) == ([], told)
    assert all(entry.removed_at for entry in case.episode.register)
    case.hear(notice(6, "retraction"), at=later).wait(later + WAIT)
    assert case.own("retraction") == told
    assert case.own("missing") == told


@pytest.mark.parametrize("end", ["found", "returned", "retraction"])
def test_of_what_is_over_before_they_are_asked_the_packs_tell_nobody(end: Kind) -> None:
    case = Case().hear(notice(1), notice(2, end)).wait()
    assert (case.own(), case.own(outcome="suppress"), case.episode.memory.asked.at) == ([], [], None)
    assert Case().hear(notice(2, end), notice(1)).wait().own() == []


def test_a_reader_of_little_gives_no_reason_to_guess() -> None:
    fields = {"episode.category": "missing", "child.name": "Robin Example"}
    case = Case().hear(notice(1, role="school", more={"fields": fields})).wait()
    assert case.own() == []
    assert "whose desk that is cannot be known here" in " ".join(one.why for one in case.decisions)
    instead = Case().hear(notice(1, more={"fields": fields, "gap_role": "school"}))
    assert instead.episode.memory.asked.at is None


def test_where_nobody_may_know_of_trafficking_the_packs_show_no_places() -> None:
    place = {"placement": {"responsible_authority": BROMLEY, "host_authority": NORTH_LINCOLNSHIRE}}
    seen = notice(1, role="authority_missing_from", **place)
    facts = {**seen.facts, "placement.host_authority": NORTH_LINCOLNSHIRE, "child.looked_after": True}
    case = Case().hear(Received(said=seen.said, facts={**facts, "episode.last_seen.place": "Example Street"})).wait()
    told = [one for one in case.decisions if one.cause == CAUSE and one.outcome == "notify"]
    shown = {
        one.roles: {path for path in one.fields if path.endswith("place") or "trafficking" in path} for one in told
    }
    assert shown.pop(("host_authority",)) >= {"episode.last_seen.place"}
    assert shown == {("missing_advocate",): set(), ("practice_supervisor",): set()}


def test_a_child_who_is_away_and_then_missing_is_told_of_as_missing() -> None:
    case = Case().hear(notice(1, "away", episode={"category": "away", "whereabouts_known": True})).wait()
    assert case.own("away") == []
    later = START + 5 * MINUTE
    case.hear(notice(2, at=later), at=later).wait(later + WAIT)
    assert case.own("missing") == [ADVOCATE, SUPERVISOR]


def test_of_another_area_no_pack_of_ours_is_asked() -> None:
    elsewhere = {"placement": {"responsible_authority": NORTH_LINCOLNSHIRE, "host_authority": LEEDS}}
    case = Case().hear(notice(1, role="responsible_authority", **elsewhere)).wait()
    own: Sequence[tuple[str, str | None]] = case.own("missing")
    assert ("iro", NORTH_LINCOLNSHIRE) in own
    assert {code for _, code in own} == {NORTH_LINCOLNSHIRE}


def test_whoever_cannot_be_reached_is_a_gap_of_their_own_organisation() -> None:
    case = Case().hear(notice(1))
    outcome = tick(case.episode, replace(CONTEXT, now=START + WAIT, reach=lambda recipient, person: "no_contact"))
    assert outcome is not None
    gaps = [one for one in outcome.decisions if one.outcome == "gap"]
    assert {one.recipients[0].organisation for one in gaps} == {NORTH_LINCOLNSHIRE}
    assert {one.roles for one in gaps} == {("missing_advocate",), ("practice_supervisor",)}
