"""What happens at one and the same instant of the virtual clock (readings.md B10)."""

from typing import Any

from hub.simulate import simulate
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
