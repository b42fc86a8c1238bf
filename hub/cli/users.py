"""``fingerpost users``: who may sign in. How the first operator gets in, and the way back when nobody else can help."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import structlog
import typer

from hub.app.accounts import AccountServices, account_services, limits_of
from hub.cli.console import OUT, USAGE, SettingsFile, fail, note, say, table
from hub.cli.ledger import with_store
from hub.core.accounts import CONSOLE, ROLES
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.accounts.inviting import Invited
from hub.service.ports import Store
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Who may sign in: invite, list, disable, recover.")

T = TypeVar("T")
Work = Callable[[AccountServices, Store, str], Awaitable[T]]
"""With the services, the store, and the hub's public address."""
Who = Annotated[str, typer.Argument(help="E-mail address or id (us_…) of the user.")]


@app.command()
def invite(
    email: Annotated[str, typer.Argument(help="The person's own address; they sign in with it.")],
    organisation: Annotated[
        str, typer.Option(help="Code of their organisation, as in the directory; `operator` for the hub's own people.")
    ],
    role: Annotated[list[str], typer.Option(help=f"What they do: {', '.join(ROLES)}. Repeat for several.")],
    settings_file: SettingsFile = None,
) -> None:
    """Invite somebody, and print the link by which they set up their account: once, and for three days."""
    if strange := [one for one in role if one not in ROLES]:
        fail(f"--role: there is no {', '.join(strange)}. Choose of: {', '.join(ROLES)}.", USAGE)

    async def work(services: AccountServices, store: Store, url: str) -> tuple[str | None, list[str]]:
        made = await services.inviting.invite(CONSOLE, email=email, organisation=organisation, roles=role)
        if isinstance(made, Invited):
            return _link(url, made), []
        return None, [one.message for one in made or ()]

    link, problems = _with_accounts(settings_file, work)
    if link is None:
        fail("\n".join(f"{one}." for one in problems), USAGE)
    say(link)
    note("Give it to them, and to nobody else. It works once, for three days, and is shown only now.")


@app.command(name="list")
def list_(
    organisation: Annotated[str | None, typer.Option(help="Of this organisation only.")] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Every user: organisation, roles, state, and when they signed in last."""

    async def work(services: AccountServices, store: Store, url: str) -> list[tuple[str, ...]]:
        return [
            (
                one.organisation,
                one.email,
                one.name or "",
                " ".join(sorted(one.roles)),
                "locked" if one.locked else one.state,
                f"{one.signed_in_at:%Y-%m-%d %H:%M}" if one.signed_in_at else "never",
                one.id,
            )
            for one in await services.people.listed(CONSOLE)
            if organisation in (None, one.organisation)
        ]

    rows = table("Organisation", "E-mail", "Name", "Roles", "State", "Signed in (UTC)", "Id")
    for row in _with_accounts(settings_file, work):
        rows.add_row(*row)
    OUT.print(rows)


@app.command()
def disable(who: Who, settings_file: SettingsFile = None) -> None:
    """Close an account for good: signed out everywhere at once, and its address is free to be invited again."""

    async def work(services: AccountServices, store: Store, url: str) -> bool:
        return await services.people.disable(CONSOLE, await _id(store, who))

    if not _with_accounts(settings_file, work):
        fail(f"There is no open account {who}: see `fingerpost users list`.")
    say(f"{who} is disabled.")


@app.command()
def recover(who: Who, settings_file: SettingsFile = None) -> None:
    """Start a recovery: password and codes stop working at once; print the link for setting both anew."""

    async def work(services: AccountServices, store: Store, url: str) -> str | None:
        made = await services.people.recover(CONSOLE, await _id(store, who))
        return None if made is None else _link(url, made)

    link = _with_accounts(settings_file, work)
    if link is None:
        fail(f"There is no account {who} that was ever opened: see `fingerpost users list`, or invite them.")
    say(link)
    note("Make sure that it is them who asked. They are not told by e-mail from here.")


def _with_accounts(settings_file: Path | None, work: Work[T]) -> T:
    async def over(store: Store, settings: Settings) -> T:
        services = account_services(
            store, SystemClock(), SystemIds(), limits_of(settings), None, lambda code: None, structlog.get_logger()
        )
        return await work(services, store, settings.public_url)

    return with_store(settings_file, over)


async def _id(store: Store, who: str) -> str:
    if "@" not in who:
        return who
    found = await store.read(lambda unit: unit.accounts.user_by_email(who))
    return "" if found is None else found.id


def _link(url: str, made: Invited) -> str:
    return f"{url}/invitation/{made.token}"
