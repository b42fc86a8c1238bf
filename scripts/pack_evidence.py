"""Put the evidence of every rule a pack cites into the pack: document, section and quotation.

    python scripts/pack_evidence.py RULES.md PACK.toml [PACK.toml ...]

RULES.md is the table of rules (one row a rule: id, document, section, quotation). The ``[evidence]`` tables at the
end of each pack are written anew; everything above them stays as it is. Exits 1 if a cited rule has no row.
"""

import re
import sys
import tomllib
from pathlib import Path

ROW = re.compile(r"^\| (?P<id>[A-H]-\d+) \| (?P<doc>[^|]*) \| (?P<section>[^|]*) \| (?P<quote>[^|]*) \|")
MARK = "\n# Evidence: written by scripts/pack_evidence.py; do not edit below this line\n"


def evidence(rules: Path) -> dict[str, dict[str, str]]:
    """Rule id -> source, section, quote."""
    found = {}
    for line in rules.read_text(encoding="utf-8").splitlines():
        if match := ROW.match(line):
            found[match["id"]] = {
                "source": match["doc"].strip(),
                "section": match["section"].strip(),
                "quote": match["quote"].strip(),
            }
    return found


def cited(pack: dict[str, object]) -> list[str]:
    """Every rule id that a row of the pack cites, sorted."""
    rows = [row for value in pack.values() if isinstance(value, list) for row in value]
    rows.append(pack.get("register", {}))
    return sorted({rule for row in rows if isinstance(row, dict) for rule in row.get("rules", [])})


def quoted(text: str) -> str:
    """A TOML basic string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(arguments: list[str]) -> int:
    """Rewrite the packs."""
    known = evidence(Path(arguments[0]))
    status = 0
    for path in map(Path, arguments[1:]):
        body = path.read_text(encoding="utf-8").split(MARK)[0].rstrip("\n") + "\n"
        tables = []
        for rule in cited(tomllib.loads(body)):
            if rule not in known:
                print(f"{path}: {rule} has no row", file=sys.stderr)
                status = 1
                continue
            tables.append(f"[evidence.{rule}]\n" + "".join(f"{k} = {quoted(v)}\n" for k, v in known[rule].items()))
        path.write_text(body + MARK + "\n" + "\n".join(tables), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
