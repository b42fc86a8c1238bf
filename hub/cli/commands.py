"""All the commands together."""

import importlib
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from hub.cli import (
    audit,
    channels,
    child,
    directory,
    keys,
    look,
    looks,
    lost_keys,
    outbox,
    pack_rules,
    peers,
    placements,
    protocols,
    providers,
    receipts,
    retention,
    sources,
    tokens,
    users,
)
from hub.cli.console import USAGE, fail, say
from hub.cli.coverage import coverage_report
from hub.cli.episode import episode
from hub.cli.evidence_bundle import evidence, subject_access
from hub.cli.explain import explain
from hub.cli.proofs import proofs
from hub.cli.register import register
from hub.cli.serving import serve
from hub.cli.simulate import simulate

app = typer.Typer(
    no_args_is_help=True,
    # A traceback with local variables could show a child's data.
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Fingerpost tells everyone who must know that a child is missing, and proves it.",
)

app.command()(serve)
app.command()(explain)
app.command()(simulate)
app.command()(register)
app.command()(episode)
app.command()(evidence)
app.command()(subject_access)
keys.app.command(name="audit")(audit.keys_audit)
keys.app.command()(retention.backup)
keys.app.command()(lost_keys.lost)
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(retention.app, name="retention")
app.add_typer(retention.hold, name="hold")
app.add_typer(sources.app, name="sources")
app.add_typer(tokens.app, name="tokens")
app.add_typer(users.app, name="users")
app.add_typer(providers.app, name="providers")
app.add_typer(peers.app, name="peers")
directory.app.command(name="coverage")(coverage_report)
directory.app.command()(proofs)
app.add_typer(directory.app, name="directory")
app.add_typer(placements.app, name="placements")
protocols.app.command(name="coverage")(pack_rules.of_the_evidence)
protocols.app.command()(pack_rules.section)
app.add_typer(protocols.app, name="protocols")
app.add_typer(channels.app, name="channels")
app.add_typer(child.app, name="child")
app.add_typer(receipts.app, name="receipts")
app.add_typer(outbox.app, name="outbox")
app.add_typer(look.alarms, name="alarms")
app.add_typer(look.quarantine, name="quarantine")


@app.command()
def demo(once: Annotated[bool, typer.Option("--once", help="End after the story: 0 if all was well.")] = False) -> None:
    """One made-up episode from report to return, with real mail that openssl opens."""
    try:
        # The demonstration has dependencies of its own, which `serve` does without.
        story = importlib.import_module("hub.demo.run")
    except ModuleNotFoundError as error:
        fail(f"The demonstration needs {error.name}: pip install 'fingerpost[demo]'", USAGE)
    raise typer.Exit(story.run(once=once))


@app.command()
def version() -> None:
    """The version of this installation."""
    try:
        say(version_of("fingerpost"))
    except PackageNotFoundError:
        say("not installed as a package")


looks.named(app)
