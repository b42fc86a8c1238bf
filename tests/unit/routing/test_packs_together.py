"""Packs in force together: what a placement is under, what they decide of an episode, what they cite."""

from typing import Any

import pytest

from contacts.areas import load_areas
from routing.pack_checks import across
from routing.packs import Pack, PackProblem, Packs, amiss_together, load_packs, parse_pack
from tests.kit.clocks import pack as clocks_of
from tests.kit.events import LEEDS
from tests.kit.rows import TELLS, pack

KENT, WALES = "E10000016", "W06000015"
LIMIT = (
    'code = "away_limit"\nwhen = "away and not whereabouts_known"\ndue = "PT6H"\nowner = "hub"\nacts = "become_missing"'
)
REPORT = 'code = "away_report"\nwhen = "away"\ndue = "PT6H"\nowner = "hub"\nacts = "tell"\ntells = ["mash"]'


def applying(text: str) -> Pack:
    return parse_pack("own", f'name = "own"\ntitle = "Our own"\nversion = "1"\n[applies]\n{text}\n')


def placed(kind: str = "foster_care", responsible: Any = None, host: Any = None) -> dict[str, Any]:
    return {"placement": {"type": kind, "responsible_authority": responsible, "host_authority": host}}


@pytest.mark.parametrize(
    ("code", "authority", "covered"),
    [
        (KENT, KENT, True),
        (KENT, "E10000012", False),
        (KENT, None, False),
        ("E1*", KENT, True),
        ("E1*", LEEDS, False),
        ("E1000001*", KENT, True),
        ("W*", WALES, True),
        (WALES, "W0600001", False),
    ],
)
def test_a_pack_covers_the_authorities_it_names(code: str, authority: str | None, covered: bool) -> None:
    assert applying(f'authorities = ["E09000001", "{code}"]').covers(authority) is covered


@pytest.mark.parametrize(
    ("applies", "doc", "fits"),
    [
        ("always = true", placed(), True),
        ("always = true", {"placement": None}, True),
        ('placement_types = ["secure", "foster_care"]', placed("foster_care"), True),
        ('placement_types = ["secure"]', placed("foster_care"), False),
        (f'authorities = ["{KENT}"]', placed(host=KENT), True),
        (f'authorities = ["{KENT}"]', placed(responsible=KENT, host=LEEDS), True),
        (f'authorities = ["{KENT}"]', placed(responsible=LEEDS, host=LEEDS), False),
        (f'authorities = ["{KENT}"]\nplacement_types = ["secure"]', placed("secure", LEEDS, LEEDS), True),
        (f'authorities = ["{KENT}"]\nplacement_types = ["secure"]', placed("foster_care", LEEDS, KENT), True),
        (f'authorities = ["{KENT}"]', {}, False),
    ],
)
def test_a_pack_fits_by_any_of_what_it_applies_to(applies: str, doc: dict[str, Any], fits: bool) -> None:
    own = applying(applies)
    assert own.fits(doc) is fits
    packs = Packs((own, pack(TELLS)))
    assert packs.select(doc).names == (("own", "made-up") if fits else ("made-up",))
    assert packs.select(doc) is packs.select(dict(doc)), "the same choice again is the same packs"


FACTS = ("high", "abduction_suspected", "ungraded", "away", "whereabouts_known", "at_risk", "trafficking_suspected")


def settled(*rows: Pack, **facts: bool) -> dict[str, Any]:
    found = Packs(rows).settle({**dict.fromkeys(FACTS, False), "whereabouts_known": True, **facts})
    return {name: found[name] for name in ("serious", "limit_runs", "endangered")}


@pytest.mark.parametrize(
    ("facts", "serious", "where_ungraded_is_high"),
    [
        ({}, False, False),
        ({"high": True}, True, True),
        ({"abduction_suspected": True}, True, True),
        ({"ungraded": True}, False, True),
        ({"at_risk": True, "trafficking_suspected": True, "away": True}, False, False),
    ],
)
def test_what_makes_an_episode_serious(facts: dict[str, bool], serious: bool, where_ungraded_is_high: bool) -> None:
    plain = pack(TELLS)
    strict = plain.model_copy(update={"ungraded_is_high": True})
    assert settled(plain, **facts)["serious"] is serious
    assert settled(plain, strict, **facts)["serious"] is where_ungraded_is_high


@pytest.mark.parametrize(
    ("facts", "runs", "endangered", "without_a_limit"),
    [
        ({"away": True}, False, False, False),
        ({"away": True, "whereabouts_known": False}, True, False, True),
        ({"away": False, "whereabouts_known": False}, False, False, False),
        ({"away": True, "at_risk": True}, False, True, True),
        ({"away": True, "high": True}, False, True, True),
        ({"away": True, "trafficking_suspected": True}, False, True, True),
        ({"away": True, "abduction_suspected": True, "ungraded": True}, False, False, False),
        ({"away": False, "at_risk": True, "high": True, "trafficking_suspected": True}, False, False, False),
    ],
)
def test_an_away_child_is_endangered_by_what_is_known_or_where_no_limit_runs(
    facts: dict[str, bool], runs: bool, endangered: bool, without_a_limit: bool
) -> None:  # C1, D1
    with_limit = settled(clocks_of(REPORT, LIMIT), **facts)
    assert (bool(with_limit["limit_runs"]), bool(with_limit["endangered"])) == (runs, endangered)
    without = settled(clocks_of(REPORT), **facts)
    assert (bool(without["limit_runs"]), bool(without["endangered"])) == (False, without_a_limit)


def test_a_limit_runs_for_those_children_only_whom_its_condition_names() -> None:  # D1, A12
    young = clocks_of(LIMIT.replace("known", "known and age < 16"))
    for age, runs in ((15, True), (16, False)):
        found = settled(young, away=True, whereabouts_known=False, age=age)
        assert (found["limit_runs"], found["endangered"]) == (runs, not runs)


def test_a_row_is_cited_with_its_evidence_and_the_version_of_its_pack() -> None:
    (rule,) = pack(TELLS).cite(["X-1"])
    assert (rule.pack, rule.rule, rule.source, rule.quote, rule.version) == ("made-up", "X-1", "000, 1", "…", "1")
    with pytest.raises(KeyError):
        pack(TELLS).cite(["X-2"])


def test_the_rules_of_a_built_in_are_those_of_every_pack_that_has_them() -> None:
    rows = ('told: on = "found"', 'told: on = "returned"')
    packs = Packs((pack(*rows, name="here"), pack(TELLS, name="nowhere"), pack(rows[0], name="there")))
    assert [rule.pack for rule in packs.cite_told("found")] == ["here", "there"]
    assert [rule.pack for rule in packs.cite_told("returned")] == ["here"]
    assert packs.cite_told("update") == ()


def test_all_that_is_wrong_with_a_pack_is_said_in_one_sentence() -> None:
    problem = PackProblem("own", iter([("name", "is wrong"), ("duties[3].when", "is worse")]))
    assert str(problem) == "own: name: is wrong; duties[3].when: is worse"
    assert (problem.pack, problem.problems) == ("own", (("name", "is wrong"), ("duties[3].when", "is worse")))


def test_the_path_of_a_mistake_leads_to_it() -> None:
    row = '[[thresholds]]\nid = "a"\nat = "out"\nwhen = "high"\ntells = ["mash", "mesh"]\nrules = []\n'
    text = 'name = "own"\ntitle = "Our own"\nversion = "1"\n[applies]\nalways = true\n'
    with pytest.raises(PackProblem) as caught:
        parse_pack("own", text + row)
    assert [path for path, _ in caught.value.problems] == ["thresholds[0].tells[1]", "thresholds[0].rules"]


def mistakes(text: str) -> list[tuple[str, str]]:
    with pytest.raises(PackProblem) as caught:
        parse_pack("own", f'name = "own"\ntitle = "Our own"\nversion = "1"\n{text}')
    return list(caught.value.problems)


def test_one_malformed_authority_does_not_hide_the_next() -> None:
    assert [path for path, _ in mistakes('[applies]\nauthorities = ["Leeds", "E08000099", "E08000035", "E9*"]')] == [
        "applies.authorities[0]", "applies.authorities[1]", "applies.authorities[3]",
    ]  # fmt: skip


def test_a_period_that_is_none_is_said_once_and_where_it_stands() -> None:
    row = '[[duties]]\ncode = "x"\nwhen = "always"\ndue = "soon"\nrepeats = "often"\nowner = "police"\nrules = ["X"]\n'
    evidence = '[evidence.X]\nsource = "000"\nsection = "1"\nquote = "…"\n'
    assert mistakes(f"[applies]\nalways = true\n{row}{evidence}") == [
        ("duties[0].due", "'soon' is not a period such as P6M, P3D or PT24H"),
        ("duties[0].repeats", "'often' is not a period such as P6M, P3D or PT24H"),
    ]


DUTY = {"code": "x", "when": "always", "owner": "police", "rules": ["X"]}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"due": "P1D"}, None),
        ({}, ""),
        ({"due": "P1D", "due_age": 18, "code": "adulthood"}, ""),
        ({"due_age": 18}, ".due_age"),
        ({"due_age": 18, "code": "adulthood"}, None),
        ({"due": "P1D", "repeats": "P1D"}, None),
        ({"due": "P1D", "repeats": "PT0S"}, ".repeats"),
        ({"due_age": 18, "code": "adulthood", "repeats": "P1D"}, ".repeats"),
        ({"due": "PT6H", "night": True}, None),
        ({"due": "PT6H", "night": True, "repeats": "P1D"}, ".night"),
        ({"due_age": 18, "code": "adulthood", "night": True}, ".night"),
        ({"due": "P1D", "starts": "completed", "after": "y", "outcomes": ["held"]}, None),
        ({"due": "P1D", "starts": "completed", "after": "y"}, ".starts"),
        ({"due": "P1D", "starts": "completed", "outcomes": ["held"]}, ".starts"),
        ({"due": "P1D", "after": "y"}, ".starts"),
        ({"due": "P1D", "starts": "return", "outcomes": ["held"]}, ".starts"),
        ({"due": "P1D", "owner": "hub", "acts": "renotify"}, None),
        ({"due": "P1D", "acts": "renotify"}, ".owner"),
        ({"due": "P1D", "owner": "hub"}, ".acts"),
        ({"due": "P1D", "owner": "hub", "acts": "tell"}, ".tells"),
        ({"due": "P1D", "owner": "hub", "acts": "tell", "tells": []}, ".tells"),
        ({"due": "P1D", "owner": "hub", "acts": "tell", "tells": ["mash"]}, None),
    ],
)
def test_a_clock_that_could_not_run_is_refused(changes: dict[str, Any], path: str | None) -> None:
    raw = {"duties": [{**DUTY, **changes}], "evidence": {"X": {}}, "applies": {"always": True}, "name": "own"}
    found = [where for where, _ in across("own", raw, load_areas())]
    assert found == ([] if path is None else [f"duties[0]{path}"])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"name": "other"}, ["name"]),
        ({"name": 3}, []),
        ({"recipients": [{"missing": "x"}, {"away": "x"}, {"role": "mash"}, 5]}, ["recipients[2]"]),
        (
            {"thresholds": [{"id": "a"}, {"id": "b"}, {"id": "a"}, {"id": "a"}]},
            ["thresholds[2].id", "thresholds[3].id"],
        ),
        ({"told": [{"rules": ["X", "Y", 3]}, {"rules": "Z"}]}, ["told[0].rules"]),
        ({"register": {"rules": ["X", "Y"]}}, ["register.rules"]),
        ({"evidence": 5, "quiet": [{"rules": ["X"]}]}, ["quiet[0].rules"]),
        ({"applies": {}}, ["applies"]),
        ({"applies": {"always": False, "authorities": []}}, ["applies"]),
        ({"applies": {"placement_types": ["secure"]}}, []),
        ({"applies": {"authorities": "E08000035"}}, []),
        ({"applies": {"authorities": ["E08000035", 5, "E0800003*", "X*", "E1234*"]}}, ["applies.authorities[4]"]),
        ({"applies": 5}, []),
        ({"options": {"more": {}}}, ["options.more"]),
        ({"options": {"more": {}}, "quiet": [{"option": "more"}]}, []),
        ({"quiet": [{"option": "more"}, {"option": 5}]}, ["quiet[0].option"]),
        ({"told": [{"option": "more"}]}, []),
    ],
)
def test_what_the_tables_say_together(raw: dict[str, Any], expected: list[str]) -> None:
    whole = {"applies": {"always": True}, "evidence": {"X": {}}, **raw}
    assert [path for path, _ in across("own", whole, load_areas())] == expected


def test_national_comes_first_and_the_others_by_name() -> None:
    names = [written.name for written in load_packs().written]
    assert names[0] == "national" and names[1:] == sorted(names[1:]) and len(names) == len(set(names)) > 6
    assert load_packs() is load_packs()


def test_a_duty_that_follows_upon_one_that_no_pack_has_is_found_among_all() -> None:
    follows = (
        'code = "next"\nstarts = "completed"\nafter = "review"\noutcomes = ["held"]\nwhen = "always"\ndue = "P1D"\n'
        'owner = "police"'
    )
    review = 'code = "review"\nwhen = "always"\ndue = "P1D"\nowner = "police"'
    alone, other = clocks_of(review.replace("review", "first"), follows), clocks_of(review, name="other")
    assert list(amiss_together([alone])) == [("made-up", "duties[1].after", "there is no duty review")]
    assert list(amiss_together([alone, other])) == []
