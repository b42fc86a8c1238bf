"""When events arrive on the virtual clock, and what happens at one and the same instant (readings.md B10)."""

from typing import Any

import pytest

from hub.simulate import BadScenario, simulate
from hub.simulate.story import story
from tests.kit.events import found, reported


def scenario(*events: dict[str, Any]) -> dict[str, Any]:
    return {"title": "One instant", "events": list(events), "until": "2026-03-20T00:00:00Z"}


def test_found_that_arrives_with_a_late_report_comes_before_the_clocks_the_report_starts_late() -> None:
    """The MASH notice was due days before the report came: it runs at once, but after what arrives at that instant."""
    instant = "2026-03-10T12:00:00Z"
    late, back = {**reported(), "arrives": instant}, {**found(), "arrives": instant}
    alone = simulate(scenario(late))
    assert [d["at"] for d in alone["decisions"] if d["cause"] == "duty:mash_notice"] == [instant]
    both = simulate(scenario(late, back))
    assert [d for d in both["decisions"] if d["cause"] == "duty:mash_notice"] == []
    assert [d["state"] for d in both["duties"] if d["code"] == "mash_notice"] == ["cancelled"]


def test_a_found_whose_arrival_goes_backwards_arrives_with_the_report() -> None:
    late, back = {**reported(), "arrives": "2026-03-10T12:00:00Z"}, {**found(), "arrives": "2026-03-10T11:00:00Z"}
    told = simulate(scenario(late, back))["decisions"]
    assert {d["at"] for d in told if d["cause"] == f"event:{back['id']}"} == {"2026-03-10T12:00:00Z"}
    assert not [d for d in told if d["cause"] == "duty:mash_notice"]


@pytest.mark.parametrize("time", ["2026-03-02T18:00:00", "yesterday", None])
def test_an_event_without_a_time_that_counts_is_refused_and_the_run_goes_on(time: str | None) -> None:
    wrong = {**found(id="F0"), "time": time}
    run = scenario(reported(), wrong, found())
    answer = simulate(run)
    assert [said["status"] for said in answer["answers"]] == [202, 422, 202]
    assert any("F0 found" in line.text and "refused" in line.text for line in story(run, answer))
    assert [answer["status"] for answer in simulate(scenario(wrong, reported()))["answers"]] == [422, 202]


def test_a_file_in_which_nothing_says_when_is_no_scenario() -> None:
    for bad in ({**found(), "time": "noon"}, {**found(), "arrives": "noon"}, "found"):
        with pytest.raises(BadScenario):
            simulate({"title": "Never", "events": [bad]})
