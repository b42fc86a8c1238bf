"""A hold of the police, set or lifted where the child is known, stands here likewise: in all that is shown, told and
chased. It is taken with the message that tells of it, or with a notice while it stands: once, whatever order they come
in."""

from dataclasses import replace
from datetime import datetime

from hub.core.holds import Act, standing
from hub.core.peer_holds import Done as Said
from hub.core.peer_holds import overtaken
from hub.core.records import AuditLine, Changes
from hub.service.conversations.audience import standing as standing_episode
from hub.service.holds.ports import Done
from hub.service.ledger import load, wake_at
from hub.service.ports import Ids, Unit


async def keep_hold(unit: Unit, ids: Ids, said: Said, episode: str, source: str, now: datetime) -> None:
    """Keep what the hub ``source`` says that the police did, unless it is here, or something that was done since.
    Within a transaction that its caller began, with the episode's conversations locked."""
    deed, key, stored = said.deed, f"{episode}/{said.deed.number}", await standing_episode(unit, episode)
    if stored is None or await unit.holds.done_as(source, key) is not None:
        return
    record, before = stored.record, await unit.holds.acts(episode)
    if overtaken(deed, said.organisation, before):
        return
    act = Act(
        id=ids.new("ph", now),
        episode=episode,
        number=len(before) + 1,
        kind=deed.kind,
        deed=deed.deed,
        organisation=said.organisation,
        desk=said.desk,
        role=said.role,
        actor=source,
        at=deed.at,
        there=deed.number,
        name=said.name,
    )
    after = standing((*before, act), record.state)
    moved = replace(record, version=record.version + 1, wake_at=wake_at(replace(load(stored), holds=after), now))
    await unit.save(Changes(event=None, episode=moved, expected_version=record.version))
    line = AuditLine(
        id=ids.new("au", now),
        at=now,
        actor=source,
        action="police_hold.set" if deed.deed == "set" else "police_hold.lifted",
        organisation=said.organisation,
        episode=record.id,
        subject=act.id,
        detail={"kind": deed.kind, "told": "0", "via": "hub"},
    )
    await unit.holds.add(Done(act=act, child=record.child, key=key, audit=(line,)))
