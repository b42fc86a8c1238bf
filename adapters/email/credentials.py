"""A password that cannot print."""

from dataclasses import dataclass
from typing import NoReturn


class Secret:
    """Holds a text that no repr, format, log line or pickle shows; ``reveal`` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not copied or pickled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """For SMTP AUTH, which is only spoken over TLS."""

    username: str
    password: Secret
