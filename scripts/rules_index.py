"""Write down every rule of the evidence: id, document, section, one line (routing/coverage_data/rules.csv).

    python scripts/rules_index.py RULES.md

RULES.md is the table of rules (one row a rule: id, document, section, quotation, rule, machine form). The quotations
are left out: those that packs rest on are in the packs.
"""

import csv
import re
import sys
from pathlib import Path

TARGET = Path(__file__).parent.parent / "routing" / "coverage_data" / "rules.csv"
ROW = re.compile(r"^\| (?P<id>[A-H]-\d+) \| (?P<doc>[^|]*) \| (?P<section>[^|]*) \| [^|]* \| (?P<rule>[^|]*) \|")


def main(arguments: list[str]) -> int:
    found = [match for line in Path(arguments[0]).read_text("utf-8").splitlines() if (match := ROW.match(line))]
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["id", "document", "section", "summary"])
        table.writerows([m["id"], m["doc"].strip(), m["section"].strip(), m["rule"].strip()] for m in found)
    print(f"{len(found)} rules")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
