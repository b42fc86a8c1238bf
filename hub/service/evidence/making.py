"""Making an evidence bundle: who asked for it, and why, stands in the audit log before anybody has it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.core.bundles import packed
from hub.core.checkpoints import CheckpointKey
from hub.core.records import AuditLine
from hub.service.evidence.bundle import Making, files_of
from hub.service.evidence.gathering import gathered
from hub.service.evidence.ports import Pack
from hub.service.ports import Clock, Ids, Store, Unit

Why = Literal["court", "police", "inspection", "review", "complaint", "subject-access", "exercise"]
"""What a bundle is asked for. A code: the audit log holds no words that anybody typed."""
WHY: Final[tuple[Why, ...]] = get_args(Why)
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_-]{0,39}", re.ASCII)


class LogUnreadable(Exception):
    """A row about the episode was changed into something that is none: nothing can be proved of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks for it, and why. Raises ValueError for a reference that is no reference."""

    actor: str
    why: Why
    reference: str | None = None
    """The number of the case or request it belongs to: up to 40 letters, digits, dots, slashes, dashes."""

    def __post_init__(self) -> None:
        if self.reference is not None and not _REFERENCE.fullmatch(self.reference):
            raise ValueError("a reference has 1 to 40 letters, digits, dots, slashes, dashes and underscores")

    @property
    def detail(self) -> dict[str, str]:
        """For the audit line."""
        return {"why": self.why} | ({} if self.reference is None else {"reference": self.reference})


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A bundle, and what is in it."""

    data: bytes = field(repr=False)
    files: int
    records: int
    lines: int
    erased: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundles:
    """Makes them. ``hub``: its public address, as checkpoints bear it."""

    store: Store
    clock: Clock
    ids: Ids
    hub: str
    key: CheckpointKey
    keys: Mapping[str, Ed25519PublicKey] = field(repr=False)
    packs: Mapping[str, Pack] = field(repr=False)
    checkpoint: Callable[[datetime], Awaitable[object]] = field(repr=False)
    """Links what is not linked yet and signs where the chain then stands, so that a bundle proves all that it shows.
    A chain that is broken is not signed; the verifier then finds that."""

    async def of(self, episode: str, asked: Asked) -> Made | None:
        """The bundle of one episode; None, and no line, if there is none. Raises StoreUnavailable, LogUnreadable."""
        now = self.clock.now()

        async def say_so(unit: Unit) -> bool:
            subject = await unit.evidence.subject(episode)
            if subject is not None:
                line = AuditLine(id=self.ids.new("au", now), at=now, actor=asked.actor, action="evidence.made",
                                 organisation=subject.organisation, episode=episode, subject=episode,
                                 detail=asked.detail)  # fmt: skip
                await unit.add_audit([line])
            return subject is not None

        if not await self.store.write(say_so):
            return None
        await self.checkpoint(now)
        try:
            found = await self.store.read(lambda unit: gathered(unit, episode))
        except (ValueError, TypeError) as error:
            raise LogUnreadable(type(error).__name__) from error
        if found is None:
            return None
        files = files_of(found, Making(hub=self.hub, made_at=now, key=self.key, keys=self.keys, packs=self.packs))
        return Made(
            data=packed(files),
            files=len(files),
            records=len(found.records),
            lines=len(found.lines),
            erased=sum(one.erased for one in found.records),
        )
