"""The small language of the packs' conditions: ``looked_after and (out_of_area or not care_leaver)``.

A condition is a Python expression over the names of ``facts.py`` with ``and or not``, comparisons with constants and
``in (…)``; nothing else parses. Compiled once, it costs a few hundred nanoseconds to ask.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

Facts = Mapping[str, Any]
Compiled = Callable[[Facts], Any]
Sort = Literal["yes_no", "count"] | tuple[str, ...]
"""What a fact can be: true or false, a whole number, or one of these words (or unknown)."""
MAX_LENGTH = 500
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a is not None and a < b,
    ast.GtE: lambda a, b: a is not None and a >= b,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


_IN_WORDS = {" == ": " is ", " != ": " is not ", " >= ": " at least ", " < ": " under ", " in ": " one of "}
_TO_BE_READ = str.maketrans({"_": " ", "'": None})


class BadCondition(ValueError):
    """The condition is not in the packs' language, or names a fact that does not exist."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition. ``names`` are the facts it asks."""

    text: str
    holds: Callable[[Facts], bool]
    names: frozenset[str]
    words: str
    """To be read: ``looked after or care leaver``."""

    @property
    def given(self) -> str:
        """The words as the end of a reason, in brackets; empty for what always holds."""
        return "" if self.text == "always" else f" ({self.words})"


def _constant(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, str | int | bool)):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_constant(item) for item in node.elts)
    raise BadCondition("a comparison needs a constant on its right-hand side")


def _sensible(name: str, sort: Sort, op: ast.cmpop, value: Any) -> None:
    """Refuse a comparison that can never hold, or would fail when it is asked: a protocol that is silently never
    applied is worse than one that does not load."""
    several = isinstance(op, ast.In | ast.NotIn)
    if several != isinstance(value, tuple) or value == ():
        raise BadCondition(f"{name}: 'in' needs several values in brackets, every other comparison needs one")
    values = value if several else (value,)
    if sort == "yes_no":
        fits = not several and all(isinstance(v, bool) for v in values) and isinstance(op, ast.Eq | ast.NotEq)
        wanted = "is true or false: write it alone, or not before it"
    elif sort == "count":
        fits = all(isinstance(v, int) and not isinstance(v, bool) for v in values)
        wanted = "is a number: compare it with one"
    else:
        fits = isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) and all(v is None or v in sort for v in values)
        wanted = f"is one of {', '.join(sort)}"
    if not fits:
        raise BadCondition(f"{name} {wanted}")


def _compile(node: ast.expr, known: Mapping[str, Sort]) -> Compiled:
    match node:
        case ast.Name(id="always"):
            return lambda facts: True
        case ast.Name(id=name):
            if known[name] != "yes_no":
                raise BadCondition(f"{name} is not true or false: compare it with a value")
            return lambda facts: facts[name]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _compile(operand, known)
            return lambda facts: not inner(facts)
        case ast.BoolOp(op=ast.And(), values=values):
            return reduce(_both, (_compile(value, known) for value in values))
        case ast.BoolOp(op=ast.Or(), values=values):
            return reduce(_either, (_compile(value, known) for value in values))
        case ast.Compare(left=ast.Name(id=name), ops=[op], comparators=[right]) if (
            type(op) in _COMPARE and name != "always"
        ):
            compare, value = _COMPARE[type(op)], _constant(right)
            _sensible(name, known[name], op, value)
            return lambda facts: compare(facts[name], value)
        case _:
            raise BadCondition("only names of facts, and/or/not, comparisons with constants and in (…) are understood")


def _both(one: Compiled, other: Compiled) -> Compiled:
    return lambda facts: one(facts) and other(facts)


def _either(one: Compiled, other: Compiled) -> Compiled:
    return lambda facts: one(facts) or other(facts)


def parse_condition(text: str, known: Mapping[str, Sort]) -> Condition:
    """Compile. Raises BadCondition with what is wrong and which facts there are."""
    if len(text) > MAX_LENGTH:
        raise BadCondition(f"is longer than {MAX_LENGTH} characters: divide the row")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise BadCondition(f"cannot be read: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise BadCondition("cannot be read") from error
    names = frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name)) - {"always"}
    if unknown := sorted(names - known.keys()):
        raise BadCondition(f"unknown fact {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    compiled = _compile(tree.body, known)
    words = reduce(lambda said, sign: said.replace(sign, _IN_WORDS[sign]), _IN_WORDS, text).translate(_TO_BE_READ)
    return Condition(text, lambda facts: bool(compiled(facts)), names, words)
