"""A made-up report goes the way of every other, up to the mail, when a hub starts; and nothing of it remains.

What is done for the first time in a process (statements compiled, tables of telephone numbers read, data keys for
children to come made) costs several times what it costs ever after, and nobody's child is to pay for it. And a hub
that cannot do its work says so before the first event, not with it.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.port import Alert, written
from contacts.areas import Areas
from contacts.directory import Directory
from hub.core.answers import Answer
from hub.core.events import EpisodeEvent, Invalid
from hub.core.records import Source
from hub.service.ports import Clock, Store, Unit
from hub.service.recording import Log
from hub.service.sending import Envelopes

REHEARSAL: Final = "rehearsal"
"""The source it comes from and the node that has it in hand, for as long as it lasts."""
_A_FEW: Final = 4
_LEASE: Final = timedelta(minutes=1)


class _Undone(Exception):
    """All of it was done, and the transaction that did it is to be taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """``parse``: the bytes of an event to what they mean. ``take``: what it means, written down in a transaction."""

    store: Store
    parse: Callable[[bytes], EpisodeEvent | Invalid]
    take: Callable[[Unit, EpisodeEvent, bytes, Source, datetime], Awaitable[Answer]]
    envelopes: Envelopes
    directory: Callable[[], Directory]
    areas: Areas
    clock: Clock
    log: Log

    async def once(self) -> bool:
        """Whether it went well; if not, why is in the log and the hub goes on: a real event may fare better."""
        now = self.clock.now()
        known, english = self.directory(), self.areas.english()
        place = next((one for one in english if known.organisation(one) is not None), english[0])
        body = json.dumps(_report(place, now)).encode()
        event = self.parse(body)
        if isinstance(event, Invalid):
            self.log.error("rehearsal.failed", reason="refused")
            return False
        source = Source(id=REHEARSAL, uri=event.source, name="", authorities=frozenset({place}), created_at=now)

        async def work(unit: Unit) -> None:
            # Where a child's notice is due, that is claimed and composed in a moment: no hub is to wait for it.
            nothing_due = await unit.due_ways(now) == frozenset()
            await unit.put_source(source)
            answer = await self.take(unit, event, body, source, now)
            for claimed in await unit.claim(now, now + _LEASE, REHEARSAL, _A_FEW) if nothing_due else ():
                made = self.envelopes.content(claimed).body
                if not isinstance(made, Alert):
                    written(made)
            raise _Undone(answer.status)

        try:
            await self.store.write(work)
        except _Undone as done:
            status = done.args[0]
            if status != 202:
                self.log.error("rehearsal.failed", reason="not_accepted", status=status)
            return bool(status == 202)
        except Exception as error:
            self.log.error("rehearsal.failed", error=type(error).__name__)
        return False


def _report(place: str, now: datetime) -> dict[str, Any]:
    """A report about nobody."""
    ago = (now - timedelta(hours=1)).isoformat()
    return {
        "specversion": "1.0",
        "id": REHEARSAL,
        "source": f"urn:fingerpost:source:{REHEARSAL}",
        "type": "fingerpost.episode.reported.v1",
        "time": now.isoformat(),
        "datacontenttype": "application/json",
        "data": {
            "episode": {
                "ref": REHEARSAL,
                "category": "missing",
                "since": ago,
                "last_seen": {"at": ago, "place": "Nowhere"},
                "missing_from": "placement",
                "circumstances": "None",
                "risk": {"level": "medium", "assessed_by": "police"},
            },
            "child": {
                "ref": REHEARSAL,
                "name": "Nobody",
                "date_of_birth": f"{now.year - 12}-01-01",
                "mobile": "+447700900000",
                "looked_after": True,
                "legal_status": "section_20",
            },
            "placement": {
                "type": "childrens_home",
                "responsible_authority": place,
                "host_authority": place,
                "provider": "None",
                "phone": "+447700900000",
            },
            "people": [{"role": "carer", "name": "Nobody", "email": "nobody@home.example", "phone": "07700900000"}],
        },
    }
