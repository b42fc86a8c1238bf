"""What makes evidence bundles: the packs in force, the keys of the audit log, the hub's name."""

from collections.abc import Mapping
from importlib import resources

import structlog

from hub.app.audit import checkpoint_keys, checkpointing_of
from hub.app.own_packs import own_pack_files, packs_of
from hub.edge.audit_keys import signing_key
from hub.service.evidence.making import Bundles
from hub.service.evidence.ports import Pack
from hub.service.ports import Clock, Ids, Store
from hub.settings import Settings, wrong


def bundles_of(settings: Settings, store: Store, clock: Clock, ids: Ids) -> Bundles:
    """Over the settings. Raises SettingsError where there is no key to sign with, or the packs cannot be read."""
    keys = checkpoint_keys(settings)
    key = signing_key(settings.keys)
    if key is None:
        raise wrong("KEYS_FOLDER", f"no audit-*.key in {settings.keys}: run `fingerpost keys audit --new`")
    return Bundles(
        store=store,
        clock=clock,
        ids=ids,
        hub=settings.public_url,
        key=key,
        keys=keys,
        packs=_packs(settings),
        checkpoint=checkpointing_of(settings, store, ids, structlog.get_logger()).make,
    )


def _packs(settings: Settings) -> Mapping[str, Pack]:
    """With the text of each, as it was read."""
    delivered = resources.files("routing") / "protocols"
    texts = {pack.name: (delivered / f"{pack.name}.toml") for pack in packs_of(settings).written}
    own = {path.stem: path for path in own_pack_files(settings)}
    return {
        pack.name: Pack(version=pack.version, text=(own.get(pack.name) or texts[pack.name]).read_bytes())
        for pack in packs_of(settings).written
    }
