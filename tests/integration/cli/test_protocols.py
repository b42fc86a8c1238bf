"""``fingerpost protocols`` as it is typed."""

import json
import shutil
from pathlib import Path

import pytest

from routing.packs import load_packs
from tests.kit.commands import run

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "packs" / "exampleshire.toml"
DELIVERED = ROOT / "routing" / "protocols"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "packs"
    own.mkdir()
    shutil.copy(EXAMPLE, own)
    return own


def env(folder: Path) -> dict[str, str]:
    return {"FINGERPOST_PACKS_FOLDER": str(folder)}


def test_the_packs_in_force_with_whose_they_are(folder: Path) -> None:
    shutil.copy(DELIVERED / "essex.toml", folder)
    status, out, _ = run(env(folder), "protocols", "list")
    assert status == 0
    heads = [line for line in out.splitlines() if not line.startswith(" ")]
    assert {head.partition(",")[0] for head in heads} == {*load_packs().names, "exampleshire"}
    assert "essex, version 1, own, in its place" in heads
    assert "exampleshire, version 2026-1, own" in heads
    assert "bromley, version 1, delivered" in heads
    assert "  applies to: Isles of Scilly" in out


def test_every_mistake_of_every_own_pack_at_once(folder: Path) -> None:
    bad = sorted((ROOT / "tests" / "data" / "bad_packs").glob("*.toml"))[:5]
    for file in bad:
        shutil.copy(file, folder)
    for arguments, environment in ((["protocols", "check"], env(folder)), (["protocols", "check", str(folder)], {})):
        status, out, err = run(environment, *arguments)
        assert status == 1
        assert all(file.stem in err for file in bad)
        assert "exampleshire" not in out


def test_check_of_what_is_not_there(tmp_path: Path) -> None:
    assert run({}, "protocols", "check", str(tmp_path))[0] == 1
    assert run({}, "protocols", "check", str(tmp_path / "x.toml"))[0] == 1
    assert run(env(tmp_path / "nowhere"), "protocols", "check")[0] == 1


def test_show_has_every_row_with_its_words(folder: Path) -> None:
    for pack in load_packs().packs:
        status, out, _ = run({}, "protocols", "show", pack.name)
        assert status == 0
        used = {rule for rows in (pack.recipients, pack.suppressions, pack.later, pack.quiet, pack.told, pack.duties,
                                  pack.thresholds) for row in rows for rule in row.rules}  # fmt: skip
        flat = " ".join(out.split())
        for rule in used:
            assert f"{rule}, {pack.evidence[rule].source}" in flat
    assert run({}, "protocols", "show", "nowhere")[0] == 2
    assert "duty_manager_review" in run(env(folder), "protocols", "show", "exampleshire")[1]


def test_diff_says_what_was_added_taken_away_and_changed(folder: Path) -> None:
    same = run(env(folder), "protocols", "diff", "exampleshire", str(EXAMPLE))
    assert (same[0], "0 rows differ" in same[1]) == (0, True)
    text = EXAMPLE.read_text("utf-8")
    new = folder / "new"
    new.mkdir()
    changed = (
        text.replace('due = "PT12H"', 'due = "PT6H"')
        .replace('role = "designated_nurse"', 'role = "ceop"')
        .replace("missing_28d >= 3", "missing_28d >= 2")
    )
    (new / "exampleshire.toml").write_text(changed, "utf-8")
    status, out, err = run(env(folder), "protocols", "diff", "exampleshire", str(new / "exampleshire.toml"))
    assert status == 1
    assert "~ duties duty_manager_review lead_authority, due: 12 hours -> 6 hours" in out
    assert "- recipients designated_nurse:" in out
    assert "+ recipients ceop:" in out
    assert (
        "~ thresholds third_missing_in_28_days, when: missing and missing_28d >= 3 -> missing and missing_28d >= 2"
        in out
    )
    assert "give the new one a version of its own" in err
    (new / "exampleshire.toml").write_text(changed.replace('"2026-1"', '"2026-2"'), "utf-8")
    assert (
        "version of its own"
        not in run(env(folder), "protocols", "diff", "exampleshire", str(new / "exampleshire.toml"))[2]
    )


def test_coverage_of_one_group_and_of_what_is_not_in_force() -> None:
    status, out, _ = run({}, "protocols", "coverage", "--group", "g")
    assert status == 0
    assert "G-09  in force" in out
    assert "G-19  NOT in force" in out
    assert "B-13" not in out
    status, out, _ = run({}, "protocols", "coverage", "--not-in-force", "--json")
    rows = json.loads(out)
    assert rows
    assert not any(row["in_force"] for row in rows)
    assert all(row.get("missing") or row.get("overridden_by") or row.get("options") for row in rows)
    assert run({}, "protocols", "coverage", "--group", "Z")[0] == 2


def test_the_section_that_a_rule_quotes_whole() -> None:
    status, out, _ = run({}, "protocols", "section", "d-35")
    assert status == 0
    assert "002, The Role of the Local Authority > Open cases to Children's Services" in out
    assert "hold a multi-agency risk management discussion/meeting with the police" in out
    assert "An open case to North Lincolnshire Children's Services is where" in out
    assert run({}, "protocols", "section", "H-03")[1].count("SHA-256") == 3
    status, _, err = run({}, "protocols", "section", "A-01")
    assert (status, "No delivered pack quotes a rule A-01" in err) == (2, True)


SWITCH = """
name = "switch"
title = "What we turned on"
version = "1"
turns_on = ["national:family_support", "national:repeat_review"]
[applies]
authorities = ["E06000053"]
"""


def test_options_are_listed_and_shown_on_and_off(folder: Path) -> None:
    (folder / "switch.toml").write_text(SWITCH)
    status, out, _ = run(env(folder), "protocols", "list")
    assert status == 0
    assert "  options: 20, 2 on: family_support, repeat_review" in out
    assert "  turns on: national:family_support, national:repeat_review" in out
    status, out, _ = run(env(folder), "protocols", "show", "national")
    usual, _, options = out.partition("Options")
    assert "family_support" not in usual
    assert "family_support: on where switch applies" in options
    assert "senior_officer: off" in options
    assert "not in the document: within a day, by the responsible or area authority" in options
    assert "    Clocks: family_support lead_authority" in options
    assert "“Family support should be put in place.”" in options
    assert "turns on: national:family_support" in run(env(folder), "protocols", "show", "switch")[1]
    assert "family_support: off" in run({}, "protocols", "show", "national")[1]


def test_an_option_that_is_not_there_is_told_with_its_path(folder: Path) -> None:
    (folder / "switch.toml").write_text(SWITCH.replace("repeat_review", "repeated").replace("national:f", "nation:f"))
    for arguments, environment in ((["protocols", "check"], env(folder)), (["protocols", "check", str(folder)], {})):
        status, _, err = run(environment, *arguments)
        assert status == 1
        assert "switch.toml: turns_on[0]: there is no pack nation" in err
        assert "switch.toml: turns_on[1]: national has no option repeated; it has senior_officer" in err
    assert run(env(folder), "protocols", "list")[0] == 2


def test_what_an_edited_option_changes(folder: Path) -> None:
    edited = (DELIVERED / "essex.toml").read_text().replace('version = "1"', 'version = "2"')
    (folder / "essex.toml").write_text(edited.replace("exploited by gangs", "exploited by anybody"))
    status, out, _ = run({}, "protocols", "diff", "essex", str(folder / "essex.toml"))
    assert status == 1
    assert "~ options safe_call, title: A child who may have been exploited by gangs" in out


def test_the_rule_of_an_option_is_in_force_where_it_is_on(folder: Path) -> None:
    assert "D-67  option, off" in run({}, "protocols", "coverage", "--group", "D")[1]
    (folder / "switch.toml").write_text(SWITCH)
    out = run(env(folder), "protocols", "coverage", "--group", "D")[1]
    assert "D-67  in force" in out
    assert "by options that are off" in out
