"""Packs as data: every mistake told at once and with its path; which pack applies where; nothing without evidence."""

from datetime import timedelta
from pathlib import Path

import pytest

from routing.duties import codes
from routing.facts import KNOWN
from routing.packs import ROLES, Pack, PackProblem, Packs, Waits, load_packs, parse_pack
from tests.kit.events import DUTIES

FOLDER = Path(__file__).parents[2] / "data" / "bad_packs"
BAD = sorted(FOLDER.glob("*.toml"))

GOOD = """
name = "leeds"
title = "A protocol of our own"
version = "2026-1"
[applies]
authorities = ["E08000035"]
[[recipients]]
role = "mash"
missing = "looked_after and risk in ('high', 'medium') and not (age >= 16)"
rules = ["X-1"]
[evidence.X-1]
source = "Our protocol"
section = "2"
quote = "must be told"
"""


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_one_mistake_is_told_with_its_path(file: Path) -> None:
    text = file.read_text("utf-8")
    path, said = text.splitlines()[0].removeprefix("# ").split(" | ")
    with pytest.raises(PackProblem) as caught:
        parse_pack(file.stem, text)
    assert [p for p, _ in caught.value.problems] == ["" if path == "-" else path], caught.value.problems
    assert said in caught.value.problems[0][1]
    assert caught.value.pack == file.stem


def test_the_same_files_without_their_mistake_would_load() -> None:
    assert len(BAD) > 40
    pack = parse_pack("leeds", GOOD)
    assert (pack.name, pack.version) == ("leeds", "2026-1")


def test_every_mistake_of_a_pack_is_told_at_once() -> None:
    text = (
        GOOD.replace("E08000035", "E08000099")
        .replace('role = "mash"', 'role = "mesh"')
        .replace("looked_after", "lookedafter")
        .replace('rules = ["X-1"]', 'rules = ["X-7"]')
        .replace('quote = "must be told"', "")
    )
    with pytest.raises(PackProblem) as caught:
        parse_pack("york", text)
    assert {path for path, _ in caught.value.problems} == {
        "name", "applies.authorities[0]", "recipients[0].role", "recipients[0].missing", "recipients[0].rules",
        "evidence.X-1.quote",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "name = 3", "recipients = 5", "[[duties]]\n", "applies = 'all'", "register = []"])
def test_whatever_stands_in_the_file_problems_come_out(text: str) -> None:
    with pytest.raises(PackProblem) as caught:
        parse_pack("x", text)
    assert caught.value.problems


def _doc(placement: str, responsible: str | None, host: str) -> dict[str, object]:
    return {"placement": {"type": placement, "responsible_authority": responsible, "host_authority": host}}


@pytest.mark.parametrize(
    ("doc", "names"),
    [
        (_doc("family_home", None, "E08000035"), ["national"]),
        (_doc("childrens_home", "E08000035", "E08000035"), ["national", "childrens-home"]),
        (_doc("foster_care", "E09000006", "E08000035"), ["national", "bromley", "london"]),
        (_doc("foster_care", "E08000035", "E09000006"), ["national", "bromley", "london"]),
        (_doc("foster_care", "E09000001", "E09000001"), ["national", "london"]),
        (_doc("secure", "E06000013", "E06000065"), ["national", "north-lincolnshire", "north-yorkshire"]),
        (_doc("secure", "E06000014", "E06000014"), ["national", "north-yorkshire"]),
        (_doc("secure", "E10000012", "E08000035"), ["national", "essex"]),
        (_doc("secure", "E08000035", "E06000033"), ["national", "essex"]),
        (_doc("secure", "E06000034", "E06000034"), ["national", "essex"]),
        (
            _doc("childrens_home", "E09000006", "E06000013"),
            ["national", "bromley", "childrens-home", "london", "north-lincolnshire"],
        ),
    ],
)
def test_all_packs_that_fit_apply_at_once(doc: dict[str, object], names: list[str]) -> None:
    assert list(load_packs().select(doc).names) == names


def _rows(pack: Pack) -> list[tuple[str, ...]]:
    tables = (pack.recipients, pack.suppressions, pack.later, pack.quiet, pack.told, pack.duties, pack.thresholds)
    return [row.rules for rows in tables for row in rows]


@pytest.mark.parametrize("pack", load_packs().written, ids=lambda pack: pack.name)
def test_every_row_cites_evidence_and_no_evidence_stands_idle(pack: Pack) -> None:
    register = [pack.register_.rules] if pack.register_ else []
    cited = {rule for rules in [*_rows(pack), *register] for rule in rules}
    assert all(_rows(pack))
    assert cited == set(pack.evidence)
    for rule in pack.cite(sorted(cited)):
        assert rule.pack == pack.name and rule.source and rule.quote and rule.version == pack.version
        assert len(rule.quote.split()) <= 60


def test_a_pack_of_ones_own_beside_those_delivered() -> None:
    own = parse_pack("leeds", GOOD)
    packs = Packs((*load_packs().packs, own))
    assert packs.select(_doc("family_home", None, "E08000035")).names == ("national", "leeds")
    assert packs.select(_doc("family_home", None, "E08000016")).names == ("national",)


def test_the_engine_knows_the_roles_of_the_vocabulary() -> None:
    assert len(ROLES) == 33  # three of them only by options
    assert {"police", "circulation:london", "circulation:national", "operator"} <= ROLES
    assert "serious" in KNOWN and "always" not in KNOWN


ESCALATING = """
name = "{name}"
title = "Example"
version = "1"
applies = {{ always = true }}
{escalation}
"""


def _escalating(name: str, escalation: str) -> Pack:
    return parse_pack(name, ESCALATING.format(name=name, escalation=escalation))


def test_waits_are_the_packs_own_and_of_several_the_shortest():
    one = _escalating("one", '[escalation]\nurgent_receipt = "PT20M"\nanswer = "PT2H"')
    two = _escalating("two", '[escalation]\nurgent_receipt = "PT5M"\nsilent = "P1D"')
    waits = Packs((one, two, _escalating("three", ""))).waits()
    assert waits.urgent_receipt == timedelta(minutes=5)
    assert waits.answer == timedelta(hours=2)
    assert waits.silent == timedelta(days=1)
    assert waits.urgent_answer == Waits().urgent_answer == timedelta(minutes=15)
    assert Packs(()).waits() == Waits()


@pytest.mark.parametrize("wait", ["P1M", "PT0S", "soon", "15"])
def test_a_wait_is_a_span_that_passes(wait):
    with pytest.raises(PackProblem) as raised:
        _escalating("one", f'[escalation]\nreceipt = "{wait}"')
    assert [path for path, _ in raised.value.problems] == ["escalation.receipt"]


def test_the_duties_a_sender_may_complete_are_those_of_protocols_md():
    assert codes(load_packs()) == DUTIES
    assert codes(Packs(())) == frozenset()
