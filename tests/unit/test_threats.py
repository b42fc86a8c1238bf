"""The threat model is current, has a control and a test on every line, and its tests can be tried out."""

import re
from pathlib import Path

import pytest

from scripts.threats import RESULTS, STRIDE, TARGET, Threat, load, page
from tests.unit.test_reliability import collected_of, with_and_without

ROOT = Path(__file__).parents[2]
MODEL = load()


def test_the_page_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == page(MODEL), "run `python -m scripts.threats`"


def test_every_line_has_a_flow_a_letter_a_control_and_a_test() -> None:
    ids = [one.id for one in MODEL.threats]
    assert len(set(ids)) == len(ids)
    assert {one.flow for one in MODEL.threats} == set(MODEL.flows)
    for one in MODEL.threats:
        assert one.stride in STRIDE, one.id
        assert one.threat and one.control and one.tests, one.id
        where = one.where.partition(":")[0]
        assert all((ROOT / part.strip()).exists() for part in where.split(",")), (one.id, where)
    assert {one.stride for one in MODEL.threats} == set(STRIDE)


def test_every_test_that_it_names_exists(request: pytest.FixtureRequest) -> None:
    named = {test for one in MODEL.threats for test in one.tests}
    missing = named - with_and_without(item.nodeid for item in request.session.items)
    assert not missing or not missing - collected_of(sorted({name.partition("::")[0] for name in missing}))


@pytest.mark.parametrize("threat", [one for one in MODEL.threats if one.without], ids=lambda one: one.id)
def test_what_is_taken_out_to_try_the_tests_is_there(threat: Threat) -> None:
    assert threat.without is not None
    text = (ROOT / threat.without.file).read_text(encoding="utf-8")
    assert text.count(threat.without.find) == 1
    assert threat.without.replace not in ("", threat.without.find)


def test_they_were_tried_out_all_of_them() -> None:
    newest = max(RESULTS.glob("*-controls.md")).read_text(encoding="utf-8")
    tried = set(re.findall(r"^- (\w+): .* taken out, and its tests fail$", newest, re.MULTILINE))
    assert tried == {one.id for one in MODEL.threats if one.without}
    assert len(tried) >= 15
