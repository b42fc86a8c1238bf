"""Whose work a transaction does. It is said where a request comes in, and holds for whatever the request leads to.

The store asks for the present scope whenever a transaction begins, so no service can forget to pass it on, and no query
can leave it out (hub/store/scoping.py). A request for which nobody has said it yet opens no transaction at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeAlias

from contacts.roles import OPERATOR
from hub.core.accounts import REACHING, Viewer


@dataclass(frozen=True, slots=True)
class Whole:
    """The machine's own work (delivery, clocks, receipts), and that of whoever runs the hub."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """A request of whom nothing is known yet."""


@dataclass(frozen=True, slots=True)
class Own:
    """What belongs to one organisation, and what was sent to it."""

    organisation: str


@dataclass(frozen=True, slots=True)
class Speaking:
    """What one source has reported itself."""

    source: str
    """Source.id."""


Scope: TypeAlias = Whole | Nobody | Own | Speaking
WHOLE: Final = Whole()
NOBODY: Final = Nobody()

_PRESENT: Final[ContextVar[Scope]] = ContextVar("scope", default=WHOLE)


class OutOfScope(Exception):
    """A transaction was asked for what its scope may not do: a fault of the hub's, in the code that asked."""


def present_scope() -> Scope:
    """The scope of what runs now. Outside of requests it is the whole."""
    return _PRESENT.get()


def transaction_scope() -> Scope:
    """The same, for a transaction that begins. Raises OutOfScope where nobody has said yet whose work it is."""
    scope = _PRESENT.get()
    if isinstance(scope, Nobody):
        raise OutOfScope("nobody has said whose work this is: no transaction begins (hub/service/tenancy.py)")
    return scope


@contextmanager
def scoped(scope: Scope) -> Iterator[None]:
    """Whatever begins in here, tasks too, has this scope."""
    token = _PRESENT.set(scope)
    try:
        yield
    finally:
        _PRESENT.reset(token)


def scope_of(viewer: Viewer) -> Scope:
    """What a signed-in person's requests may touch."""
    reaches = viewer.organisation == OPERATOR and not REACHING.isdisjoint(viewer.roles)
    return WHOLE if reaches else Own(viewer.organisation)


def scope_of_token(organisation: str | None) -> Scope:
    """Likewise for the bearer of a token that is bound to an organisation; None: the operator's."""
    return WHOLE if organisation is None else Own(organisation)
