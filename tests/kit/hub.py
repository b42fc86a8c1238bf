"""A whole hub in this process: real store, real keys, the real composition; mail goes to a real SMTP server."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from contacts.fictional import fictional_bundle
from contacts.tables import dumps
from hub.edge.audit_keys import new_audit_key, next_audit_key
from hub.edge.push_keys import KINDS, new_key, next_key
from hub.edge.signer_keys import signer_files, write_new
from hub.edge.vault import create_key_file
from hub.settings import Settings, load
from tests.kit.pki import NOW, person, root, rsa_key
from tests.kit.store import empty_ledger

SENDER = "hub@hub.example"


def hub_settings(folder: Path, *, smtp_port: int = 2525, **changes: Any) -> Settings:
    """Settings of a hub in ``folder``, with keys made on the first call."""
    return load(environment={}, overrides=hub_values(folder, smtp_port=smtp_port) | changes)


def hub_values(folder: Path, *, smtp_port: int) -> dict[str, Any]:
    """The same as plain values; a made-up relay on this machine, trusted by the test root. What a start does to a
    folder with no ledger is another test's."""
    ledger = folder / "fingerpost.sqlite3"
    if not ledger.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_new(ledger, empty_ledger())
    keys = folder / "keys"
    if not keys.exists():
        make_keys(keys)
    ca = folder / "root.pem"
    ca.write_bytes(root().pem)
    return {
        "data_folder": folder,
        "bind_port": 0,
        "smtp_host": "localhost",
        "smtp_port": smtp_port,
        "smtp_ca_file": ca,
        "sender": SENDER,
        "trust_anchor_files": (ca,),
        "operator_address": "operator@hub.example",
        "verify_contacts": False,
    }


def hub_environment(folder: Path, *, smtp_port: int, **changes: str) -> Mapping[str, str]:
    """The same as environment variables, for a process of its own."""
    values = {**hub_values(folder, smtp_port=smtp_port), "trust_anchor_files": folder / "root.pem", **changes}
    return {f"FINGERPOST_{name.upper()}": str(value) for name, value in values.items()}


def make_keys(keys: Path) -> None:
    """What ``fingerpost keys init --signer`` writes."""
    keys.mkdir(parents=True)
    create_key_file(keys / "kek-1.key")
    create_key_file(keys / "index.key")
    for kind in KINDS:
        write_new(next_key(kind, keys), new_key(kind))
    write_new(next_audit_key(keys), new_audit_key())
    for name, content in _signer().items():
        write_new(keys / name, content)


def _signer() -> Mapping[str, bytes]:
    if not _MADE:
        _MADE.update(signer_files(SENDER, "Fingerpost", NOW))
    return _MADE


_MADE: dict[str, bytes] = {}


@cache
def story_bundle() -> bytes:
    """The made-up directory, with certificates for the desks of Bromley, North Lincolnshire and the forces."""

    def certificate(address: str) -> bytes | None:
        # For these only: making thousands takes too long.
        if any(code in address for code in ("e09000006", "e06000013", "e230000")):
            return person(address, issuer=root(), key=rsa_key("mailboxes")).der
        return None

    return dumps(fictional_bundle(certificates=certificate))
