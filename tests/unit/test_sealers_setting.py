"""Which processes seal, as the settings and the machine have it."""

import os
from pathlib import Path

import pytest

from adapters.email.sealers import Crew, as_needed
from hub.app.mail import crew
from hub.app.processors import processors
from hub.settings import SettingsError, load

OWN = len(os.sched_getaffinity(0))


def asked(value: str | None) -> Crew:
    return crew(load(environment={} if value is None else {"FINGERPOST_SEALERS": value}))


def test_by_default_they_come_with_a_rush_and_a_number_means_so_many_always() -> None:
    assert asked(None) == asked("auto") == as_needed(processors())
    assert asked("0") == Crew(count=0)
    assert asked("3") == Crew(count=3)


@pytest.mark.parametrize("value", ["-1", "65", "some", "1.5", ""])
def test_nothing_else_is_taken(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        asked(value)
    assert {problem.setting for problem in caught.value.problems} == {"FINGERPOST_SEALERS"}


@pytest.mark.parametrize(
    ("quota", "count"),
    [
        ("max 100000", OWN),
        ("100000 100000", 1),
        ("199999 100000", 1),
        ("50000 100000", 1),
        ("900000000 100000", OWN),
        ("", OWN),
        ("100000 0", OWN),
        ("\u00b5", OWN),
    ],
)
def test_a_container_has_as_many_as_it_is_granted(tmp_path: Path, quota: str, count: int) -> None:
    (tmp_path / "cpu.max").write_text(quota, encoding="utf-8")
    assert processors(tmp_path / "cpu.max") == count


def test_without_control_groups_it_has_all_that_it_may_run_on(tmp_path: Path) -> None:
    assert processors(tmp_path / "missing") == OWN
