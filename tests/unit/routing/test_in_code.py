"""What is said to be in force in the code is there, and the tests said to show it are."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from pydantic import ValidationError

from routing.coverage import cited
from routing.in_code import Place, load_places
from routing.packs import load_packs

ROOT = Path(__file__).parents[3]
PLACES = load_places()
BY_RULE = {rule: place for place in PLACES for rule in place.rules}
SHOWING = sorted(ROOT.glob("tests/**/test_rules_*.py"))
"""Files whose tests bear the ids of the rules that they show."""
PREFIX = re.compile(r"test_((?:[a-h]_\d+_)+)")


@cache
def names(file: Path) -> dict[str, ast.stmt]:
    """Every function, class, method and constant of a module, by its name in it."""
    found: dict[str, ast.stmt] = {}

    def walk(body: list[ast.stmt], above: str) -> None:
        for node in body:
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found[above + name] = node
                case ast.ClassDef(name=name, body=inner):
                    found[above + name] = node
                    walk(inner, f"{above}{name}.")
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    found[above + name] = node
                case _:
                    pass

    walk(ast.parse(file.read_text("utf-8")).body, "")
    return found


def ids_in(name: str) -> set[str]:
    """``test_a_45_b_07_x`` -> A-45, B-07."""
    match = PREFIX.match(name)
    return {f"{a.upper()}-{n}" for a, n in re.findall(r"([a-h])_(\d+)", match[1])} if match else set()


@pytest.mark.parametrize("symbol", sorted({symbol for place in PLACES for symbol in place.code}))
def test_each_symbol_is_there(symbol: str) -> None:
    parts = symbol.split(".")
    files = [(ROOT.joinpath(*parts[:n]).with_suffix(".py"), ".".join(parts[n:])) for n in range(1, len(parts))]
    assert any(file.is_file() and name in names(file) for file, name in files)


@pytest.mark.parametrize("row", sorted({row for place in PLACES for row in place.rows}))
def test_each_row_is_there(row: str) -> None:
    assert row in {row for rows in cited(load_packs()).values() for row in rows}


@pytest.mark.parametrize("test", sorted({test for place in PLACES for test in place.tests}))
def test_each_test_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    node = names(ROOT / file).get(name.replace("::", "."))
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    assert any(isinstance(part, ast.Assert | ast.With | ast.AsyncWith) for part in ast.walk(node))


def test_a_test_made_for_rules_bears_their_ids() -> None:
    shown = {(rule, test) for rule, place in BY_RULE.items() for test in place.tests}
    for rule, test in shown:
        file, _, name = test.partition("::")
        if ROOT / file in SHOWING and not ids_in(name):
            assert f'"{rule}"' in (ROOT / file).read_text("utf-8"), test
        elif ROOT / file in SHOWING:
            assert rule in ids_in(name), test
    for path in SHOWING:
        for name in names(path):
            for rule in ids_in(name):
                assert (rule, f"{path.relative_to(ROOT).as_posix()}::{name}") in shown


def test_a_table_of_rules_holds_only_rules_that_it_is_named_for() -> None:
    for path in SHOWING:
        text = path.read_text("utf-8")
        for rule in re.findall(r'^ *\("([A-H]-\d+)",', text, re.MULTILINE):
            assert any(test.startswith(path.relative_to(ROOT).as_posix()) for test in BY_RULE[rule].tests), rule


def test_a_place_says_where_and_what_shows_it() -> None:
    with pytest.raises(ValidationError, match="neither code nor rows"):
        Place.model_validate({"rules": "A-01", "what": "so", "tests": ("x::y",)})
    with pytest.raises(ValidationError, match="tests"):
        Place.model_validate({"rules": "A-01", "what": "so", "code": ("x.y",), "tests": ()})
