"""Which actions the code writes audit lines of: found by reading it, as far as an action can be told from what stands
there. ``family.*`` where its end is worked out when it runs."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ACTION = re.compile(r"[a-z_]+\.(?:[a-z_]+|\*)")
UNKNOWN = "*"
Function = ast.FunctionDef | ast.AsyncFunctionDef
Functions = tuple[Function, ...]
"""That something stands in, the inmost one first."""


@cache
def trees(root: Path) -> Mapping[Path, ast.Module]:
    """The modules that make audit lines, or hand an action to a function called ``…_line`` of one that does."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(root.rglob("*.py"))}
    return {path: ast.parse(text) for path, text in texts.items() if "AuditLine(" in text or "_line(" in text}


@cache
def written(root: Path) -> Mapping[str, set[str]]:
    """By action, where (file:line). Follows the parameters through which functions hand an action on to AuditLine."""
    code = _Code(trees(root))
    found: dict[str, set[str]] = {}
    waiting: list[tuple[str, str, int | None, Path | None]] = [("AuditLine", "action", None, None)]
    seen = set(waiting)
    while waiting:
        name, parameter, place, home = waiting.pop()
        for path, call, inside in code.calls(name, home):
            given = {one.arg: one.value for one in call.keywords}.get(parameter)
            if given is None and place is not None and place < len(call.args):
                given = call.args[place]
            if given is None:
                continue
            for value in code.values(given, inside):
                if isinstance(value, str):
                    if ACTION.fullmatch(value):
                        found.setdefault(value, set()).add(f"{path}:{call.lineno}")
                    continue
                owner = _owner(value[0], inside)
                assert owner is not None
                names = _positional(owner)
                step = (owner.name, value[0], names.index(value[0]) if value[0] in names else None, path)
                if step not in seen:
                    seen.add(step)
                    waiting.append(step)
    return found


class _Code:
    def __init__(self, trees: Mapping[Path, ast.Module]) -> None:
        self._trees = trees
        self._inside: dict[ast.Call, Functions] = {}
        self._named: dict[str, list[tuple[Path, ast.Call]]] = {}
        self._constants: dict[str, set[str]] = {}
        for path, tree in trees.items():
            for node in ast.walk(tree):  # outer functions come before inner ones
                if isinstance(node, Function):
                    for one in ast.walk(node):
                        if isinstance(one, ast.Call):
                            self._inside[one] = (node, *self._inside.get(one, ()))
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    self._named.setdefault(name, []).append((path, node))
            for line in tree.body:
                if isinstance(line, ast.Assign | ast.AnnAssign) and isinstance(line.value, ast.Constant):
                    target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0]
                    if isinstance(target, ast.Name) and isinstance(line.value.value, str):
                        self._constants.setdefault(target.id, set()).add(line.value.value)

    def calls(self, name: str, home: Path | None) -> Iterator[tuple[Path, ast.Call, Functions]]:
        """In the module that has the function, and in those that import it."""
        for path, call in self._named.get(name, ()):
            if home is None or path == home or (not name.startswith("_") and self._imports(path, name)):
                yield path, call, self._inside.get(call, ())

    def _imports(self, path: Path, name: str) -> bool:
        return any(
            isinstance(node, ast.ImportFrom) and any(one.name == name for one in node.names)
            for node in ast.walk(self._trees[path])
        )

    def values(self, given: ast.expr, inside: Functions, depth: int = 0) -> set[str | tuple[str]]:
        """What it may be; a parameter of the function as its name in a tuple."""
        match given:
            case _ if depth > 3:
                return {UNKNOWN}
            case ast.Constant(value=str() as text):
                return {text}
            case ast.IfExp():
                return self.values(given.body, inside, depth) | self.values(given.orelse, inside, depth)
            case ast.JoinedStr():
                return set(self._joined(given, inside, depth))
            case ast.Name(id=name):
                return self._variable(name, inside, depth)
        return {UNKNOWN}

    def _joined(self, given: ast.JoinedStr, inside: Functions, depth: int) -> set[str]:
        texts = {""}
        for part in given.values:
            found = self.values(part.value if isinstance(part, ast.FormattedValue) else part, inside, depth + 1)
            ends = {one if isinstance(one, str) else UNKNOWN for one in found}
            texts = {text + end for text in texts for end in ends}
        return texts

    def _variable(self, name: str, inside: Functions, depth: int) -> set[str | tuple[str]]:
        if _owner(name, inside) is not None:
            return {(name,)}
        found: set[str | tuple[str]] = set()
        for node in ast.walk(inside[-1]) if inside else ():
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name) and target.id == name:
                        found |= self.values(node.value, inside, depth + 1)
        return found or set(self._constants.get(name, {UNKNOWN}))


def _owner(name: str, inside: Functions) -> Function | None:
    """The function, from the inmost one on, that has a parameter of this name."""
    for one in inside:
        if name in _positional(one) or name in {keyword.arg for keyword in one.args.kwonlyargs}:
            return one
    return None


def _positional(function: Function) -> list[str]:
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    return names[1:] if names[:1] == ["self"] else names
