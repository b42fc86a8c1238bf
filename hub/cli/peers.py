"""``fingerpost peers``: other hubs that notices are exchanged with."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.markup import escape

from hub.app.keys import key_ring
from hub.app.peers import introducing_of, own_hub
from hub.cli.console import OUT, SettingsFile, fail, note, say, settings_or_exit, table
from hub.cli.ledger import with_store
from hub.cli.wording import stamp
from hub.core.peers import Introduction, Peer, fingerprint
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.service.peers.introducing import Introducing, Refused
from hub.service.ports import Store
from hub.settings import Settings

T = TypeVar("T")
NOBODY = "nobody"

app = typer.Typer(no_args_is_help=True, help="Other hubs: introduce, confirm by telephone, list, suspend, remove.")

Hub = Annotated[str, typer.Argument(metavar="HUB", help="Its id, hub_….")]
Name = Annotated[str, typer.Option("--name", help="Your name: another person has to confirm what you bring here.")]


@app.command(name="self")
def self_(settings_file: SettingsFile = None) -> None:
    """What this hub is known by, and the fingerprint to read out by telephone."""
    settings = settings_or_exit(settings_file)
    now = SystemClock().now()
    own = own_hub(settings, key_ring(settings), now)
    if own is None:
        fail("This hub exchanges nothing: set FINGERPOST_PUSH and make keys with `fingerpost keys push --new-receive`.")
    _told(own.said)
    say(f"Fingerprint: {fingerprint(own.said)}")


@app.command()
def introduce(
    url: Annotated[str, typer.Argument(help="The other hub's address, for example https://hub.council.example.")],
    name: Name,
    settings_file: SettingsFile = None,
) -> None:
    """Fetch what another hub says of itself. Nothing is taken from it until a second person confirms."""
    peer = _run(settings_file, lambda introducing: introducing.introduce(url, name))
    _told(peer.said)
    note(
        "Now somebody else has to ring that hub's operator, by a number that is known otherwise, and have the "
        f"fingerprint read out (`fingerpost peers self` there):\nfingerpost peers confirm {peer.hub} --fingerprint "
        "'…' --name '…'"
    )


@app.command()
def confirm(
    hub: Hub,
    typed: Annotated[
        str, typer.Option("--fingerprint", prompt=True, help="The thirty digits that its operator reads out.")
    ],
    name: Name,
    organisations: Annotated[
        list[str],
        typer.Option(
            "--for",
            help="Code of an organisation here that it may send notices for; may be given again. "
            f"`{NOBODY}`: it only answers what this hub sends.",
        ),
    ],
    settings_file: SettingsFile = None,
) -> None:
    """Trust another hub, by the fingerprint that its operator read out by telephone."""
    ours = [one for one in organisations if one != NOBODY]
    peer = _run(settings_file, lambda introducing: introducing.confirm(hub, typed, name, ours))
    say(f"{peer.hub} is confirmed. It may send notices for: {', '.join(peer.organisations) or NOBODY}.")
    note(f"A contact in the directory leads there by push to {peer.said.inbox}; its keys are known.")


@app.command()
def refresh(hub: Hub, name: Name, settings_file: SettingsFile = None) -> None:
    """Fetch anew what another hub says of itself, after it changed a key."""
    peer = _run(settings_file, lambda introducing: introducing.refresh(hub, name))
    say(f"{peer.hub} is {peer.state}.")
    if peer.state != "confirmed":
        note("Its keys are not those that were confirmed: have the fingerprint read out, by telephone, and confirm.")


@app.command()
def suspend(hub: Hub, name: Name, settings_file: SettingsFile = None) -> None:
    """Take nothing more from another hub until somebody confirms it anew."""
    say(f"{_run(settings_file, lambda introducing: introducing.suspend(hub, name)).hub} is suspended.")


@app.command()
def remove(hub: Hub, name: Name, settings_file: SettingsFile = None) -> None:
    """Forget another hub. What came from it stays."""

    async def work(introducing: Introducing) -> bool:
        await introducing.remove(hub, name)
        return True

    _run(settings_file, work)
    say(f"{hub} is removed.")


@app.command(name="list")
def list_(settings_file: SettingsFile = None) -> None:
    """Every other hub that is known, and how far."""

    async def work(store: Store, settings: Settings) -> Sequence[Peer]:
        return await store.read(lambda unit: unit.peers.all())

    rows = table("Hub", "Name", "State", "Since", "Introduced")
    for one in with_store(settings_file, work):
        rows.add_row(one.hub, escape(one.said.name), one.state, stamp(one.changed_at), stamp(one.introduced_at))
    OUT.print(rows)


@app.command()
def show(
    hub: Hub,
    keys: Annotated[bool, typer.Option("--keys", help="Its keys, as the directory takes them.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """One other hub. Its fingerprint is not shown until it is confirmed: it has to be heard from its operator."""

    async def work(store: Store, settings: Settings) -> Peer | None:
        return await store.read(lambda unit: unit.peers.one(hub))

    peer = with_store(settings_file, work)
    if peer is None:
        fail(f"There is no peer {hub}: see `fingerpost peers list`.")
    if keys:
        if peer.state != "confirmed":
            fail(f"{hub} is {peer.state}: its keys are not given out until it is confirmed.")
        for one in peer.said.keys:
            typer.echo(one.decode())
        return
    _told(peer.said)
    say(f"State: {peer.state}, since {stamp(peer.changed_at)}, by {peer.put_by}")
    say(f"May send notices for: {', '.join(peer.organisations) or NOBODY}")
    if peer.state == "confirmed":
        say(f"Fingerprint: {fingerprint(peer.said)}")


def _run(settings_file: Path | None, work: Callable[[Introducing], Awaitable[T]]) -> T:
    async def on_store(store: Store, settings: Settings) -> T:
        return await work(introducing_of(settings, key_ring(settings), store, SystemClock(), SystemIds()))

    try:
        return with_store(settings_file, on_store)
    except Refused as refused:
        fail(str(refused))


def _told(said: Introduction) -> None:
    say(f"Hub: {said.hub}")
    say(f"Name: {said.name}")
    say(f"Signs as: {said.issuer}")
    say(f"Inbox: {said.inbox}")
    say(f"Versions: {', '.join(map(str, said.versions))}")
