"""Two ways to bring a mutant about, neither of which touches a file.

In place: everything is loaded and collected already, and the functions get the code of the mutant. Quick, and right
where the changed line has not run yet. Anew: in a process that has loaded nothing of the package yet, the module is
loaded changed. Right for everything.
"""

import gc
import importlib
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

Functions = dict[tuple[str, str, int], list[FunctionType]]
"""File, qualified name and first line -> the functions, closures among them, that have this code."""


def compiled(changed: str, path: str) -> CodeType:
    """Raises SyntaxError, which is what becomes of some mutants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(changed, path, "exec", dont_inherit=True)


def functions(folder: Path) -> Functions:
    """Every function there is now whose code is from a file in ``folder``."""
    found: Functions = {}
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith(f"{folder}/"):
            code = thing.__code__
            found.setdefault((code.co_filename, code.co_qualname, code.co_firstlineno), []).append(thing)
    return found


def change_in_place(code: CodeType, known: Functions) -> bool:
    """Give the functions the code of a changed module. False if it cannot be done: one would need other variables of
    its surroundings, or two functions on a line cannot be told apart."""
    changed = False
    seen = set()
    for part in _parts(code):
        key = (part.co_filename, part.co_qualname, part.co_firstlineno)
        if key in seen and key in known:
            return False
        seen.add(key)
        for function in known.get(key, ()):
            if function.__code__ != part:
                if function.__code__.co_freevars != part.co_freevars:
                    return False
                function.__code__ = part
                changed = True
    return changed


def _parts(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _parts(constant)


class _Loader(SourceFileLoader):
    code: CodeType

    def get_code(self, fullname: str) -> CodeType:
        return self.code


class _Finder(MetaPathFinder):
    def __init__(self, name: str, path: str, code: CodeType) -> None:
        self.name, self.path = name, path
        self.loader = _Loader(name, path)
        self.loader.code = code

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        return spec_from_file_location(fullname, self.path, loader=self.loader) if fullname == self.name else None


def load_changed(code: CodeType, path: str) -> None:
    """Load the module of this file with other code. Raises whatever the code does."""
    name = path.removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
    sys.meta_path.insert(0, _Finder(name, str(Path(path).resolve()), code))
    importlib.import_module(name)
