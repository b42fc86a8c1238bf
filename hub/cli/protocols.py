"""``fingerpost protocols``: the packs in force, delivered and your own. What they rest on is in evidence.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from contacts.areas import load_areas
from hub.app.own_packs import own_pack_files, packs_of
from hub.app.pack_rows import IDENTITY, Difference, differences, rows_of
from hub.cli.console import ERR, FAILED, OUT, USAGE, SettingsFile, fail, note, say, settings_or_exit, table
from hub.settings import Settings, SettingsError
from routing.packs import Pack, PackProblem, Packs, amiss_together, load_packs, parse_pack

TITLES: Final = {
    "recipients": "Who is told first",
    "suppressions": "Who is not told",
    "later": "Who else is told later",
    "quiet": "Who is not told of their own deed",
    "told": "Everyone told",
    "duties": "Clocks",
    "thresholds": "Counts",
    "options": "Options",
}
WORDS: Final = {"missing": "when missing", "away": "when away", "when": "if", "unless": "unless"}

app = typer.Typer(no_args_is_help=True, help="The protocol packs: check, list, show, diff, coverage, section.")


@app.callback()
def _protocols() -> None:
    """The protocol packs."""


def packs_or_exit(settings: Settings, status: int = USAGE) -> Packs:
    """The packs in force; every mistake of every pack told at once if there are any."""
    try:
        return packs_of(settings)
    except SettingsError as error:
        for problem in error.problems:
            ERR.print(f"{problem.setting}: {problem.message}", style="red", markup=False)
        fail(f"{len(error.problems)} problems.", status)


@app.command()
def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE|FOLDER]...", help="Packs; default those in force."),
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Check packs, delivered and your own or those given, and tell every mistake of all of them at once."""
    if paths:
        packs = _given(paths)
    else:
        packs = packs_or_exit(settings_or_exit(settings_file), FAILED).written
    rows = table("Pack", "Version", "Recipients", "Duties", "Thresholds", "Options", "Evidence")
    for pack in packs:
        usual = pack.under(())
        sizes = (usual.recipients, usual.duties, usual.thresholds, pack.options, pack.evidence)
        rows.add_row(pack.name, pack.version, *(str(len(rows)) for rows in sizes))
    OUT.print(rows)


@app.command(name="list")
def list_(settings_file: SettingsFile = None) -> None:
    """The packs in force: what they are, whom they apply to, whose they are."""
    settings = settings_or_exit(settings_file)
    packs = packs_or_exit(settings)
    own = {path.stem for path in own_pack_files(settings)}
    delivered = set(load_packs().names)
    for pack in packs.written:
        whose = "delivered" if pack.name not in own else "own, in its place" if pack.name in delivered else "own"
        say(f"{pack.name}, version {pack.version}, {whose}")
        say(f"  {pack.title}")
        say(f"  applies to: {_applies(pack)}")
        if pack.options:
            on = [name for name in pack.options if _turned_on_by(packs.written, pack, name)]
            say(f"  options: {len(pack.options)}, {len(on)} on{': ' if on else ''}{', '.join(on)}")
        if pack.turns_on:
            say(f"  turns on: {', '.join(pack.turns_on)}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The pack's name, or a file.")],
    settings_file: SettingsFile = None,
) -> None:
    """One pack in words: who is told when, which clocks run, on whose authority, with the clause behind each row; then
    its options, and whether they are on."""
    pack, beside = _one(name, settings_file)
    say(f"{pack.title} ({pack.name}, version {pack.version})")
    say(f"applies to: {_applies(pack)}")
    if pack.turns_on:
        say(f"turns on: {', '.join(pack.turns_on)}")
    current = ""
    for (kind, row), values in rows_of(pack).items():
        if kind in ("pack", "evidence"):
            continue
        if kind != current:
            say("")
            say(TITLES[kind])
            current = kind
        if kind != "options":
            _row(pack, kind, row, values, "  ")
        elif row in pack.options:
            _option(pack, row, _turned_on_by(beside, pack, row))
        else:
            of, _, rest = row.partition(": ")[2].partition(" ")
            _row(pack, of, f"{TITLES[of]}: {rest}", values, "    ")


def _row(pack: Pack, table: str, name: str, values: Mapping[str, str], margin: str) -> None:
    say(margin + name)
    for key, value in values.items():
        if key not in (*IDENTITY[table], "rules", "option"):
            say(f"{margin}  {WORDS.get(key, key.replace('_', ' '))}: {value}")
    for rule in values["rules"].split(", "):
        evidence = pack.evidence[rule]
        say(f"{margin}  {rule}, {evidence.source}, {evidence.section}: “{evidence.quote}”")


def _option(pack: Pack, name: str, by: Sequence[str]) -> None:
    said = pack.options[name]
    say(f"  {name}: {'on where ' + ' or '.join(by) + ' applies' if by else 'off'}")
    say(f"    {said.title}")
    if said.ours:
        say(f"    not in the document: {said.ours}")


def _turned_on_by(packs: Sequence[Pack], pack: Pack, option: str) -> list[str]:
    """The packs that turn an option on."""
    return [other.name for other in packs if f"{pack.name}:{option}" in other.turns_on]


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="A pack's name, or a file.")],
    after: Annotated[str, typer.Argument(help="A pack's name, or a file.")],
    settings_file: SettingsFile = None,
) -> None:
    """What AFTER changes over BEFORE, row by row. Exits 1 if there is a difference; a name is the pack in force."""
    (old, _), (new, _) = _one(before, settings_file), _one(after, settings_file)
    found = differences(old, new)
    for difference in found:
        _print(difference)
    if found and old.name == new.name and old.version == new.version:
        note(f"Both say version {old.version}: give the new one a version of its own, as decisions record it.")
    say(f"{len(found)} rows differ.")
    raise typer.Exit(FAILED if found else 0)


def _print(difference: Difference) -> None:
    place = f"{difference.table} {difference.name}"
    match difference.before, difference.after:
        case None, row if row is not None:
            OUT.print(f"+ {place}: {_flat(row)}", style="green", markup=False)
        case row, None if row is not None:
            OUT.print(f"- {place}: {_flat(row)}", style="red", markup=False)
        case old, new if old is not None and new is not None:
            for key in difference.changed:
                said = f"~ {place}, {key}: {old.get(key) or 'not set'} -> {new.get(key) or 'not set'}"
                OUT.print(said, style="yellow", markup=False)


def _flat(row: Mapping[str, str]) -> str:
    return "; ".join(f"{key} {value}" for key, value in row.items())


def _applies(pack: Pack) -> str:
    if pack.applies.always:
        return "every placement"
    areas = load_areas().authorities
    named = [areas[c].name if c in areas else f"codes beginning with {c[:-1]}" for c in pack.applies.authorities]
    return ", ".join([*named, *(kind.replace("_", " ") for kind in pack.applies.placement_types)])


def _one(name: str, settings_file: Path | None) -> tuple[Pack, tuple[Pack, ...]]:
    """A pack by its name among those in force, or out of a file; and all that are in force with it."""
    if name.endswith(".toml"):
        given = _given([Path(name)])
        return given[0], given
    packs = packs_or_exit(settings_or_exit(settings_file))
    found = next((pack for pack in packs.written if pack.name == name), None)
    if found is None:
        fail(f"There is no pack {name}; there are {', '.join(packs.names)}.", USAGE)
    return found, packs.written


def _given(paths: Sequence[Path]) -> tuple[Pack, ...]:
    """The packs in files and folders; every mistake of every one told at once."""
    files = [file for path in paths for file in (sorted(path.glob("*.toml")) if path.is_dir() else [path])]
    packs: list[Pack] = []
    problems: list[str] = []
    for file in files:
        try:
            packs.append(parse_pack(file.stem, file.read_text("utf-8")))
        except PackProblem as error:
            problems += [f"{file}: {path}: {said}" if path else f"{file}: {said}" for path, said in error.problems]
        except (OSError, UnicodeError) as error:
            problems.append(f"{file}: cannot be read as text ({type(error).__name__})")
    names = {pack.name for pack in packs}
    others = [pack for pack in load_packs().written if pack.name not in names]
    problems += [
        f"{name}.toml: {path}: {said}" for name, path, said in amiss_together([*packs, *others]) if name in names
    ]
    for problem in problems:
        ERR.print(problem, style="red", markup=False)
    if problems or not files:
        fail(f"{len(problems)} problems." if files else "There is no pack there (NAME.toml).")
    return tuple(packs)
