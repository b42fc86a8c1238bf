"""``fingerpost providers``: which organisations sign in with accounts of their own, at their identity provider."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from hub.app.files import secret_in
from hub.app.providers import reached_of
from hub.cli.console import OUT, USAGE, SettingsFile, fail, note, say, table
from hub.cli.ledger import with_store
from hub.core.oidc import Provider
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.accounts.federated import redirect_uri
from hub.service.accounts.provider_ports import ProviderAway
from hub.service.accounts.providers import Providers
from hub.service.ports import Store
from hub.settings import Settings, SettingsError

app = typer.Typer(
    no_args_is_help=True, help="Identity providers of organisations (OpenID Connect): add, list, check, remove."
)

Whose = Annotated[str, typer.Argument(help="Code of the organisation, as in the directory.")]


@app.command()
def add(
    organisation: Whose,
    issuer: Annotated[str, typer.Option(help="The provider's issuer (https://…), just as it writes it.")],
    client_id: Annotated[str, typer.Option(help="What the provider calls this hub.")],
    secret_file: Annotated[Path, typer.Option(help="File with the client secret on one line.")],
    domain: Annotated[list[str], typer.Option(help="Domain of its people's addresses. Repeat for several.")],
    email_claim: Annotated[str, typer.Option(help="Claim that holds the address.")] = "email",
    verified_claim: Annotated[str, typer.Option(help="Claim that says the address is theirs.")] = "email_verified",
    second_factor: Annotated[
        Literal["claimed", "trusted"],
        typer.Option(help="claimed: each sign-in has to say there was one; trusted: the provider insists on it."),
    ] = "claimed",
    acr: Annotated[
        list[str] | None, typer.Option(help="Authentication context to ask for and insist on; instead of amr.")
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Enter an organisation's identity provider, in the place of the one that it had."""

    try:
        secret = secret_in("SECRET_FILE", secret_file)
    except SettingsError as error:
        fail(f"--secret-file {error.problems[0].message}.", USAGE)

    async def work(store: Store, settings: Settings) -> tuple[tuple[str, ...], str]:
        provider = Provider(
            organisation=organisation,
            issuer=issuer,
            client_id=client_id,
            client_secret=secret.reveal(),
            domains=tuple(one.strip().removeprefix("@").casefold() for one in domain),
            email_claim=email_claim,
            verified_claim=verified_claim,
            second_factor=second_factor,
            acr=tuple(acr or ()),
        )
        return await _providers(store).put(provider), redirect_uri(settings.public_url, organisation)

    problems, address = with_store(settings_file, work)
    if problems:
        fail("\n".join(f"{one}." for one in problems), USAGE)
    say(address)
    note("Give the provider this address as redirect URI. Then: fingerpost providers check " + organisation)


@app.command(name="list")
def list_(settings_file: SettingsFile = None) -> None:
    """Every organisation that has one."""

    async def work(store: Store, settings: Settings) -> list[tuple[str, ...]]:
        return [
            (one.organisation, one.issuer, one.client_id, " ".join(one.domains), " ".join(one.acr) or one.second_factor)
            for one in await _providers(store).listed()
        ]

    rows = table("Organisation", "Issuer", "Client", "Domains", "Second factor")
    for row in with_store(settings_file, work):
        rows.add_row(*row)
    OUT.print(rows)


@app.command()
def check(organisation: Whose, settings_file: SettingsFile = None) -> None:
    """Fetch what the provider says of itself, and its keys, as signing in does."""

    async def work(store: Store, settings: Settings) -> str | None:
        provider = await _providers(store).one(organisation)
        if provider is None:
            return f"{organisation} has no identity provider: see `fingerpost providers list`."
        reached = reached_of(settings, SystemClock())
        try:
            await reached.keys(await reached.metadata(provider.issuer), None)
        except ProviderAway as error:
            return f"The provider of {organisation} cannot be used: {error.why}."
        return None

    problem = with_store(settings_file, work)
    if problem is not None:
        fail(problem)
    say(f"The provider of {organisation} answers, and its keys can be used.")


@app.command()
def remove(organisation: Whose, settings_file: SettingsFile = None) -> None:
    """Take it away: who came in by it is signed out, and needs a recovery to set a password."""
    if not with_store(settings_file, lambda store, settings: _providers(store).remove(organisation)):
        fail(f"{organisation} has no identity provider: see `fingerpost providers list`.")
    say(f"{organisation} has no identity provider any more.")


def _providers(store: Store) -> Providers:
    return Providers(store=store, clock=SystemClock(), ids=SystemIds())
