"""Which commands are looks that leave a line in the audit log, all in one table, as hub/web/looks.py has the pages'.

The line is written once the store has answered and before anything is shown: if it cannot be, nothing is. A test holds
that every command is here, as a look or with the reason why it is none.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import typer
from typer.models import CommandInfo

from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.audit.looks import Looked, Looks
from hub.service.ports import Store

Given = Mapping[str, Any]
"""The arguments of a command, by the names of its function's parameters."""


def _always(given: Given) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A command that shows what is held: the line's action, and the argument that names what it is about."""

    action: str
    about: str | None = None
    otherwise: str | None = None
    """The action where that argument is left out."""
    when: Callable[[Given], bool] = _always
    """False for what leaves a line of its own, or shows nothing."""


CHANGES: Final = "it changes something, and that is a line of its own"
OWN: Final = "it leaves a line of its own, in the transaction that reads"
KEYS: Final = "it shows keys by their ids, and nothing of anybody"
SETUP: Final = "it shows how the hub is set up, and nothing of anybody"
FILES: Final = "it reads the files that it is given, and nothing that the hub holds"

COMMANDS: Final[Mapping[str, Look | str]] = {
    "alarms clear": CHANGES,
    "alarms list": Look(action="wall.viewed"),
    "audit checkpoint": "it signs where the log stands, and shows no line",
    "audit list": OWN,
    "audit verify": "it says whether the log is whole, and shows no line",
    "channels enable": CHANGES,
    "channels list": Look(action="coverage.viewed"),
    "child find": OWN,
    "demo": "everything in it is made up",
    "directory changes approve": CHANGES,
    "directory changes list": Look(action="directory.viewed", about="organisation", otherwise="directory.viewed"),
    "directory changes reject": CHANGES,
    "directory changes show": Look(action="directory.viewed", about="change"),
    "directory check": Look(action="coverage.viewed"),
    "directory coverage": Look(action="coverage.viewed"),
    "directory export": Look(action="directory.exported"),
    "directory history": Look(action="directory.viewed"),
    "directory import": Look(action="directory.viewed", when=lambda given: bool(given["dry_run"])),
    "directory proofs": Look(action="coverage.viewed"),
    "directory show": Look(action="directory.viewed", about="organisation", otherwise="directory.viewed"),
    "episode": Look(
        action="episode.viewed",
        about="episode",
        otherwise="episodes.listed",
        when=lambda given: not (given["personal"] and given["episode"]),
    ),
    "evidence": OWN,
    "explain": FILES,
    "hold add": CHANGES,
    "hold lift": CHANGES,
    "hold list": Look(action="holds.listed"),
    "keys audit": KEYS,
    "keys backup": KEYS,
    "keys init": KEYS,
    "keys lost": Look(action="children.listed", when=lambda given: not given["for_good"]),
    "keys push": KEYS,
    "keys retire": KEYS,
    "keys rotate": KEYS,
    "keys status": KEYS,
    "outbox cancel": Look(action="outbox.listed"),
    "outbox list": Look(action="outbox.listed"),
    "outbox redrive": Look(action="outbox.listed"),
    "outbox show": Look(action="delivery.viewed", about="delivery"),
    "peers confirm": CHANGES,
    "peers introduce": CHANGES,
    "peers list": SETUP,
    "peers refresh": CHANGES,
    "peers remove": CHANGES,
    "peers self": KEYS,
    "peers show": SETUP,
    "peers suspend": CHANGES,
    "placements check": Look(action="coverage.viewed"),
    "protocols check": FILES,
    "protocols coverage": SETUP,
    "protocols diff": FILES,
    "protocols list": SETUP,
    "protocols section": SETUP,
    "protocols show": SETUP,
    "providers add": CHANGES,
    "providers check": SETUP,
    "providers list": SETUP,
    "providers remove": CHANGES,
    "quarantine list": Look(action="wall.viewed"),
    "quarantine show": OWN,
    "receipts apart": Look(action="wall.viewed"),
    "receipts pipe": "it hands a mail in, and shows nothing",
    "receipts show": OWN,
    "register": Look(
        action="episodes.listed",
        about="organisation",
        when=lambda given: given["removed"] or not given["names"],
    ),
    "retention list": Look(action="children.listed"),
    "retention run": Look(action="children.listed", when=lambda given: bool(given["dry_run"])),
    "serve": "each of its looks is a line by itself",
    "simulate": FILES,
    "sources add": CHANGES,
    "sources bind": CHANGES,
    "sources disable": CHANGES,
    "sources list": SETUP,
    "sources rotate": CHANGES,
    "subject-access": OWN,
    "tokens add": CHANGES,
    "tokens list": Look(action="tokens.viewed"),
    "tokens revoke": CHANGES,
    "tokens rotate": CHANGES,
    "users disable": CHANGES,
    "users invite": CHANGES,
    "users list": Look(action="users.viewed", about="organisation", otherwise="users.viewed"),
    "users recover": CHANGES,
    "version": SETUP,
}

_TYPED: ContextVar[tuple[str, Given] | None] = ContextVar("typed", default=None)
"""The command that runs."""


def named(app: typer.Typer) -> None:
    """Have each command of ``app`` say by what name and with which arguments it was typed. To be called once, when all
    are there."""
    for name, one in registered(app):
        if one.callback is not None:
            one.callback = _named(name, one.callback)


def registered(app: typer.Typer, before: tuple[str, ...] = ()) -> Iterator[tuple[str, CommandInfo]]:
    """Every command by the name that it is typed by."""
    for one in app.registered_commands:
        name = one.name or (one.callback.__name__.replace("_", "-") if one.callback else "")
        yield " ".join((*before, name)), one
    for group in app.registered_groups:
        if group.typer_instance is not None:
            yield from registered(group.typer_instance, (*before, str(group.name)))


def _named(command: str, callback: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(callback)
    def typed(**given: Any) -> Any:
        with _typed(command, given):
            return callback(**given)

    return typed


@contextmanager
def _typed(command: str, given: Given) -> Iterator[None]:
    before = _TYPED.set((command, given))
    try:
        yield
    finally:
        _TYPED.reset(before)


async def noted(store: Store) -> None:
    """Write down that somebody looked, if the command that runs is a look. Raises StoreUnavailable."""
    typed = _TYPED.get()
    if typed is None:
        return
    command, given = typed
    look = COMMANDS[command]
    if isinstance(look, str) or not look.when(given):
        return
    subject = None if look.about is None else given[look.about]
    await Looks(store=store, clock=SystemClock(), ids=SystemIds()).note(
        Looked(
            actor="operator",
            organisation=None,
            action=look.action if subject is not None or look.otherwise is None else look.otherwise,
            route=f"fingerpost {command}",
            subjects={} if look.about is None or subject is None else {look.about: str(subject)},
        )
    )
