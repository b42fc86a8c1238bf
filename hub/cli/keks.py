"""``fingerpost keys rotate``, ``status`` and ``retire``: one key-encryption key takes over from another."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from hub.app.keys import kek_files
from hub.cli.console import BUSY, FAILED, USAGE, SettingsFile, fail, note, say, settings_or_exit
from hub.cli.ledger import with_store
from hub.core.naming import moment
from hub.core.records import AuditLine
from hub.edge.clock import SystemClock
from hub.edge.ids import SystemIds
from hub.edge.keks import KEY_ID
from hub.edge.vault import create_key_file
from hub.service.ports import Store, StoreUnavailable
from hub.settings import Settings
from hub.store import BadStoreUrl, PostgresStore, SqliteStore, open_key_store, rotation
from hub.store.keks import Standing
from hub.store.rotation import CannotRetire, CannotRotate, Proposed

KeyId = Annotated[str, typer.Argument(metavar="ID", help="Of the key-encryption key: kek-ID.key.")]


def rotate(
    to: Annotated[
        str | None,
        typer.Option("--to", help="A key-encryption key that is there already; without it one is made as a file."),
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Have another key-encryption key take over: as soon as every running hub has it, without a restart."""
    made: list[Path] = []

    async def work(store: Store, settings: Settings) -> Proposed:
        keys = _keys_of(store)
        asked = settings.kek_current
        name = to if to is not None else await _next(store, settings)
        if asked not in (None, name):
            raise CannotRotate(
                f"FINGERPOST_KEK_CURRENT asks for {asked} at every start: take it out of the settings first."
            )
        if to is None:
            path = settings.keys / f"kek-{name}.key"
            create_key_file(path)
            made.append(path)
        if not await keys.wrapping.holds(name):
            raise CannotRotate(f"There is no usable key-encryption key {name} where the settings look for one.")
        proposed = await rotation.propose(keys, name, SystemClock().now())
        await _write_down(store, "keys.rotated", name)
        return proposed

    try:
        proposed = with_store(settings_file, work)
    except CannotRotate as error:
        fail(str(error), USAGE)
    except FileExistsError:
        fail("Somebody else is making a key-encryption key at this moment: see `fingerpost keys status`.", BUSY)
    except OSError as error:
        fail(f"the key file cannot be written: {error.strerror}", FAILED)
    for path in made:
        say(str(path))
        note("Back it up apart from the database, before anything else, and copy it to every machine that runs a hub.")
    if proposed.lacking:
        say(f"{proposed.id} takes over once every running hub has it; these have not said so yet:")
        for node in proposed.lacking:
            say(f"  {node.id}")
        note(
            f"A hub looks every {rotation.EVERY:g} seconds where its settings say; no restart is needed, but for a "
            "setting that has to change. `fingerpost keys status` shows how far it is."
        )
        return
    say(f"{proposed.id} wraps new data keys from now on.")
    note("The others are wrapped anew while a hub runs; `fingerpost keys status` shows how far it is.")


async def _next(store: Store, settings: Settings) -> str:
    """The id of a key file that is to be made."""
    if settings.kek_files:
        raise CannotRotate(
            "The settings name each key file (FINGERPOST_KEK_FILES): make one of 32 random bytes, add it on every "
            "machine, start the hubs again, then give its id with --to."
        )
    if settings.keks_elsewhere and not kek_files(settings):
        raise CannotRotate("The keys are not files: make one where they are kept, then give its id with --to.")
    known = (await rotation.status(_keys_of(store).database)).keks
    if waiting := next((one.id for one in known if one.state == "waiting"), None):
        raise CannotRotate(f"{waiting} waits already to take over; `keys retire {waiting}` gives it up.")
    there = {one.id for one in known} | set(kek_files(settings))
    return str(max((int(one) for one in there if one.isascii() and one.isdigit()), default=len(there)) + 1)


def status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False, settings_file: SettingsFile = None
) -> None:
    """Which key-encryption key wraps how many data keys, and which running hubs have which. Opens no key."""
    settings = settings_or_exit(settings_file)

    async def main() -> Standing:
        database = open_key_store(settings.key_store)
        try:
            return await rotation.status(database)
        finally:
            await database.aclose()

    try:
        found = asyncio.run(main())
    except BadStoreUrl as error:
        fail(f"FINGERPOST_KEY_STORE_URL: {error}", USAGE)
    except FileNotFoundError:
        fail("There is no key store yet, which the first start of a hub makes; or its volume is not mounted.", FAILED)
    except (StoreUnavailable, OSError):
        fail("The key store cannot be used now: is the folder there, the server up? Try again.", BUSY)
    if as_json:
        typer.echo(json.dumps(_as_json(found), indent=1))
        return
    for one in found.keks:
        wraps = found.wraps.get(one.id, 0)
        since = f", since {moment(one.activated_at)}" if one.activated_at and one.state == "current" else ""
        say(f"{one.id}  {one.state}{since}, wraps {wraps} data key{'' if wraps == 1 else 's'}")
    total = sum(found.wraps.values())
    left = total - found.wraps.get(found.current, 0)
    if unknown := found.wraps.get(None, 0):
        say(f"Of {unknown} data keys a running hub has yet to look what wraps them.")
    if total:
        say(f"{total - left} of {total} data keys are wrapped by {found.current} ({(total - left) * 100 // total} %).")
    waiting = [one.id for one in found.keks if one.state == "waiting"]
    for node in found.live:
        lacks = [name for name in (*waiting, found.current) if name is not None and name not in node.holds]
        say(f"hub {node.id}, heard of {moment(node.seen_at)}: {'lacks ' + ', '.join(lacks) if lacks else 'has them'}")
    if not found.live:
        say("No hub runs.")


def retire(name: KeyId, settings_file: SettingsFile = None) -> None:
    """Never use a key-encryption key again; refused, with the number, while a data key needs it."""

    async def work(store: Store, settings: Settings) -> None:
        if settings.kek_current == name:
            raise CannotRetire(f"FINGERPOST_KEK_CURRENT asks for {name}: take it out of the settings first.")
        await rotation.retire(_keys_of(store), name, SystemClock().now())
        await _write_down(store, "keys.retired", name)

    try:
        with_store(settings_file, work)
    except CannotRetire as error:
        fail(str(error), FAILED)
    except LookupError:
        fail(f"There is no key-encryption key {name}: see `fingerpost keys status`.", USAGE)
    say(f"{name} is retired.")
    note(
        "Keep the key itself, off this machine, as long as there is a backup of the key store from while it wrapped: "
        "such a backup opens with nothing else."
    )


def _keys_of(store: Store) -> rotation.KeyStore:
    if not isinstance(store, SqliteStore | PostgresStore):
        raise TypeError("this store has no key store of its own")
    return store.keys


async def _write_down(store: Store, action: str, name: str) -> None:
    now = SystemClock().now()
    detail = {"kek": name} if KEY_ID.fullmatch(name) else {}
    line = AuditLine(id=SystemIds().new("au", now), at=now, actor="operator", action=action, detail=detail)
    await store.write(lambda unit: unit.add_audit([line]))


def _as_json(found: Standing) -> dict[str, object]:
    return {
        "current": found.current,
        "keys": [{"id": one.id, "state": one.state, "wraps": found.wraps.get(one.id, 0)} for one in found.keks],
        "unknown": found.wraps.get(None, 0),
        "hubs": [{"id": one.id, "seen_at": one.seen_at.isoformat(), "holds": sorted(one.holds)} for one in found.nodes],
    }
