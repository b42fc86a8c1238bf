"""The packs in force: those delivered, and an operator's own."""

from pathlib import Path

from hub.app.pack_folder import FolderProblem, files_of, packs_beside, told
from hub.settings import PREFIX, Problem, Settings, SettingsError
from routing.packs import PackProblem, Packs, load_packs


def packs_of(settings: Settings) -> Packs:
    """The packs delivered, and the operator's own beside them or in place of their namesakes.

    Raises SettingsError with every problem of every pack.
    """
    try:
        delivered = load_packs()
        return delivered if settings.packs_folder is None else packs_beside(delivered, settings.packs_folder)
    except PackProblem as error:
        raise _refused(told(error)) from None
    except FolderProblem as error:
        raise _refused(error.problems) from None


def own_pack_files(settings: Settings) -> tuple[Path, ...]:
    """The operator's own packs, by name. Raises SettingsError if their folder is not there."""
    try:
        return () if settings.packs_folder is None else tuple(files_of(settings.packs_folder))
    except FolderProblem as error:
        raise _refused(error.problems) from None


def _refused(problems: tuple[tuple[str, str], ...]) -> SettingsError:
    return SettingsError(
        tuple(Problem(setting=file or PREFIX + "PACKS_FOLDER", message=message) for file, message in problems)
    )
