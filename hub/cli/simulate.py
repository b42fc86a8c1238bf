"""``fingerpost simulate``: a scenario on a virtual clock. Reads one file, sends nothing, stores nothing."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from hub.app.pack_folder import FolderProblem, packs_beside
from hub.cli.output import ERR, OUT, USAGE, fail, note
from hub.picture.shapes import clean
from hub.picture.sheet import document
from hub.simulate import BadScenario
from hub.simulate import simulate as run
from hub.simulate.lanes import drawing_of
from hub.simulate.story import Line, story
from routing.packs import PackProblem, Packs, load_packs

STYLE: Final = {
    "head": "bold", "notify": "green", "withhold": "yellow", "hold": "yellow", "gap": "red", "suppress": "yellow",
}  # fmt: skip
WIDEST: Final = 110
"""Longer lines are hard to read, however wide the window is."""


def simulate(
    file: Annotated[Path, typer.Argument(help='The scenario (JSON): {"title", "events", "unreachable", "until"}.')],
    as_json: Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")] = False,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE.svg", help="Draw it: recipients, duties, registers.")
    ] = None,
    packs: Annotated[
        Path | None, typer.Option("--packs", metavar="FOLDER", help="With packs of your own beside those delivered.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="PACK:OPTION", help="With an option of a pack turned on; may be repeated."),
    ] = None,
    why: Annotated[bool, typer.Option("--why", help="With the reason and the clause behind every decision.")] = False,
) -> None:
    """Run a scenario: who would be told what, when, why; which duties fall due. Sends nothing."""
    scenario, answer = _run(file, _packs(packs, option or ()))
    if picture is not None:
        try:
            picture.write_text(document(drawing_of(scenario, answer)), "utf-8")
        except OSError as error:
            fail(f"cannot write {picture}: {error.strerror}", USAGE)
        note(f"drawn: {picture}")
    if as_json:
        typer.echo(json.dumps(answer, indent=1, ensure_ascii=False))
    elif picture is None or why:
        for line in story(scenario, answer, why=why):
            _print(line)


def _packs(folder: Path | None, options: Sequence[str]) -> Packs:
    try:
        packs = load_packs() if folder is None else packs_beside(load_packs(), folder)
        return packs.switched(options) if options else packs
    except PackProblem as error:
        fail("; ".join(f"--option {name} is unknown; {said}" for name, said in error.problems), USAGE)
    except FolderProblem as error:
        for path, message in error.problems:
            ERR.print(f"{path or '--packs'}: {message}", style="red", markup=False)
        fail(f"{len(error.problems)} problems.", USAGE)


def _run(file: Path, packs: Packs) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        scenario = json.loads(file.read_bytes())
        return scenario, run(scenario, packs)
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", USAGE)
    except (ValueError, AttributeError) as error:
        fail(f"{file} is not a scenario: {error if isinstance(error, BadScenario) else 'it is not JSON'}", USAGE)


def _print(line: Line) -> None:
    """Broken between words at the width of the window, continued under its own beginning."""
    width = min(OUT.width, WIDEST)
    margin = " " * line.indent
    for text in wrap(
        clean(line.text), width, initial_indent=margin, subsequent_indent=margin + "  ", break_on_hyphens=False
    ) or [""]:
        OUT.print(Text(text, STYLE.get(line.tone, "")))
