"""The small language of the packs' conditions: ``looked_after and (out_of_area or not care_leaver)``.

A condition is a Python expression over the names of ``facts.py`` with ``and or not``, comparisons with constants and
``in (…)``; nothing else parses. Compiled once, it costs a few hundred nanoseconds to ask.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Facts = Mapping[str, Any]
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a is not None and a < b,
    ast.GtE: lambda a, b: a is not None and a >= b,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


class BadCondition(ValueError):
    """The condition is not in the packs' language, or names a fact that does not exist."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. ``names`` are the facts it asks."""

    text: str
    holds: Callable[[Facts], bool]
    names: frozenset[str]


def _constant(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str | int | bool)):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_constant(item) for item in node.elts)
    raise BadCondition("a comparison needs a constant on its right-hand side")


def _compile(node: ast.expr) -> Callable[[Facts], Any]:
    match node:
        case ast.Name(id="always"):
            return lambda facts: True
        case ast.Name(id=name):
            return lambda facts: facts[name]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _compile(operand)
            return lambda facts: not inner(facts)
        case ast.BoolOp(op=ast.And(), values=values):
            parts = [_compile(value) for value in values]
            return lambda facts: all(part(facts) for part in parts)
        case ast.BoolOp(op=ast.Or(), values=values):
            parts = [_compile(value) for value in values]
            return lambda facts: any(part(facts) for part in parts)
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[right]) if type(op) in _COMPARE:
            compare, value = _COMPARE[type(op)], _constant(right)
            return lambda facts: compare(facts[name], value)
        case _:
            raise BadCondition("only names of facts, and/or/not, comparisons with constants and in (…) are understood")


def parse_condition(text: str, known: frozenset[str]) -> Condition:
    """Compile. Raises BadCondition with what is wrong and which facts there are."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise BadCondition(f"cannot be read: {error.msg}") from error
    names = frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name)) - {"always"}
    if unknown := sorted(names - known):
        raise BadCondition(f"unknown fact {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    compiled = _compile(tree.body)
    return Condition(text, lambda facts: bool(compiled(facts)), names)
