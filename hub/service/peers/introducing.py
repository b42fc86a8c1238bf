"""Two hubs come to know each other: introduced by one human, confirmed by another, and doubted when keys change.

Nothing is fetched inside a transaction. What was fetched is judged again by the row as it is by then, so that two who
do this at once, or a document that comes late, cannot bring back an older state.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from contacts.roles import OPERATOR
from hub.core.lines import one_line
from hub.core.peers import (
    TRANSITIONS,
    VERSIONS,
    WELL_KNOWN,
    BadIntroduction,
    Introduction,
    Peer,
    Step,
    common_version,
    introduction,
    is_another,
    is_fingerprint,
    same_keys,
    succeeds,
)
from hub.core.records import AlarmRecord, AuditLine
from hub.service.alarms import seen_to
from hub.service.peers.ports import LOCK, Fetch, NotFetched
from hub.service.ports import Clock, Ids, Store, Unit

ALARM: Final = "peer_keys"
LONGEST_NAME: Final = 120
NOTHING_MORE: Final[Mapping[str, str]] = {}
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}", re.ASCII)
AHEAD: Final = timedelta(hours=1)
"""How far the clock of another hub may be before ours."""


class Refused(Exception):
    """It was not done; the text says why and what to do, for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introducing:
    """``own``: this hub's id. ``name`` is always a person's own; ``actor`` theirs in the audit log."""

    store: Store
    fetch: Fetch
    own: str
    clock: Clock
    ids: Ids

    async def known(self) -> Sequence[Peer]:
        """Every one, by the instant of its introduction."""
        return await self.store.read(lambda unit: unit.peers.all())

    async def introduce(self, url: str, name: str, *, actor: str = OPERATOR) -> Peer:
        """Fetch what the hub at ``url`` says of itself, and keep it until a second person confirms. Raises Refused."""
        place, by = document_url(url), named(name)
        document, said = await self._fetched(place)
        if said.hub == self.own:
            raise Refused("That is this hub itself.")
        if common_version(said.versions) is None:
            spoken, ours = (", ".join(map(str, one)) for one in (said.versions, VERSIONS))
            raise Refused(
                f"That hub exchanges by version {spoken}, this one by {ours}: one of them has to be upgraded."
            )
        now = self.clock.now()

        async def write(unit: Unit) -> Peer:
            await unit.lock(LOCK)
            known = await unit.peers.one(said.hub)
            if known is not None:
                raise Refused(f"{known.hub} is known already: it is {known.state}. Refresh it, or remove it first.")
            await self._only_one_called(unit, said)
            peer = Peer(hub=said.hub, url=place, state="introduced", document=document, said=said, put_by=by,
                        introduced_at=now, changed_at=now)  # fmt: skip
            await unit.peers.put(peer)
            await unit.add_audit([self._line("peer.introduced", peer.hub, now, actor)])
            return peer

        return await self.store.write(write)

    async def confirm(
        self, hub: str, typed: str, name: str, organisations: Collection[str], *, actor: str = OPERATOR
    ) -> Peer:
        """Trust it: ``typed`` is the fingerprint that its operator read out; ``organisations``: those here that it may
        send notices for. Raises Refused."""
        by, now, ours = named(name), self.clock.now(), tuple(sorted(set(organisations)))
        if not all(_CODE.fullmatch(one) for one in ours):
            raise Refused("An organisation is given by its code in the directory, such as E09000006.")

        async def write(unit: Unit) -> Peer | str:
            await unit.lock(LOCK)
            peer = await self._known(unit, hub)
            if not is_another(by, peer.put_by):
                return "It has to be confirmed by somebody else than whoever brought it here."
            if not is_fingerprint(peer.said, typed):
                await unit.add_audit([self._line("peer.mismatch", hub, now, actor)])
                return (
                    "That is not its fingerprint. Have it read out again: it stands there under Other hubs, and "
                    "`fingerpost peers self` says it. If it differs still, somebody may stand between the two hubs: "
                    "remove the peer."
                )
            done = await self._step(
                unit, replace(peer, organisations=ours), "confirm", by, now, actor, {"authorities": " ".join(ours)}
            )
            await self._seen_to(unit, hub, now, actor)
            return done

        found = await self.store.write(write)
        if isinstance(found, str):  # outside the transaction, so that the line of it stays
            raise Refused(found)
        return found

    async def suspend(self, hub: str, name: str, *, actor: str = OPERATOR) -> Peer:
        """Take nothing more from it until it is confirmed anew. Raises Refused."""
        by, now = named(name), self.clock.now()

        async def write(unit: Unit) -> Peer:
            await unit.lock(LOCK)
            return await self._step(unit, await self._known(unit, hub), "suspend", by, now, actor)

        return await self.store.write(write)

    async def remove(self, hub: str, name: str, *, actor: str = OPERATOR) -> None:
        """Forget it. Raises Refused."""
        named(name)
        now = self.clock.now()

        async def write(unit: Unit) -> None:
            await unit.lock(LOCK)
            await self._known(unit, hub)
            await unit.peers.remove(hub)
            await self._seen_to(unit, hub, now, actor)
            await unit.add_audit([self._line("peer.removed", hub, now, actor)])

        await self.store.write(write)

    async def refresh(self, hub: str, name: str, *, actor: str = OPERATOR) -> Peer:
        """Fetch anew what it says. New keys are taken over if a known one signed them; else it is confirmed no more,
        and the operator is told. Raises Refused."""
        by = named(name)
        known = await self.store.read(lambda unit: self._known(unit, hub))
        document, said = await self._fetched(known.url)
        now = self.clock.now()

        async def write(unit: Unit) -> Peer:
            await unit.lock(LOCK)
            peer = await self._known(unit, hub)
            if said.hub != hub:
                raise Refused("Another hub answers at its address now. Ask its operator; remove it and introduce it.")
            if peer.state != "introduced" and said.issued < peer.said.issued:
                raise Refused("What came is older than what is known: it was not taken.")
            await self._only_one_called(unit, said)
            same, trusted = same_keys(said, peer.said), peer.state == "confirmed"
            fresh = replace(peer, document=document, said=said)
            if not (same or trusted):  # the fingerprint to compare is that of these keys
                fresh = replace(fresh, put_by=by)
            if same or not trusted or succeeds(document, peer.said, now):
                await unit.peers.put(fresh)
                action = "peer.refreshed" if same else "peer.keys_changed"
                await unit.add_audit([self._line(action, hub, now, actor)])
                return fresh
            alarm = AlarmRecord(id=self.ids.new("al", now), kind=ALARM, owner="operator", reason=hub, raised_at=now)
            await unit.add_alarm(alarm, [self._line("alarm.peer_keys", hub, now, actor)])
            return await self._step(unit, fresh, "doubt", by, now, actor)

        return await self.store.write(write)

    async def _fetched(self, url: str) -> tuple[bytes, Introduction]:
        try:
            document = await self.fetch(url)
            said = introduction(document, self.clock.now())
        except NotFetched as error:
            raise Refused(f"What that hub says of itself could not be fetched: {error}.") from error
        except BadIntroduction as error:
            raise Refused(f"What that hub says of itself cannot be used: {error}.") from error
        if said.issued - self.clock.now() > AHEAD:
            # Taken, it would make every later one look older than what is known.
            raise Refused("What that hub says of itself bears a time to come: one of the two clocks is wrong.")
        return document, said

    async def _known(self, unit: Unit, hub: str) -> Peer:
        peer = await unit.peers.one(hub)
        if peer is None:
            raise Refused(f"There is no peer {hub}: it may have been removed.")
        return peer

    async def _only_one_called(self, unit: Unit, said: Introduction) -> None:
        """Nor have two one inbox: what goes there goes by the first that has it."""
        for other in await unit.peers.all():
            same = said.issuer == other.said.issuer or said.inbox == other.said.inbox
            if same and other.hub != said.hub:
                raise Refused(f"{other.hub} is known by this address already: remove it first.")

    async def _seen_to(self, unit: Unit, hub: str, now: datetime, actor: str) -> None:
        for alarm in await unit.alarms():
            if alarm.kind == ALARM and alarm.reason == hub:
                await seen_to(unit, alarm.id, actor, self.ids, now)

    async def _step(
        self,
        unit: Unit,
        peer: Peer,
        step: Step,
        by: str,
        now: datetime,
        actor: str,
        detail: Mapping[str, str] = NOTHING_MORE,
    ) -> Peer:
        state = TRANSITIONS[peer.state].get(step)
        if state is None:
            raise Refused(f"{peer.hub} is {peer.state}.")
        done = replace(peer, state=state, put_by=by, changed_at=now)
        await unit.peers.put(done)
        await unit.add_audit([self._line(STEPS[step], peer.hub, now, actor, detail)])
        return done

    def _line(
        self, action: str, hub: str, now: datetime, actor: str, detail: Mapping[str, str] = NOTHING_MORE
    ) -> AuditLine:
        return AuditLine(id=self.ids.new("au", now), at=now, actor=actor, action=action, subject=hub, detail=detail)


STEPS: Final[Mapping[Step, str]] = {
    "confirm": "peer.confirmed",
    "suspend": "peer.suspended",
    "doubt": "peer.doubted",
}


def document_url(url: str) -> str:
    """Where a hub's introduction stands: its address alone is enough."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:  # whoever fetches it says what is wrong with it
        return url
    if parts.path in ("", "/"):
        parts = parts._replace(path=WELL_KNOWN)
    return parts.geturl()


def named(name: str) -> str:
    """A person's own name. Raises Refused."""
    line = one_line(name)
    if not line or len(line) > LONGEST_NAME or not any(one.isalpha() for one in line):
        raise Refused("The name is your own, on one line.")
    return line
