"""What is kept how long, and who sees to it, as the settings have it."""

from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from hub.app.foundations import Log
from hub.core.retention import Terms
from hub.edge.key_backups import too_old
from hub.service.ports import Ids, Store
from hub.service.retention.backups import Backups
from hub.service.retention.erasing import Erasing, Periods
from hub.service.retention.ports import Keys
from hub.settings import Settings
from routing.calendar import Period


def periods_of(settings: Settings) -> Periods:
    """How long what is kept."""
    sessions = timedelta(days=settings.retention_sessions_days)
    return Periods(
        children=Terms(
            real=Period(months=12 * settings.retention_years),
            rehearsed=Period(days=settings.retention_exercise_days),
        ),
        rest={
            "quarantine": timedelta(days=settings.retention_quarantine_days),
            "receipts": timedelta(days=settings.retention_receipts_days),
            # Nobody can do anything with these any more (hub/core/uploads.py); the rest is for two nodes' clocks.
            "uploads": timedelta(hours=2),
            "spent": timedelta(days=1),
            "links": sessions,
            "sessions": sessions,
        },
    )


def erasing_of(settings: Settings, store: Store, keys: Keys, ids: Ids, log: Log) -> Erasing:
    """Whoever erases."""
    return Erasing(store=store, keys=keys, periods=periods_of(settings), ids=ids, log=log)


def backups_of(settings: Settings, store: Store, ids: Ids, log: Log) -> Backups | None:
    """Whoever looks after the backups of the key store; None where no folder of them is named."""
    folder = settings.key_backups_folder
    if folder is None:
        return None
    return Backups(store=store, old=partial(_old, folder, deadline_of(settings)), ids=ids, log=log)


def deadline_of(settings: Settings) -> timedelta:
    """How old a backup of the key store may be."""
    return timedelta(days=settings.erasure_deadline_days)


def _old(folder: Path, at_most: timedelta, now: datetime) -> tuple[Path, ...]:
    return too_old(folder, at_most, now)
