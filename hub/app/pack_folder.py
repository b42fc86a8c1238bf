"""A folder of packs beside those delivered. Reads files; knows nothing of the settings."""

from pathlib import Path

from routing.packs import Pack, PackProblem, Packs, amiss_together, parse_pack


class FolderProblem(ValueError):
    """The folder's packs cannot be used. ``problems`` are all that is wrong, each as (file, message); the file is empty
    where it is the folder, or what is in it cannot be read."""

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{file}: {message}" for file, message in problems))


def packs_beside(delivered: Packs, folder: Path) -> Packs:
    """The packs of a folder beside those delivered, or in place of their namesakes. Raises FolderProblem."""
    found: dict[str, Pack] = {}
    problems: list[tuple[str, str]] = []
    for path in files_of(folder):
        try:
            found[path.stem] = parse_pack(path.stem, path.read_text("utf-8"))
        except PackProblem as error:
            problems.extend(told(error))
        except (OSError, UnicodeError) as error:
            problems.append(("", f"{path} cannot be read as text ({type(error).__name__})"))
    if problems:
        raise FolderProblem(tuple(problems))
    kept = tuple(found.pop(pack.name, pack) for pack in delivered.written)
    packs = (*kept, *found.values())
    if amiss := tuple(amiss_together(packs)):
        raise FolderProblem(tuple((f"{name}.toml", f"{at}: {said}") for name, at, said in amiss))
    return Packs(packs)


def files_of(folder: Path) -> list[Path]:
    """The packs of a folder, by name. Raises FolderProblem if there is no such folder."""
    if not folder.is_dir():
        raise FolderProblem((("", f"there is no folder {folder}"),))
    return sorted(folder.glob("*.toml"))


def told(error: PackProblem) -> tuple[tuple[str, str], ...]:
    """The mistakes of one pack as (file, message)."""
    return tuple((f"{error.pack}.toml", f"{path}: {said}") for path, said in error.problems)
