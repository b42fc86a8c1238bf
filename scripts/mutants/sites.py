"""The mutants: every change that every operator of cosmic-ray makes anywhere in a module, none left out.

Read from the source alone, so decorated functions, class bodies and tables at the top of a module have their mutants
like anything else.
"""

import ast
from collections.abc import Iterator

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from report import Mutant


def mutants(path: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of operator and place. Operators that need arguments make none."""
    tree = get_ast(source)
    nodes = list(ast_nodes(tree))
    parsed = ast.parse(source)
    for name in sorted(operator_names()):
        kind = get_operator(name)
        if kind.arguments():
            continue
        operator = kind()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, ((first, _), (last, _)) in enumerate(places):
            yield Mutant(
                path=path,
                operator=name,
                occurrence=occurrence,
                line=first,
                last=last,
                function=_function(parsed, first),
                statement=_statement(parsed, first),
            )


def mutated(mutant: Mutant, source: str) -> str:
    """The module's source with that change. Raises LookupError if there is no such place."""
    changed = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    if changed is None:
        raise LookupError(f"{mutant} is not in this source")
    return changed


def _function(tree: ast.Module, line: int) -> str:
    names, body = [], tree.body
    while True:
        around = [
            node
            for node in body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and min([node.lineno, *(d.lineno for d in node.decorator_list)]) <= line <= (node.end_lineno or line)
        ]
        if not around:
            return ".".join(names)
        names.append(around[0].name)
        body = around[0].body


def _statement(tree: ast.Module, line: int) -> tuple[int, ...]:
    inner = None
    for node in ast.walk(tree):  # breadth first: the last that fits is the innermost
        if isinstance(node, ast.stmt | ast.match_case | ast.ExceptHandler) and line in _lines(node):
            inner = node
    return tuple(_lines(inner)) if inner is not None else (line,)


def _lines(node: ast.AST) -> range:
    first = getattr(node, "lineno", None) or node.pattern.lineno  # type: ignore[attr-defined]
    decorators = getattr(node, "decorator_list", [])
    first = min([first, *(d.lineno for d in decorators)])
    body = getattr(node, "body", None)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return range(first, body[0].lineno)
    last = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno  # type: ignore[attr-defined]
    return range(first, max(first, last) + 1)
