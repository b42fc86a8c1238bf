"""Every rule of the evidence is in force somewhere, or there is a true reason why it is not."""

import dataclasses
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from pydantic import ValidationError

from contacts.model import Contact, Desk, Organisation
from hub.core.wire_models import DATA_MODELS
from routing.coverage import Reason, Status, cited, coverage, load_reasons, offered, where_or_why
from routing.evidence import load_evidence, spread
from routing.in_code import load_places
from routing.packs import ROLES, Packs, load_packs
from scripts.coverage_reference import TARGET, page
from scripts.rules_index import main as index_rules

SIZES = {"A": 92, "B": 189, "C": 173, "D": 86, "E": 74, "F": 53, "G": 30, "H": 50}
IDS = [rule.id for rule in load_evidence()]


@cache
def wire_keys() -> set[str]:
    """Every key that an event's data may have."""
    found: set[str] = set()

    def walk(schema: object) -> None:
        if isinstance(schema, dict):
            found.update(schema.get("properties", {}))
            for value in schema.values():
                walk(value)
        elif isinstance(schema, list):
            for value in schema:
                walk(value)

    for model in DATA_MODELS.values():
        walk(model.model_json_schema())
    return found


def test_the_evidence_is_whole() -> None:
    assert Counter(rule.id[0] for rule in load_evidence()) == SIZES
    assert len(IDS) == len(set(IDS)) == 747
    for group, size in SIZES.items():
        assert [i for i in IDS if i[0] == group] == [f"{group}-{number:02d}" for number in range(1, size + 1)]
    assert all(rule.summary and rule.document for rule in load_evidence())


def test_each_rule_stands_exactly_once() -> None:
    packs = load_packs()
    stands = Counter(cited(packs).keys())
    stands.update(rule for place in load_places() for rule in place.rules)
    in_force = set(stands)
    stands.update(rule for reason in load_reasons() for rule in reason.rules)
    # a rule in force may have an option besides, which goes further; one that is not has either an option or a reason
    stands.update(rule for rule in offered(packs) if rule not in in_force)
    assert {rule: number for rule, number in stands.items() if number > 1} == {}
    assert set(stands) == set(IDS)


def test_the_command_says_something_about_each() -> None:
    found = coverage(load_packs())
    assert [status.rule.id for status in found] == IDS
    assert all(where_or_why(status) for status in found)
    assert all((status.state == "not") == bool(status.missing or status.overridden_by) for status in found)
    assert {status.state for status in found} == {"in_force", "option", "not"}


def test_an_option_puts_its_rules_in_force_where_it_is_on() -> None:
    packs = load_packs()
    off = {s.rule.id: s for s in coverage(packs)}["D-67"]
    assert (off.state, where_or_why(off)) == ("option", "option national:repeat_review (off)")
    on = {s.rule.id: s for s in coverage(packs.switched(["national:repeat_review"]))}["D-67"]
    assert (on.state, on.packs) == ("in_force", ("national: duties repeat_review (where option repeat_review is on)",))


@pytest.mark.parametrize("reason", load_reasons(), ids=lambda reason: reason.rules[0])
def test_what_a_reason_calls_missing_is_missing(reason: Reason) -> None:
    keys = wire_keys()
    types = {name.removeprefix("fingerpost.").removesuffix(".v1") for name in DATA_MODELS}
    columns = {f.name for model in (Organisation, Desk, Contact) for f in dataclasses.fields(model)}
    for missing in reason.missing:
        sort, colon, name = missing.partition(":")
        if colon:
            assert name not in {"event": types, "role": ROLES, "directory": columns, "hub": set()}[sort], missing
        elif "=" not in missing:
            assert missing.split(".")[-1] not in keys, missing


@pytest.mark.parametrize("reason", load_reasons(), ids=lambda reason: reason.rules[0])
def test_what_overrides_is_a_line_of_the_specification(reason: Reason) -> None:
    for line in reason.overridden_by:
        assert re.fullmatch(r"readings [A-D][1-9]\d?|(events|protocols|vocabulary): .+", line), line


def test_a_value_that_is_called_missing_is_no_value() -> None:
    text = str([model.model_json_schema() for model in DATA_MODELS.values()])
    values = [m.partition("=")[2] for reason in load_reasons() for m in reason.missing if "=" in m]
    assert values
    assert all(f"'{value}'" not in text for value in values)


def test_without_its_pack_a_rule_is_not_said_to_be_in_force() -> None:
    fewer = Packs(tuple(pack for pack in load_packs().packs if pack.name != "essex"))
    status = {s.rule.id: s for s in coverage(fewer)}["D-66"]
    assert not status.in_force
    assert where_or_why(status) == "no pack in force cites it"


def test_spans_of_ids() -> None:
    assert spread("A-01 C-09..C-11 B-100") == ("A-01", "C-09", "C-10", "C-11", "B-100")
    for wrong in ("A1", "C-01..D-02", "I-01"):
        with pytest.raises(ValueError, match="neither an id nor a span"):
            spread(wrong)


def test_a_reason_says_one_thing() -> None:
    for both in ({}, {"missing": ("x",), "overridden_by": ("readings A6",)}):
        with pytest.raises(ValidationError, match="says either"):
            Reason.model_validate({"rules": "A-01", "reason": "because", **both})


def test_the_page_is_what_the_files_say() -> None:
    assert TARGET.read_text("utf-8") == page(), "run scripts/coverage_reference.py"


def test_the_index_is_made_from_the_table_without_its_quotations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "rules.csv"
    monkeypatch.setattr("scripts.rules_index.TARGET", target)
    head = "| id | doc | section | quotation | rule | machine form |"
    table = f"{head}\n| A-01 | 000 | 2 | the words | A rule, with a comma. | x |\n"
    (tmp_path / "rules.md").write_text(table, "utf-8")
    assert index_rules([str(tmp_path / "rules.md")]) == 0
    assert target.read_text("utf-8") == 'id,document,section,summary\nA-01,000,2,"A rule, with a comma."\n'


def test_a_status_is_in_force_by_pack_or_place() -> None:
    rule = load_evidence()[0]
    assert Status(rule=rule, packs=("x",)).in_force
    assert Status(rule=rule, places=("x",)).in_force
    assert not Status(rule=rule, missing=("x",)).in_force
