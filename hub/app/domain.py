"""The services that know what an event means: packs, intake and the clocks."""

from datetime import timedelta

from contacts.areas import Areas
from hub.app.foundations import Domain, Foundations, Log
from hub.app.own_packs import packs_of
from hub.core.events import EpisodeEvent, Invalid, WireRules, parse
from hub.service.agreements.agreeing import Agreeing
from hub.service.agreements.steps import Steps
from hub.service.chasing import Chasing
from hub.service.clockwork import Clockwork
from hub.service.conversations.posting import Posting
from hub.service.conversations.writing import Writing
from hub.service.explaining import Explaining
from hub.service.intake import Intake
from hub.service.keeping import Keeping
from hub.service.ledger import Bookkeeper
from hub.service.outbox import Outbox
from hub.service.resolving.choosing import Choosing
from hub.service.resolving.following import Following
from hub.service.resolving.ground import Ground
from hub.service.resolving.late import Looking
from hub.service.ways import Ways
from routing.packs import Packs


def domain_of(base: Foundations) -> Domain:
    """Intake and clocks over a store. Raises SettingsError with every problem of the packs."""
    packs = packs_of(base.settings)
    rules = wire_rules(packs, base.areas)
    ways = Ways(
        ids=base.ids,
        directory=base.directory,
        secret=base.ack_secret,
        channels=base.channels,
        sandbox=base.settings.sandbox_address,
    )
    book = Bookkeeper(ids=base.ids, ways=ways, packs=packs)
    intake = Intake(
        store=base.store,
        packs=packs,
        areas=base.areas,
        rules=rules,
        directory=base.directory,
        book=book,
        clock=base.clock,
        ids=base.ids,
        digest=base.digest,
        nudge=base.nudge,
    )
    clockwork = Clockwork(
        store=base.store,
        packs=packs,
        areas=base.areas,
        directory=base.directory,
        book=book,
        ids=base.ids,
        digest=base.digest,
        nudge=base.nudge,
        log=_Failures(base.log).episode,
    )
    chasing = Chasing(
        store=base.store,
        packs=packs,
        areas=base.areas,
        ways=ways,
        ids=base.ids,
        nudge=base.nudge,
        log=_Failures(base.log).notice,
    )

    def read(raw: bytes) -> EpisodeEvent | Invalid:
        return parse(raw, rules)

    keep = Keeping(packs=packs, areas=base.areas)
    outbox = Outbox(
        store=base.store,
        clock=base.clock,
        ids=base.ids,
        late=timedelta(seconds=base.settings.overdue_after),
        keep=keep,
        nudge=base.nudge,
    )
    ground = Ground(
        packs=packs,
        areas=base.areas,
        directory=base.directory,
        posting=Posting(ways=ways, packs=packs, directory=base.directory, ids=base.ids),
        ids=base.ids,
        nudge=base.nudge,
    )
    looking = Looking(store=base.store, ground=ground, log=_Failures(base.log).resolution)
    writing = Writing(
        store=base.store,
        ways=ways,
        packs=packs,
        areas=base.areas,
        directory=base.directory,
        clock=base.clock,
        ids=base.ids,
        nudge=base.nudge,
    )
    return Domain(
        following=Following(ground=ground),
        choosing=Choosing(store=base.store, ground=ground, book=book, clock=base.clock),
        look=looking.tick,
        packs=packs,
        book=book,
        parse=read,
        intake=intake,
        take=intake.take,
        tick=clockwork.tick,
        chase=chasing.tick,
        outbox=outbox,
        keep=keep,
        explaining=Explaining(store=base.store, packs=packs, areas=base.areas),
        writing=writing,
        agreeing=Agreeing(writing=writing, steps=Steps.of(book, base.areas, base.directory)),
    )


class _Failures:
    """Logs an episode whose clocks, or a notice whose chase, could not be worked on."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def episode(self, episode: str, error: str) -> None:
        self._log.error("clock.failed", episode=episode, error=error)

    def resolution(self, resolution: str, error: str) -> None:
        self._log.error("resolution.failed", resolution=resolution, error=error)

    def notice(self, notice: str, error: str) -> None:
        self._log.error("chase.failed", notice=notice, error=error)


def wire_rules(packs: Packs, areas: Areas) -> WireRules:
    """What makes an event valid: the areas, and every duty that any pack knows."""
    return WireRules(areas=areas, duties=frozenset(duty.code for pack in packs.packs for duty in pack.duties))
