"""``fingerpost audit``: is the log as it was written, and what does it say."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer

from hub.app.audit import checkpoint_keys, checkpointing_of
from hub.cli.console import FAILED, OUT, USAGE, SettingsFile, fail, note, say, settings_or_exit, table
from hub.cli.ledger import with_store
from hub.core.checkpoints import Checkpoint, to_json
from hub.core.evidence import remarks
from hub.edge.audit_keys import UnusableAuditKey, as_pem, new_audit_key, next_audit_key, public_keys
from hub.edge.checkpoint_places import kept_in
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.edge.signer_keys import write_new
from hub.service.audit.ports import ListedLine, Wanted
from hub.service.audit.reading import Reading
from hub.service.audit.verifying import Finding, Verdict, verify
from hub.service.ports import Store
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The audit log: verify its chain, list its lines.")

SAID: Final = {
    "changed": "Line {number} ({line}), or the link of the line before it, was changed.",
    "unreadable": "Line {number} ({line}) was changed and cannot be read any more.",
    "missing": "Lines {number} to {to} are missing.",
    "twice": "A second line ({line}) bears the number {number}.",
    "beside": "{number} lines bear a number that the chain does not have, or has twice.",
    "unknown_key": "Checkpoint {number} {where} was signed by a key that is not this hub's.",
    "bad_signature": "Checkpoint {number} {where} does not bear its signature: it was changed, or forged.",
    "cut_short": "The chain was cut short: checkpoint {number} {where} is of a line that is not there.",
    "other_link": "Checkpoint {number} {where} is of another line {number}: the chain was written anew.",
    "lost_checkpoint": "Checkpoint {number} was taken out of the ledger; the second place has it.",
}
"""What each finding means, in a sentence."""


@app.command(name="verify")
def verify_log(
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            help="Folder of checkpoints from the second place; without it a cut that took the ledger's own "
            "checkpoints along is not seen.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Go through the whole log. Ends with 0 if it is as it was written, with 1 if not."""
    found = [] if checkpoints is None else list(kept_in(checkpoints))
    broken = [one for one in found if isinstance(one, str)]
    elsewhere = [one for one in found if isinstance(one, Checkpoint)]

    async def work(store: Store, settings: Settings) -> Verdict:
        return await verify(store, checkpoint_keys(settings), elsewhere)

    verdict = with_store(settings_file, work)
    for name in broken:
        say(f"No checkpoint: {name}")
    for one in verdict.findings:
        say(_sentence(one))
    if verdict.count > len(verdict.findings):
        say(f"And {verdict.count - len(verdict.findings)} more.")
    shown = f"{verdict.lines} lines, {verdict.checkpoints} checkpoints in the ledger, {verdict.elsewhere} elsewhere"
    if broken or not verdict.whole:
        fail(f"The audit log is not as it was written ({shown}).", FAILED)
    say(f"The audit log is as it was written ({shown}).")
    for text in _unproven(verdict, given=checkpoints is not None):
        note(text)


def _sentence(finding: Finding) -> str:
    where = "in the ledger" if finding.where == "ledger" else "from the second place"
    return SAID[finding.what].format(number=finding.number, to=finding.to, line=finding.line, where=where)


def _unproven(verdict: Verdict, *, given: bool) -> list[str]:
    """What the verdict does not cover."""
    texts = []
    if verdict.head.number > verdict.signed:
        texts.append(f"No signature vouches for the last {verdict.head.number - verdict.signed} lines yet.")
    if not given:
        texts.append("Not compared with a second place: the last lines and their checkpoints could have been cut off.")
    if verdict.odd:
        texts.append(
            f"{verdict.odd} rows were no lines of the log when they got their place, and stand as they did then."
        )
    if verdict.unlinked_since is not None:
        texts.append(f"Lines from {verdict.unlinked_since:%Y-%m-%d %H:%M:%S} UTC on have no place in the chain yet.")
    return texts


@app.command(name="list")
def list_lines(
    since: Annotated[
        datetime | None, typer.Option(help="Only from then on (UTC).", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
    ] = None,
    episode: Annotated[str | None, typer.Option(help="Only about this episode.")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this one did, as the log names them.")] = None,
    organisation: Annotated[str | None, typer.Option(help="Only about this organisation.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    settings_file: SettingsFile = None,
) -> None:
    """Lines, the newest first. That the log was read is a line of it too."""
    after = None if since is None else since.replace(tzinfo=UTC)
    wanted = Wanted(since=after, episode=episode, actor=actor, organisation=organisation)

    async def work(store: Store, settings: Settings) -> list[ListedLine]:
        reading = Reading(store=store, ids=SystemIds())
        return list(await reading.by_operator(wanted, SystemClock().now(), limit=limit))

    rows = table("Number", "At (UTC)", "Actor", "Action", "Organisation", "Episode", "Subject", "Detail")
    for one in with_store(settings_file, work):
        line = one.line
        rows.add_row(
            "" if one.number is None else str(one.number),
            f"{line.at:%Y-%m-%d %H:%M:%S}",
            line.actor,
            line.action,
            line.organisation or "",
            line.episode or "",
            line.subject or "",
            " ".join(f"{key}={value}" for key, value in sorted(remarks(line).items())),
        )
    OUT.print(rows)


@app.command()
def checkpoint(settings_file: SettingsFile = None) -> None:
    """Sign the chain as it stands now, and print the checkpoint: to be kept where nobody can change it."""

    async def work(store: Store, settings: Settings) -> Checkpoint | None:
        if not checkpoint_keys(settings):
            fail(f"There is no audit-*.key in {settings.keys}: make one with `fingerpost keys audit --new`.", USAGE)
        return await checkpointing_of(settings, store, SystemIds(), structlog.get_logger()).make(SystemClock().now())

    made = with_store(settings_file, work)
    if made is None:
        fail("Nothing was signed: the log is empty, or not as it was written. See `fingerpost audit verify`.")
    say(to_json(made).decode().rstrip())


def keys_audit(
    new: Annotated[bool, typer.Option("--new", help="First make a further key. It signs from the next start.")] = False,
    settings_file: SettingsFile = None,
) -> None:
    """The public keys that checkpoints of the audit log are checked with (PEM, the oldest first)."""
    settings = settings_or_exit(settings_file)
    if new:
        try:
            path = next_audit_key(settings.keys)
            write_new(path, new_audit_key())
        except OSError as error:
            fail(f"cannot write to {settings.keys}: {error.strerror}", FAILED)
        note(f"{path} is made.")
    try:
        keys = public_keys(settings.keys)
    except UnusableAuditKey as error:
        fail(str(error), FAILED)
    if not keys:
        fail(f"There is no audit-*.key in {settings.keys}: make one with --new.", FAILED)
    for name, key in keys.items():
        say(name)
        say(as_pem(key).rstrip())
