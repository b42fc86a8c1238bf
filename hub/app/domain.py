"""The services that know what an event means: packs, intake and the clocks."""

from pathlib import Path

from contacts.areas import Areas
from hub.app.running import Domain, Foundations, Log
from hub.core.events import EpisodeEvent, Invalid, WireRules, parse
from hub.service.clockwork import Clockwork
from hub.service.intake import Intake
from hub.service.ledger import Bookkeeper
from hub.settings import PREFIX, Problem, Settings, SettingsError
from routing.packs import Pack, PackProblem, Packs, load_packs, parse_pack


def domain_of(base: Foundations) -> Domain:
    """Intake and clocks over a store. Raises SettingsError with every problem of the packs."""
    packs = packs_of(base.settings)
    rules = wire_rules(packs, base.areas)
    book = Bookkeeper(ids=base.ids, directory=base.directory, ack_secret=base.ack_secret, channels=base.channels)
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
        log=_Failures(base.log),
    )

    def read(raw: bytes) -> EpisodeEvent | Invalid:
        return parse(raw, rules)

    return Domain(parse=read, intake=intake, tick=clockwork.tick)


class _Failures:
    """Logs an episode whose clocks could not be worked on."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __call__(self, episode: str, error: str) -> None:
        self._log.error("clock.failed", episode=episode, error=error)


def wire_rules(packs: Packs, areas: Areas) -> WireRules:
    """What makes an event valid: the areas, and every duty that any pack knows."""
    return WireRules(areas=areas, duties=frozenset(duty.code for pack in packs.packs for duty in pack.duties))


def packs_of(settings: Settings) -> Packs:
    """The packs delivered, and the operator's own beside them or in place of their namesakes.

    Raises SettingsError with every problem of every pack.
    """
    try:
        delivered = load_packs()
    except PackProblem as error:
        raise SettingsError(_told(error)) from None
    return delivered if settings.packs_folder is None else packs_beside(delivered, settings.packs_folder)


def packs_beside(delivered: Packs, folder: Path) -> Packs:
    """The packs of a folder beside those delivered, or in place of their namesakes. Raises SettingsError."""
    found: dict[str, Pack] = {}
    problems: list[Problem] = []
    for path in _files(folder):
        try:
            found[path.stem] = parse_pack(path.stem, path.read_text("utf-8"))
        except PackProblem as error:
            problems.extend(_told(error))
        except (OSError, UnicodeError) as error:
            problems.append(_problem(f"{path} cannot be read as text ({type(error).__name__})"))
    if problems:
        raise SettingsError(tuple(problems))
    kept = tuple(found.pop(pack.name, pack) for pack in delivered.packs)
    return Packs((*kept, *found.values()))


def own_pack_files(settings: Settings) -> tuple[Path, ...]:
    """The operator's own packs, by name. Raises SettingsError if their folder is not there."""
    return () if settings.packs_folder is None else tuple(_files(settings.packs_folder))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SettingsError((_problem(f"there is no folder {folder}"),))
    return sorted(folder.glob("*.toml"))


def _told(error: PackProblem) -> tuple[Problem, ...]:
    return tuple(Problem(setting=f"{error.pack}.toml", message=f"{path}: {said}") for path, said in error.problems)


def _problem(message: str) -> Problem:
    return Problem(setting=PREFIX + "PACKS_FOLDER", message=message)
