"""Write docs/reference/coverage.md: every rule of the evidence, where it is in force, or why it is not.

python scripts/coverage_reference.py
"""

import sys
from collections import Counter
from pathlib import Path

from routing.coverage import Status, coverage, where_or_why
from routing.packs import load_packs

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "coverage.md"
GROUPS = {
    "A": "Definitions, categories and transitions",
    "B": "Who must be told",
    "C": "What each notice must contain",
    "D": "Timed duties",
    "E": "Found and return",
    "F": "Register, removal, recording, reporting",
    "G": "Security and confidentiality",
    "H": "Conflicts between the documents",
}
HEAD = """# What of the protocols is in force

Made from the packs and from `routing/coverage_data` by `scripts/coverage_reference.py`; do not edit. The same, under
your own packs: `fingerpost protocols coverage`.

Every rule that was found in the five documents: 000 a children's-home chapter, 001 Bromley (with the London
notification), 002 North Lincolnshire, 003 North Yorkshire and York, 004 Essex. A rule is in force as a row of a pack
that cites it, or in the code; or an **option** of a pack, which an authority may [turn on](../protocols.md#options),
would put it in force; or it is not, because a fact is **missing** or a line of the specification **overrides** it.
For what holds in the code there is a test that fails if it does not: `fingerpost protocols coverage --tests`.
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def _row(status: Status) -> str:
    state = {"in_force": "yes", "option": "option", "not": "no"}[status.state]
    rule = status.rule
    return f"| {rule.id} | {rule.document} | {_cell(rule.summary)} | {state} | {_cell(where_or_why(status))} |"


def page() -> str:
    """The whole page."""
    found = coverage(load_packs())
    lines = [HEAD, "| group | in force | by options | not |", "|---|---|---|---|"]
    count = Counter((status.rule.id[0], status.state) for status in found)
    lines += [
        f"| {g}. {title} | {count[g, 'in_force']} | {count[g, 'option']} | {count[g, 'not']} |"
        for g, title in GROUPS.items()
    ]
    for group, title in GROUPS.items():
        lines += ["", f"## {group}. {title}", ""]
        lines += ["| id | document | rule | in force | where, or why not |", "|---|---|---|---|---|"]
        lines += [_row(status) for status in found if status.rule.id[0] == group]
    return "\n".join(lines) + "\n"


def main() -> int:
    TARGET.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
