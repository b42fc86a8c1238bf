"""The sections of the protocols that the packs quote, whole, as they are kept beside the packs (protocols/sections)."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from routing.evidence import Strict


class Section(Strict):
    """One section, verbatim."""

    title: str
    """Its heading, after those above it."""
    named: tuple[str, ...]
    """What the packs call it."""
    rules: tuple[str, ...]
    """Rules that quote it."""
    offset: int
    """Where it begins in the document, in bytes."""
    length: int
    """In bytes."""
    sha256: str
    text: str


class Document(Strict):
    """A document, by what is quoted of it."""

    document: str
    """The name of its file."""
    sha256: str
    sections: tuple[Section, ...]


@cache
def load_sections() -> Mapping[str, Document]:
    """Every document by the three digits with which the packs cite it."""
    folder = resources.files("routing") / "protocols" / "sections"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): Document.model_validate(tomllib.loads(f.read_text("utf-8"))) for f in files}


def quoted(rule: str) -> tuple[tuple[Document, Section], ...]:
    """The sections that a rule quotes, in the order of the documents; none where no pack delivered here cites it."""
    return tuple((document, s) for document in load_sections().values() for s in document.sections if rule in s.rules)
