"""Certificates that end: an alarm with an owner for each step, once over restarts and nodes, and its end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from contacts.directory import Directory
from contacts.model import Certificate
from contacts.scope import part_of
from hub.core.assurance import Ending
from hub.core.records import AlarmRecord
from hub.edge.ids import SeededIds
from hub.service.assurance.certificates import EVERY, NONE, SIGNER, CertificateWatch, Identities
from hub.service.ports import Store
from tests.kit.clock import START
from tests.kit.delivering import Notes
from tests.kit.directory import BROMLEY, certificate_der, small_bundle
from tests.kit.node import Hub

DAY = timedelta(days=1)
UNTIL = START + 60 * DAY
FAR = START + 4000 * DAY
BUNDLE = small_bundle()
FRONT_DOOR = BUNDLE.contacts[0]


def certificate(until: datetime, address: str = FRONT_DOOR.address) -> Certificate:
    der = certificate_der(address, START - 700 * DAY, until)
    return Certificate(address=address, der=der, fingerprint=f"{int(until.timestamp()):064x}"[::-1])


def directory(*certificates: Certificate) -> Directory:
    return Directory.of(replace(BUNDLE, certificates=certificates))


class Watch:
    """One node with a directory that a test may exchange."""

    def __init__(self, store: Store, present: Directory, *, node: str = "1", own: Sequence[Ending] = (),
                 identities: Identities = NONE) -> None:  # fmt: skip
        self.store = store
        self.present = present
        self.problems: tuple[str, ...] = ()
        self.service = CertificateWatch(
            store=store,
            directory=lambda: self.present,
            own=own,
            signer_problems=lambda now: self.problems,
            ids=SeededIds(f"certificates {node}"),
            log=Notes(),
            identities=identities,
        )

    async def at(self, now: datetime) -> list[tuple[str, str]]:
        """Open alarms after a look at that moment: owner and reason."""
        await self.service.tick(now)
        return [(one.owner, one.reason) for one in await self.alarms()]

    async def alarms(self, *, every: bool = False) -> Sequence[AlarmRecord]:
        found = await self.store.read(lambda unit: unit.alarms(open_only=not every))
        return [one for one in found if one.kind in ("certificate_expiring", "signer_unfit")]


def said(days: int) -> list[tuple[str, str]]:
    mark = certificate(UNTIL).fingerprint[:8]
    ends = f"{FRONT_DOOR.id} {mark} ends 2026-04-30 ({days} days)"
    return [(BROMLEY, ends if days else f"{FRONT_DOOR.id} {mark} ended 2026-04-30")]


async def test_each_step_is_one_alarm_of_whose_contact_it_is(hub: Hub) -> None:
    watch = Watch(hub.store, directory(certificate(UNTIL)))
    assert await watch.at(START - EVERY) == []
    for days in (60, 30, 14, 7, 1, 0):
        now = UNTIL - days * DAY
        assert await watch.at(now) == said(days)
        assert await watch.at(now + EVERY) == said(days)
    assert len(await watch.alarms(every=True)) == 6


async def test_neither_restarts_nor_a_second_node_warn_twice(nodes: tuple[Hub, Hub]) -> None:
    first, second = nodes
    present = directory(certificate(UNTIL))
    for number in range(3):
        one = Watch(first.store, present, node=f"a{number}")
        other = Watch(second.store, present, node=f"b{number}")
        assert await one.at(START + 31 * DAY) == await other.at(START + 31 * DAY) == said(30)
    assert len(await one.alarms(every=True)) == 1


async def test_a_hub_that_has_not_read_its_directory_yet_clears_nothing(hub: Hub) -> None:
    """The store was away at the start: until the first refresh only the operator of the settings is known."""
    own = Ending(subject=SIGNER, owner="operator", fingerprint="ab" * 32, until=UNTIL)
    await Watch(hub.store, directory(certificate(UNTIL)), own=[own]).at(START + 31 * DAY)
    restarted = Watch(hub.store, Directory.of(part_of(BUNDLE, "operator")), node="2")
    now = START + 31 * DAY + EVERY
    assert await restarted.at(now) == said(30), "the hub's own has gone, and it knows that"
    restarted.present = directory(certificate(UNTIL))
    assert await restarted.at(now + EVERY) == said(30)
    assert len(await restarted.alarms(every=True)) == 2


async def test_an_alarm_that_was_cleared_by_hand_comes_back_with_the_next_step_only(hub: Hub) -> None:
    watch = Watch(hub.store, directory(certificate(UNTIL)))
    await watch.at(START)
    (alarm,) = await watch.alarms()
    await hub.store.write(lambda unit: unit.clear_alarm(alarm.id, START, []))
    assert await watch.at(START + DAY) == []
    assert await Watch(hub.store, watch.present, node="2").at(START + DAY) == []
    assert await watch.at(START + 30 * DAY) == said(30)


async def test_a_longer_one_clears_it_at_once_and_its_loss_warns_again(hub: Hub) -> None:
    watch = Watch(hub.store, directory(certificate(UNTIL)))
    assert await watch.at(START) == said(60)
    watch.present = directory(certificate(UNTIL), certificate(FAR))
    assert await watch.at(START + timedelta(seconds=30)) == []
    watch.present = directory(certificate(UNTIL))
    assert await watch.at(START + DAY) == said(60)


async def test_the_hubs_own_are_the_operators_and_in_the_figures(hub: Hub) -> None:
    own = Ending(subject=SIGNER, owner="operator", fingerprint="ef" * 32, until=START + 10 * DAY)
    watch = Watch(hub.store, directory(), own=[own, replace(own, fingerprint="aa" * 32, until=FAR)])
    assert watch.service.figures() == {}
    assert await watch.at(START) == [("operator", "hub:signer efefefef ends 2026-03-11 (14 days)")]
    assert watch.service.figures() == {"certificates_expiring": 1, "signer_days_left": 10}
    await watch.at(START + 12 * DAY)
    assert watch.service.figures()["signer_days_left"] == -2


async def test_what_recipients_programs_would_warn_of_is_an_alarm_until_it_is_put_right(hub: Hub) -> None:
    watch = Watch(hub.store, directory())
    watch.problems = ("the signer's certificate does not name the sender's address",)
    assert await watch.at(START) == [("operator", watch.problems[0])]
    assert await watch.at(START + EVERY) == [("operator", watch.problems[0])]
    watch.problems = ()
    assert await watch.at(START + 2 * EVERY) == []
    assert len(await watch.alarms(every=True)) == 1


def naming(key: str | None) -> Directory:
    """The directory in which Bromley signs by this key."""
    changed = (replace(one, signing_identity=key) if one.code == BROMLEY else one for one in BUNDLE.organisations)
    return Directory.of(replace(BUNDLE, organisations=tuple(changed)))


async def test_a_key_that_does_not_sign_in_its_authoritys_name_is_that_ones_alarm(hub: Hub) -> None:
    until = START + 10 * DAY
    keys = Identities(
        ends={"bromley": ("cd" * 32, until)},
        problem=lambda name, now: None if name == "bromley" and now < until else "its certificate has expired",
    )
    watch = Watch(hub.store, naming("bromley"), identities=keys)
    unsigned = f"notices of {BROMLEY} are signed by the hub and not by the key bromley: its certificate has expired"
    assert await watch.at(START) == [(BROMLEY, "hub:signer:bromley cdcdcdcd ends 2026-03-11 (14 days)")]
    ended = await watch.at(until + DAY)
    assert (BROMLEY, unsigned) in ended and len(ended) == 2
    watch.present = Directory.of(part_of(BUNDLE, "operator"))
    assert (BROMLEY, unsigned) in await watch.at(until + 2 * DAY), "a directory that was not read says nothing"
    watch.present = naming(None)
    assert await watch.at(until + 3 * DAY) == []
