"""The audit log's parts: the chainer, the checkpoints, the second places."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from hub.app.foundations import Log
from hub.core.checkpoints import CheckpointKey
from hub.core.records import AuditLine
from hub.edge.audit_keys import UnusableAuditKey, public_keys, signing_key
from hub.edge.checkpoint_places import FolderPlace, UrlPlace
from hub.edge.clock import SystemClock
from hub.service.audit.chaining import EVERY as CHAIN_EVERY
from hub.service.audit.chaining import Chaining
from hub.service.audit.checkpointing import EVERY as CHECKPOINT_EVERY
from hub.service.audit.checkpointing import Checkpointing
from hub.service.audit.sending import EVERY as SEND_EVERY
from hub.service.audit.sending import Place, Sending
from hub.service.ports import Clock, Ids, Store
from hub.service.supervise import Supervisor, Tick
from hub.settings import Settings, risks, wrong
from routing.packs import Packs


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What keeps the audit log."""

    chain: Tick
    """Also one of the ``ticks``: health looks at its age."""
    ticks: Mapping[Tick, float]
    """By how many seconds."""
    amiss: Sequence[Callable[[], Mapping[str, int]]]
    figures: Callable[[], Mapping[str, int]]


def audit_of(settings: Settings, store: Store, clock: Clock, ids: Ids, log: Log, supervisor: Supervisor) -> Audit:
    """Every part over the settings. Raises SettingsError for a key file that cannot be used."""
    chaining = Chaining(store=store, clock=clock, pause=clock.sleep)
    making = checkpointing_of(settings, store, ids, log)
    sending = Sending(store=store, places=_places(settings), ids=ids, log=log)
    chain = Tick("audit chain", chaining.tick, clock=clock, supervisor=supervisor, log=log)
    ticks = {
        chain: CHAIN_EVERY,
        Tick("audit checkpoints", making.tick, clock=clock, supervisor=supervisor, log=log): CHECKPOINT_EVERY,
        Tick("audit sending", sending.tick, clock=clock, supervisor=supervisor, log=log): SEND_EVERY,
    }
    return Audit(
        chain=chain,
        ticks=ticks,
        amiss=(chaining.amiss, making.amiss, sending.amiss),
        figures=chaining.figures,
    )


async def say_started(settings: Settings, store: Store, packs: Packs, ids: Ids, now: datetime) -> None:
    """Write down what this process decides by: its version, its packs, and which risky settings it runs with. Raises
    StoreUnavailable."""
    try:
        running = version("fingerpost")
    except PackageNotFoundError:
        running = "unknown"
    detail = {
        "version": running,
        "packs": " ".join(f"{pack.name}:{pack.version}" for pack in packs.written),
        "risks": " ".join(risk.name for risk in risks(settings)),
    }
    line = AuditLine(id=ids.new("au", now), at=now, actor="hub", action="hub.started", detail=detail)
    await store.write(lambda unit: unit.add_audit([line]))


def checkpointing_of(settings: Settings, store: Store, ids: Ids, log: Log) -> Checkpointing:
    """Over the newest key there is. Raises SettingsError for a file that cannot be used."""
    return Checkpointing(
        store=store, hub=settings.public_url, key=_key(settings), ids=ids, log=log, pause=SystemClock().sleep
    )


def checkpoint_keys(settings: Settings) -> Mapping[str, Ed25519PublicKey]:
    """Those that checkpoints may be signed with, by id. Raises SettingsError for a file that cannot be used."""
    try:
        return public_keys(settings.keys)
    except UnusableAuditKey as error:
        raise wrong("KEYS_FOLDER", str(error)) from None


def _key(settings: Settings) -> CheckpointKey | None:
    try:
        return signing_key(settings.keys)
    except UnusableAuditKey as error:
        raise wrong("KEYS_FOLDER", str(error)) from None


def _places(settings: Settings) -> Sequence[Place]:
    places: list[Place] = []
    if settings.audit_folder is not None:
        places.append(FolderPlace(settings.audit_folder))
    if settings.audit_url is not None:
        places.append(UrlPlace(settings.audit_url.get_secret_value()))
    return places
