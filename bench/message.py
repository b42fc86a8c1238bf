"""One notice as data, for whoever sends the same without a hub: its words as templates, its facts, its reader.

A hub composed it; every fact in its words is a variable of a template again, so that others render the same message
as they would, with Jinja. Needs nothing that the peers' environment lacks.
"""

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import jinja2
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from adapters.port import Attachment, Content, Envelope

SHORTEST: Final = 5
"""Characters: a fact that is shorter may stand in a word by chance."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What is sent. ``facts``: by the names of the templates' variables. The certificate is PEM."""

    subject: str
    text: str
    html: str
    document: str
    """``notice.json``."""
    facts: Mapping[str, str]
    address: str
    reference: str
    certificate: str

    @classmethod
    def of(cls, envelope: Envelope, doc: Mapping[str, Any], certificate: bytes) -> "Sample":
        """From what a hub made of ``doc``."""
        assert isinstance(envelope.body, Content)
        found = envelope.body
        values = dict.fromkeys([envelope.reference, *(one for one in _strings(doc) if len(one) >= SHORTEST)])
        facts = {f"fact_{number}": value for number, value in enumerate(sorted(values, key=len, reverse=True))}
        (document,) = (one for one in found.attachments if one.name == "notice.json")
        return cls(
            subject=_template(found.subject, facts),
            text=_template(found.text, facts),
            html=_template(found.html, {name: html.escape(value) for name, value in facts.items()}),
            document=document.data.decode(),
            facts={name: value for name, value in facts.items() if name in _used(found, facts)},
            address=envelope.address,
            reference=envelope.reference,
            certificate=certificate.decode("ascii"),
        )

    @classmethod
    def load(cls, path: Path) -> "Sample":
        """What :meth:`save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @cached_property
    def templates(self) -> tuple[jinja2.Template, jinja2.Template, jinja2.Template]:
        """Subject, text, HTML; compiled once."""
        bare, escaping = jinja2.Environment(keep_trailing_newline=True), jinja2.Environment(autoescape=True)
        return bare.from_string(self.subject), bare.from_string(self.text), escaping.from_string(self.html)

    def rendered(self, facts: Mapping[str, str]) -> tuple[str, str, str]:
        """Subject, text, HTML of one message."""
        subject, text, page = (template.render(facts) for template in self.templates)
        return subject, text, page

    def envelope(self, facts: Mapping[str, str], number: int) -> Envelope:
        """The same as a hub hands it to its e-mail adapter."""
        subject, text, page = self.rendered(facts)
        attached = Attachment(name="notice.json", media_type="application/json", data=self.document.encode())
        der = x509.load_pem_x509_certificate(self.certificate.encode()).public_bytes(serialization.Encoding.DER)
        return Envelope(
            delivery=f"dl_{number:026d}",
            reference=self.reference,
            address=self.address,
            body=Content(subject=subject, text=text, html=page, attachments=(attached,)),
            certificates=(der,),
            pinned=frozenset({sha256(der).hexdigest()}),
        )


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, str):
        yield value


def _template(words: str, facts: Mapping[str, str]) -> str:
    """``words`` with each fact as a variable. Facts come the longest first, and none is looked for in another."""
    pieces: list[tuple[str, bool]] = [(words, False)]
    for name, value in facts.items():
        pieces = [part for piece in pieces for part in _parted(piece, value, name)]
    return "".join(text if variable else _literal(text) for text, variable in pieces)


def _parted(piece: tuple[str, bool], value: str, name: str) -> Iterator[tuple[str, bool]]:
    text, variable = piece
    if variable or value not in text:
        yield piece
        return
    first, *rest = text.split(value)
    yield first, False
    for one in rest:
        yield f"{{{{ {name} }}}}", True
        yield one, False


def _literal(text: str) -> str:
    return text if not any(mark in text for mark in ("{{", "{%", "{#")) else f"{{% raw %}}{text}{{% endraw %}}"


def _used(content: Content, facts: Mapping[str, str]) -> set[str]:
    words = (content.subject, content.text, html.unescape(content.html))
    return {name for name, value in facts.items() if any(value in one for one in words)}
