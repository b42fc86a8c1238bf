"""What a child is found by: the words of a name, a date of birth, a reference, each spelt one way. Pure.

The store keeps keyed hashes of these (hub/store/search.py), so that a child is found and no name has to be opened for
it. Two spellings of one name are one: case, accents, joined and apostrophed parts and the order of the names make no
difference.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

Purpose = Literal["name", "word", "born", "ref"]
"""``name``: all its words; ``word``: how one of them begins; ``born``: the date; ``ref``: the source's reference."""
BEGINNING: Final = 3
"""Letters that a word is found by. Fewer would find everybody, and a hash of them would tell the letters."""
LONGEST: Final = 40
"""Words of a name that are looked at: a name that is a book costs no more than one."""

_JOINING: Final = str.maketrans(
    {
        "-": " ", "‐": " ", "‑": " ", "–": " ", "'": None, "’": None, "ʼ": None, ".": " ", ",": " ",
        "ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th",
        "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ı": "i",
    }
)  # fmt: skip
"""What stands between the parts of a name, and letters that no accent can be taken off."""

Mark = tuple[Purpose, str]
"""What for, and the value as it is hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody looks for: all that is given has to be so."""

    ref: str | None = None
    name: str | None = None
    born: date | None = None

    def marks(self) -> tuple[Mark, ...]:
        """What they are found by; empty where nothing is asked for."""
        found: list[Mark] = []
        if self.ref is not None and (ref := reference(self.ref)):
            found.append(("ref", ref))
        if self.name is not None and (name := whole(self.name)):
            found.append(("name", name))
        if self.born is not None:
            found.append(("born", self.born.isoformat()))
        return tuple(found)


def words(text: str) -> list[str]:
    """``Zoë O’Neil-Example`` -> ``zoe``, ``oneil``, ``example``."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return plain.translate(_JOINING).casefold().split()[:LONGEST]


def whole(name: str) -> str:
    """A name in whatever order its words were given; empty for none."""
    return " ".join(sorted(words(name)))


def reference(ref: str) -> str:
    """A reference, however it was typed off a letter."""
    return "".join(unicodedata.normalize("NFKC", ref).casefold().split())


def matches(name: str, sought: str) -> bool:
    """Whether every word of ``sought`` begins a word of ``name``, whatever its case and its accents."""
    there, wanted = words(name), words(sought)
    return bool(wanted) and all(any(word.startswith(part) for word in there) for part in wanted)


def beginnings(sought: str) -> tuple[str, ...]:
    """What every name that :func:`matches` is found by; empty where what is sought is too short to be found so."""
    return tuple(dict.fromkeys(one[:BEGINNING] for one in words(sought) if len(one) >= BEGINNING))


def marks(doc: Mapping[str, Any]) -> frozenset[Mark]:
    """What the child of an episode with these facts is found by."""
    child = doc.get("child")
    return frozenset(_marks(child)) if isinstance(child, Mapping) else frozenset()


def _marks(child: Mapping[str, Any]) -> Iterator[Mark]:
    name, ref, born = child.get("name"), child.get("ref"), child.get("date_of_birth")
    if isinstance(name, str) and (every := whole(name)):
        yield "name", every
        for one in beginnings(name):
            yield "word", one
    if isinstance(ref, str) and (spelt := reference(ref)):
        yield "ref", spelt
    if isinstance(born, str):
        yield "born", born.strip()
