"""The packs in force: those delivered, and an operator's own."""

from pathlib import Path

from hub.settings import PREFIX, Problem, Settings, SettingsError
from routing.packs import Pack, PackProblem, Packs, amiss_together, load_packs, parse_pack


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
    kept = tuple(found.pop(pack.name, pack) for pack in delivered.written)
    packs = (*kept, *found.values())
    if amiss := tuple(amiss_together(packs)):
        raise SettingsError(tuple(Problem(setting=f"{name}.toml", message=f"{at}: {said}") for name, at, said in amiss))
    return Packs(packs)


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
