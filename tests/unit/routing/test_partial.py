"""Of what was told to one reader only what follows from it is known, whatever there is beside it."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from contacts.areas import load_areas
from routing.conditions import parse_condition
from routing.facts import BOOLEANS, KNOWN, VALUES, WORDS, derive
from routing.needtoknow import COLUMNS, view
from routing.packs import load_packs
from routing.partial import NEEDS, known_of
from tests.kit.events import LEEDS, NORTH_LINCOLNSHIRE, reported_in_full

AREAS, PACKS = load_areas(), load_packs()


def somehow(dice: random.Random) -> dict[str, Any]:
    """The facts of an episode, each there or not."""
    doc: dict[str, Any] = reported_in_full()["data"]
    for section, key in BOOLEANS.values():
        doc.setdefault(section, {})[key] = dice.choice((True, False, None))
    for name, (section, key) in VALUES.items():
        doc.setdefault(section, {})[key] = dice.choice((*WORDS[name], None))
    doc["episode"] |= {"category": dice.choice(("missing", "away")), "whereabouts_known": dice.choice((True, False))}
    doc["episode"]["risk"] = dice.choice(({}, {"level": "high"}, {"level": "low"}))
    doc["episode"]["missing_from_authority"] = dice.choice((LEEDS, None))
    doc["placement"]["responsible_authority"] = dice.choice((LEEDS, NORTH_LINCOLNSHIRE))
    for section in ("found", "returned"):
        doc.pop(section, None)
    return doc


def told(doc: Mapping[str, Any], role: str) -> dict[str, Any]:
    """What a reader of this role is told of it."""
    result: dict[str, Any] = {"episode": {"since": doc["episode"]["since"]}}
    for path, value in view(doc, [role]).fields.items():
        *sections, last = path.split(".")
        part = result
        for section in sections:
            part = part.setdefault(section, {})
        part[last] = value
    return result


def test_of_every_fact_it_is_said_what_it_needs() -> None:
    assert NEEDS.keys() == KNOWN.keys()


@pytest.mark.parametrize("role", sorted(COLUMNS.keys() - {"operator"}))
def test_what_is_taken_for_known_is_so(role: str) -> None:
    dice = random.Random(role)
    for _ in range(30):
        doc = somehow(dice)
        known = known_of(told(doc, role), [role], PACKS, AREAS, ever_missing=False)
        truth = PACKS.select(doc).settle(derive(doc, AREAS, ever_missing=False))
        assert {name: known.facts[name] for name in truth.keys() - known.unknown} == {
            name: truth[name] for name in truth.keys() - known.unknown
        }
        assert {pack.name for pack in known.sure.packs} <= {pack.name for pack in PACKS.select(doc).packs}
        assert set(PACKS.select(doc).names) <= {*known.sure.names, *known.unsure.names}
        for pack in PACKS.packs:
            for row in pack.recipients:
                for condition in (row.missing, row.away):
                    if condition is not None and (decided := known.decides(condition)) is not None:
                        assert decided == condition.holds(truth), condition.text


@pytest.mark.parametrize(
    ("text", "decided"),
    [
        ("looked_after", True),
        ("open_to_early_help", None),
        ("looked_after or open_to_early_help", True),
        ("not looked_after and open_to_early_help", False),
        ("found_by == 'police' or found_by != 'police'", True),
        ("missing_28d >= 2", None),
        ("age >= 2", True),
        ("has_school or not has_school", True),
    ],
)  # fmt: skip
def test_what_hangs_on_what_is_not_known_is_not_decided(text: str, decided: bool | None) -> None:
    doc = reported_in_full()["data"]
    known = known_of(told(doc, "host_authority"), ["host_authority"], PACKS, AREAS, ever_missing=False)
    assert known.decides(parse_condition(text, KNOWN)) is decided


def test_nothing_at_all_is_known_of_what_nobody_was_told() -> None:
    known = known_of({"episode": {"since": "2026-03-01T19:30:00Z"}}, [], PACKS, AREAS, ever_missing=False)
    assert known.sure.names == ("national",)
    assert not known.placed
    assert known.doc["episode"]["trafficking_suspected"]
