"""``fingerpost keys``: the files without which nothing can be sealed or signed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hub.cli import keks
from hub.cli.console import FAILED, USAGE, SettingsFile, fail, note, say, settings_or_exit
from hub.core.webhook import public_key_to_text
from hub.edge.audit_keys import new_audit_key
from hub.edge.clock import SystemClock
from hub.edge.push_keys import KINDS, Kind, UnusablePushKey, content_signer, new_key, next_key, request_key
from hub.edge.signer_keys import signer_files, write_new
from hub.edge.vault import create_key_file
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Make the hub's keys, and change them.")
app.command()(keks.rotate)
app.command()(keks.status)
app.command()(keks.retire)


@app.command()
def init(
    settings_file: SettingsFile = None,
    signer: Annotated[
        bool, typer.Option("--signer", help="Also make an S/MIME key with a certificate from a CA of its own.")
    ] = False,
) -> None:
    """Write a key-encryption key, the index secret (32 random bytes each), the keys for HTTPS push and for the audit
    log; never over an existing file."""
    settings = settings_or_exit(settings_file)
    if signer and settings.sender is None:
        fail("FINGERPOST_SENDER: is needed for --signer: the certificate bears the address notices come from", USAGE)
    wanted = {settings.keys / "kek-1.key", settings.index_secret}
    wanted |= {settings.keys / f"push-{kind}-1.key" for kind in KINDS} | {settings.keys / "audit-1.key"}
    if signer:
        wanted |= {settings.keys / name for name in ("signer.key", "signer.crt", "signer-ca.key", "signer-ca.crt")}
    there = sorted(str(path) for path in wanted if path.exists()) + [str(p) for p in settings.kek_files if p.exists()]
    if there:
        fail("Nothing was written, as these keys exist already and what they seal would be lost:\n" + "\n".join(there))
    try:
        _write(settings, signer)
    except OSError as error:
        fail(f"cannot write to {settings.keys}: {error.strerror}", FAILED)
    note(
        "Back these files up apart from the database and keep them from everyone else: without kek-1.key and the index "
        "secret nothing in the database can be read again."
    )
    if signer:
        note("Give signer-ca.crt to the recipients to trust, and move signer-ca.key off this machine.")


@app.command()
def push(
    settings_file: SettingsFile = None,
    new_content: Annotated[
        bool, typer.Option("--new-content", help="First make a further key for content. It signs from the next start.")
    ] = False,
    new_request: Annotated[
        bool, typer.Option("--new-request", help="First make a further key for requests. From the next start all sign.")
    ] = False,
    new_receive: Annotated[
        bool, typer.Option("--new-receive", help="First make a further key that other hubs seal for.")
    ] = False,
) -> None:
    """What receivers by HTTPS push are given: the hub's name and its public keys, as JSON."""
    settings = settings_or_exit(settings_file)
    try:
        for kind, wanted in zip(KINDS, (new_content, new_request, new_receive), strict=True):
            if wanted:
                note(f"{_make(kind, settings.keys)} is made.")
    except OSError as error:
        fail(f"cannot write to {settings.keys}: {error.strerror}", FAILED)
    try:
        signers = [content_signer(path) for path in sorted(settings.push_content_keys)]
        requests = [public_key_to_text(request_key(path).key) for path in settings.push_request_keys]
    except UnusablePushKey as error:
        fail(str(error), FAILED)
    if not signers or not requests:
        fail(f"There are no keys for push in {settings.keys}: make them with --new-content --new-request.", FAILED)
    public = {"iss": settings.public_url, "keys": [signer.public_jwk for signer in signers], "requests": requests}
    say(json.dumps(public, indent=1))


def _write(settings: Settings, signer: bool) -> None:
    for folder in (settings.data_folder, settings.keys, settings.index_secret.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (settings.keys / "kek-1.key", settings.index_secret):
        create_key_file(path)
        say(str(path))
    for kind in KINDS:
        say(str(_make(kind, settings.keys)))
    write_new(settings.keys / "audit-1.key", new_audit_key())
    say(str(settings.keys / "audit-1.key"))
    if signer and settings.sender is not None:
        for name, content in signer_files(settings.sender, settings.sender_name, SystemClock().now()).items():
            write_new(settings.keys / name, content)
            say(str(settings.keys / name))


def _make(kind: Kind, folder: Path) -> Path:
    path = next_key(kind, folder)
    write_new(path, new_key(kind))
    return path
