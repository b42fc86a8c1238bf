"""Keep, beside the packs, the sections of the protocols that they quote, and check them against the documents.

    python scripts/pack_sections.py write FOLDER   # from the documents in FOLDER
    python scripts/pack_sections.py check FOLDER   # exits 1 where a section is not in its document, byte for byte

FOLDER holds the documents as text, their names beginning with the three digits that the packs cite. A section runs
from its heading to the next one of pack_headings.toml. Only sections that a pack quotes are kept, whole and verbatim
(routing/protocols/sections), each with its place and length in bytes and its SHA-256, beside that of its document. A
document that has changed is a document to be read again: ``check`` then fails.

A quotation is the words of its section, whatever white space, kinds of quotation marks and dashes stand between them.
"""

import hashlib
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROTOCOLS = Path(__file__).parent.parent / "routing" / "protocols"
SECTIONS = PROTOCOLS / "sections"
HEADINGS = Path(__file__).with_name("pack_headings.toml")
SIDE = re.compile(r"(\d{3}) «([^»]*)»")
"""One side of a conflict: whose words, and the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """Words that a pack quotes."""

    rule: str
    section: str
    """As the pack names it."""
    words: str


@dataclass(slots=True, kw_only=True)
class Section:
    """A part of a document, in characters."""

    title: str
    """Its heading, after those above it."""
    start: int
    end: int
    rules: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)


def quotes(packs: Path) -> dict[str, set[Quoted]]:
    """Document -> what the packs quote of it."""
    found: dict[str, set[Quoted]] = {}
    for path in sorted(packs.glob("*.toml")):
        for rule, evidence in tomllib.loads(path.read_text("utf-8")).get("evidence", {}).items():
            sides = SIDE.findall(evidence["quote"]) or [(evidence["source"], evidence["quote"])]
            for document, words in sides:
                quoted = Quoted(rule=rule, section=evidence["section"], words=words)
                found.setdefault(document, set()).add(quoted)
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


def outline(text: str, headings: str) -> Iterator[Section]:
    """The sections of a document. Raises LookupError for a heading that is not there, in this order."""
    titles: list[tuple[int, str]] = []
    above, at = "", 0
    for heading in headings.strip("\n").splitlines():
        words = r"\s+".join(re.escape(word) for word in heading.split())
        found = re.compile(rf"^[ \t]*{words}[ \t]*$", re.MULTILINE).search(text, at)
        if found is None:
            raise LookupError(f"{heading.strip()!r} is not a line of the document, or not after the one before it")
        below = heading.startswith(" ")
        above, at = above if below else heading.strip(), found.end()
        titles.append((found.start(), f"{above} > {heading.strip()}" if below else above))
    ends = [start for start, _ in titles[1:]] + [len(text)]
    for (start, title), end in zip(titles, ends, strict=True):
        yield Section(title=title, start=start, end=start + len(text[start:end].rstrip()))


def quoted_sections(text: str, headings: str, wanted: set[Quoted]) -> list[Section]:
    """The sections in which the words stand. Raises LookupError for words that stand in none."""
    sections = list(outline(text, headings))
    for quoted in sorted(wanted, key=lambda q: (q.rule, q.words)):
        holding = [s for s in sections if pattern(quoted.words).search(text, s.start, s.end)]
        if not holding:
            raise LookupError(f"{quoted.rule}: {quoted.words!r} is not in the document, or across two sections")
        # words that stand in several sections are those of the first: the others repeat it
        chosen = min(holding, key=lambda s: (not _named_alike(quoted.section, s.title), s.start))
        chosen.rules.add(quoted.rule)
        chosen.named.add(quoted.section)
    return [section for section in sections if section.rules]


def _named_alike(name: str, title: str) -> bool:
    """Whether a pack's short name of a section may mean this one: ``8 Monitoring``, ``App 4 s4.1``."""
    number = re.match(r"(App )?(\d+(?:\.\d+)?)\b", name)
    if number is None:
        return False
    if number[1]:
        return re.search(rf"^Appendix {number[2]}\b", title, re.IGNORECASE) is not None
    return any(part.startswith((f"{number[2]}.", f"{number[2]} ")) for part in title.split(" > "))


def toml_text(text: str) -> str:
    """A TOML string; one of several lines as it is to be read."""
    escapes = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\r": "\\r", "\f": "\\f", "\b": "\\b"}
    several = "\n" in text
    escaped = "".join(
        c if c == '"' and several else escapes.get(c, c if c >= " " or c == "\n" else f"\\u{ord(c):04x}") for c in text
    ).replace("\x7f", "\\u007f")
    return '"""\n' + escaped.replace('"""', '""\\"') + '\\\n"""' if several else f'"{escaped}"'


def toml_list(texts: set[str]) -> str:
    """A TOML list of strings, sorted."""
    return f"[{', '.join(toml_text(text) for text in sorted(texts))}]"


def document(folder: Path, digits: str) -> Path:
    """The one document whose name begins so."""
    found = sorted(folder.glob(f"{digits}*.txt"))
    if len(found) != 1:
        raise LookupError(f"{len(found)} documents in {folder} begin with {digits}")
    return found[0]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write(folder: Path) -> int:
    SECTIONS.mkdir(exist_ok=True)
    headings: Mapping[str, str] = tomllib.loads(HEADINGS.read_text("utf-8"))
    for digits, wanted in sorted(quotes(PROTOCOLS).items()):
        path = document(folder, digits)
        raw = path.read_bytes()
        text = raw.decode("utf-8")
        lines = [
            "# Written by scripts/pack_sections.py; do not edit. The sections that the packs quote, whole.",
            "# offset and length are in bytes; named is what the packs call a section.",
            f"document = {toml_text(path.name)}",
            f'sha256 = "{digest(raw)}"',
        ]
        for section in quoted_sections(text, headings[digits], wanted):
            data = text[section.start : section.end].encode()
            lines += [
                "",
                "[[sections]]",
                f"title = {toml_text(section.title)}",
                f"named = {toml_list(section.named)}",
                f"rules = {toml_list(section.rules)}",
                f"offset = {len(text[: section.start].encode())}",
                f"length = {len(data)}",
                f'sha256 = "{digest(data)}"',
                f"text = {toml_text(text[section.start : section.end])}",
            ]
        (SECTIONS / f"{digits}.toml").write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    return 0


def check(folder: Path) -> int:
    problems = []
    for path in sorted(SECTIONS.glob("*.toml")):
        kept = tomllib.loads(path.read_text("utf-8"))
        raw = document(folder, path.stem).read_bytes()
        if digest(raw) != kept["sha256"]:
            problems.append(f"{path.name}: {kept['document']} is another document now (its SHA-256 differs)")
        for one in kept["sections"]:
            data = one["text"].encode()
            if raw[one["offset"] : one["offset"] + one["length"]] != data:
                problems.append(f"{path.name}: {one['title']!r} is not in {kept['document']} at byte {one['offset']}")
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
