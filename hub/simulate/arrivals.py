"""When each event of a scenario arrives on the virtual clock (vocabulary.md, simulate; readings.md B10)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from hub.core.events import instant


class BadScenario(ValueError):
    """The scenario file itself cannot be used."""


def arrivals(events: Sequence[Any]) -> tuple[datetime, ...]:
    """The instant of each, in file order: ``arrives`` if given, else its own ``time``. The clock does not go backwards.
    An event whose time is part of what is wrong with it arrives with the one before, to be refused as the hub refuses
    it. Raises ``BadScenario`` where nothing says when anything happens."""
    given = [_given(raw) for raw in events]
    begin = next((at for at in given if at is not None), None)
    if begin is None:
        raise BadScenario("events[]: none has a time, or arrives, as RFC 3339 with an offset")
    return tuple(accumulate((at or begin for at in given), max))


def _given(raw: Any) -> datetime | None:
    if not isinstance(raw, Mapping):
        raise BadScenario("events[]: each must be an object")
    if raw.get("arrives"):
        try:
            return instant(raw["arrives"])
        except (TypeError, ValueError) as error:
            raise BadScenario("events[].arrives: must be RFC 3339 with an offset") from error
    try:
        return instant(raw["time"])
    except (KeyError, TypeError, ValueError):
        return None
