"""Keep, beside the packs, the passages of the protocols that they quote, and check them against the documents.

    python scripts/pack_sections.py write FOLDER   # from the documents in FOLDER
    python scripts/pack_sections.py check FOLDER   # exits 1 where a passage is not in its document, byte for byte

FOLDER holds the documents as text, their names beginning with the three digits that the packs cite. Only the paragraphs
quoted are kept (routing/protocols/sections), each with the SHA-256 of its document and its offset in bytes. A document
that has changed is a document to be read again: ``check`` then fails.
"""

import hashlib
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

PROTOCOLS = Path(__file__).parent.parent / "routing" / "protocols"
SECTIONS = PROTOCOLS / "sections"
SIDE = re.compile(r"(\d{3}) «([^»]*)»")
"""One side of a conflict: whose words, and the words."""
MOST = 1200
"""Characters: of a longer paragraph only this much around the words quoted is kept."""


def quotes(packs: Path) -> dict[str, dict[str, set[str]]]:
    """Document -> words quoted -> the rules that quote them."""
    found: dict[str, dict[str, set[str]]] = {}
    for path in sorted(packs.glob("*.toml")):
        for rule, evidence in tomllib.loads(path.read_text("utf-8")).get("evidence", {}).items():
            sides = SIDE.findall(evidence["quote"]) or [(evidence["source"], evidence["quote"])]
            for document, words in sides:
                found.setdefault(document, {}).setdefault(words, set()).add(rule)
    return found


def pattern(words: str) -> re.Pattern[str]:
    """The words, whatever white space and quotation marks stand between and around them."""
    parts = []
    for word in words.split():
        escaped = re.escape(word)
        for kinds in ("'’‘", '"“”', "-–—"):
            escaped = re.sub(rf"\\?[{kinds}]", f"[{kinds}]", escaped)
        parts.append(escaped)
    return re.compile(r"\s+".join(parts))


def passage(text: str, start: int, end: int) -> tuple[int, int]:
    """The lines around the words; of very long ones a part that begins and ends between words."""
    left = text.rfind("\n", 0, start) + 1
    right = text.find("\n", end)
    right = len(text) if right < 0 else right
    if right - left > MOST:
        left = max(left, text.rfind(". ", left, max(left, start - 100)) + 2)
        stop = text.find(". ", min(end + 100, right), right)
        right = min(right, stop + 1) if stop >= 0 else right
    return left, right


def passages(text: str, wanted: Mapping[str, set[str]]) -> Iterator[tuple[int, int, set[str]]]:
    """Every passage, in order, those that overlap made one. Raises LookupError for words that are not there."""
    spans = []
    for words, rules in wanted.items():
        match = pattern(words).search(text)
        if match is None:
            raise LookupError(f"{', '.join(sorted(rules))}: {words!r} is not in the document")
        spans.append((*passage(text, match.start(), match.end()), rules))
    left, right, rules = -1, -1, set[str]()
    for start, end, more in sorted(spans, key=lambda span: span[:2]):
        if start <= right:
            right, rules = max(right, end), rules | more
            continue
        if right >= 0:
            yield left, right, rules
        left, right, rules = start, end, set(more)
    if right >= 0:
        yield left, right, rules


def toml_text(text: str) -> str:
    """A TOML basic string."""
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\b": "\\b"}
    return '"' + "".join(escapes.get(c, c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}") for c in text) + '"'


def document(folder: Path, digits: str) -> Path:
    """The one document whose name begins so."""
    found = sorted(folder.glob(f"{digits}*.txt"))
    if len(found) != 1:
        raise LookupError(f"{len(found)} documents in {folder} begin with {digits}")
    return found[0]


def write(folder: Path) -> int:
    SECTIONS.mkdir(exist_ok=True)
    for digits, wanted in sorted(quotes(PROTOCOLS).items()):
        path = document(folder, digits)
        raw = path.read_bytes()
        text = raw.decode("utf-8")
        lines = [
            "# Written by scripts/pack_sections.py; do not edit. The passages that the packs quote, and no more.",
            f"document = {toml_text(path.name)}",
            f'sha256 = "{hashlib.sha256(raw).hexdigest()}"',
        ]
        for left, right, rules in passages(text, wanted):
            lines += [
                "",
                "[[passages]]",
                f"offset = {len(text[:left].encode())}",
                f"rules = [{', '.join(toml_text(rule) for rule in sorted(rules))}]",
                f"text = {toml_text(text[left:right])}",
            ]
        (SECTIONS / f"{digits}.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return 0


def check(folder: Path) -> int:
    problems = []
    for path in sorted(SECTIONS.glob("*.toml")):
        kept = tomllib.loads(path.read_text("utf-8"))
        raw = document(folder, path.stem).read_bytes()
        if hashlib.sha256(raw).hexdigest() != kept["sha256"]:
            problems.append(f"{path.name}: {kept['document']} is another document now (its SHA-256 differs)")
        for number, one in enumerate(kept["passages"]):
            data = one["text"].encode()
            if raw[one["offset"] : one["offset"] + len(data)] != data:
                problems.append(f"{path.name}: passages[{number}] is not in {kept['document']} at byte {one['offset']}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def main(arguments: list[str]) -> int:
    commands = {"write": write, "check": check}
    if len(arguments) != 2 or arguments[0] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return commands[arguments[0]](Path(arguments[1]))
    except (LookupError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
