"""``fingerpost tokens``: who may read the API."""

import re
from typing import Annotated, cast, get_args

import typer

from hub.cli.console import FAILED, OUT, USAGE, SettingsFile, fail, note, say, settings_or_exit, table
from hub.edge.api_tokens import TokenFile, TokensUnreadable
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.access import DIRECTORY, PREFIX, REGISTER, Scope, Token, digest, organisation_code

app = typer.Typer(no_args_is_help=True, help="API tokens: add, list, revoke.")


def _read(file: TokenFile) -> tuple[Token, ...]:
    try:
        return file()
    except TokensUnreadable as error:
        fail(str(error))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What or who it is for.")],
    scope: Annotated[
        list[str], typer.Option(help=f"What it may do: {', '.join(get_args(Scope))}. Repeat for several.")
    ],
    organisation: Annotated[
        str | None,
        typer.Option(help=f"Whose data it opens (its code); goes with {REGISTER}, directory:read, directory:write."),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option(help="Whose it is (their id, see `users list`): what it proposes they do not approve themselves."),
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Make a token and print it, once: only its hash is kept."""
    settings = settings_or_exit(settings_file)
    unknown = [s for s in scope if s not in get_args(Scope)]
    if unknown:
        fail(f"There is no scope {', '.join(unknown)}; there are {', '.join(get_args(Scope))}.", USAGE)
    if REGISTER in scope and (organisation is None or set(scope) != {REGISTER}):
        fail(f"A token with {REGISTER} names one --organisation and has no other scope.", USAGE)
    if organisation is not None and not set(scope) <= {REGISTER, *DIRECTORY}:
        fail(f"Only tokens with {REGISTER}, {' or '.join(sorted(DIRECTORY))} name an --organisation.", USAGE)
    if person is not None and not re.fullmatch(r"[A-Za-z0-9_]{1,64}", person):
        fail("--person is the id of a user, as `users list` shows it.", USAGE)
    if organisation is not None and not organisation_code(organisation):
        fail("--organisation is the code of an authority, of a police force, or another of the directory's.", USAGE)
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or not name.isascii() or len(name) > 64:
        fail("A token's name has 1 to 64 letters, digits, dots, hyphens and underscores.", USAGE)
    file = TokenFile(settings.api_tokens)
    tokens = _read(file)
    if any(token.name == name for token in tokens):
        fail(f"There is a token {name} already: revoke it first, or choose another name.", FAILED)
    secret = PREFIX + SystemIds().token()
    scopes = frozenset(cast(list[Scope], scope))
    fresh = Token(
        name=name,
        scopes=scopes,
        sha256=digest(secret),
        created_at=SystemClock().now(),
        organisation=organisation,
        person=person,
    )
    file.put((*tokens, fresh))
    say(secret)
    note("This is the only time it is shown.")


@app.command(name="list")
def list_(settings_file: SettingsFile = None) -> None:
    """Name, scopes and age of each token."""
    rows = table("Name", "Scopes", "Organisation", "Made")
    for token in _read(TokenFile(settings_or_exit(settings_file).api_tokens)):
        rows.add_row(
            token.name, " ".join(sorted(token.scopes)), token.organisation or "", f"{token.created_at:%Y-%m-%d}"
        )
    OUT.print(rows)


@app.command()
def revoke(name: Annotated[str, typer.Argument()], settings_file: SettingsFile = None) -> None:
    """Make a token worthless at once."""
    file = TokenFile(settings_or_exit(settings_file).api_tokens)
    tokens = _read(file)
    left = tuple(token for token in tokens if token.name != name)
    if len(left) == len(tokens):
        fail(f"There is no token {name}.")
    file.put(left)
    say(f"{name} is revoked.")
