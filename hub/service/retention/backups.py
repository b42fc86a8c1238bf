"""Old backups of the key store: with one, whoever was erased since could be read again. So they are an alarm."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from hub.service.ports import Ids, Store
from hub.service.retention.alarms import stands
from hub.service.supervise import Log

EVERY: Final = 3600.0
KIND: Final = "key_backup_old"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """``old``: the files that should be gone by now; it may wait for a disk, and runs in a thread."""

    store: Store
    old: Callable[[datetime], Sequence[Path]] = field(repr=False)
    ids: Ids
    log: Log

    async def tick(self, now: datetime) -> int:
        """Look; how many are too old. Raises StoreUnavailable."""
        try:
            found = len(await asyncio.to_thread(self.old, now))
        except OSError as error:
            self.log.error("key_backups.unreadable", error=type(error).__name__)
            found = -1  # what cannot be looked at may be too old
        await stands(self.store, self.ids, KIND, found != 0, now)
        return found
