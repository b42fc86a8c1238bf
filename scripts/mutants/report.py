"""What became of the mutants: the figures, and the list of those that live."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from processes import BROKEN, KILLED
from sites import Mutant, difference, mutated

ENOUGH = 85  # per cent
HEADER = """# Mutants of routing/ that live

Made by `make mutants`; do not edit. They are every change that every operator of cosmic-ray makes anywhere in the
package: none is left out. What takes too long counts as alive; what does not even load counts neither way.

Many of these change nothing that anybody could notice: `==` made `is` between words of which Python keeps one object
each, or `==` made `>=` where there is no greater value.

"""


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
        figures = [len(of), *(counts[name] for name in (BROKEN, KILLED, "survived", "timeout", "error"))]
        lines.append(f"| {path} | {' | '.join(map(str, figures))} | {rate(of):.1f} |")
    return "\n".join(lines) + "\n"


def survivors(results: Sequence[Result], sources: dict[str, str]) -> str:
    """All that live, by place, each with its change."""
    text = HEADER + summary(results)
    living = [result for result in results if result.outcome not in (KILLED, BROKEN)]
    living.sort(key=lambda r: (r.mutant.path, r.mutant.line, r.mutant.operator, r.mutant.occurrence))
    for path, of_module in groupby(living, key=lambda r: r.mutant.path):
        text += f"\n## {path}\n"
        for result in of_module:
            mutant, source = result.mutant, sources[path]
            place = f"line {mutant.line}" + (f", `{mutant.function}`" if mutant.function else "")
            why = {"survived": ""}.get(result.outcome, f": {result.outcome}") + (f" ({result.by})" if result.by else "")
            change = "\n".join(difference(source, mutated(mutant, source)))
            text += f"\n{place}, {mutant.operator.removeprefix('core/')}{why}\n\n```diff\n{change}\n```\n"
    return text
