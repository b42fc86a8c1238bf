"""Secrets do not print: not in a representation, a log, an error, a list of processes."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import typer.main
from pydantic import BaseModel, SecretBytes, SecretStr

import adapters
import contacts
import hub
import routing
from hub.cli.commands import app

SECRET = re.compile(r"secret|password|passphrase|token|credential|private|(^|_)keys?$|(^|_)pin$")
NOT_SECRET = {
    "hub.core.api_tokens.TokenSecret.token": "the id of a token",
    "hub.core.checkpoints.Checkpoint.key": "the id of a public key",
    "hub.core.oidc.Metadata.token_endpoint": "a public address",
    "hub.core.peers.Introduction.keys": "public keys, which are published",
    "hub.core.records.deliveries.DeliveryRecord.token_digest": "a digest of 256 random bits",
    "hub.core.verification.Verification.token_digest": "a digest of 256 random bits",
    "hub.core.webhook.Verified.key": "the id of a key",
    "hub.simulate.story._Cause.key": "a key of a mapping",
    "hub.web.pages.directory.editing._Place.key": "the key of a directory entry",
}
"""Fields that are named like a secret, are shown, and why they may be."""
ARGUMENTS = re.compile(r"secret|password|passphrase|pin$|private")


def modules() -> Iterator[ModuleType]:
    for package in (hub, adapters, contacts, routing):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__") and ".migrations" not in found.name:
                yield importlib.import_module(found.name)


def classes() -> Iterator[type]:
    for module in modules():
        for _, found in inspect.getmembers(module, inspect.isclass):
            if found.__module__ == module.__name__:
                yield found


def test_no_representation_shows_a_field_that_is_named_like_a_secret() -> None:
    shown = {
        f"{one.__module__}.{one.__qualname__}.{field.name}"
        for one in classes()
        if dataclasses.is_dataclass(one) and one.__dataclass_params__.repr  # type: ignore[attr-defined]
        for field in dataclasses.fields(one)
        if field.repr and re.search(r"\b(str|bytes)\b", str(field.type)) and SECRET.search(field.name)
    }
    assert shown == set(NOT_SECRET)


def test_a_setting_that_is_a_secret_cannot_print() -> None:
    """Or it is the name of a file that holds it, or a number."""
    plain = {
        f"{one.__qualname__}.{name}"
        for one in classes()
        if issubclass(one, BaseModel) and "settings" in one.__module__
        for name, field in one.model_fields.items()
        if SECRET.search(name)
        and not any(kind.__name__ in str(field.annotation) for kind in (SecretStr, SecretBytes, Path))
        and field.annotation not in (int, float, bool)
    }
    assert plain == set()


def test_no_command_takes_a_secret_where_the_list_of_processes_shows_it() -> None:
    found: list[str] = []

    def walk(command: click.Command, path: str) -> None:
        for parameter in command.params:
            if ARGUMENTS.search(parameter.name or "") and not (parameter.name or "").endswith(("_file", "file")):
                found.append(f"{path} {parameter.name}")
        for name, below in getattr(command, "commands", {}).items():
            walk(below, f"{path} {name}")

    walk(typer.main.get_command(app), "fingerpost")
    assert found == []


def test_what_goes_wrong_in_a_command_shows_no_values() -> None:
    assert app.pretty_exceptions_show_locals is False
