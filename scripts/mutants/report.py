"""What became of the mutants: the figures, and the list of those that live."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import groupby

from processes import BROKEN, ERROR, KILLED, SURVIVED, TIMEOUT

ENOUGH = 85  # per cent
HEADER = """# Mutants of routing/ that live

Made by `make mutants`; do not edit. They are every change that every operator of cosmic-ray makes anywhere in the
package: none is left out. What takes too long counts as alive; what does not even load counts neither way.

Many of these change nothing that anybody could notice: `==` made `is` between words of which Python keeps one object
each, or `==` made `>=` where there is no greater value.

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change to one module."""

    path: str
    """Of the module, from the root of the tree: ``routing/clocks.py``."""
    operator: str
    occurrence: int
    line: int
    last: int
    """Last line of the node that changes."""
    function: str
    """Where it stands, dotted; empty at the top of the module."""
    statement: tuple[int, ...]
    """The lines of the innermost statement it stands in; of a compound one, its header's."""


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one mutant, and what brought it about: a test, an exception."""

    mutant: Mutant
    outcome: str
    by: str


def rate(results: Sequence[Result]) -> float:
    """Per cent of the mutants that load which a test kills: timeouts and errors count as alive."""
    counts = Counter(result.outcome for result in results)
    return 100 * counts[KILLED] / max(1, len(results) - counts[BROKEN])


def enough(results: Sequence[Result]) -> bool:
    """Whether enough are killed."""
    return rate(results) >= ENOUGH


def summary(results: Sequence[Result]) -> str:
    """The figures, a line for each module, as a table."""
    lines = [
        "| module | mutants | do not load | killed | survived | timeout | error | killed % |",
        "|---" + "|---:" * 7 + "|",
    ]
    ordered = sorted(results, key=lambda r: r.mutant.path)
    groups = [(path, list(of)) for path, of in groupby(ordered, key=lambda r: r.mutant.path)]
    for path, of in [*groups, ("all", ordered)]:
        counts = Counter(result.outcome for result in of)
        figures = [len(of), *(counts[name] for name in (BROKEN, KILLED, SURVIVED, TIMEOUT, ERROR))]
        lines.append(f"| {path} | {' | '.join(map(str, figures))} | {rate(of):.1f} |")
    return "\n".join(lines) + "\n"


def survivors(results: Sequence[Result], sources: Mapping[str, str], mutated: Callable[[Mutant, str], str]) -> str:
    """All that live, by place, each with its change; ``sources`` are the modules, ``mutated`` makes the change."""
    text = HEADER + summary(results)
    living = [result for result in results if result.outcome not in (KILLED, BROKEN)]
    living.sort(key=lambda r: (r.mutant.path, r.mutant.line, r.mutant.operator, r.mutant.occurrence))
    for path, of_module in groupby(living, key=lambda r: r.mutant.path):
        text += f"\n## {path}\n"
        for result in of_module:
            mutant, source = result.mutant, sources[path]
            place = f"line {mutant.line}" + (f", `{mutant.function}`" if mutant.function else "")
            how = mutant.operator.removeprefix("core/")
            end = "" if result.outcome == SURVIVED else f": {result.outcome}"
            change = "\n".join(difference(source, mutated(mutant, source)))
            text += f"\n{place}, {how}{end}\n\n```diff\n{change}\n```\n"
    return text


def difference(source: str, changed: str) -> list[str]:
    """The lines that changed, ``-`` and ``+`` before them, without their surroundings."""
    lines = unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
