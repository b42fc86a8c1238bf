"""Why somebody who could have been told was not: every row that tells others, with its reason."""

from collections.abc import Iterable
from typing import Any

import pytest

from contacts.areas import load_areas
from routing.explain import Untold, untold
from routing.facts import Counts
from routing.packs import load_packs
from routing.standing import stand
from tests.kit.events import DROP, merged, reported


def explained(*told: str, on: Iterable[str] = (), past: int = 0, **data: Any) -> tuple[Untold, ...]:
    doc = merged(reported()["data"], data)
    missing = doc["episode"]["category"] == "missing"
    packs = load_packs().switched(on) if on else load_packs()
    standing = stand(doc, packs, load_areas(), ever_missing=missing, counts=Counts(missing_ever=past))
    return untold(standing, told)


def reasons(found: Iterable[Untold], role: str) -> set[str]:
    return {one.reason + (f" {one.moment}" if one.moment else "") for one in found if one.role == role}


def test_what_a_row_asks_for_and_is_not_so() -> None:
    (nurse,) = [one for one in explained() if one.role == "designated_nurse"]
    assert (nurse.pack, nurse.reason, nurse.asks) == ("bromley", "not_so", "protection plan or section 47")
    assert [rule.rule for rule in nurse.rules] == ["B-54"] and nurse.rules[0].quote


def test_whoever_was_told_is_not_explained() -> None:
    roles = {one.role for one in explained("designated_nurse", "carer")}
    assert roles.isdisjoint({"designated_nurse", "carer"}) and "ceop" in roles


def test_a_row_that_holds_now_and_did_not_then() -> None:
    assert reasons(explained(child={"child_protection_plan": True}), "designated_nurse") == {"since"}


def test_an_option_that_is_not_turned_on_says_what_it_would_do() -> None:
    asleep = [one for one in explained() if one.role == "regulator"]
    assert [(one.pack, one.reason) for one in asleep] == [("childrens-home", "asleep")]
    assert asleep[0].option == "The regulator is sent the report of a child missing from a children's home"
    assert reasons(explained(on=["childrens-home:regulator"]), "regulator") == {"since"}


def test_what_has_not_happened_yet() -> None:
    found = explained()
    assert reasons(found, "home_office_immigration_enforcement") == {"later found", "later returned"}
    assert "later due mash_notice" in reasons(found, "mash")
    assert "later overdue return_interview" in reasons(found, "carer")


def test_once_it_is_over_the_end_is_asked_too() -> None:
    over = explained(found={"at": "2026-03-02T08:00:00Z", "by": "police"})
    assert reasons(over, "home_office_immigration_enforcement") == {"not_so", "later returned"}


def test_a_stricter_rule_keeps_the_police_of_a_child_who_is_away() -> None:
    away = {"category": "away", "risk": DROP, "whereabouts_known": True}
    kept = [one for one in explained(episode=away) if one.role == "police" and one.reason == "kept_back"]
    assert kept and {rule.rule for rule in kept[0].rules} & {"B-129", "B-153", "H-03"}


def test_rows_about_the_other_category() -> None:
    away = {"category": "away", "risk": DROP, "whereabouts_known": True}
    assert "category" in reasons(explained(episode=away), "ceop")


@pytest.mark.parametrize(("decision", "reason"), [("withhold", "withheld"), ("undecided", "held")])
def test_a_parent_is_kept_from_it_by_a_decision_or_for_want_of_one(decision: str, reason: str) -> None:
    sam = {"role": "parent", "name": "Sam Example", "email": "sam@family.example", "notify": {"decision": decision}}
    assert reason in reasons(explained(people=[sam]), "parent")


def test_nobody_holds_the_role() -> None:
    assert "nobody" in reasons(explained(people=[]), "parent")


def test_a_count_that_is_not_reached() -> None:
    assert "not_so" in reasons(explained(), "mase_panel")
    assert "not_so" not in reasons(explained(past=3), "mase_panel")


def test_no_row_twice() -> None:
    found = explained()
    assert len(found) == len(set(found))
