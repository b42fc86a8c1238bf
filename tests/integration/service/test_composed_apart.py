"""What another process writes a notice from goes there whole: it writes what would have been written here."""

from datetime import timedelta

from adapters.email.frames import LENGTH, framed, unframed
from adapters.port import Alert, Unwritten, written
from hub.service.envelopes import Composer
from tests.kit.clock import START
from tests.kit.events import found, reported_in_full, updated
from tests.kit.node import ACK_SECRET, Hub


async def test_every_notice_is_written_elsewhere_as_it_would_be_here(hub: Hub) -> None:
    def composer(*apart: str) -> Composer:
        return Composer(
            directory=lambda: hub.directory,
            ack_secret=ACK_SECRET,
            public_url="https://hub.example",
            collect="Ring us.",
            apart=frozenset(apart),
        )

    kinds = set()
    for event in (reported_in_full(), updated(child={"description": "A green coat"}), found()):
        await hub.post(event)
        now = hub.clock.now()
        claimed = await hub.store.write(lambda unit: unit.claim(now, now + timedelta(minutes=5), "node", 1000))  # noqa: B023
        batch = [(composer("email").content(one), START) for one in claimed]
        there = unframed(framed(batch)[LENGTH.size :])
        common: dict[object, object] = {}
        for one, (sent, _), (came, _) in zip(claimed, batch, there, strict=True):
            here = composer().content(one).body
            assert not isinstance(here, Alert | Unwritten)
            assert not isinstance(came.body, Alert)
            assert isinstance(sent.body, Unwritten) == (one.delivery.channel == "email")
            assert written(came.body, common) == here
            kinds.add(one.notice.kind)
    assert kinds >= {"missing", "update", "found"}
