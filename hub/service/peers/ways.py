"""Push to another hub: by what is known of it at that moment, and by nothing that stands in the directory.

A contact whose URL is a hub's inbox leads there. The keys are those that two humans compared, whatever certificates the
directory has for the address; and where the hub is not confirmed this way is closed, so that the ladder goes on with
the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from adapters.port import Alert, Content, Deferred, Envelope, Rejected, Result, Transport, Unconfirmed
from hub.core.peers import Peer, common_version, is_inbox
from hub.core.verification import IDS
from hub.service.ports import Store, StoreUnavailable

LONGEST_VIA: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerWay:
    """:class:`adapters.port.Transport`: ``push``, with what is addressed to a hub made fit for it. ``own``: this hub's
    id."""

    push: Transport = field(repr=False)
    store: Store = field(repr=False)
    own: str

    @property
    def channel(self) -> str:
        return self.push.channel

    async def deliver(self, envelope: Envelope, now: datetime) -> Result:
        """Try once. Raises only asyncio.CancelledError."""
        if not is_inbox(envelope.address):
            return await self.push.deliver(envelope, now)
        try:
            known = await self.store.read(lambda unit: unit.peers.all())
        except StoreUnavailable:
            return Deferred(reason="provider_unavailable", detail="what is known of that hub cannot be read now")
        fit = self._fit(envelope, known)
        result = fit if isinstance(fit, Rejected) else await self.push.deliver(fit, now)
        match result:
            case Unconfirmed():  # a hub takes what bears one id once: whether it has come is found out by sending again
                return replace(result, repeatable=True)
            case Deferred():
                return replace(result, lasting=True)
            case _:
                return result

    async def aclose(self) -> None:
        """As of the push."""
        await self.push.aclose()

    def _fit(self, envelope: Envelope, known: Sequence[Peer]) -> Envelope | Rejected:
        """What is sent to the hub whose inbox it is addressed to; else why that way is closed."""
        peer = next((one for one in known if one.said.inbox == envelope.address), None)
        if peer is None:
            return _closed("no hub that is known has this inbox")
        if peer.state != "confirmed":
            return _closed(f"that hub is {peer.state}")
        version = common_version(peer.said.versions)
        if version is None:
            return _closed("that hub speaks no version that this one does")
        if peer.hub in envelope.via or len(envelope.via) >= LONGEST_VIA:
            return _closed("it came from there")
        body = envelope.body
        if isinstance(body, Alert):
            if not envelope.delivery.startswith(IDS):
                return _closed("a hub is sent what is sealed, and no alerts")
            body = Content(subject=body.subject, text=body.text, html="")  # its answer proves that it can open
        return replace(
            envelope,
            body=body,
            certificates=peer.said.keys,
            pinned=peer.said.pinned,
            version=version,
            via=(*envelope.via, self.own),
        )


def _closed(why: str) -> Rejected:
    return Rejected(reason="misconfigured", detail=why)
