"""Which clocks start and stop with an episode's conditions (readings.md A7, A8, B37, B45), also under edited packs."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from routing.clocks import Duties, Moment, end_with, start_rows, while_out
from routing.decision import Duty
from routing.duties import Clocks, next_happening
from routing.packs import Pack, Packs
from tests.kit.clocks import DOC, at, pack

OUT = 'code = "meeting"\nwhen = "missing"\ndue = "P7D"\nends = ["found", "returned"]\nowner = "lead_authority"'
AT_HOME = 'code = "discussion"\nwhen = "missing and at_home"\ndue = "PT24H"\nends = ["found"]\nowner = "host_authority"'
PLAN = (
    'code = "discussion"\nwhen = "missing and protection_plan"\ndue = "P7D"\nends = ["found"]\nowner = "lead_authority"'
)
LASTING = 'code = "regulator"\nwhen = "missing"\ndue = "PT24H"\nowner = "carer"'
REVIEW = 'code = "review"\nwhen = "missing"\ndue = "P7D"\nrepeats = "P7D"\nends = ["returned"]\nowner = "police"'
REFERRAL = (
    'code = "referral"\nwhen = "trafficking_suspected"\ndue = "PT0S"\nalso_after_found = true\nowner = "lead_authority"'
)
CHECK = 'code = "check"\nstarts = "return"\nwhen = "ever_missing"\ndue = "PT24H"\nowner = "police"'
CHECK_AT_ONCE = 'code = "check"\nstarts = "return"\nwhen = "ever_missing"\ndue = "PT0S"\nowner = "police"'
RENOTIFY = (
    'code = "renotify"\nstarts = "first_missing_notice"\nwhen = "missing"\ndue = "P6M"\nrepeats = "P6M"\n'
    'ends = ["found", "returned"]\nowner = "hub"\nacts = "renotify"'
)
T = at("2026-02-02T10:00:00Z")
HOUR = timedelta(hours=1)


class Episode:
    """Duties and clocks, and the packs and facts they run under."""

    def __init__(self, *packs: Pack) -> None:
        self.every = Packs(packs)
        self.chosen = self.every
        self.facts: dict[str, Any] = {
            "missing": True,
            "ever_missing": True,
            "at_home": False,
            "protection_plan": False,
            "trafficking_suspected": False,
        }
        self.duties: Duties = ()
        self.clocks: Clocks = {}

    def moment(self, start: datetime, now: datetime | None, cause: str) -> Moment:
        doc: Mapping[str, Any] = DOC
        return Moment(
            doc=doc,
            facts=self.facts,
            packs=self.chosen,
            every=self.every,
            start=start,
            now=now or start,
            cause=cause,
        )

    def goes_on(self, start: datetime, *, now: datetime | None = None, state: str = "open", **facts: Any) -> None:
        self.facts.update(facts)
        moment = self.moment(start, now, "event:U")
        self.duties, self.clocks = while_out(self.duties, self.clocks, moment, state=state)

    def starts(self, trigger: str, start: datetime) -> None:
        self.duties, self.clocks = start_rows(self.duties, self.clocks, trigger, self.moment(start, None, "event:R"))

    def ends(self, event: str, when: datetime) -> None:
        self.duties, self.clocks = end_with(self.duties, self.clocks, event, self.moment(when, None, "event:F"))

    def of(self, code: str) -> list[Duty]:
        return [duty for duty in self.duties if duty.code == code]

    def states(self, code: str) -> list[str]:
        return [duty.state for duty in self.of(code)]


def test_a_duty_starts_when_its_whole_condition_first_holds_and_only_once() -> None:
    episode = Episode(pack(OUT, AT_HOME))
    episode.goes_on(T)
    assert {duty.code for duty in episode.duties} == {"meeting"}
    episode.goes_on(T + HOUR, at_home=True)
    (discussion,) = episode.of("discussion")
    assert (discussion.start, discussion.due_at) == (T + HOUR, T + 25 * HOUR)
    episode.goes_on(T + 2 * HOUR)
    assert len(episode.duties) == 2


def test_it_counts_from_when_it_happened_though_it_was_told_late() -> None:
    episode = Episode(pack(OUT))
    episode.goes_on(T, now=T + timedelta(days=8))
    (meeting,) = episode.duties
    assert (meeting.opened_at, meeting.due_at) == (T + timedelta(days=8), T + timedelta(days=7))


def test_a_duty_whose_condition_ceases_is_cancelled_and_starts_anew() -> None:
    episode = Episode(pack(OUT))
    episode.goes_on(T)
    episode.goes_on(T + HOUR, missing=False)
    assert (episode.states("meeting"), episode.duties[0].closed_by) == (["cancelled"], "event:U")
    episode.goes_on(T + 2 * HOUR, missing=True)
    again = episode.duties[1]
    assert (again.occurrence, again.ordinal, again.start) == (2, 1, T + 2 * HOUR)


def test_moves_between_packs() -> None:
    here, there = pack(OUT, name="here"), pack(REVIEW, name="there")
    episode = Episode(here, there)
    episode.chosen = Packs((here,))
    episode.goes_on(T)
    episode.chosen = Packs((there,))
    episode.goes_on(T + 5 * HOUR)
    assert episode.states("meeting") == ["cancelled"]
    (review,) = episode.of("review")
    assert review.due_at == T + 5 * HOUR + timedelta(days=7), "from the move, not from the start"


def test_rows_of_one_code_are_one_duty_with_the_earliest_due_and_its_owner() -> None:
    episode = Episode(pack(AT_HOME, PLAN))
    episode.goes_on(T, at_home=True, protection_plan=True)
    (duty,) = episode.duties
    assert (duty.due_at, duty.owner) == (T + 24 * HOUR, "host_authority")


def test_a_second_row_only_moves_the_due_time_earlier() -> None:
    episode = Episode(pack(AT_HOME, PLAN))
    episode.goes_on(T, protection_plan=True)
    assert episode.duties[0].due_at == T + timedelta(days=7)
    episode.goes_on(T + HOUR, at_home=True)
    (duty,) = episode.duties
    assert (duty.due_at, duty.owner, duty.opened_at) == (T + 25 * HOUR, "host_authority", T)

    other = Episode(pack(AT_HOME, PLAN))
    other.goes_on(T, at_home=True)
    other.goes_on(T + HOUR, protection_plan=True)
    (duty,) = other.duties
    assert (duty.due_at, duty.owner) == (T + 24 * HOUR, "host_authority")


def test_a_further_row_moves_only_the_one_that_runs_of_its_own_code() -> None:
    alert = LASTING.replace("regulator", "alert").replace("PT24H", "P14D")
    episode = Episode(pack(OUT, AT_HOME, PLAN, alert))
    episode.goes_on(T, protection_plan=True)
    episode.goes_on(T + HOUR, protection_plan=False)
    episode.goes_on(T + 2 * HOUR, protection_plan=True)
    before = episode.duties
    assert [(d.code, d.state) for d in before] == [
        ("meeting", "open"),
        ("discussion", "cancelled"),
        ("alert", "open"),
        ("discussion", "open"),
    ]
    episode.goes_on(T + 3 * HOUR, at_home=True)
    *others, moved = episode.duties
    assert (moved.due_at, moved.occurrence, moved.ordinal, moved.opened_at) == (T + 27 * HOUR, 2, 1, T + 2 * HOUR)
    assert tuple(others) == before[:-1]


def test_a_further_row_does_not_move_what_is_late_or_done_already() -> None:
    for state in ("overdue", "done"):
        episode = Episode(pack(AT_HOME, PLAN))
        episode.goes_on(T, protection_plan=True)
        episode.duties = tuple(replace(duty, state=state) for duty in episode.duties)
        before = episode.duties
        episode.goes_on(T + HOUR, at_home=True)
        assert episode.duties == before


def test_of_two_rows_due_at_one_time_the_first_governs() -> None:
    later = PLAN.replace("P7D", "PT23H")
    episode = Episode(pack(AT_HOME, later))
    episode.goes_on(T, at_home=True)
    episode.goes_on(T + HOUR, protection_plan=True)
    (duty,) = episode.duties
    assert (duty.due_at, duty.owner, duty.row) == (T + 24 * HOUR, "host_authority", "made-up/discussion/0")
    assert len(duty.rules) == 1, "both rest on the same rule, which is said once"


@pytest.mark.parametrize(("soon", "late"), [("P30D", "P1D"), ("P1D", "P30D")])
def test_the_row_that_is_due_first_governs_however_it_repeats(soon: str, late: str) -> None:
    text = 'code = "review"\nwhen = "missing"\ndue = "{}"\nrepeats = "{}"\nends = ["returned"]\nowner = "{}"'
    episode = Episode(pack(text.format("PT48H", late, "police"), text.format("PT24H", soon, "carer")))
    episode.goes_on(T)
    (duty,) = episode.duties
    assert (duty.due_at, duty.owner) == (T + 24 * HOUR, "carer")


def test_a_duty_stands_while_another_row_of_its_code_holds() -> None:
    episode = Episode(pack(AT_HOME, PLAN))
    episode.goes_on(T, at_home=True, protection_plan=True)
    episode.goes_on(T + HOUR, at_home=False)
    assert episode.states("discussion") == ["open"]
    episode.goes_on(T + 2 * HOUR, protection_plan=False)
    assert episode.states("discussion") == ["cancelled"]


def test_found_and_returned_end_what_is_marked_so() -> None:
    episode = Episode(pack(OUT, REVIEW, LASTING, CHECK))
    episode.goes_on(T)
    episode.ends("found", T + HOUR)
    episode.starts("return", T + HOUR)
    assert {duty.code: duty.state for duty in episode.duties} == {
        "meeting": "cancelled",
        "review": "open",
        "regulator": "open",
        "check": "open",
    }
    episode.ends("returned", T + 2 * HOUR)
    assert episode.states("review") == ["cancelled"]
    assert episode.states("regulator") == episode.states("check") == ["open"]


def test_a_retraction_ends_everything() -> None:
    episode = Episode(pack(OUT, LASTING, CHECK, REVIEW))
    episode.goes_on(T)
    episode.starts("return", T)
    episode.ends("retracted", T + HOUR)
    assert {duty.state for duty in episode.duties} == {"cancelled"}
    assert next_happening(episode.duties) is None
    assert episode.clocks == {}


def test_after_found_nothing_starts_but_what_is_marked_so() -> None:
    episode = Episode(pack(OUT, PLAN, REFERRAL))
    episode.goes_on(T, missing=False)
    episode.ends("found", T + HOUR)
    episode.goes_on(T + 2 * HOUR, state="found", missing=True, protection_plan=True, trafficking_suspected=True)
    assert [duty.code for duty in episode.duties] == ["referral"]


def test_until_the_return_a_condition_that_ceases_still_ends_its_duty() -> None:
    here = pack(REVIEW, LASTING, CHECK, name="here")
    episode = Episode(here, pack(OUT, name="there"))
    episode.goes_on(T)
    episode.ends("found", T + HOUR)
    episode.starts("return", T + HOUR)
    episode.chosen = Packs(episode.every.packs[1:])
    episode.goes_on(T + 2 * HOUR, state="found")
    assert episode.states("review") == episode.states("regulator") == ["cancelled"]
    assert episode.states("check") == ["open"], "what found or returned opened is not looked at again (B45)"


def test_return_duties_of_several_packs_are_one() -> None:
    episode = Episode(pack(CHECK), pack(CHECK_AT_ONCE, name="essex"))
    episode.starts("return", T)
    (check,) = episode.duties
    assert check.due_at == T
    assert {rule.pack for rule in check.rules} == {"made-up", "essex"}
    episode.starts("return", T + HOUR)
    assert len(episode.duties) == 1


def test_the_six_months_go_on_in_another_pack() -> None:
    episode = Episode(pack(RENOTIFY, name="national"))
    episode.starts("first_missing_notice", T)
    (before,) = episode.duties
    edited = pack(RENOTIFY.replace("P6M", "P3M"), name="own")
    episode.every = episode.chosen = Packs((pack(OUT, name="national"), edited))
    episode.goes_on(T + HOUR)
    episode.starts("first_missing_notice", T + HOUR)
    assert episode.of("renotify") == [before], "neither lost nor started twice"
    assert set(episode.clocks) == {"own/renotify/0", "national/meeting/0"}
    episode.ends("found", T + 2 * HOUR)
    assert episode.states("renotify") == ["cancelled"]


def test_a_code_that_left_the_packs_ends_with_the_next_event() -> None:
    episode = Episode(pack(OUT, LASTING))
    episode.goes_on(T)
    episode.every = episode.chosen = Packs((pack(LASTING),))
    episode.goes_on(T + HOUR)
    assert episode.states("meeting") == ["cancelled"]
    assert episode.states("regulator") == ["open"]
