"""One command's work on the store, with every failure in plain words."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from hub.app.ledger import open_ledger
from hub.cli.console import BUSY, ERR, USAGE, fail, settings_or_exit
from hub.cli.looks import noted
from hub.edge.vault import VaultError
from hub.service.ports import StoreUnavailable
from hub.settings import Settings, SettingsError
from hub.store import NoSuchKey, NotItsKeyStore, PostgresStore, SchemaTooNew, SqliteStore, StoreFault

T = TypeVar("T")
Stores: TypeAlias = SqliteStore | PostgresStore


def with_store(
    settings_file: Path | None, work: Callable[[Stores, Settings], Awaitable[T]], *, without_children: bool = False
) -> T:
    """Open the store of the settings, do ``work``, write down that somebody looked (hub/cli/looks.py) unless it found
    None, close it. ``without_children``: also beside a key store that knows none of the ledger's. Ends the process with
    a sentence on failure."""
    settings = settings_or_exit(settings_file)

    async def main() -> T:
        async with open_ledger(settings, without_children=without_children) as store:
            found = await work(store, settings)
            if found is not None:  # there is nothing to see of what is not there
                await noted(store)
            return found

    try:
        return asyncio.run(main())
    except SettingsError as error:
        for problem in error.problems:
            ERR.print(f"{problem.setting}: {problem.message}", style="red", markup=False)
        fail("The hub's files are not complete.", USAGE)
    except StoreUnavailable:
        fail("The store cannot be used now: is the disk full, the folder writable, the server up? Try again.", BUSY)
    except (NoSuchKey, NotItsKeyStore, SchemaTooNew, StoreFault, VaultError) as error:
        fail(f"The store cannot be opened: {error}")
