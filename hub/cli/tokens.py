"""``fingerpost tokens``: which programs may use the API."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from hub.app.tokens import TokensUnreadable, bring_in_file, tokens_of
from hub.cli.certificates import fingerprint_of
from hub.cli.console import FAILED, OUT, USAGE, SettingsFile, fail, note, say, table
from hub.cli.ledger import with_store
from hub.core.accounts import CONSOLE
from hub.core.api_tokens import SCOPES, Held, ended, fitting
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.accounts.steps import FormProblem
from hub.service.ports import Store
from hub.service.tokens.keeping import Made, Tokens, Wanted
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="API tokens: add, list, rotate, revoke.")

T = TypeVar("T")
SPAN: Final = re.compile(r"([0-9]{1,4})([dhm])", re.ASCII)
UNITS: Final = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
Name = Annotated[str, typer.Argument(help="The token's name.")]
Of = Annotated[str | None, typer.Option(help="The token of this organisation, where several have one of this name.")]
Expires = Annotated[
    str | None,
    typer.Option(help="When it ends: a day (2027-03-31), or how long it lasts (90d); by default as late as may be."),
]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What or who it is for.")],
    scope: Annotated[list[str], typer.Option(help=f"What it may do: {', '.join(SCOPES)}. Repeat for several.")],
    organisation: Annotated[
        str | None,
        typer.Option(help=f"Whose data it opens (its code); goes with {', '.join(fitting(''))}."),
    ] = None,
    desk: Annotated[
        list[str] | None,
        typer.Option(help="For which desk it takes part in conversations (front_door); * for all. Repeat for several."),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(help="Whose it is (their id, see `users list`): what it proposes they do not approve themselves."),
    ] = None,
    expires: Expires = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="Client certificate (PEM or DER) without which the token opens nothing.", dir_okay=False),
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Make a token and print it, once: only its hash is kept."""
    bound = None if certificate is None else fingerprint_of(certificate)
    ends_at = _end(expires)

    async def work(tokens: Tokens) -> tuple[Made | None, list[str]]:
        if any(one.token.organisation == organisation for one in await tokens.named(name, organisation)):
            fail(f"There is a token {name} already: rotate or revoke it, or choose another name.", FAILED)
        wanted = Wanted(name=name, scopes=scope, organisation=organisation, desks=desk or (), person=person,
                        certificate=bound, ends_at=ends_at)  # fmt: skip
        return _outcome(await tokens.add(CONSOLE, wanted))

    _show(_made(_with_tokens(settings_file, work)))


@app.command(name="list")
def list_(settings_file: SettingsFile = None) -> None:
    """Every token that is not revoked: what it may do, when it ends, when it was used last."""

    async def work(tokens: Tokens) -> list[Held]:
        return list(await tokens.listed(CONSOLE))

    now = SystemClock().now()
    rows = table("Name", "Scopes", "Organisation", "Desks", "Made", "Ends", "Used (UTC)", "Bound to")
    for held in _with_tokens(settings_file, work):
        token = held.token
        rows.add_row(
            token.name,
            " ".join(sorted(token.scopes)),
            token.organisation or "",
            " ".join(sorted(token.desks)),
            f"{token.created_at:%Y-%m-%d}",
            _ends(held, now),
            f"{held.used_at:%Y-%m-%d %H:%M}" if held.used_at else "never",
            "" if token.certificate is None else f"certificate {token.certificate.hex()[:16]}",
        )
    OUT.print(rows)


@app.command()
def rotate(
    name: Name,
    overlap: Annotated[
        str, typer.Option(help="How long the old secret goes on beside the new one: 7d, 12h; 0d ends it at once.")
    ] = "7d",
    expires: Expires = None,
    organisation: Of = None,
    settings_file: SettingsFile = None,
) -> None:
    """Give a token a new secret, and print it, once."""
    span, ends_at = _span(overlap), _end(expires)
    if span is None:
        fail("--overlap is a number of days, hours or minutes: 7d, 12h, 30m.", USAGE)

    async def work(tokens: Tokens) -> tuple[Made | None, list[str]]:
        found = _one(await tokens.named(name, organisation), name)
        return _outcome(await tokens.rotate(CONSOLE, found.token.id, overlap=span, ends_at=ends_at))

    made = _made(_with_tokens(settings_file, work))
    _show(made)
    if made.others_end is not None:
        note(f"The old one goes on until {made.others_end:%Y-%m-%d %H:%M} UTC.")


@app.command()
def revoke(name: Name, organisation: Of = None, settings_file: SettingsFile = None) -> None:
    """Make a token worthless with its next use, on every node."""

    async def work(tokens: Tokens) -> bool:
        return await tokens.revoke(CONSOLE, _one(await tokens.named(name, organisation), name).token.id)

    if not _with_tokens(settings_file, work):
        fail(f"There is no token {name}.")
    say(f"{name} is revoked.")


def _with_tokens(settings_file: Path | None, work: Callable[[Tokens], Awaitable[T]]) -> T:
    async def over(store: Store, settings: Settings) -> T:
        clock, ids = SystemClock(), SystemIds()
        try:
            brought = await bring_in_file(settings, store, ids, clock.now())
        except TokensUnreadable as error:
            note(f"{error}.")
        else:
            if brought:
                note(f"{brought} tokens were brought in from {settings.api_tokens}, which is not used any more.")
        return await work(tokens_of(settings, store, clock, ids))

    return with_store(settings_file, over)


def _outcome(made: Made | Sequence[FormProblem] | None) -> tuple[Made | None, list[str]]:
    return (made, []) if isinstance(made, Made) else (None, [one.message for one in made or ()])


def _made(outcome: tuple[Made | None, list[str]]) -> Made:
    made, problems = outcome
    if made is None:
        fail("\n".join(f"{one}." for one in problems) or "There is no such token.", USAGE)
    return made


def _show(made: Made) -> None:
    say(made.secret)
    note(f"This is the only time it is shown. It ends on {made.ends_at:%Y-%m-%d}.")


def _one(found: Sequence[Held], name: str) -> Held:
    if not found:
        fail(f"There is no token {name}.", FAILED)
    if len(found) > 1:
        fail(f"Several tokens are called {name}: say whose with --organisation.", USAGE)
    return found[0]


def _ends(held: Held, now: datetime) -> str:
    newest = held.newest
    said = f"{newest.ends_at:%Y-%m-%d}" + (" (ended)" if ended(newest, now) else "")
    older = [one.ends_at for one in held.secrets[1:] if not ended(one, now)]
    return said + (f", the old one {max(older):%Y-%m-%d}" if older else "")


def _span(text: str) -> timedelta | None:
    found = SPAN.fullmatch(text)
    return None if found is None else int(found[1]) * UNITS[found[2]]


def _end(text: str | None) -> datetime | None:
    if text is None:
        return None
    span = _span(text)
    if span is not None:
        return SystemClock().now() + span
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError:
        fail("--expires is a day (2027-03-31) or how long the token lasts (90d).", USAGE)
