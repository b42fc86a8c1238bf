"""What the web needs from the services, and no more."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from hub.core.answers import Answer
from hub.core.events import EpisodeEvent, Problem
from hub.core.records import Source


class Intake(Protocol):
    """Takes events in; both raise StoreUnavailable when nothing can be stored now."""

    async def accept(self, event: EpisodeEvent, raw: bytes, source: Source) -> Answer: ...

    async def refuse(
        self,
        raw: bytes,
        source: Source,
        problems: Sequence[Problem],
        reason: Literal["invalid", "stale_signature"],
    ) -> str:
        """Seal the body into quarantine and alarm the operator; returns the quarantine id."""
        ...


class Meter(Protocol):
    """Counts what the web does; labels are codes and route patterns."""

    def event_answered(self, status: int) -> None: ...
    def signature_refused(self, reason: str) -> None: ...
    def request_answered(self, route: str, method: str, status: int, seconds: float) -> None: ...
    def render(self, counts: Mapping[str, int], alive: Mapping[str, bool]) -> bytes: ...


class Log(Protocol):
    """Content-free words."""

    def error(self, event: str, **fields: Any) -> Any: ...
    def warning(self, event: str, **fields: Any) -> Any: ...
