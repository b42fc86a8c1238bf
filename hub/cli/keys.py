"""``fingerpost keys``: the files without which nothing can be sealed or signed."""

from typing import Annotated

import typer

from hub.cli.console import FAILED, USAGE, SettingsFile, fail, note, say, settings_or_exit
from hub.edge.clock import SystemClock
from hub.edge.signer_keys import signer_files, write_new
from hub.edge.vault import create_key_file
from hub.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Make the hub's keys.")


@app.callback()
def keys() -> None:
    """Make the hub's keys."""


@app.command()
def init(
    settings_file: SettingsFile = None,
    signer: Annotated[
        bool, typer.Option("--signer", help="Also make an S/MIME key with a certificate from a CA of its own.")
    ] = False,
) -> None:
    """Write a key-encryption key and the index secret (32 random bytes each); never over an existing file."""
    settings = settings_or_exit(settings_file)
    if signer and settings.sender is None:
        fail("FINGERPOST_SENDER: is needed for --signer: the certificate bears the address notices come from", USAGE)
    wanted = {settings.keys / "kek-1.key", settings.index_secret}
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


def _write(settings: Settings, signer: bool) -> None:
    for folder in (settings.data_folder, settings.keys, settings.index_secret.parent):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (settings.keys / "kek-1.key", settings.index_secret):
        create_key_file(path)
        say(str(path))
    if signer and settings.sender is not None:
        for name, content in signer_files(settings.sender, settings.sender_name, SystemClock().now()).items():
            write_new(settings.keys / name, content)
            say(str(settings.keys / name))
