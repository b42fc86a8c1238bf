"""A pack of an authority's own: the example that was written from the documentation, and that documentation itself."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from hub.simulate import simulate
from routing import rows as models
from routing.facts import KNOWN, WORDS
from routing.packs import LEAD, ROLES, Pack, Packs, load_packs, parse_pack

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "packs" / "exampleshire.toml"
GUIDE = (ROOT / "docs" / "protocols.md").read_text("utf-8")
SCILLY = "E06000053"


def own() -> Packs:
    return Packs((*load_packs().packs, parse_pack("exampleshire", EXAMPLE.read_text("utf-8"))))


def case(*events: dict[str, Any], until: str, **child: Any) -> dict[str, Any]:
    report: dict[str, Any] = {
        "type": "episode.reported",
        "time": "2026-03-01T18:00:00Z",
        "data": {
            "episode": {"ref": "X-1", "category": "missing"},
            "child": {
                "ref": "C", "name": "Robin Example", "date_of_birth": "2011-08-17", "looked_after": True,
                "known_to_childrens_services": True, **child,
            },
            "placement": {"type": "foster_care", "responsible_authority": SCILLY, "host_authority": SCILLY},
        },
    }  # fmt: skip
    envelope = {"specversion": "1.0", "source": "urn:fingerpost:source:example"}
    all_of_them = [report, *events]
    return {
        "title": "own",
        "until": until,
        "events": [
            {**envelope, "id": f"E{number}", **event, "type": f"fingerpost.{event['type']}.v1"}
            for number, event in enumerate(all_of_them, 1)
        ],
    }


def of_role(answer: dict[str, Any], role: str) -> list[tuple[str, str]]:
    return [(d["outcome"], d["kind"]) for d in answer["decisions"] if role in d["roles"]]


def test_the_example_tells_whom_its_protocol_names_with_its_own_words() -> None:
    answer = simulate(case(until="2026-03-01T19:00:00Z"), own())
    [told] = [d for d in answer["decisions"] if d["roles"] == ["missing_advocate"]]
    assert (told["outcome"], told["organisation"]) == ("notify", SCILLY)
    assert told["rules"] == [
        {
            "pack": "exampleshire",
            "rule": "X-1",
            "source": "Exampleshire joint protocol, 2026 (made up), 3.1",
            "quote": "the advocate is told of every looked-after child and of every child under sixteen",
        }
    ]
    assert of_role(simulate(case(until="2026-03-01T19:00:00Z")), "missing_advocate") == []
    # ungraded_is_high: police first, and pressing.
    assert answer["decisions"][0]["roles"] == ["police"]
    assert answer["decisions"][0]["priority"] == "high"


def test_its_clocks_run_and_tell_and_end() -> None:
    back = {
        "type": "episode.returned",
        "time": "2026-03-03T18:00:00Z",
        "data": {
            "episode": {"ref": "X-1"},
            "returned": {"to": "placement", "brought_by": "carer", "harm_suspected": True},
        },
    }
    answer = simulate(case(back, until="2026-03-20T00:00:00Z"), own())
    reviews = [d for d in answer["duties"] if d["code"] == "duty_manager_review"]
    assert [(d["occurrence"], d["due_at"], d["state"]) for d in reviews] == [
        (1, "2026-03-02T06:00:00Z", "cancelled"),
        (2, "2026-03-03T06:00:00Z", "cancelled"),
        (3, "2026-03-04T06:00:00Z", "cancelled"),
    ]
    assert ("notify", "message") in of_role(answer, "assistant_director")
    [plan] = [d for d in answer["duties"] if d["code"] == "wellbeing_plan"]
    assert (plan["due_at"], plan["state"]) == ("2026-03-13T18:00:00Z", "overdue")
    assert ("notify", "duty_overdue") in of_role(answer, "group_manager")


def test_away_is_kept_from_the_police_until_the_limit_then_it_is_missing() -> None:
    scenario = case(until="2026-03-01T23:00:00Z")
    scenario["events"][0]["data"]["episode"] |= {"category": "away", "whereabouts_known": False}
    answer = simulate(scenario, own())
    kinds = [(d["at"], d["cause"], d["outcome"], d["kind"]) for d in answer["decisions"] if "police" in d["roles"]]
    assert kinds[0][2] == "suppress"
    assert kinds[1] == ("2026-03-01T21:00:00Z", "duty:away_limit", "notify", "missing")
    without = simulate(scenario)
    assert next(d["outcome"] for d in without["decisions"] if "police" in d["roles"]) == "notify"


def test_an_own_duty_may_be_completed_and_only_where_its_pack_is_known() -> None:
    done = {
        "type": "duty.completed",
        "time": "2026-03-01T20:00:00Z",
        "data": {"episode": {"ref": "X-1"}, "duty": "duty_manager_review", "outcome": "held", "by": "Jo Worker"},
    }
    scenario = case(done, until="2026-03-01T21:00:00Z")
    assert [a["status"] for a in simulate(scenario, own())["answers"]] == [202, 202]
    assert [a["status"] for a in simulate(scenario)["answers"]] == [202, 422]


def test_the_packs_of_the_others_hold_as_before() -> None:
    scenario = case(until="2026-03-02T00:00:00Z")
    scenario["events"][0]["data"]["placement"]["host_authority"] = "E08000035"
    scenario["events"][0]["data"]["placement"]["responsible_authority"] = "E08000035"
    assert simulate(scenario, own()) == simulate(scenario)


ROWS = [
    Pack,
    *(
        model
        for model in vars(models).values()
        if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == models.__name__
    ),
]


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_the_guide_names_every_key(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert re.search(rf"\b{field.alias or name}\b", GUIDE), name


def test_the_guide_names_every_fact_word_and_role_and_no_other() -> None:
    named = set(re.findall(r"`([a-z0-9_:]+)`", GUIDE))
    words = {word for several in WORDS.values() for word in several}
    assert not set(KNOWN) - named
    assert not words - named
    assert not {*ROLES, LEAD} - named
    section = GUIDE[GUIDE.index("## Conditions") : GUIDE.index("## Roles")]
    assert set(re.findall(r"`([a-z0-9_]+)`", section)) - {"and", "or", "not", "check"} <= {*KNOWN, *words}


def test_every_snippet_of_the_guide_is_a_row_that_is_understood() -> None:
    snippets = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    heads, rest = [s for s in snippets if s.startswith("name = ")], [s for s in snippets if not s.startswith("name = ")]
    head, evidence, *rows = heads[0], *rest
    assert parse_pack("exampleshire-options", heads[1]).turns_on
    cited = {rule for row in rows for rule in re.findall(r'"(X-\d)"', row)}
    quotes = "\n".join(evidence.replace("X-1", rule) for rule in sorted(cited | {"X-1"}))
    pack = parse_pack("exampleshire", "\n".join([head, *rows, quotes]))
    assert (len(pack.recipients), len(pack.duties), len(pack.thresholds), len(pack.told)) == (2, 1, 1, 1)


def test_the_example_says_what_it_is() -> None:
    pack: Pack = parse_pack("exampleshire", EXAMPLE.read_text("utf-8"))
    assert "made up" in pack.title
    assert all("made up" in evidence.source for evidence in pack.evidence.values())
