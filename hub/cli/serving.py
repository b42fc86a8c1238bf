"""``fingerpost serve``: run the hub until it is told to stop, or a part of it dies."""

import asyncio
from typing import Annotated

import typer

from hub.app.domain import domain_of
from hub.app.running import CannotListen
from hub.app.running import serve as run_hub
from hub.cli.console import BUSY, ERR, FAILED, USAGE, SettingsFile, fail, note, settings_or_exit
from hub.edge.single import AlreadyRunning
from hub.edge.telemetry import Metrics, configure_logging
from hub.edge.vault import VaultError
from hub.service.ports import StoreUnavailable
from hub.settings import SettingsError, missing_for_serving, risks
from hub.store import NoSuchKey, NotItsKeyStore, SchemaTooNew, StoreFault
from hub.web.statics import AssetsMissing


def serve(
    settings_file: SettingsFile = None,
    receive_only: Annotated[
        bool,
        typer.Option(
            "--receive-only",
            help="Take events and answers, and send no notice: after a restore, until what came since is posted again.",
        ),
    ] = False,
) -> None:
    """Take events, send notices, take answers. Logs JSON lines to standard error; stops in order on SIGTERM."""
    settings = settings_or_exit(settings_file)
    missing = missing_for_serving(settings)
    for problem in missing:
        ERR.print(f"{problem.setting}: {problem.message}", style="red", markup=False)
    if missing:
        raise typer.Exit(USAGE)
    for risk in risks(settings):
        note(f"risk {risk.name}: {risk.message}")
    if receive_only:
        settings = settings.receiving_only()
        note("No notice is sent and nobody chased: start again without --receive-only when all events are in.")
    metrics = Metrics()
    configure_logging(settings.log_level, metrics)
    try:
        status = asyncio.run(run_hub(settings, domain_of, metrics=metrics))
    except SettingsError as error:
        for problem in error.problems:
            ERR.print(f"{problem.setting}: {problem.message}", style="red", markup=False)
        raise typer.Exit(USAGE) from None
    except StoreUnavailable:
        fail("The store cannot be used: is the disk full, the folder writable, the server up?", BUSY)
    except (NoSuchKey, NotItsKeyStore, SchemaTooNew, StoreFault, VaultError) as error:
        fail(f"The store cannot be opened: {error}")
    except (AlreadyRunning, AssetsMissing, CannotListen) as error:
        fail(str(error), FAILED)
    raise typer.Exit(status)
