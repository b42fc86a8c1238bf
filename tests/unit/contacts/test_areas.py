"""Every code a case system may send leads to one present authority, or to a plain reason why not (B33)."""

import csv
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.areas import AreaProblem, load_areas

AREAS = load_areas()


def rows(name: str) -> list[dict[str, str]]:
    text = resources.files("contacts").joinpath("reference", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_all_of_the_kingdom_is_there() -> None:
    assert len(AREAS.english()) == 153
    assert len(AREAS.london()) == 33
    assert len(AREAS.everywhere()) == 218
    assert len(AREAS.forces) == 46
    assert set(AREAS.london()) < set(AREAS.english()) < set(AREAS.everywhere())


def test_every_authority_has_a_force_that_exists() -> None:
    for authority in AREAS.authorities.values():
        assert AREAS.forces[authority.force].nation == authority.nation
    assert sum(len(AREAS.authorities_of_force(force)) for force in AREAS.forces) == 218


@pytest.mark.parametrize("column", ["gss_code", "dfe_code"])
def test_present_codes_of_england(column: str) -> None:
    for row in rows("authorities.csv"):
        assert AREAS.resolve(row[column]).gss == row["gss_code"]


def test_codes_of_the_other_nations_have_no_dfe_number() -> None:
    for row in rows("authorities_other_nations.csv"):
        found = AREAS.resolve(row["gss_code"])
        assert (found.gss, found.dfe, found.region, found.force) == (
            row["gss_code"],
            None,
            None,
            row["police_force_code"],
        )


def test_every_district_leads_to_its_authority() -> None:
    for row in rows("districts.csv"):
        assert AREAS.resolve(row["lad_code"]).gss == row["authority_gss_code"]


def test_every_former_code_leads_to_its_successor_or_asks_for_the_district() -> None:
    for row in rows("former_codes.csv"):
        for code in filter(None, (row["former_gss_code"], row["former_dfe_code"])):
            if row["ambiguous"] == "no":
                assert AREAS.resolve(code).gss == row["successor_gss_code"]
            else:
                with pytest.raises(AreaProblem, match=r"present code or a district") as caught:
                    AREAS.resolve(code)
                assert caught.value.reason == "ambiguous"
                assert AREAS.resolve(code, row["successor_gss_code"]).gss == row["successor_gss_code"]


@pytest.mark.parametrize(
    ("code", "district", "gss"),
    [
        ("E08000016", None, "E08000038"),
        ("e09000006", None, "E09000006"),
        ("E10000006", "E06000063", "E06000063"),
        ("909", "E07000026", "E06000063"),  # Cumbria's number, with a district that was abolished with it
        ("E10000009", "E07000048", "E06000058"),  # Christchurch left Dorset
        ("835", "E07000049", "E06000059"),
        ("E10000005", "E06000053", "E06000053"),
        ("E09000006", "E07000026", "E09000006"),  # a district is asked for nothing where the code is clear
        ("W06000015", "W06000015", "W06000015"),
    ],
)
def test_districts_settle_what_is_ambiguous_and_nothing_else(code: str, district: str | None, gss: str) -> None:
    assert AREAS.resolve(code, district).gss == gss


@pytest.mark.parametrize(
    ("code", "district", "reason"),
    [
        ("E99999999", None, "unknown"),
        ("999", None, "unknown"),
        ("", None, "malformed"),
        (" E09000006", None, "malformed"),
        ("12 Example Road", None, "malformed"),
        ("E0900000６", None, "malformed"),
        ("E10000006", "E09000006", "district_elsewhere"),
        ("E10000006", "E99999999", "unknown_district"),
        ("E10000006", "Carlisle", "malformed"),
        ("E10000009", "E10000006", "district_elsewhere"),
        ("E23000001", None, "unknown"),
    ],
)
def test_refusals_have_a_reason(code: str, district: str | None, reason: str) -> None:
    with pytest.raises(AreaProblem) as caught:
        AREAS.resolve(code, district)
    assert caught.value.reason == reason


def test_a_refusal_does_not_repeat_what_may_be_an_address() -> None:
    for place in ("12 Example Road, Robin Example", "Robin Example"):
        with pytest.raises(AreaProblem) as caught:
            AREAS.resolve("E10000006", place)
        assert "Robin" not in str(caught.value)
        with pytest.raises(AreaProblem) as caught:
            AREAS.resolve(place)
        assert "Robin" not in str(caught.value)


def test_forces() -> None:
    assert len(AREAS.authorities_of_force("E23000001")) == 32
    assert AREAS.authorities_of_force("E23000034") == ("E09000001",)
    assert AREAS.authorities_of_force("BTP") == ()
    assert len(AREAS.authorities_of_force("S23000009")) == 32
    with pytest.raises(AreaProblem):
        AREAS.authorities_of_force("E09000006")


def test_a_change_to_come_is_known_and_changes_nothing() -> None:
    assert len(AREAS.future) == 11
    for change in AREAS.future:
        assert AREAS.resolve(change.district).gss == change.authority == "E10000030"


@given(st.text(max_size=12), st.none() | st.text(max_size=12))
def test_any_text_resolves_or_is_refused(code: str, district: str | None) -> None:
    try:
        found = AREAS.resolve(code, district)
    except AreaProblem as problem:
        assert problem.reason
    else:
        assert AREAS.authorities[found.gss] is found
